"""Files to pieces: tune books, tables in The Session's layout, versions of songs."""

import csv
import io
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.helpers.reading import parse_tune
from vaemusic_jax.data.pieces import NO_ACCESS, Collection, collect
from vaemusic_jax.data.readers.session_table import read_session_table
from vaemusic_jax.data.song_names import song_of
from vaemusic_jax.data.sources import SAME_PIECE, find_files

BODY = 'A3B "Am"A2GE|A2GA BddB|\r\n\r\nA3B AGEF|'
ROWS = [
    {
        "tune_id": "1",
        "setting_id": "10",
        "name": 'The "First", or Other',
        "type": "reel",
        "meter": "4/4",
        "mode": "Dmajor",
        "abc": BODY,
        "date": "2001-01-01 00:00:00",
        "username": "x",
        "composer": "",
    },
    {
        "tune_id": "2",
        "setting_id": "20",
        "name": "Second",
        "type": "reel",
        "meter": "4/4",
        "mode": "Gmajor",
        "abc": "f8|",
        "date": "",
        "username": "",
        "composer": "",
    },
]
ROWS.append(ROWS[0] | {"setting_id": "11", "mode": "Ddorian"})


def as_csv(rows: list[dict[str, Any]]) -> bytes:
    text = io.StringIO()
    writer = csv.DictWriter(text, list(rows[0]))
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue().encode()


def as_json(rows: list[dict[str, Any]]) -> bytes:
    return json.dumps(rows).encode()


FORMATS: dict[str, Callable[[list[dict[str, Any]]], bytes]] = {"tunes.csv": as_csv, "tunes.json": as_json}


@pytest.mark.parametrize("name", FORMATS)
def test_a_setting_is_a_tune_in_its_own_metre_mode_and_eighths(name: str) -> None:
    tunes = read_session_table(FORMATS[name](ROWS), name)
    assert tunes is not None
    assert [tune.name for tune in tunes] == [f"{name}#1.10", f"{name}#2.20", f"{name}#1.11"]
    assert tunes[0].song == tunes[2].song != tunes[1].song
    first, second, third = map(parse_tune, tunes)
    assert first.title == 'The "First", or Other'
    assert [measure[0] for measure in first.measures] == ["A4"] * 3  # a blank line does not end it
    assert first.measures[2][18:] == ("E4", "__", "__", "F#4", "__", "__")
    assert third.measures[2][18:] == ("E4", "__", "__", "F4", "__", "__")  # D dorian has no sharp
    assert second.measures == [("F#5", *["__"] * 23)]


@pytest.mark.parametrize(
    ("name", "data"),
    [
        ("aliases.csv", b"tune_id,alias,name\n1,a,b\n"),
        ("empty.csv", b""),
        ("rubbish.csv", b'\x00\xff"' * 100),
        ("broken.json", b"[{"),
        ("not_quite.json", b'[{"tune_id": "1"'),
        ("semicolons.csv", b"tune_id;setting_id;meter;mode;abc\n1;2;4/4;C;C8\n"),
        ("deep.json", b"[" * 100_000),
        ("object.json", b'{"tune_id": 1}'),
        ("empty.json", b"[]"),
        ("numbers.json", b"[1, 2]"),
    ],
)
def test_other_tables_are_no_music(name: str, data: bytes) -> None:
    assert read_session_table(data, name) is None


def test_a_row_that_is_no_setting_costs_no_other() -> None:
    rows = [ROWS[0], 5, {"tune_id": 3}, ROWS[0] | {"abc": None}, ROWS[1]]
    tunes = read_session_table(as_json(rows), "tunes.json")  # type: ignore[arg-type]
    assert tunes is not None
    assert [bool(parse_tune(tune).measures) for tune in tunes] == [True, False, False, False, True]


def test_an_odd_first_row_and_odd_characters_cost_their_own_row_alone() -> None:
    rows = [{"x": 1}, ROWS[0], ROWS[1] | {"abc": "\ud800f8|", "name": "\ud800"}]
    tunes = read_session_table(as_json(rows), "tunes.json")  # type: ignore[arg-type]
    assert tunes is not None
    assert [len(parse_tune(tune).measures) for tune in tunes] == [0, 3, 0]
    for tune in tunes:
        (tune.name + tune.text + tune.song).encode()


