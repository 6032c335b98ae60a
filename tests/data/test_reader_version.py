"""READER_VERSION names what reading gives: it stays while that stays, and changes when that does.

`fixtures/reading/music` holds small files in every format, made up for this test. `fixtures/reading/golden.json` holds
the version, digests of what each file gives, and the digest of the data set that all of them make.
"""

import hashlib
import json
from pathlib import Path
from typing import Any

import pytest

from vaemusic_jax.data.names import READER_VERSION, version_of
from vaemusic_jax.data.pieces import collect
from vaemusic_jax.data.prepare import prepare_dataset
from vaemusic_jax.data.read_pieces import read_piece
from vaemusic_jax.data.readers.registry import READERS
from vaemusic_jax.data.sources import find_files
from vaemusic_jax.data.tunes import Reading
from vaemusic_jax.support.progress import no_progress

FIXTURES = Path(__file__).parents[1] / "fixtures" / "reading"
READINGS = [Reading("rounded", "melody"), Reading("microtonal", "all")]


def digest_of(what: Any) -> str:
    return hashlib.sha256(json.dumps(what, sort_keys=True).encode()).hexdigest()[:16]


def digests(cache_dir: Path) -> dict[str, str]:
    """Of each file: its pieces and what they give. Of the folder: the data set, and its report."""
    collection = collect(find_files(FIXTURES / "music"), 1)
    given: dict[str, list[Any]] = {}
    for piece in collection.pieces:
        read = [read_piece(piece.kind, piece.content(), reading).to_json() for reading in READINGS]
        given.setdefault(piece.name.partition("#")[0], []).append([piece.name, piece.kind, piece.song, read])
    prepared = prepare_dataset(
        "golden",
        source=FIXTURES / "music",
        reading=READINGS[1],
        cache_dir=cache_dir,
        workers=1,
        progress=no_progress,
    ).dataset
    report = {name: part for name, part in prepared.report.items() if name != "source"}  # which reading does not give
    whole = {"data set": prepared.digest, "report": digest_of(report)}
    return {name: digest_of(pieces) for name, pieces in given.items()} | whole


def test_what_reading_gives_changes_with_the_version_alone(tmp_path: Path) -> None:
    found = {"version": READER_VERSION, "digests": digests(tmp_path)}
    stored = json.loads((FIXTURES / "golden.json").read_text())
    assert found == stored, (
        "reading gives something else than under the stored version: bump READER_VERSION in data/names.py, so that "
        f"users' data are read again, and store the new digests in {FIXTURES / 'golden.json'}:\n"
        f"{json.dumps(found | {'version': stored['version'] + 1}, indent=1)}"
    )


def test_the_files_are_of_every_format_and_mostly_music() -> None:
    pieces = collect(find_files(FIXTURES / "music"), 1).pieces
    assert {piece.kind for piece in pieces} == set(READERS)
    for kind in READERS:
        assert any(read_piece(kind, piece.content(), READINGS[0]).measures for piece in pieces if piece.kind == kind)


def test_embedded_files_are_of_a_version_of_music21_too(monkeypatch: pytest.MonkeyPatch) -> None:
    assert version_of(embedded=False) == str(READER_VERSION)
    assert version_of(embedded=True).split()[:2] == [str(READER_VERSION), "music21"]
    monkeypatch.setattr("vaemusic_jax.data.names.metadata.version", lambda name: "0.1")
    assert version_of(embedded=True) == f"{READER_VERSION} music21 0.1"
