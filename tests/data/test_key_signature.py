"""Key signatures chosen for measures, in every format that is written."""

import xml.etree.ElementTree as ET

import pytest

from tests.helpers.reading import parse_tune
from vaemusic_jax.data.readers.abc_book import TuneText
from vaemusic_jax.data.readers.abc_fields import parse_key
from vaemusic_jax.data.writers.key_signature import key_signature, major_key
from vaemusic_jax.data.writers.midi import measures_to_midi
from vaemusic_jax.data.writers.musicxml import measures_to_musicxml
from vaemusic_jax.data.writers.notation import measures_to_abc
from vaemusic_jax.music.key_signatures import altered_letters
from vaemusic_jax.music.vocabulary import HOLD_NAME, REST_NAME, Vocabulary

D_MAJOR = "D4 E4 F#4 G4 A4 B4 C#5 D5"
C_MINOR = "C4 D4 E-4 F4 G4 A-4 B-4 C5"


@pytest.mark.parametrize(
    ("names", "fifths"),
    [
        (D_MAJOR, 2),
        (C_MINOR, -3),
        (C_MINOR.replace("B-4", "B4"), -3),  # harmonic minor: all but the B
        ("A4 B4 C5 D5 E5 F5 G#5", 0),  # one note of seven
        ("B-4", -1),
        ("A#4", 5),  # the same key on a piano, another note
        ("F#4 F4", 0),  # no signature agrees with both
        ("F##4 C4", 0),
        ("G-4 G-4 F#4", -5),
        (f"{HOLD_NAME} {REST_NAME}", 0),
        ("B--4 E#4", 6),
    ],
)
def test_the_signature_agrees_with_most_notes_as_they_are_spelled(names: str, fifths: int) -> None:
    assert key_signature([names.split()]) == fifths


def test_names_of_keys_are_those_that_readers_know() -> None:
    for fifths in range(-7, 8):
        assert parse_key(major_key(fifths)) == altered_letters(fifths)
        assert len(altered_letters(fifths)) == abs(fifths)


def tune_of(names: str, metre: str = "4/4") -> tuple[list[list[int]], Vocabulary]:
    """One measure for each pitch."""
    pitches = names.split()
    vocabulary = Vocabulary.from_pitches(pitches, metre=metre, room=False)
    return [[vocabulary.index(name)] + [0] * (vocabulary.grid.n_ticks - 1) for name in pitches], vocabulary


def test_a_scale_is_written_without_accidentals() -> None:
    for names, key, fifths in ((D_MAJOR, "D", 2), (C_MINOR, "Eb", -3)):
        tune, vocabulary = tune_of(names)
        abc = measures_to_abc(tune, vocabulary)
        assert f"K:{key}\n" in abc
        assert not set("^_=") & set(abc)
        root = ET.fromstring(measures_to_musicxml(tune, vocabulary))
        assert root.findtext(".//key/fifths") == str(fifths)
        assert root.find(".//accidental") is None
        assert b"\xff\x59\x02" + (fifths % 256).to_bytes() + b"\x00" in measures_to_midi(tune, vocabulary)


def test_what_disagrees_shows_its_sign_once_in_a_measure() -> None:
    tune, vocabulary = tune_of(f"{D_MAJOR} {D_MAJOR} {D_MAJOR} {D_MAJOR} C5 B-4 F##4")
    c, b, f, high = (vocabulary.index(name) for name in ("C5", "B-4", "F##4", "C#5"))
    tune.append([c, 0, 0, b, 0, 0, c, 0, 0, f, 0, 0, high, 0, 0, c, 0, 0, b] + [0] * 5)
    abc = measures_to_abc(tune, vocabulary)
    assert "K:D\n" in abc
    assert abc.endswith("=c_B c^^F ^c=c B2|\n")
    last = list(ET.fromstring(measures_to_musicxml(tune, vocabulary)).iter("measure"))[-1]
    signs = [note.findtext("accidental") for note in last.iter("note")]
    assert signs == ["natural", "flat", None, "double-sharp", "sharp", "natural", None]


def test_a_tied_note_shows_no_sign_again_but_the_next_one_does() -> None:
    tune, vocabulary = tune_of("C4 C4 C#4")
    sharp = vocabulary.index("C#4")
    tune.append([0] * 6 + [sharp] + [0] * 17)
    measures = list(ET.fromstring(measures_to_musicxml(tune, vocabulary)).iter("measure"))
    assert [note.findtext("accidental") for note in measures[-1].iter("note")] == [None, "sharp"]
    (read,) = {tuple(measure) for measure in parse_tune(TuneText("t", measures_to_abc(tune, vocabulary))).measures[3:]}
    assert read == tuple(vocabulary.tokens[token] for token in tune[-1])