def test_a_table_that_breaks_off_says_so(tmp_path: Path) -> None:
    whole = as_json(ROWS)
    (tmp_path / "tunes.json").write_bytes(whole[: len(whole) // 2])
    assert collected(tmp_path).dropped == [("tunes.json", "a table that cannot be read to its end")]


@pytest.mark.parametrize(
    ("name", "data"),
    [
        ("many.abc", b"X:1\n" * 1001),
        ("many.csv", b"tune_id,setting_id,meter,mode,abc\n" + b"1\n" * 1001),
        ("many.json", as_json(ROWS)[:-1] + b",{}" * 1001 + b"]"),
    ],
)
def test_more_tunes_than_a_file_may_have(
    name: str, data: bytes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for module in ("abc_book", "session_table"):
        monkeypatch.setattr(f"vaemusic_jax.data.readers.{module}.MOST_TUNES", 1000)
    (tmp_path / name).write_bytes(data)
    (tmp_path / "fine.abc").write_text("X:1\nK:C\nC8|")
    collection = collected(tmp_path)
    assert [piece.name for piece in collection.pieces] == ["fine.abc#1"]
    assert collection.dropped == [(name, "more than 1,000 tunes in one file")]


def collected(folder: Path, **options: int) -> Collection:
    return collect(find_files(folder), options.get("max_mebibytes", 64))


def test_both_tables_of_the_dump_give_each_setting_once(tmp_path: Path) -> None:
    for name, form in FORMATS.items():
        folder = tmp_path / name.rpartition(".")[2]
        folder.mkdir()
        (folder / name).write_bytes(form(ROWS))
        (folder / f"sets{Path(name).suffix}").write_bytes(form([{"tuneset": 1}]))
    collection = collected(tmp_path)
    assert [piece.name for piece in collection.pieces] == [f"csv/tunes.csv#{n}" for n in ("1.10", "2.20", "1.11")]
    assert collection.dropped == [("json/tunes.json", SAME_PIECE)]
    assert (collection.n_files, collection.others) == (2, {".csv": 1, ".json": 1})


def test_repeated_names_stay_apart(tmp_path: Path) -> None:
    (tmp_path / "tunes.csv").write_bytes(as_csv([ROWS[0], ROWS[0] | {"setting_id": "", "tune_id": ""}] * 2))
    names = [piece.name for piece in collected(tmp_path).pieces]
    assert len(set(names)) == len(names) == 4


def test_the_sample_table_gives_what_the_tune_book_gives(shared_data: Path) -> None:
    tables = [
        read_session_table(path.read_bytes(), path.name)
        for path in sorted((shared_data / "irish_folk_session_layout").rglob("tunes.*"))
    ]
    in_csv, in_json = [[parse_tune(tune) for tune in table or ()] for table in tables]
    assert len(in_csv) == 300
    assert in_csv == in_json
    book = collected(shared_data / "irish_folk").pieces
    by_title = {
        (tune.title, measure)
        for tune in (parse_tune(piece) for piece in book if piece.text is not None)  # type: ignore[arg-type]
        for measure in tune.measures
    }
    measures = [(tune.title, measure) for tune in in_csv for measure in tune.measures]
    assert len(measures) > 1700
    assert set(measures) <= by_title


def test_files_that_give_no_piece(tmp_path: Path) -> None:
    (tmp_path / "empty.abc").write_text("\n")
    (tmp_path / "large.mid").write_bytes(b"x" * (2**20 + 1))
    (tmp_path / "notes.txt").write_text("no music")
    (tmp_path / "fine.abc").write_text("X:1\nK:C\nC8|")
    collection = collected(tmp_path, max_mebibytes=1)
    assert [piece.name for piece in collection.pieces] == ["fine.abc#1"]
    assert collection.dropped == [("empty.abc", "no tune in it"), ("large.mid", "larger than 1 MiB")]
    assert (collection.n_files, collection.others) == (3, {".txt": 1})


def test_a_file_that_is_gone_costs_no_other(tmp_path: Path) -> None:
    for name in ("a.abc", "b.abc"):
        (tmp_path / name).write_text("X:1\nK:C\nC8|")
    found = find_files(tmp_path)
    (tmp_path / "a.abc").unlink()
    collection = collect(found, 64)
    assert [piece.name for piece in collection.pieces] == ["b.abc#1"]
    assert collection.dropped == [("a.abc", NO_ACCESS)]


@pytest.mark.parametrize(
    ("name", "song"),
    [
        ("Artist/Title.mid", "Artist/Title"),
        ("Artist/Title.1.mid", "Artist/Title"),
        ("Artist/Title.12.MID", "Artist/Title"),
        ("Artist/No. 1.mid", "Artist/No. 1"),
        ("Artist/1.2.3.mid", "Artist/1.2"),
        ("Other/Title.mid", "Other/Title"),
    ],
)
def test_versions_of_a_song(name: str, song: str) -> None:
    assert song_of(name) == song
