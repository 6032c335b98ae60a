"""Reads the tunes in a table of the layout of The Session's dump: `tunes.csv` or `tunes.json`.

A row is one setting of a tune; its `abc` is the body only, to be read with unit length 1/8, `meter` and `mode`.
"""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Iterator
from itertools import chain, islice
from typing import Any

from vaemusic_jax.data.readers.abc import read_abc
from vaemusic_jax.data.readers.abc_book import MOST_TUNES, TuneText, decode
from vaemusic_jax.data.readers.reader import Reader
from vaemusic_jax.data.tunes import UnreadableTuneError

COLUMNS = {"tune_id", "setting_id", "meter", "mode", "abc"}
# A cell of the csv module is 128 KiB at most unless told; no tune comes near this.
LONGEST_CELL = 10_000_000
ROWS_TO_LOOK_AT = 20  # for the columns
_SPACE = re.compile(r"\s*")
_COMMA = re.compile(r"\s*,?\s*")


def read_session_table(data: bytes, file_name: str) -> list[TuneText] | None:
    """The settings of a table; None when it is no such table.

    Tunes are named `FILE#TUNE.SETTING`, and the settings of one tune share their `song`. A row that is no setting
    becomes a tune without text, so that it is counted.

    Raises:
        UnreadableTuneError: more rows than `MOST_TUNES`, or a table that breaks off.
    """
    text = decode(data)
    rows = _json_rows(text) if file_name.lower().endswith(".json") else _csv_rows(text)
    first = list(islice(rows, ROWS_TO_LOOK_AT))
    if not any(isinstance(row, dict) and row.keys() >= COLUMNS for row in first):
        return None
    tunes = [_tune(row, file_name) for row in islice(chain(first, rows), MOST_TUNES + 1)]
    if len(tunes) > MOST_TUNES:
        raise UnreadableTuneError(f"more than {MOST_TUNES:,} tunes in one file")
    return tunes


def _csv_rows(text: str) -> Iterator[Any]:
    csv.field_size_limit(LONGEST_CELL)
    reader = csv.DictReader(io.StringIO(text))
    try:
        if set(reader.fieldnames or ()) >= COLUMNS:
            yield from reader
    except csv.Error:
        raise UnreadableTuneError("a table that cannot be read to its end") from None


def _json_rows(text: str) -> Iterator[Any]:
    """Parses the elements of a list one by one, so that a hostile list takes no more memory than its text."""
    decoder = json.JSONDecoder()
    place = _SPACE.match(text).end()  # type: ignore[union-attr]
    if text[place : place + 1] != "[":
        return
    place = _SPACE.match(text, place + 1).end()  # type: ignore[union-attr]
    started = False
    while text[place : place + 1] != "]":
        try:
            row, place = decoder.raw_decode(text, place)
        except (ValueError, RecursionError):
            if started:
                raise UnreadableTuneError("a table that cannot be read to its end") from None
            return
        started = started or (isinstance(row, dict) and row.keys() >= COLUMNS)
        yield row
        place = _COMMA.match(text, place).end()  # type: ignore[union-attr]


def _is_setting(row: Any) -> bool:
    return isinstance(row, dict) and all(isinstance(row.get(name), str | int) for name in COLUMNS)


def _tune(row: Any, file_name: str) -> TuneText:
    if not _is_setting(row):
        return TuneText(f"{file_name}#?", "")
    tune, setting = _one_line(row["tune_id"])[:20], _one_line(row["setting_id"])[:20]
    fields = {"T": row.get("name"), "M": row["meter"], "L": "1/8", "K": row["mode"]}
    header = "".join(f"{letter}:{_one_line(value)}\n" for letter, value in fields.items())
    text = f"X:{tune}\n{header}{_clean(row['abc'])}"
    return TuneText(f"{file_name}#{tune}.{setting}", text, song=f"thesession.org/tunes/{tune}")


def _one_line(value: Any) -> str:
    return " ".join(_clean(value or "").split())


def _clean(value: Any) -> str:
    """Replaces lone surrogates, which JSON can spell and UTF-8 cannot hold."""
    return str(value).encode("utf-8", "replace").decode()


READER = Reader("session", (".csv", ".json"), read_abc, split=read_session_table)
