"""What the explorer page saves is what the package's writers write, byte for byte, in every metre."""

import base64
import io
import json
import wave
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

import vaemusic_jax
import vaemusic_jax.play
from tests.helpers.browser import chromium, page_of
from tests.helpers.random_measures import Tunes, random_tunes
from vaemusic_jax.data.writers.midi import measures_to_midi
from vaemusic_jax.data.writers.musicxml import measures_to_musicxml
from vaemusic_jax.data.writers.notation import measures_to_abc
from vaemusic_jax.data.writers.wav import measures_to_wav
from vaemusic_jax.music.grid import GRIDS
from vaemusic_jax.music.vocabulary import Vocabulary
from vaemusic_jax.play.explorer.spec import music_of

if TYPE_CHECKING:
    from playwright.sync_api import Page

SCRIPTS = Path(vaemusic_jax.play.__file__).parent / "explorer"
IRISH = vaemusic_jax.load("irish-measure-32").vocabulary.tokens[2:]
BACH = vaemusic_jax.load("bach-measure-32").vocabulary.tokens[2:]
COMMAS = ("A4", "B4-4c", "C5", "D5", "F5+1c", "G5+4c", "E5-5c", "B4-1c", "F5+5c", "G5+8c")
TITLE = "A < B & C"
N_TUNES = 12

# Writes every tune in some formats; bytes travel in base64.
WRITE = """({spec, tunes, suffixes, options}) => tunes.map((tune) => suffixes.map((suffix) => {
    const content = WRITERS[suffix].write(spec, tune, options);
    if (typeof content === "string") return content;
    return btoa(Array.from(content, (each) => String.fromCharCode(each)).join(""));
}))"""


@pytest.fixture(scope="module")
def page() -> Iterator["Page"]:
    with chromium() as browser, page_of(browser, [SCRIPTS / "measures.js", SCRIPTS / "writers.js"]) as page:
        yield page


def written(
    page: "Page", vocabulary: Vocabulary, tunes: Tunes, suffixes: tuple[str, ...], **options: Any
) -> list[list[str]]:
    """The content of every tune's files, those of bytes in base64."""
    given = {"spec": music_of(vocabulary), "tunes": tunes, "suffixes": suffixes, "options": options}
    contents: list[list[str]] = page.evaluate(WRITE, given)
    return contents


def samples(data: bytes) -> np.ndarray:
    with wave.open(io.BytesIO(data)) as file:
        assert (file.getnchannels(), file.getsampwidth(), file.getframerate()) == (1, 2, 22_050)
        return np.frombuffer(file.readframes(file.getnframes()), "<i2").astype(int)


def vocabularies() -> Iterator[Vocabulary]:
    for metre in GRIDS:
        for pitches in (IRISH, BACH, COMMAS):
            yield Vocabulary.from_pitches(pitches, metre=metre, room=False)


def test_texts_and_midi_are_those_of_the_package(page: "Page") -> None:
    for seed, vocabulary in enumerate(vocabularies()):
        tunes, tempo = random_tunes(vocabulary, N_TUNES, seed), (120.0, 97.3, 60.1)[seed % 3]
        files = written(page, vocabulary, tunes, ("abc", "musicxml", "mid", "json"), title=TITLE, tempo=tempo)
        for tune, (abc, musicxml, midi, plain) in zip(tunes, files, strict=True):
            assert abc == measures_to_abc(tune, vocabulary, title=TITLE)
            assert musicxml == measures_to_musicxml(tune, vocabulary, title=TITLE).decode()
            assert base64.b64decode(midi) == measures_to_midi(tune, vocabulary, tempo=tempo)
            names = [{"tokens": [vocabulary.tokens[token] for token in measure]} for measure in tune]
            assert json.loads(plain) == {"metre": vocabulary.metre, "measures": names}


@pytest.mark.parametrize(("pitches", "key"), [(("F#4", "B-4"), "G"), (("C#5", "E-5"), "D"), (("D-5", "D#5"), "E")])
def test_of_equal_key_signatures_that_of_sharps_is_chosen(page: "Page", pitches: tuple[str, ...], key: str) -> None:
    vocabulary = Vocabulary.from_pitches(pitches, room=False)
    ((abc,),) = written(page, vocabulary, [[[2, 3] * 12]], ("abc",))
    assert f"\nK:{key}\n" in abc


def test_sound_is_that_of_the_package(page: "Page") -> None:
    high = Vocabulary.from_pitches(["E7", "C8"], room=False)  # some of their harmonics cannot be heard at this rate
    for seed, vocabulary in enumerate([high, *vocabularies()]):
        tunes, tempo = random_tunes(vocabulary, 1, seed), (240.0, 397.3)[seed % 2]
        ((wav,),) = written(page, vocabulary, tunes, ("wav",), tempo=tempo)
        content, expected = base64.b64decode(wav), measures_to_wav(tunes[0], vocabulary, tempo=tempo)
        assert content[:44] == expected[:44]
        # Sines of a browser may differ from numpy's in the last bit, and then be rounded another way.
        difference = np.abs(samples(content) - samples(expected))
        assert difference.max(initial=0) <= 1
        assert (difference > 0).mean() < 1e-3


@pytest.mark.parametrize(("suffix", "pitch"), [("abc", "C###4"), ("mid", "B9"), ("musicxml", "F5+2c")])
def test_what_a_format_cannot_express_is_refused(page: "Page", suffix: str, pitch: str) -> None:
    vocabulary = Vocabulary.from_pitches([pitch], room=False)
    with pytest.raises(Exception, match="RangeError"):
        written(page, vocabulary, [[[2] * 24]], (suffix,))
