"""`save_measures`: the suffix says the format, and what cannot be saved is said in one line."""

from pathlib import Path

import numpy as np
import pytest

from vaemusic_jax.data.writers.midi import measures_to_midi
from vaemusic_jax.data.writers.musicxml import measures_to_musicxml
from vaemusic_jax.data.writers.notation import measures_to_abc
from vaemusic_jax.data.writers.save import save_measures
from vaemusic_jax.data.writers.wav import measures_to_wav
from vaemusic_jax.errors import UserError
from vaemusic_jax.music.vocabulary import Vocabulary

JIGS = Vocabulary.from_pitches(["D4", "G5"], metre="6/8")
NOTE = ("D4", *["__"] * 23)


def test_the_suffix_says_the_format(tmp_path: Path) -> None:
    tokens = np.random.default_rng(0).integers(0, len(JIGS), (3, 24))
    expected = {
        "a.abc": measures_to_abc(tokens, JIGS, title="Mine : two lines").encode(),
        "a.MID": measures_to_midi(tokens, JIGS, tempo=90),
        "a.musicxml": measures_to_musicxml(tokens, JIGS, title="Mine : two lines"),
        "a.wav": measures_to_wav(tokens, JIGS, tempo=90),
    }
    names = [[JIGS.tokens[token] for token in row] for row in tokens]
    for name, content in expected.items():
        for measures in (tokens, tokens.tolist(), names, list(tokens)):
            save_measures(measures, tmp_path / name, JIGS, title="Mine :\ntwo lines", tempo=90)
            assert (tmp_path / name).read_bytes() == content


def test_one_measure_and_names_without_a_vocabulary(tmp_path: Path) -> None:
    save_measures(NOTE, tmp_path / "a.abc", metre="6/8")
    assert (tmp_path / "a.abc").read_text() == "X:1\nT:\nM:6/8\nL:1/8\nK:C\nD6|\n"
    save_measures(np.array(NOTE), tmp_path / "b.abc")
    assert "M:4/4\n" in (tmp_path / "b.abc").read_text()


@pytest.mark.parametrize(
    ("measures", "name", "options", "message"),
    [
        (
            NOTE,
            "a.pdf",
            {},
            r"a.pdf: the suffix says no format that can be written; use one of .abc .mid .musicxml .wav",
        ),
        (NOTE, "a", {}, "the suffix says no format"),
        (NOTE, "", {}, "the suffix says no format"),
        (NOTE, "none/a.mid", {}, r"none/a.mid: cannot be written: no such file or directory"),
        (NOTE, "folder.mid", {}, r"folder.mid: cannot be written: is a directory"),
        (NOTE, "a\0.mid", {}, "no file can have such a name"),
        (NOTE, "a.mid", {"metre": "5/4"}, "a.mid: metre: '5/4' is none of 4/4, 3/4"),
        (NOTE, "a.mid", {"metre": "4/4", "vocabulary": JIGS}, "metre: 4/4, but the vocabulary has measures in 6/8"),
        (NOTE, "a.mid", {"tempo": 0}, "a.mid: tempo 0.*: MIDI has 4 to 1000"),
        (NOTE, "a.wav", {"tempo": float("nan")}, "a.wav: tempo nan"),
        (NOTE, "a.mid", {"metre": "9/8"}, "a.mid: measure 1 has 24 tokens; one in 9/8 has 36"),
        ([NOTE, NOTE[1:]], "a.mid", {}, "measure 2 has 23 tokens; one in 4/4 has 24"),
        ([], "a.mid", {}, "a.mid: there are no measures"),
        ([[]], "a.mid", {}, "measure 1 has 0 tokens"),
        (5, "a.mid", {}, "a.mid: measures are an array"),
        ([NOTE, 5], "a.mid", {}, "some measures are no lists of tokens"),
        (None, "a.mid", {}, "a.mid: measures are an array"),
        ([("H4", *NOTE[1:])], "a.mid", {}, "a.mid: 'H4' is not a spelled pitch"),
        ([("B4-xc", *NOTE[1:])], "a.mid", {}, "a.mid: 'B4-xc' is not a pitch with commas"),
        ([[2] * 24], "a.mid", {}, "a.mid: without a vocabulary the tokens of measures are names"),
        ([[2] * 23 + [99]], "a.mid", {"vocabulary": JIGS}, "a.mid: measure 1: 99 is no token of the vocabulary"),
        ([[-1] * 24], "a.mid", {"vocabulary": JIGS}, "measure 1: -1 is no token"),
        (np.full((1, 24), 2.0), "a.mid", {"vocabulary": JIGS}, "measure 1: 2.0 is no token"),
        (np.zeros((1, 1, 24), int), "a.mid", {"vocabulary": JIGS}, "measure 1 has 1 tokens; one in 6/8 has 24"),
        ([("A9", *NOTE[1:])], "a.mid", {}, "a.mid: a pitch of MIDI number 129"),
        ([("F###4", *NOTE[1:])], "a.abc", {}, "a.abc: 'F###4': ABC has no sign for 3 semitones"),
        ([("B4-2c", *NOTE[1:])], "a.musicxml", {}, "a.musicxml: 'B4-2c': MusicXML has no accidental for 2 commas"),
    ],
)
def test_what_cannot_be_saved_is_said_in_one_line(
    measures: object,
    name: str,
    options: dict[str, object],
    message: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("folder.mid").mkdir()
    for old in ("a.mid", "a.abc", "a.wav", "a.musicxml"):
        Path(old).write_text("as before")
    with pytest.raises(UserError, match=message) as refused:
        save_measures(measures, name, **options)  # type: ignore[arg-type]
    assert "\n" not in str(refused.value)
    assert {path.read_text() for path in tmp_path.glob("a.*")} == {"as before"}
    assert list(tmp_path.glob(".*")) == []