def test_pitches_in_commas_get_no_signature() -> None:
    vocabulary = Vocabulary.from_pitches(["B4-4c", "F5+4c"], room=False)
    tune = [[2] + [0] * 23]
    assert "K:C\n" in measures_to_abc(tune, vocabulary)
    assert b"<key>" not in measures_to_musicxml(tune, vocabulary)
    assert b"\xff\x59" not in measures_to_midi(tune, vocabulary)


@pytest.mark.parametrize(
    ("metre", "events", "bars"),
    [
        ("6/8", {0: "D4", 4: "E4", 8: "F#4", 12: "G4"}, "DEF G3|"),
        ("6/8", {0: "D4", 8: "E4", 20: "F#4"}, "D2E3F|"),  # one note over the beat
        ("9/8", {0: "D4", 12: "E4", 24: "F#4", 28: "G4", 32: "A4"}, "D3 E3 FGA|"),
        ("12/8", {0: "D4", 2: "E4", 4: "F#4", 12: "rest", 24: "G4"}, "D/2E/2F2 z3 G6|"),
        ("9/8", {0: "D4"}, "D6-D3|"),
        ("6/8", {0: "D4", 20: "E4"}, "D3-D2E|"),
        ("6/8", {4: "D4", 7: "rest", 17: "E4"}, "ED3/4zz3/2E7/4|"),
        ("3/4", {0: "D4", 2: "E4", 4: "F#4", 6: "G4", 9: "A4", 12: "B4"}, "(3DEF GA B2|"),
        # A quarter of triplets of sixteenths and two sixteenths, then two eighths
        ("2/4", {0: "D4", 2: "E4", 4: "F#4", 6: "G4", 9: "A4", 12: "B4", 18: "C#5"}, "(3D/2E/2F/2G/2A/2 Bc|"),
        ("2/4", {0: "D4", 4: "F#4", 6: "G4", 12: "B4"}, "(3:2:2DF/2G B2|"),
    ],
)
def test_abc_by_hand_in_other_metres(metre: str, events: dict[int, str], bars: str) -> None:
    tune, vocabulary = tune_of(f"{D_MAJOR} {' '.join(events.values())}".replace(" rest", ""), metre)
    tokens = [0] * vocabulary.grid.n_ticks
    for tick, name in events.items():
        tokens[tick] = vocabulary.index(name)
    abc = measures_to_abc([*tune, tokens], vocabulary)
    assert f"M:{metre}\nL:1/8\nK:D\n" in abc
    assert abc.splitlines()[-1].split("|")[-2] + "|" == bars


def test_beams_join_what_stands_in_one_beat() -> None:
    tune, vocabulary = tune_of("D4 E4", "6/8")
    d, e = 2, 3
    # an eighth, two sixteenths, an eighth; an eighth, a rest, an eighth that is alone
    measure = [d, 0, 0, 0, e, 0, d, 0, e, 0, 0, 0, d, 0, 0, 0, 1, 0, 0, 0, e, 0, 0, 0]
    root = ET.fromstring(measures_to_musicxml([*tune, measure], vocabulary))
    assert (root.findtext(".//time/beats"), root.findtext(".//time/beat-type")) == ("6", "8")
    notes = list(root.iter("measure"))[-1].iter("note")
    assert [[beam.text for beam in note.findall("beam")] for note in notes] == [
        ["begin"],
        ["continue", "begin"],
        ["continue", "end"],
        ["end"],
        [],
        [],
        [],
    ]


def test_triplets_are_bracketed_one_by_one() -> None:
    tune, vocabulary = tune_of("D4 E4", "2/4")
    d, e = 2, 3
    # Two triplets of sixteenths, one of them an eighth and a sixteenth, and a quarter
    measure = [d, 0, e, 0, d, 0, e, 0, 0, 0, d, 0, e, *[0] * 11]
    notes = list(
        list(ET.fromstring(measures_to_musicxml([*tune, measure], vocabulary)).iter("measure"))[-1].iter("note")
    )
    assert [[bracket.get("type") for bracket in note.iter("tuplet")] for note in notes] == [
        ["start"],
        [],
        ["stop"],
        ["start"],
        ["stop"],
        [],
    ]
    assert [note.find("time-modification") is not None for note in notes] == [True] * 5 + [False]
