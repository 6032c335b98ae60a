"""Tunes from a table in the layout of The Session's dump: `tunes.csv` or `tunes.json`.

A row is one setting of a tune; its `abc` is the body only, to be read with unit length 1/8, `meter` and `mode`.
"""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterable
from typing import Any

from vaemusic_jax.data.tune_book import TuneText, decode

COLUMNS = {"tune_id", "setting_id", "meter", "mode", "abc"}
# A cell of the csv module is 128 KiB at most unless told; no tune comes near this.
LONGEST_CELL = 10_000_000


def read_session_table(data: bytes, file_name: str) -> list[TuneText] | None:
    """The settings of a table; None when it is no such table.

    Names are `FILE#TUNE.SETTING`; the settings of one tune share their `song`. A row that is no setting becomes a tune
    without text, so that it is counted.
    """
    text = decode(data)
    rows = _json_rows(text) if file_name.lower().endswith(".json") else _csv_rows(text)
    return None if rows is None else [_tune(row, file_name) for row in rows]


def _csv_rows(text: str) -> Iterable[dict[str, Any]] | None:
    csv.field_size_limit(LONGEST_CELL)
    reader = csv.DictReader(io.StringIO(text))
    try:
        return list(reader) if set(reader.fieldnames or ()) >= COLUMNS else None
    except csv.Error:
        return None


def _json_rows(text: str) -> Iterable[Any] | None:
    try:
        rows = json.loads(text)
    except (ValueError, RecursionError):
        return None
    is_table = isinstance(rows, list) and rows and isinstance(rows[0], dict) and rows[0].keys() >= COLUMNS
    return rows if is_table else None


def _is_setting(row: Any) -> bool:
    return isinstance(row, dict) and all(isinstance(row.get(name), str | int) for name in COLUMNS)


def _tune(row: Any, file_name: str) -> TuneText:
    if not _is_setting(row):
        return TuneText(f"{file_name}#?", "")
    tune, setting = str(row["tune_id"]).strip()[:20], str(row["setting_id"]).strip()[:20]
    fields = {"T": row.get("name"), "M": row["meter"], "L": "1/8", "K": row["mode"]}
    header = "".join(f"{letter}:{_one_line(value)}\n" for letter, value in fields.items())
    # a blank line would end the tune, and the setting has no other end than that of its cell
    body = "\n".join(line for line in decode(str(row["abc"]).encode()).split("\n") if line.strip())
    return TuneText(f"{file_name}#{tune}.{setting}", f"X:{tune}\n{header}{body}", song=f"thesession.org/tunes/{tune}")


def _one_line(value: Any) -> str:
    return " ".join(str(value or "").split())
