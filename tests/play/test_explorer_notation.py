"""The staff and the piano roll of the explorer page show what measures say, and nothing of it is cut off."""

import re
import xml.etree.ElementTree as ET
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

import vaemusic_jax.play
from tests.helpers.browser import chromium, page_of
from tests.helpers.random_measures import random_tunes
from vaemusic_jax.data.writers.musicxml import measures_to_musicxml
from vaemusic_jax.data.writers.notation import sounds, token_names
from vaemusic_jax.music.grid import GRIDS
from vaemusic_jax.music.vocabulary import HOLD, Vocabulary, pitch_to_midi, spelling
from vaemusic_jax.play.explorer.spec import music_of

if TYPE_CHECKING:
    from playwright.sync_api import Page

SCRIPTS = Path(vaemusic_jax.play.__file__).parent / "explorer"
HIGH = ("G3", "C#4", "D-4", "F4", "F##4", "B--4", "A5", "E-6")
LOW = ("C2", "F#2", "B-2", "D3", "A3")
WIDTH = 700  # pixels
COMMON = Vocabulary.from_pitches([*HIGH, *LOW], room=False)

# What is drawn of every tune: the signs of each note with their places, where bar lines are, and what sticks out.
DRAW = r"""({spec, tunes, options}) => tunes.map((tune) => {
    document.body.innerHTML = staff(spec, tune, options);
    const svg = document.querySelector("svg"), frame = svg.getBoundingClientRect();
    const names = new Map(Object.entries(GLYPHS).map(([name, path]) => [path, name]));
    const signs = (group) => [...group.querySelectorAll("path")].filter((path) => names.has(path.getAttribute("d")));
    const inside = (box) => box.left >= frame.left - 1 && box.right <= frame.right + 1 &&
        box.top >= frame.top && box.bottom <= frame.bottom;
    const place = (path) => path.getAttribute("transform").match(/-?[\d.]+/g).slice(0, 2).map(Number);
    return {
        label: svg.getAttribute("aria-label"), width: frame.width, clef: names.get(signs(svg)[0].getAttribute("d")),
        outside: [...svg.querySelectorAll("path,text")].filter((each) => !inside(each.getBoundingClientRect())).length,
        bars: [...svg.querySelectorAll("path")].filter((path) => path.getAttribute("stroke-width") === "1.4").length,
        notes: [...svg.querySelectorAll(".note")].map((group) => ({
            measure: Number(group.dataset.measure), tick: Number(group.dataset.tick),
            changed: group.classList.contains("changed"), line: [...svg.children].indexOf(group.parentNode),
            signs: signs(group).map((path) => [names.get(path.getAttribute("d")), ...place(path)]),
        })),
    };
})"""


@pytest.fixture(scope="module")
def page() -> Iterator["Page"]:
    names = ("measures.js", "glyphs.js", "notation.js", "roll.js")
    with chromium() as browser, page_of(browser, [SCRIPTS / name for name in names]) as page:
        yield page


def drawn(page: "Page", vocabulary: Vocabulary, tunes: Any, **options: Any) -> list[dict[str, Any]]:
    given = {"spec": music_of(vocabulary), "tunes": tunes, "options": {"width": WIDTH, **options}}
    found: list[dict[str, Any]] = page.evaluate(DRAW, given)
    return found


def heads(note: dict[str, Any]) -> list[list[Any]]:
    return [sign for sign in note["signs"] if sign[0] in ("black", "half", "whole")]


ACCIDENTALS = {"sharp": 1, "flat": -1, "doubleSharp": 2}


@pytest.mark.parametrize("metre", GRIDS)
def test_notes_are_drawn_at_their_pitches_and_in_their_order(page: "Page", metre: str) -> None:
    vocabulary = Vocabulary.from_pitches(HIGH, metre=metre, room=False)
    tunes = random_tunes(vocabulary, 8, seed=3)
    for tune, picture in zip(tunes, drawn(page, vocabulary, tunes), strict=True):
        names = [token_names(measure, vocabulary) for measure in tune]
        wanted = {
            (m, vocabulary.grid.tick_of_onset[sound.onset])
            for m, bar in enumerate(names)
            for sound in sounds(bar, vocabulary.grid)
        }
        assert {(note["measure"], note["tick"]) for note in picture["notes"]} == wanted
        assert (picture["outside"], picture["bars"], picture["clef"]) == (0, len(tune), "treble")
        for note in picture["notes"]:
            name = names[note["measure"]][note["tick"]]
            if name == "rest":
                assert not heads(note)
            elif name != "__":
                letter, octave, _ = spelling(name)
                ((_, _, y),) = heads(note)  # B4 is on the middle line, and a step is half a space of 10
                assert y == 5 * (7 * 4 + 6 - 7 * octave - "CDEFGAB".index(letter))
        by_line = [[note["signs"][0][1] for note in picture["notes"] if note["line"] == line] for line in range(5)]
        assert all(xs == sorted(set(xs)) for xs in by_line)


