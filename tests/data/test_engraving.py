"""Engraved measures show every note."""

import re

import pytest

from vaemusic_jax.music.vocabulary import HOLD, REST, Vocabulary

pytest.importorskip("verovio")


@pytest.mark.parametrize(
    "events",
    [
        {0: "D4", 4: "F#4", 6: "G4"},  # a quarter and an eighth in a triplet
        {0: "D4", 2: "F#4", 6: "G4"},
        {0: "D4", 2: "F#4", 4: "G4", 6: "D4"},
        {0: "D4", 1: "F#4", 7: "G4", 20: "D4"},
    ],
)
@pytest.mark.parametrize("metre", ["4/4", "2/4", "6/8"])
def test_every_note_is_drawn(metre: str, events: dict[int, str]) -> None:
    from vaemusic_jax.data.writers.engraving import engrave_measure, engrave_measures

    vocabulary = Vocabulary.from_pitches(["D4", "F#4", "G4"], metre=metre, room=False)
    tokens = [HOLD] * vocabulary.grid.n_ticks
    for tick, name in events.items():
        tokens[tick] = vocabulary.index(name)
    for svg in (engrave_measure(tokens, vocabulary), *engrave_measures([tokens], vocabulary)):
        n_notes = len(re.findall('class="note"', svg)) - len(re.findall('class="tie"', svg))
        assert n_notes == len(events)


def test_a_measure_that_only_holds_shows_no_note() -> None:
    from vaemusic_jax.data.writers.engraving import engrave_measure

    vocabulary = Vocabulary.from_pitches(["D4"], room=False)
    assert 'class="note"' not in engrave_measure([HOLD] * 24, vocabulary)
    assert 'class="note"' not in engrave_measure([HOLD] * 6 + [REST] + [HOLD] * 17, vocabulary)
