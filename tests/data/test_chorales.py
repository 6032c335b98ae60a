"""The embedded chorales: which files they are, and that their soprano is read as music21 reads it."""

from fractions import Fraction
from pathlib import Path
from typing import Any

import music21
import pytest

from vaemusic_jax.data.bars import Drop
from vaemusic_jax.data.chorales import chorale_files
from vaemusic_jax.data.readers.musicxml import read_musicxml, read_mxl
from vaemusic_jax.data.readers.musicxml_tree import parse_tree, unpack
from vaemusic_jax.data.tunes import Reading

BACH = Path(music21.__file__).parent / "corpus" / "bach"
FILES = chorale_files(BACH)


def data_of(path: Path) -> bytes:
    """Its MusicXML."""
    return unpack(path.read_bytes()) if path.suffix == ".mxl" else path.read_bytes()


def test_files_are_chosen_by_their_bwv_number(tmp_path: Path) -> None:
    chorales = ["bwv1.6.mxl", "bwv112.5-sc.mxl", "bwv250.mxl", "bwv438.mxl", "bwv67.4.xml"]
    for name in [*chorales, "bwv846.mxl", "bwv250.krn", "x.mxl", "bwv12345.mxl", "bwv.mxl", ".bwv1.6.mxl"]:
        (tmp_path / name).touch()
    assert [path.name for path in chorale_files(tmp_path)] == chorales


def test_chorales_have_their_four_voices() -> None:
    assert len(FILES) > 400
    for path in FILES[::9]:
        root = parse_tree(data_of(path))
        names = [(part.findtext("part-name") or "").strip() for part in root.iterfind("part-list/score-part")]
        for voice in ("Soprano", "Alto", "Tenor", "Bass"):
            assert any(name.startswith(voice) for name in names), (path.name, names)


# A sample, with scores that print instruments above the voices and one whose soprano sings in two voices
SAMPLE = sorted({*FILES[::36], BACH / "bwv1.6.mxl", BACH / "bwv137.5.mxl", BACH / "bwv277.mxl"})


@pytest.mark.parametrize("path", SAMPLE, ids=lambda path: path.stem)
def test_music21_reads_the_same_soprano(path: Path) -> None:
    def theirs(measure: Any) -> list[tuple[Fraction, str | None, bool]]:
        return [
            (
                Fraction(each.offset),
                None if each.isRest else each.pitches[0].nameWithOctave,
                each.tie is not None and each.tie.type != "start",
            )
            for each in measure.recurse().notesAndRests
            if not each.duration.isGrace
        ]

    (tune,) = (read_mxl if path.suffix == ".mxl" else read_musicxml)(path.read_bytes(), Reading())
    (voice,) = tune.voices
    score = music21.converter.parse(path, forceSource=True)
    part = next(part for part in score.getElementsByClass("Part") if (part.partName or "").startswith("Soprano"))
    measures = list(part.getElementsByClass("Measure"))
    assert len(measures) == len(voice)
    metre = None
    for bar, measure in zip(voice, measures, strict=True):
        assert bar.faults <= {Drop.CHORD}
        assert [(event.onset, event.pitch, event.tied) for event in bar.events] == theirs(measure)
        metre = measure.timeSignature or metre
        assert metre is not None
        assert bar.metre == metre.ratioString
        assert bar.length == Fraction(measure.highestTime)
