"""`vaemusic generate` makes what it says, in every format, and refuses what it cannot do in one line."""

import csv
import json
from pathlib import Path

import numpy as np
import pytest

from tests.helpers.random_models import random_model
from vaemusic_jax import cli
from vaemusic_jax.commands.generated import as_a_tune
from vaemusic_jax.data.measures import read_measures
from vaemusic_jax.music.attributes import ATTRIBUTES
from vaemusic_jax.music.vocabulary import Vocabulary, is_pitch
from vaemusic_jax.play import model_file
from vaemusic_jax.play.compose import compose
from vaemusic_jax.play.trained_model import TrainedModel

MODEL = random_model("measure_vae", latent_dim=6)


@pytest.fixture
def file(tmp_path: Path) -> str:
    path = tmp_path / "mine.safetensors"
    model_file.write(path, MODEL)
    return str(path)


def made(file: str, tmp_path: Path, *options: str, status: int = 0) -> dict:
    out = tmp_path / "out.json"
    assert cli.run(["generate", file, *options, "--out", str(out)]) == status
    return json.loads(out.read_text())


def indices(measures: list[dict]) -> np.ndarray:
    return np.array([[MODEL.vocabulary.index(token) for token in measure["tokens"]] for measure in measures])


def test_attributes_are_those_of_the_measures_and_the_seed_decides(file: str, tmp_path: Path) -> None:
    one, again, other = (made(file, tmp_path, "-n", "5", "--seed", seed)["measures"] for seed in ("1", "1", "2"))
    assert len(one) == 5
    assert one == again
    assert one != other
    values = [[measure["attributes"][name] for name in ATTRIBUTES] for measure in one]
    np.testing.assert_allclose(values, MODEL.attributes(indices(one)), atol=1e-6)


def test_measures_that_are_asked_for_alike_differ(file: str, tmp_path: Path) -> None:
    alike = made(file, tmp_path, "--note-density", "0.5", "-n", "6", "--tolerance", "9")["measures"]
    assert len({" ".join(measure["tokens"]) for measure in alike}) > 3


@pytest.mark.parametrize(
    ("bars", "ending"),
    [
        ("CDEF|GABc|", "all of its notes are of one major scale, and it ends on the pitch class of its first."),
        (
            "CDEF|GAB^c|",
            "88 % of its notes are of one major scale, and it does not end on the pitch class of its first.",
        ),
    ],
)
def test_what_is_said_of_measures_as_one_tune(bars: str, ending: str) -> None:
    read = read_measures(f"X:1\nM:4/4\nL:1/4\nK:C\n{bars}\n")
    vocabulary = Vocabulary.from_pitches({name for names in read.names for name in names if is_pitch(name)})
    tokens = np.array([[vocabulary.index(name) for name in names] for names in read.names])
    assert as_a_tune(vocabulary, tokens) == f"As one tune: {ending}"
    of_c = np.array([[vocabulary.index(name) for name in ("C4", "F4", "B4")]])
    assert as_a_tune(vocabulary, tokens, of_c) == f"As one tune: {ending}".replace("one major", "the major").replace(
        "scale,", "scale of what it starts from,"
    )


THREE = "X:1\nM:4/4\nL:1/4\nK:G\nCDEG|DEFA|A2F2|\nX:2\nM:4/4\nL:1/4\nK:G\nDDDD|\n"


