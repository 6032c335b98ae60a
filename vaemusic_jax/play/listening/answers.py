"""Files of answers: what pages and simulated listeners write, read back with every fault in one line."""

from __future__ import annotations

import json
import stat
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from vaemusic_jax.errors import UserError
from vaemusic_jax.play.listening.design import Design
from vaemusic_jax.play.listening.items import Item
from vaemusic_jax.play.listening.page import tones_of
from vaemusic_jax.support.terminal import printable

DESIGN = "design.json"
#: The columns of a file, as `answers.js` writes them.
COLUMNS = ("study", "group", "listener", "trial", "kind", "item", "attribute", "answer", "seconds", "plays", "device")
DEVICES = ("headphones", "loudspeakers")
_MOST_BYTES = 5_000_000
_MOST_QUOTED = 40  # letters of a file's text in a message


@dataclass(frozen=True)
class Answers:
    """The answers of all listeners whose files could be read.

    Attributes:
        rows: one row per answer: listener, group, trial, kind, item, answer, seconds, plays, device; of pairs also arm,
            source, attribute, matched, asked, obtained, is_right (whether the measure that should have more was
            chosen) and order (1 if that measure was second, else -1).
        notes: one line for each file, or part of one, that was left out.
    """

    rows: pd.DataFrame
    notes: tuple[str, ...]


def read_design(folder: Path) -> Design:
    """Reads the design of a listening test. Raises UserError if the folder holds none."""
    path = folder / DESIGN
    try:
        return Design.from_plain(json.loads(path.read_text(encoding="utf-8")))
    except OSError as error:
        raise UserError(
            f"{path}: {(error.strerror or str(error)).lower()}; name a folder that `vaemusic listen make` wrote"
        ) from None
    except (ValueError, KeyError, TypeError, IndexError, AttributeError, RecursionError) as error:
        raise UserError(f"{path}: is no design of a listening test: {error}") from None


def read_answers(design: Design, paths: Iterable[Path]) -> Answers:
    """Reads files of answers. What is broken, foreign, a repetition or unfinished is said in one line each.

    Of two files of one listener the one with more answers counts, or the first. An unfinished file is read; whether it
    has enough answers is for the rules of exclusion.

    Args:
        design: the design that the answers are to.
        paths: the files, each of one listener.
    """
    found: dict[str, tuple[str, pd.DataFrame]] = {}
    notes = []
    for path in paths:
        name = printable(str(path)).replace("\n", "\\n")
        try:
            rows = _read_one(design, path)
        except ValueError as error:
            notes.append(f"{name}: left out: {error}")
            continue
        listener = rows["listener"].iloc[0]
        if listener in found:
            other = found[listener]
            left_out, kept = (name, other[0]) if len(rows) <= len(other[1]) else (other[0], name)
            same = "the same answers as" if rows.equals(other[1]) else f"listener {listener} has other answers in"
            notes.append(f"{left_out}: left out: {same} {kept}")
            if kept == name:
                found[listener] = (name, rows)
        else:
            found[listener] = (name, rows)
    for name, rows in found.values():
        n, planned = int((rows["kind"] != "tone").sum()), len(design.groups[rows["group"].iloc[0] - 1])
        if n < planned:
            notes.append(f"{name}: unfinished: {n} of {planned} answers")
    frames = [rows for _, rows in found.values()]
    return Answers(pd.concat(frames, ignore_index=True) if frames else _described(design, []), tuple(notes))


def rows_of(design: Design, answers: Iterable[dict[str, Any]]) -> pd.DataFrame:
    """Returns the rows of `Answers` of answers with listener, group, trial, kind, answer, seconds, plays and device."""
    return _described(design, list(answers))


def to_csv(design: Design, rows: pd.DataFrame) -> str:
    """Returns the file of one listener's rows, as a page writes it."""
    written = rows.assign(study=design.study, seconds=rows["seconds"].map("{:.3f}".format))
    written = written.assign(item=written["item"].map(lambda item: "" if item < 0 else item))
    return written[list(COLUMNS)].to_csv(index=False, lineterminator="\n")


