"""Measures as sound: the right pitches at the right times, without clicks."""

import io
import wave

import numpy as np
import pytest

from tests.helpers.study_grid import N_TICKS
from vaemusic_jax.data.writers.wav import measures_to_wav
from vaemusic_jax.music.vocabulary import HOLD, HOLD_NAME, REST, REST_NAME, Vocabulary

RATE = 22_050
TWELVE = Vocabulary.from_pitches(["C2", "C6"])
COMMAS = Vocabulary.from_pitches(["A4", "B4", "B4-4c", "F5+1c"])


def measure(vocabulary: Vocabulary = TWELVE, **ticks: str) -> list[int]:
    """Holds but for the given ticks, such as `t0="A4"`."""
    names = [ticks.get(f"t{tick}", HOLD_NAME) for tick in range(N_TICKS)]
    return [vocabulary.index(name) for name in names]


def heard(data: bytes) -> np.ndarray:
    """The samples of a WAV file, full scale at 1."""
    with wave.open(io.BytesIO(data)) as file:
        assert (file.getnchannels(), file.getsampwidth()) == (1, 2)
        return np.frombuffer(file.readframes(file.getnframes()), "<i2") / 2**15


def frequency(samples: np.ndarray, rate: int = RATE) -> float:
    """Of the strongest partial, in Hz: the peak of the spectrum, between its lines by a parabola."""
    spectrum = np.log(np.abs(np.fft.rfft(samples * np.hanning(len(samples)), 8 * len(samples))) + 1e-12)
    peak = int(spectrum.argmax())
    left, middle, right = spectrum[peak - 1 : peak + 2]
    return float(peak + (left - right) / (2 * (left - 2 * middle + right))) * rate / (8 * len(samples))


def cents(one: float, other: float) -> float:
    return abs(1200 * float(np.log2(one / other)))


@pytest.mark.parametrize(("tempo", "seconds"), [(120, 2), (60, 4), (97, 240 / 97)])
@pytest.mark.parametrize("n", [0, 1, 3])
def test_measures_last_as_long_as_their_tempo_says(n: int, tempo: float, seconds: float) -> None:
    samples = heard(measures_to_wav([measure(t0="A4")] * n, TWELVE, tempo=tempo))
    assert abs(len(samples) - n * seconds * RATE) <= 0.5


@pytest.mark.parametrize(
    ("vocabulary", "name", "hertz"),
    [
        (TWELVE, "A4", 440.0),
        (TWELVE, "A3", 220.0),
        (TWELVE, "C4", 261.6256),  # equal temperament
        (TWELVE, "B-5", 932.3275),
        (COMMAS, "A4", 440.0),
        (COMMAS, "B4", 440.0 * 2 ** (9 / 53)),  # 9 commas above A
        (COMMAS, "B4-4c", 440.0 * 2 ** (5 / 53)),
        (COMMAS, "F5+1c", 440.0 * 2 ** (36 / 53)),  # A up to C: 13 commas, to F: 22 more, and one
    ],
)
def test_the_pitch_heard_is_the_pitch_asked_for(vocabulary: Vocabulary, name: str, hertz: float) -> None:
    samples = heard(measures_to_wav([measure(vocabulary, t0=name)], vocabulary))
    assert cents(frequency(samples), hertz) < 1