def test_accidentals_are_those_of_musicxml(page: "Page") -> None:
    vocabulary = Vocabulary.from_pitches(HIGH, room=False)
    tunes = random_tunes(vocabulary, 20, seed=4)
    tunes = [[[2, *measure[1:]] for measure in tune] for tune in tunes]  # nothing is held from before
    alterations = {"natural": 0, "sharp": 1, "double-sharp": 2, "flat": -1, "flat-flat": -2}
    n_signs = 0
    for tune, picture in zip(tunes, drawn(page, vocabulary, tunes), strict=True):
        score = ET.fromstring(measures_to_musicxml(tune, vocabulary))
        expected = [alterations.get(note.findtext("accidental", "")) for note in score.iter("note")]
        shown = []
        for note in picture["notes"]:
            signs = [ACCIDENTALS.get(sign[0], 0) for sign in note["signs"] if sign[0] in (*ACCIDENTALS, "natural")]
            shown.append(sum(signs) if signs else None)
        assert shown == expected
        n_signs += len(shown) - shown.count(None)
    assert n_signs > 100


def test_what_changed_is_marked(page: "Page") -> None:
    first, second = ([COMMON.index("F4"), *[HOLD] * 11, COMMON.index(name), *[HOLD] * 11] for name in ("A5", "G3"))
    (picture,) = drawn(page, COMMON, [[second]], changedFrom=first)
    assert [note["changed"] for note in picture["notes"]] == [False, True]
    assert picture["label"].count("changed") == 1
    (same,) = drawn(page, COMMON, [[first]], changedFrom=first)
    assert not any(note["changed"] for note in same["notes"])


def test_a_hold_continues_the_measure_before(page: "Page") -> None:
    before, held = [COMMON.index("E-6"), *[HOLD] * 23], [HOLD] * 24
    (alone,), (tied,) = drawn(page, COMMON, [[held]]), drawn(page, COMMON, [[held]], previous=before)
    assert [sign[0] for note in alone["notes"] for sign in note["signs"]] == ["blockRest"]
    assert [sign[0] for note in tied["notes"] for sign in note["signs"]] == ["whole", "flat"]
    assert "held from before, whole" in alone["label"]
    assert "held E flat 6, whole" in tied["label"]


def test_low_notes_have_the_bass_clef_and_lines_fit(page: "Page") -> None:
    low = Vocabulary.from_pitches(LOW, room=False)
    (picture,) = drawn(page, low, [[[2, *[HOLD] * 5, 3, *[HOLD] * 5, 4, *[HOLD] * 5, 5, *[HOLD] * 5]] * 8])
    assert picture["clef"] == "bass"
    assert picture["width"] <= WIDTH + 1
    assert len({note["line"] for note in picture["notes"]}) == 2
    assert "E" not in re.findall(r"[A-G](?= )", picture["label"])


def test_the_roll_has_a_bar_for_each_note(page: "Page") -> None:
    tunes = [tune[:1] for tune in random_tunes(COMMON, 20, seed=6)]
    for (measure,) in tunes:
        text = page.evaluate(
            "({spec, measure, other}) => roll(spec, measure, {changedFrom: other})",
            {"spec": music_of(COMMON), "measure": measure, "other": tunes[0][0]},
        )
        bars = [rect.attrib for rect in ET.fromstring(text).iter() if "note" in rect.attrib.get("class", "")]
        notes = [
            (COMMON.grid.tick_of_onset[sound.onset], float(sound.length), pitch_to_midi(sound.token))
            for sound in sounds(token_names(measure, COMMON), COMMON.grid)
            if sound.token not in ("__", "rest")
        ]
        assert [int(bar["data-tick"]) for bar in bars] == [tick for tick, _, _ in notes]
        changed = [measure[tick] != tunes[0][0][tick] for tick, _, _ in notes]
        assert ["changed" in bar["class"] for bar in bars] == changed
        for bar, (_, length, pitch) in zip(bars, notes, strict=True):
            assert float(bar["width"]) == pytest.approx(325 * length / 4 - 1, abs=0.1)
            for other, (_, _, other_pitch) in zip(bars, notes, strict=True):
                assert (float(bar["y"]) < float(other["y"])) == (pitch > other_pitch)