def _read_one(design: Design, path: Path) -> pd.DataFrame:
    """Returns the rows of a file. Raises ValueError that says what is wrong."""
    try:
        about = path.stat()
        if not stat.S_ISREG(about.st_mode):
            raise ValueError("it is no file")
        if about.st_size > _MOST_BYTES:
            raise ValueError("it is too large to be answers of one listener")
        table = pd.read_csv(path, dtype=str, keep_default_na=False, encoding="utf-8")
    except OSError as error:
        raise ValueError((error.strerror or str(error)).lower()) from None
    except (UnicodeError, pd.errors.ParserError, pd.errors.EmptyDataError):
        raise ValueError("it is no CSV file in UTF-8") from None
    if tuple(table.columns) != COLUMNS:
        is_split = len(table.columns) == 1 and ";" in str(table.columns[0])
        hint = "; it is separated by semicolons, as spreadsheets save it, and has to be as the page saved it"
        raise ValueError(f"it has other columns than the file of a listening test{hint * is_split}")
    if not len(table):
        raise ValueError("it has no answers")
    if set(table["study"]) != {design.study}:
        other = next(study for study in table["study"] if study != design.study)
        raise ValueError(f"it is of study {_quoted(other)}, not {design.study}")
    for column in ("listener", "group", "device"):
        if table[column].nunique() != 1:
            raise ValueError(f"it has several values of {column}")
    first = table.iloc[0]
    if not first["listener"].isalnum() or len(first["listener"]) > 32:
        raise ValueError(f"listener {_quoted(first['listener'])} is no code of letters and digits")
    group = _whole(first["group"], "group", 1, len(design.groups))
    if first["device"] not in DEVICES:
        raise ValueError(f"device {_quoted(first['device'])} is none of {', '.join(DEVICES)}")
    answers, seen, plan = [], set(), design.trials(group)
    for line, row in enumerate(table.to_dict("records"), 2):
        try:
            answers.append(_checked(design, plan, {str(name): value for name, value in row.items()}, group))
        except ValueError as error:
            raise ValueError(f"line {line}: {error}") from None
        place = (row["kind"] == "tone", answers[-1]["trial"])
        if place in seen:
            raise ValueError(f"line {line}: trial {answers[-1]['trial']} was answered before")
        seen.add(place)
    return _described(design, answers)


def _checked(design: Design, plan: list[tuple[Item, bool]], row: dict[str, str], group: int) -> dict[str, Any]:
    """Returns a row with its numbers as numbers. Raises ValueError if it is not as the plan of its group."""
    is_tone = row["kind"] == "tone"
    trial = _whole(row["trial"], "trial", 1, len(tones_of(design, group)) if is_tone else len(plan))
    if not is_tone:
        item = plan[trial - 1][0]
        if (row["kind"], row["item"], row["attribute"]) != (item.kind, str(item.id), item.attribute):
            raise ValueError(f"trial {trial} of group {group} is another one")
    most = 3 if is_tone else 7 if row["kind"] == "rating" else 2
    try:
        seconds = float(row["seconds"])
    except ValueError:
        seconds = -1.0
    if not 0 <= seconds < 1e7:
        raise ValueError(f"seconds {_quoted(row['seconds'])} is no number from 0")
    return {
        **{name: row[name] for name in ("listener", "kind", "device")},
        "group": group,
        "trial": trial,
        "answer": _whole(row["answer"], "answer", 1, most),
        "seconds": seconds,
        "plays": _whole(row["plays"], "plays", 1, 99),
    }


def _described(design: Design, answers: list[dict[str, Any]]) -> pd.DataFrame:
    """Returns answers as rows that say what was heard."""
    rows = []
    plans = {group: design.trials(group) for group in {answer["group"] for answer in answers}}
    tones = {group: tones_of(design, group) for group in plans}
    for answer in answers:
        if answer["kind"] == "tone":
            right = tones[answer["group"]][answer["trial"] - 1][0] + 1
            about = {"item": -1, "attribute": "", "is_right": answer["answer"] == right}
        else:
            item, low_first = plans[answer["group"]][answer["trial"] - 1]
            about = {
                "item": item.id,
                **{name: getattr(item, name) for name in _OF_ITEMS},
                "order": 1 if low_first else -1,
                "is_right": (answer["answer"] == 2) == low_first,
            }
        rows.append({**answer, **about})
    return pd.DataFrame(rows, columns=[*_ANSWERED, "item", *_OF_ITEMS, "order", "is_right"])


_ANSWERED = ("listener", "group", "trial", "kind", "answer", "seconds", "plays", "device")
_OF_ITEMS = ("arm", "source", "attribute", "matched", "asked", "obtained")


def _quoted(text: str) -> str:
    """Returns the beginning of a text of a file in quotes, in ASCII."""
    return ascii(text if len(text) <= _MOST_QUOTED else text[:_MOST_QUOTED] + "...")


def _whole(text: str, name: str, least: int, most: int) -> int:
    if not text.isascii() or not text.isdigit() or not least <= int(text[:9]) <= most:
        raise ValueError(f"{name} {_quoted(text)} is no whole number from {least} to {most}")
    return int(text)