def test_a_tune_goes_through_the_measures_of_the_file_and_says_what_became_of_its_key(
    file: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    options = ("--from", THREE, "--measure", "2", "--tune", "-n", "5", "--note-density", "0.3", "--tolerance", "9")
    given = made(file, tmp_path, *options)
    printed = capsys.readouterr().out
    read = MODEL.encode_file(THREE)
    following = read.tokens[[1, 2, 1, 2, 1]]  # the second tune of the file is another one
    starts = [[measure[name] for name in ATTRIBUTES] for measure in given["start"]]
    np.testing.assert_allclose(starts, MODEL.attributes(following), atol=1e-6)
    tokens = indices(given["measures"])
    expected = compose(MODEL, 5, starts=read.tokens[1:3], context=read.tokens[:3], asked={"note_density": 0.3})
    np.testing.assert_array_equal(tokens, expected)
    assert as_a_tune(MODEL.vocabulary, tokens, read.tokens[:3]) in printed.splitlines()
    assert "of the major scale of what it starts from, and it " in printed
    moved = np.abs(MODEL.attributes(tokens) - MODEL.attributes(following)).mean(0)
    k = ATTRIBUTES.index("note_range")
    assert f"note range by {moved[k] / MODEL.about.spread('note_range'):.2f}" in printed


def test_a_tune_without_a_file_says_whether_it_keeps_to_one_key(
    file: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    tokens = indices(made(file, tmp_path, "--tune", "-n", "3", "--seed", "5")["measures"])
    np.testing.assert_array_equal(tokens, compose(MODEL, 3, seed=5))
    assert as_a_tune(MODEL.vocabulary, tokens) in capsys.readouterr().out.splitlines()


def test_measures_come_nearer_to_what_is_asked_than_turning(
    file: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    asked = ("--note-density", "0.5", "-n", "6", "--tolerance", "9")
    aimed, turned = made(file, tmp_path, *asked), made(file, tmp_path, *asked, "--turn")
    off = [
        np.mean([abs(measure["attributes"]["note_density"] - 0.5) for measure in each["measures"]])
        for each in (aimed, turned)
    ]
    assert off[0] < off[1]
    assert aimed["asked"] == {"note_density": 0.5}
    assert "asked" in capsys.readouterr().out


def test_values_are_asked_for_in_peoples_units_and_percentiles(file: str, tmp_path: Path) -> None:
    asked = made(file, tmp_path, "--note-range", "13", "--interval-jump", "p50", "-n", "1", "--tolerance", "99")[
        "asked"
    ]
    assert asked["note_range"] == pytest.approx(0.5)
    assert asked["average_interval_jump"] == pytest.approx(MODEL.about.attribute_at("average_interval_jump", 0.5))


def test_a_miss_is_exit_status_1_and_the_measures_are_written(
    file: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    given = made(file, tmp_path, "--note-range", "p1", "-n", "1", "--candidates", "1", "--tolerance", "1e-9", status=1)
    assert len(given["measures"]) == 1
    assert "No measure is within 1e-09 standard deviations of what was asked for" in capsys.readouterr().out


def test_a_sweep_starts_from_one_measure_and_turns_one_control(file: str, tmp_path: Path) -> None:
    strip = made(file, tmp_path, "--sweep", "note_density", "--steps", "5", "--from", "X:1\nM:4/4\nL:1/4\nK:C\nCDEG|\n")
    levels = np.linspace(0.02, 0.98, 5)
    [start] = MODEL.encode_file("X:1\nM:4/4\nL:1/4\nK:C\nCDEG|\n").tokens
    expected = np.concatenate([MODEL.turn(start, "note_density", level=level) for level in levels])
    np.testing.assert_array_equal(indices(strip["measures"]), expected)
    assert [measure["label"] for measure in strip["measures"]] == ["p2", "p26", "p50", "p74", "p98"]


def test_a_measure_of_a_file_is_varied_and_what_was_done_to_it_is_said(
    file: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    high = "X:1\nM:4/4\nL:1/4\nK:C\nc'd'e'c'|\n"
    near = indices(made(file, tmp_path, "--from", high, "-n", "40")["measures"])
    assert "moved down by 1 octave, to the pitches that the model has." in capsys.readouterr().out
    [start] = MODEL.encode_file(high, octaves=True).tokens
    back = MODEL.decode(MODEL.encode(start))
    far = indices(made(file, tmp_path, "-n", "40")["measures"])
    assert 0 < (near != back).mean() < (far != back).mean()
    hyphened = made(file, tmp_path, "--sweep", "note-density", "--from", high)
    assert hyphened == made(file, tmp_path, "--sweep", "note_density", "--from", high)


@pytest.mark.parametrize("suffix", [".abc", ".mid", ".musicxml", ".csv", ".svg", ".wav"])
def test_every_format_holds_the_measures(file: str, tmp_path: Path, suffix: str) -> None:
    expected = indices(made(file, tmp_path, "-n", "3")["measures"])
    path = tmp_path / f"music{suffix}"
    assert cli.run(["generate", file, "-n", "3", "--out", str(path)]) == 0
    if suffix == ".csv":
        rows = [row["tokens"].split() for row in csv.DictReader(path.read_text().splitlines())]
        np.testing.assert_array_equal(indices([{"tokens": row} for row in rows]), expected)
    elif suffix == ".svg":
        assert path.read_text().startswith("<svg")
    elif suffix == ".wav":
        assert path.read_bytes()[:4] == b"RIFF"
    else:
        heard = [name for measure in read_measures(path).names for name in measure]
        onsets = [MODEL.vocabulary.tokens[token] for token in expected.ravel() if token > 1]
        assert [name for name in heard if name not in ("__", "rest")] == onsets


def test_without_a_file_the_tune_is_printed(file: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.run(["generate", file, "-n", "2"]) == 0
    printed = capsys.readouterr().out
    assert "X:1\nT:Made with vaemusic\nM:4/4\n" in printed
    assert "As one tune: " in printed


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["absent"], "absent: no file, and no model that comes with the package"),
        (["FILE", "--note-density", "2"], "--note-density: 2 is outside what the training measures have"),
        (
            ["FILE", "--note-density", "high"],
            "--note-density: 'high' is neither a number, in onsets a tick, nor",
        ),
        (["FILE", "--note-range", "p101"], "--note-range: 'p101' is neither a number, in semitones, nor a percentile"),
        (["FILE", "--note-range", "nan"], "--note-range: 'nan' is neither a number"),
        (["FILE", "-n", "0"], "-n: 0 is not from 1 to 10,000"),
        (["FILE", "--turn"], "--turn needs a value of an attribute"),
        (["FILE", "--sweep", "swing"], "'swing' has no control in this model"),
        (["FILE", "--temperature", "-1"], "temperature -1.0; it needs a number above 0"),
        (["FILE", "--sweep", "note_range", "--note-density", "p10"], "choose one of --sweep, --interpolate, --temp"),
        (["FILE", "--from", "no.abc"], "no.abc: no such file or folder"),
        (["FILE", "--from", "X:1\nM:4/4\nL:1/4\nK:C\nCDEG|\n", "--measure", "2"], "1 usable measures in 4/4, no 2"),
        (["FILE", "--which", "seed=1"], "--which chooses a trial of a run, and "),
        (["FILE", "--out", "music.mp3"], "music.mp3: the suffix says no format that can be written; use one of .abc"),
        (["FILE", "--tolerance", "nan"], "--tolerance: nan is not from 0"),
        (["FILE", "--seed", "-1"], "non-negative"),
        (["FILE", "--tune", "--seed", "-1"], "non-negative"),
        (["FILE", "--tune", "--sweep", "note_range"], "--tune goes with none of --turn, --sweep and --interpolate"),
        (["FILE", "--tune", "--note-range", "p10", "--turn"], "--tune goes with none of --turn, --sweep and --interp"),
        (["FILE", "--tune", "--temperature", "0"], "temperature 0.0; it needs a number above 0"),
    ],
)
def test_what_cannot_be_done_is_refused_in_one_line(
    options: list[str], words: str, file: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert cli.run(["generate", *(file if option == "FILE" else option for option in options)]) == 2
    printed, message = capsys.readouterr()
    assert (words in message, printed) == (True, "")
    assert message.count("\n") == 1
    assert message.startswith("error: ")


def test_models_lists_what_is_there(
    file: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    from vaemusic_jax.play import load

    Path(file).rename(Path(file).with_name("made-up-6@2.safetensors"))
    monkeypatch.setattr(load.resources, "files", lambda package: Path(file).parents[1])
    (Path(file).parents[1] / "pretrained").symlink_to(Path(file).parent)
    assert cli.run(["models"]) == 0
    printed = capsys.readouterr().out
    assert "made-up-6@2" in printed
    assert "0.500" in printed
    assert isinstance(load.load("made-up-6"), TrainedModel)
