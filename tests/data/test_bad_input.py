"""A folder of broken, hostile and awkward files: each costs itself alone, says why, and the good ones are delivered."""

import socket
from pathlib import Path
from typing import Any

import pytest

from vaemusic_jax.data.dataset import SPLITS
from vaemusic_jax.data.prepare import Outcome, prepare_dataset
from vaemusic_jax.data.workers import Limits
from vaemusic_jax.support.progress import no_progress

#: Measures that the README of the folder says are kept.
KEPT = {
    "bom_and_crlf.abc#1": 2,
    "chords_and_overlaps.mid": 1,
    "chords_and_voices.abc#1": 3,
    "drums_only.mid": 0,
    "grace_and_ornaments.abc#1": 3,
    "invalid_utf8.abc#1": 2,
    "meter_changes.mid": 2,
    "meter_changes_inline.abc#1": 2,
    "negative_duration.musicxml": 1,
    "no_notes.abc#1": 0,
    "no_notes.mid": 0,
    "path_traversal.mxl": 1,
    "pickup_and_endings.abc#1": 6,
    "remote_dtd.musicxml": 1,
    "slash_flat_key.musicxml": 1,
    "tempo_zero.mid": 4,
    "thirtysecond_run.mid": 1,
    "ties_across_barlines.abc#1": 4,
    "tuplets_five_in_four.abc#1": 2,
    "undecodable_track_name.mid": 4,
    "utf16.musicxml": 1,
    "waltz_three_four.abc#1": 0,
}
#: Words of the reason why a file is skipped as a whole.
SKIPPED = {
    "divisions_zero.musicxml": "divisions",
    "entity_bomb.musicxml": "entity",
    "external_entity.musicxml": "entity",
    "meter_zero.abc#1": "unit note length",
    "million_notes.mxl": "larger than 32 MiB",
    "nested_ten_thousand.musicxml": "nested",
    "no_key_line.abc#1": "no key field",
    "not_well_formed.musicxml": "not well-formed",
    "ppq_zero.mid": "quarter",
    "smpte_division.mid": "SMPTE",
    "timesig_denominator_2pow255.mid": "time signature",
    "timesig_zero_over_four.mid": "time signature",
    "zero_byte.mid": "",
}


@pytest.fixture(scope="module")
def prepared(shared_data: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[dict[str, Outcome], Any, Path]:
    """The whole folder, read as a user would."""
    folder = tmp_path_factory.mktemp("bad_input")
    found = prepare_dataset(
        "bad", source=shared_data / "bad_input", cache_dir=folder, limits=Limits(seconds=20), progress=no_progress
    )
    return {outcome.name: outcome for outcome in found.outcomes}, found.dataset, folder


def test_good_measures_are_kept(prepared: tuple[dict[str, Outcome], Any, Path]) -> None:
    outcomes, dataset, _ = prepared
    assert {name: len(outcomes[name].parsed.measures) for name in KEPT} == KEPT
    in_splits = sum(len(dataset.split(split)) for split in SPLITS)
    read = sum(len(outcome.parsed.measures) for outcome in outcomes.values())
    outside = dataset.report["measures"]["dropped"]["pitch outside the vocabulary"]
    assert in_splits == dataset.report["measures"]["kept"]
    assert read - outside <= in_splits <= read


def test_bad_files_say_why(prepared: tuple[dict[str, Outcome], Any, Path]) -> None:
    outcomes, _, _ = prepared
    for name, words in SKIPPED.items():
        parsed = outcomes[name].parsed
        assert parsed.unreadable, name
        assert parsed.measures == []
        assert words in parsed.failure
        assert "\n" not in parsed.failure
    assert not [name for name, outcome in outcomes.items() if outcome.parsed.failure.startswith("the reader")]


def test_each_file_is_accounted_for(prepared: tuple[dict[str, Outcome], Any, Path], shared_data: Path) -> None:
    outcomes, dataset, _ = prepared
    files = [path for path in (shared_data / "bad_input").rglob("*") if path.is_file() and path.suffix != ".txt"]
    assert dataset.report["files"]["seen"] == len(files)
    assert {name.partition("#")[0] for name in outcomes} == {
        path.relative_to(shared_data / "bad_input").as_posix() for path in files
    }


def test_awkward_files_are_finished_in_bounds(prepared: tuple[dict[str, Outcome], Any, Path]) -> None:
    outcomes, _, _ = prepared
    assert len(outcomes["two_hundred_thousand_notes.mid"].parsed.measures) in (0, 12_500)
    assert outcomes["note_after_huge_silence.mid"].parsed.written < 20
    assert outcomes["truncated_half.mid"].parsed.unreadable or outcomes["truncated_half.mid"].parsed.written < 1000
    for name in ("one_line_300_kilobytes.abc#1", "absurd_note_lengths.abc#1", "time_zero_over_zero.musicxml"):
        assert outcomes[name].parsed.measures == []


def test_nothing_leaks_and_nothing_is_written_elsewhere(
    prepared: tuple[dict[str, Outcome], Any, Path], shared_data: Path
) -> None:
    outcomes, dataset, folder = prepared
    assert "LEAK-MARKER" not in repr(outcomes) + repr(dataset.report) + repr(dataset.tune_titles)
    for path in folder.iterdir():
        assert b"LEAK-MARKER" not in path.read_bytes()
    assert {path.suffix for path in folder.rglob("*")} == {".npz", ".sqlite", ".json"}
    assert not list(folder.parent.rglob("*escaped*"))
    assert not (shared_data / "escaped_score.xml").exists()


def test_no_reader_opens_a_connection(shared_data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from tests.helpers.reading import parse_file

    def refuse(*args: object, **kwargs: object) -> None:
        raise AssertionError("a connection was opened")

    for name in ("socket", "create_connection", "getaddrinfo"):
        monkeypatch.setattr(socket, name, refuse)
    for name in ("remote_dtd.musicxml", "external_entity.musicxml", "entity_bomb.musicxml"):
        parsed = parse_file("musicxml", (shared_data / "bad_input" / name).read_bytes())
        assert not parsed.failure.startswith("the reader failed")