def test_notes_start_at_their_ticks() -> None:
    # Ticks 8 and 12 are a third of the second quarter and the start of the third: 2/3 s and 1 s at 120
    samples = heard(measures_to_wav([measure(t0=REST_NAME, t8="A4", t12="E5", t18=REST_NAME)], TWELVE))
    third, second = round(RATE * 2 / 3), RATE
    assert not samples[:third].any()
    assert samples[third : third + 20].any()
    assert cents(frequency(samples[third:second]), 440) < 5
    assert cents(frequency(samples[second : second + RATE // 2]), 659.2551) < 5
    assert not samples[second + RATE // 2 :].any()


def test_a_hold_goes_on_across_the_bar_line() -> None:
    held = heard(measures_to_wav([measure(t0=REST_NAME, t18="A4"), measure(t6=REST_NAME)], TWELVE))
    struck = heard(measures_to_wav([measure(t0=REST_NAME, t18="A4"), measure(t0="A4", t6=REST_NAME)], TWELVE))
    bar = 2 * RATE
    loudest = np.abs(held[bar - 100 : bar + 100].reshape(2, -1)).max(1)
    assert loudest[1] > 0.8 * loudest[0] > 0.05  # no break
    assert np.abs(struck[bar - 20 : bar + 20]).max() < 0.02 < loudest[0]  # a new note breaks it
    assert not held[bar + RATE // 2 :].any()


def test_a_hold_after_nothing_is_silent() -> None:
    samples = heard(measures_to_wav([measure(), measure(t6="A4", t12=REST_NAME), measure()], TWELVE))
    assert not samples[: 2 * RATE + RATE // 2].any()
    assert samples[2 * RATE + RATE // 2 : 3 * RATE].any()
    assert not samples[3 * RATE :].any()


@pytest.mark.parametrize("tempo", [60.0, 120.0, 900.0])
def test_nothing_clips_or_clicks(tempo: float) -> None:
    rng = np.random.default_rng(0)
    low = [index for index in range(len(TWELVE)) if TWELVE.midi[index] < 48]
    measures = rng.choice([HOLD, REST, *low], size=(4, N_TICKS))
    samples = heard(measures_to_wav(measures, TWELVE, tempo=tempo))
    assert 0.1 < np.abs(samples).max() < 0.9
    # At most 124 Hz: the fifth harmonic at full scale moves by .16 from sample to sample, the sound by far less
    assert np.abs(np.diff(samples)).max() < 0.08
    assert abs(samples[0]) < 1e-3
    assert abs(samples[-1]) < 1e-2


def test_a_low_sample_rate_has_no_partials_that_are_not_there() -> None:
    rate = 8000
    samples = heard(measures_to_wav([measure(t0="C6")], TWELVE, sample_rate=rate))  # its fourth harmonic is at 4186 Hz
    spectrum = np.abs(np.fft.rfft(samples * np.hanning(len(samples))))
    hertz = np.fft.rfftfreq(len(samples), 1 / rate)
    partials = np.abs(hertz[:, None] - 1046.5 * np.arange(4)).min(1) < 30
    assert spectrum[~partials].max() < 0.005 * spectrum.max()


def test_equal_measures_sound_equal_to_the_bit() -> None:
    measures = [measure(t0="A4", t6="C5"), measure(t3="E5")]
    assert measures_to_wav(measures, TWELVE) == measures_to_wav(np.array(measures, np.uint8), TWELVE)


@pytest.mark.parametrize(
    ("measures", "options", "message"),
    [
        ([[REST] * 23], {}, "23 tokens; a measure in 4/4 has 24"),
        ([[REST] * 23 + [250]], {}, "token 250; the vocabulary has"),
        ([[-1] + [REST] * 23], {}, "token -1; the vocabulary has"),
        ([measure(t0="A4")], {"tempo": 0}, "tempo 0"),
        ([measure(t0="A4")], {"tempo": float("nan")}, "tempo nan"),
        ([measure(t0="A4")], {"sample_rate": 100}, "sample rate 100"),
    ],
)
def test_what_cannot_be_played_is_refused(measures: list[list[int]], options: dict[str, float], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        measures_to_wav(measures, TWELVE, **options)  # type: ignore[arg-type]


def test_a_pitch_that_the_sample_rate_cannot_hold_is_refused() -> None:
    high = Vocabulary.from_pitches(["C8"])
    with pytest.raises(ValueError, match="C8 is above half the sample rate of 8000"):
        measures_to_wav([measure(high, t0="C8")], high, sample_rate=8000)
