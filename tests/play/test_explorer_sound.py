"""The explorer page schedules the right notes at the right times, and its tone neither clicks nor is out of tune."""

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

import vaemusic_jax.play
from tests.helpers.browser import chromium, page_of
from vaemusic_jax.music.vocabulary import HOLD, REST, Vocabulary
from vaemusic_jax.play.explorer.spec import music_of

if TYPE_CHECKING:
    from playwright.sync_api import Page

SCRIPTS = Path(vaemusic_jax.play.__file__).parent / "explorer"
SCALE = Vocabulary.from_pitches(["C4", "D4", "E4", "F4"], room=False)
FIRST = [2, *[HOLD] * 5, 3, HOLD, 4, HOLD, 5, HOLD, REST, *[HOLD] * 5, 2, *[HOLD] * 5]
SECOND = [*[HOLD] * 6, REST, *[HOLD] * 5, 4, *[HOLD] * 11]
# in quarters: onset, length, MIDI number; the last note of the first measure is held into the second
BOTH = [(0, 1, 60), (1, 1 / 3, 62), (4 / 3, 1 / 3, 64), (5 / 3, 1 / 3, 65), (3, 2, 60), (6, 2, 64)]

PLAY_TO_THE_END = """({spec, measures, tempo}) => new Promise((resolve, reject) => {
    setTimeout(() => reject(new Error("it plays on and on")), 20000);
    const ticks = [];
    play(spec, measures, {tempo, onTick: (...place) => ticks.push(place), onEnd: () => resolve({scheduled, ticks})});
})"""
# Plays the first measure, then the second, and stops where the third is asked for.
PLAY_ROUND_AND_ROUND = """({spec, rounds, tempo}) => new Promise((resolve, reject) => {
    setTimeout(() => reject(new Error("it plays on and on")), 20000);
    let asked = 0;
    const next = () => {
        asked += 1;
        if (asked > rounds.length) { stop(); resolve(asked); }
        return [rounds[asked % 2]];
    };
    play(spec, next, {tempo, loop: true});
})"""
PLUCK = """({pitch, seconds, rate}) => {
    const context = new OfflineAudioContext(1, rate, rate);
    pluck(context, context.destination, 0.1, seconds, pitch);
    return context.startRendering().then((buffer) => Array.from(buffer.getChannelData(0)));
}"""


@pytest.fixture(scope="module")
def page() -> Iterator["Page"]:
    names = ("measures.js", "writers.js", "sound.js")
    with chromium() as browser, page_of(browser, [SCRIPTS / name for name in names]) as page:
        yield page


def notes(scheduled: list[dict[str, float]], tempo: float) -> list[Any]:
    rows = [(note["onset"] * tempo / 60, note["length"] * tempo / 60, note["pitch"]) for note in scheduled]
    return [pytest.approx(row, abs=1e-6) for row in rows]


def test_no_sound_is_started_by_loading_the_page(page: "Page") -> None:
    assert page.evaluate("player.context === null && scheduled.length === 0 && !isPlaying()")


def test_every_note_is_scheduled_once_at_its_time(page: "Page") -> None:
    given = {"spec": music_of(SCALE), "measures": [FIRST, SECOND], "tempo": 400}
    found = page.evaluate(PLAY_TO_THE_END, given)
    assert notes(found["scheduled"], 400) == BOTH
    assert found["ticks"] == sorted(found["ticks"])
    assert {measure for measure, _ in found["ticks"]} == {0, 1}
    assert not page.evaluate("isPlaying()")


def test_a_loop_asks_for_the_measures_of_each_round_and_stops(page: "Page") -> None:
    given = {"spec": music_of(SCALE), "rounds": [SECOND, FIRST], "tempo": 900}
    page.evaluate(PLAY_ROUND_AND_ROUND, given)
    page.wait_for_timeout(200)
    # Nothing is held from one round into the next.
    assert notes(page.evaluate("scheduled"), 900) == [*BOTH[:4], (3, 1, 60), (6, 2, 64)]
    assert not page.evaluate("isPlaying()")


@pytest.mark.parametrize(("pitch", "seconds"), [(69, 0.5), (45, 0.3), (96, 0.02), (61.5, 0.1)])
def test_a_tone_has_its_pitch_and_does_not_click(page: "Page", pitch: float, seconds: float) -> None:
    rate = 22_050
    samples = np.array(page.evaluate(PLUCK, {"pitch": pitch, "seconds": seconds, "rate": rate}))
    first, last = int(0.1 * rate), int((0.1 + seconds) * rate)
    assert 0.05 < np.abs(samples).max() < 0.9
    assert not samples[:first].any()
    assert np.abs(samples[last + int(0.06 * rate) :]).max() < 1e-3
    # No sample is farther from the next than in a tone of full strength with three harmonics in step.
    frequency = 440 * 2 ** ((pitch - 69) / 12)
    assert np.abs(np.diff(samples)).max() < 3 * 0.9 * 2 * np.pi * frequency / rate
    spectrum = np.abs(np.fft.rfft(samples * np.hanning(len(samples)), 4 * rate))
    assert spectrum.argmax() / 4 == pytest.approx(frequency, rel=0.03 if seconds < 0.1 else 0.01)
