"""load_dataset: the embedded corpus, the user's own tunes, the cache, bad input."""

import dataclasses
import json
import os
import random
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from vaemusic_jax.data import cache
from vaemusic_jax.data.dataset import SPLITS, Dataset, attribute_versions, open_dataset
from vaemusic_jax.data.load import NotReadyError, load_dataset
from vaemusic_jax.data.names import READER_VERSION
from vaemusic_jax.data.prepare import Prepared, prepare_dataset
from vaemusic_jax.errors import UserError
from vaemusic_jax.music.attributes import ATTRIBUTES, Attribute, compute_attributes
from vaemusic_jax.music.vocabulary import REST
from vaemusic_jax.support.progress import no_progress

LETTERS = "CDEFGABcdefgab"


def tune(number: int, bars: int = 4) -> str:
    """A tune that is no setting of any other: its first bars spell its number in rhythm and steps."""
    music = []
    for bar in range(bars):
        digits = [(number * 7919 + bar * 104729) // 14**place % 14 for place in range(4)]
        music.append("".join(f"{LETTERS[digit]}2" for digit in digits))
    return f"X:{number}\nT:Tune {number}\nM:4/4\nL:1/8\nK:C\n{'|'.join(music)}|\n"


@pytest.fixture
def book(tmp_path: Path) -> Path:
    path = tmp_path / "my tunes.abc"
    path.write_text("\n".join(tune(number) for number in range(40)))
    return path


Load = Callable[..., Dataset]


@pytest.fixture
def load(tmp_path: Path) -> Load:
    def load(source: Path, **options: object) -> Dataset:
        options = {"cache_dir": tmp_path / "cache", "progress": no_progress, **options}
        return prepare_dataset("own", source=source, **options).dataset  # type: ignore[arg-type]

    return load


def test_irish_folk(irish_folk: Dataset) -> None:
    report = irish_folk.report
    # O'Neill's and Ryan's as shipped with music21 10.5: 2,009 and 1,059 tunes
    assert report["files"] == {"seen": 1098, "read": 1098, "dropped": {}, "other": {}}
    assert report["tunes"]["read"] == 3068
    assert report["tunes"]["kept"] + sum(report["tunes"]["dropped"].values()) == 3068
    measures = report["measures"]
    assert measures["kept"] + sum(measures["dropped"].values()) == measures["written"]
    assert sum(measures["other_metres"].values()) == measures["dropped"]["another metre"]
    assert measures["kept"] == sum(len(irish_folk.split(split)) for split in SPLITS) > 16_500
    assert 0.05 < irish_folk.seen_in_training < 0.25
    json.dumps(report)


def test_irish_folk_splits(irish_folk: Dataset) -> None:
    size = len(irish_folk.vocabulary)
    for name in SPLITS:
        split = irish_folk.split(name)
        assert split.tokens.shape == (len(split), 24)
        assert split.tokens.dtype == np.uint8
        assert split.tune.dtype == np.int32
        assert split.tokens.max() < size
        assert not split.tokens.flags.writeable
        # every measure sounds: it holds a note of the measure before, or has one of its own
        assert ((split.tokens[:, 0] == 0) | (split.tokens > REST).any(axis=1)).all()
        # rows of a tune stand together, so a prefix of tunes is a prefix of rows
        assert np.count_nonzero(np.diff(split.tune)) + 1 == split.n_tunes == irish_folk.report["splits"][name]["tunes"]
    with pytest.raises(ValueError, match="train, validation, test"):
        irish_folk.split("dev")


def test_warm_load_is_equal_and_imports_neither_music21_nor_jax(irish_folk: Dataset, cache_dir: Path) -> None:
    code = (
        "import sys; from vaemusic_jax.data.load import load_dataset;"
        "data = load_dataset('irish_folk');"
        "print(data.digest, data.seen_in_training, sorted({'music21', 'jax', 'scipy'} & set(sys.modules)))"
    )
    environment = {**os.environ, "VAEMUSIC_CACHE": str(cache_dir)}
    result = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        check=True,
        env=environment,
        cwd=Path(__file__).parents[2],
    )
    assert result.stdout.split(maxsplit=2) == [irish_folk.digest, str(irish_folk.seen_in_training), "[]\n"]
    assert result.stderr == ""  # nothing was read again


def test_attributes_are_stored_with_the_measures(irish_folk: Dataset) -> None:
    arrays, metadata = cache.read(irish_folk.path)
    assert [name for name, _ in metadata["attributes"]] == list(ATTRIBUTES)
    for name in SPLITS:
        split = irish_folk.split(name)
        expected = compute_attributes(split.tokens, irish_folk.vocabulary.midi, irish_folk.vocabulary.grid)
        assert split.attributes.dtype == arrays[f"{name}_attributes"].dtype == np.float32
        np.testing.assert_array_equal(split.attributes, expected)
        np.testing.assert_array_equal(arrays[f"{name}_attributes"], expected)
        assert not split.attributes.flags.writeable


def with_attributes(dataset: Dataset, columns: list[list[str | int]] | None, path: Path) -> Dataset:
    """The data set from a file with these columns of attributes, each filled with its place; None: without any."""
    arrays, metadata = cache.read(dataset.path)
    metadata["attributes"] = columns
    for split in SPLITS:
        shape = (len(arrays[f"{split}_tokens"]), len(columns or []))
        arrays[f"{split}_attributes"] = np.broadcast_to(np.arange(shape[1], dtype=np.float32), shape)
        if columns is None:
            del arrays[f"{split}_attributes"]
    if columns is None:
        del metadata["attributes"]
    cache.write(path, arrays, metadata)
    return open_dataset(dataset.name, path)


def test_a_file_without_attributes_gets_them_and_is_the_same_data_set(irish_folk: Dataset, tmp_path: Path) -> None:
    opened = with_attributes(irish_folk, None, tmp_path / "earlier.npz")
    assert opened.digest == irish_folk.digest
    for split in SPLITS:
        np.testing.assert_array_equal(opened.split(split).attributes, irish_folk.split(split).attributes)


def test_stored_columns_are_found_by_name_and_version(irish_folk: Dataset, tmp_path: Path) -> None:
    columns = attribute_versions()
    shuffled = with_attributes(irish_folk, [["gone", 1], *reversed(columns)], tmp_path / "shuffled.npz")
    assert shuffled.test.attributes[0].tolist() == [4, 3, 2, 1]
    assert shuffled.digest == irish_folk.digest
    for missing in (columns[:-1], [*columns[:-1], [columns[-1][0], 0]]):
        opened = with_attributes(irish_folk, missing, tmp_path / "other.npz")
        np.testing.assert_array_equal(opened.test.attributes, irish_folk.test.attributes)


def test_a_new_attribute_is_computed(irish_folk: Dataset, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(ATTRIBUTES, "onsets", Attribute("onsets", "ON", "onsets", lambda onsets: onsets.count))
    opened = open_dataset("irish_folk", irish_folk.path)
    count = (irish_folk.test.tokens > REST).sum(1)
    np.testing.assert_array_equal(opened.test.attributes, np.column_stack([irish_folk.test.attributes, count]))
    assert opened.digest == irish_folk.digest


def test_an_attribute_of_another_version_is_computed(irish_folk: Dataset, monkeypatch: pytest.MonkeyPatch) -> None:
    row = dataclasses.replace(ATTRIBUTES["note_density"], formula=lambda onsets: 0.0 * onsets.count, version=2)
    monkeypatch.setitem(ATTRIBUTES, "note_density", row)
    opened = open_dataset("irish_folk", irish_folk.path)
    assert not opened.test.attributes[:, ATTRIBUTES.index("note_density")].any()


def test_own_tunes_from_a_file_or_a_folder(book: Path, load: Load, tmp_path: Path) -> None:
    data = load(book)
    assert data.report["tunes"] == {"read": 40, "kept": 40, "different": 40, "dropped": {}}
    assert [data.split(split).n_tunes for split in SPLITS] == [32, 4, 4]
    assert data.tune_names[0] == "my tunes.abc#0"
    assert data.tune_titles[:2] == ("Tune 0", "Tune 1")
    folder = tmp_path / "folder"
    folder.mkdir()
    for number in range(40):
        (folder / f"{number}.abc").write_text(tune(number))
    assert load(folder).report["tunes"]["kept"] == 40


def test_rows_are_the_bars_of_the_named_tune(book: Path, load: Load) -> None:
    data = load(book)
    first = int(data.test.tune[0])
    rows = data.test.tokens[data.test.tune == first]
    expected = [
        data.vocabulary.index(
            f"{LETTERS[first * 7919 // 14**place % 14].upper()}{4 + (first * 7919 // 14**place % 14 > 6)}"
        )
        for place in range(4)
    ]
    assert rows[0, ::6].tolist() == expected


def test_the_name_stands_for_what_was_prepared_last(book: Path, load: Load, tmp_path: Path) -> None:
    cache_dir = tmp_path / "cache"
    first = load(book)
    again = load_dataset("own", cache_dir=cache_dir, progress=no_progress)
    assert (again.path, again.digest, again.report) == (first.path, first.digest, first.report)
    other = load(book, split_seed=1)
    assert other.digest != first.digest
    assert load_dataset("own", cache_dir=cache_dir, progress=no_progress).digest == other.digest
    book.write_text(book.read_text() + "\n" + tune(40))
    assert load_dataset("own", cache_dir=cache_dir, progress=no_progress).digest == other.digest
    changed = load(book)
    assert changed.report["tunes"]["kept"] == 41
    book.unlink()
    assert load_dataset("own", cache_dir=cache_dir, progress=no_progress).digest == changed.digest


def test_the_same_music_is_the_same_data_set_however_it_was_read(book: Path, load: Load, tmp_path: Path) -> None:
    digest = load(book).digest
    assert load(book, workers=2, cache_dir=tmp_path / "other cache").digest == digest
    assert load(book).digest == digest


def test_data_of_another_version_are_read_again(
    book: Path, load: Load, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    cache_dir = tmp_path / "cache"
    first = load(book, split_seed=3)
    book.write_text(book.read_text() + "\n" + tune(40))
    monkeypatch.setattr("vaemusic_jax.data.names.READER_VERSION", READER_VERSION + 1)
    again = load_dataset("own", cache_dir=cache_dir, progress=no_progress)
    assert again.report["tunes"]["kept"] == 41  # from the same place
    monkeypatch.undo()
    book.unlink()
    with pytest.raises(NotReadyError, match=rf"'own' has to be read again from {book}, which is gone"):
        load_dataset("own", cache_dir=cache_dir, progress=no_progress)
    assert first.path.exists()  # nothing is lost


def test_data_of_the_time_before_version_numbers_are_read_again(book: Path, load: Load, tmp_path: Path) -> None:
    """Entries then had a hash of the source code, as `code`, and prepared files had no attributes."""
    digest = load(book).digest
    entry_path = tmp_path / "cache" / "own.name.json"
    entry = json.loads(entry_path.read_text())
    entry_path.write_text(json.dumps(entry | {"code": "4f8a7fb7481c804d"}))
    book.write_text(book.read_text() + "\n" + tune(40))
    again = load_dataset("own", cache_dir=tmp_path / "cache", progress=no_progress)
    assert (again.report["tunes"]["kept"], again.digest == digest) == (41, False)
    assert json.loads(entry_path.read_text())["code"] == str(READER_VERSION)


def test_held_out_measures_outside_the_vocabulary_are_dropped_and_counted(book: Path, load: Load) -> None:
    data = load(book)
    held_out = data.tune_names[data.test.tune[0]]
    number = held_out.removeprefix("my tunes.abc#")
    old = tune(int(number))
    book.write_text(book.read_text().replace(old, old.rstrip() + "C,,8|\n"))
    changed = load(book)
    assert changed.report["measures"]["dropped"] == {"pitch outside the vocabulary": 1}
    assert changed.report["measures"]["kept"] == 160
    assert len(changed.test) == len(data.test)


def test_a_tune_whose_measures_are_all_outside_the_vocabulary_is_none(book: Path, tmp_path: Path) -> None:
    def prepared() -> Prepared:
        return prepare_dataset("own", source=book, cache_dir=tmp_path / "cache", progress=no_progress)

    data = prepared().dataset
    gone = data.tune_names[data.test.tune[0]]
    old = tune(int(gone.removeprefix("my tunes.abc#")))
    book.write_text(book.read_text().replace(old, old.replace("L:1/8", "L:1/8\nK:C octave=0").replace("2", ",,,2")))
    changed = prepared()
    report = changed.dataset.report
    assert report["tunes"] == {"read": 40, "kept": 39, "different": 39, "dropped": {"pitch outside the vocabulary": 1}}
    assert report["measures"]["kept"] == report["measures"]["distinct"] == 39 * 4
    assert gone not in changed.dataset.tune_names
    (outcome,) = [each for each in changed.outcomes if each.name == gone]
    assert (outcome.split, outcome.parsed.measures) == ("", [])
    assert outcome.parsed.drops.total() == outcome.parsed.written == 4
    assert sum(len(each.parsed.measures) for each in changed.outcomes) == report["measures"]["kept"]


def test_a_split_without_a_measure_is_refused(tmp_path: Path, load: Load) -> None:
    path = tmp_path / "few.abc"
    path.write_text("\n".join(tune(number) for number in range(10)))
    data = load(path)
    old = tune(int(data.tune_names[data.test.tune[0]].removeprefix("few.abc#")))
    path.write_text(path.read_text().replace(old, old.replace("2", ",,,2")))
    with pytest.raises(UserError, match=r"needs at least 10 \(pitch outside the vocabulary: 1\)"):
        load(path)


def test_more_pitches_than_a_vocabulary_holds(tmp_path: Path, load: Load) -> None:
    signs, marks = ("__", "_", "=", "^", "^^"), (",,,,", ",,", "", "''", "''''")
    names = [f"{sign}{letter}{mark}" for mark in marks for sign in signs for letter in "CDEFGABcdefgab"]
    random.Random(0).shuffle(names)
    bars = ["".join(f"{name}2" for name in names[at : at + 4]) for at in range(0, len(names) - 3, 4)]
    path = tmp_path / "many.abc"
    path.write_text("\n".join(f"X:{n}\nM:4/4\nL:1/8\nK:C\n{'|'.join(bars[n::12])}|\n" for n in range(12)))
    with pytest.raises(UserError, match=r"own: \d+ different spelled pitches; a vocabulary has room for 254"):
        load(path)


def test_names_on_the_disk_that_are_no_text(book: Path, load: Load, tmp_path: Path) -> None:
    folder = tmp_path / "folder"
    folder.mkdir()
    try:
        (folder / os.fsdecode(b"caf\xe9.abc")).write_text(book.read_text())
    except OSError:
        pytest.skip("this file system has no such names")
    assert load(folder).tune_names[0] == "caf\\xe9.abc#0"
    odd = tmp_path / os.fsdecode(b"od\xe9")
    folder.rename(odd)
    with pytest.raises(UserError, match="the name of this source is no text"):
        load(odd)


def test_an_empty_source_is_no_source(load: Load) -> None:
    with pytest.raises(UserError, match="source: '' is no folder"):
        prepare_dataset("own", source="")


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda path: None, "no such file or folder"),
        (lambda path: path.mkdir(), "no file of music in this folder"),
        (lambda path: path.write_text("X:1"), "not a file of music"),
    ],
)
def test_sources_that_cannot_be_used(make: Callable[[Path], object], message: str, tmp_path: Path, load: Load) -> None:
    path = tmp_path / "source"
    make(path)
    with pytest.raises(UserError, match=rf"{path}: {message}.*; give a folder with files of music or one such file"):
        load(path)
    assert not (tmp_path / "cache").exists()


def test_too_few_tunes_to_split(tmp_path: Path, load: Load) -> None:
    path = tmp_path / "few.abc"
    path.write_text("\n".join([tune(1), tune(2), tune(3).replace("4/4", "3/4")]))
    with pytest.raises(UserError, match=r"3 tunes read, of which 2 different .* at least 10 \(another metre: 1\)"):
        load(path)


def test_unknown_and_unprepared_names(book: Path, load: Load, tmp_path: Path) -> None:
    load(book)
    with pytest.raises(
        UserError,
        match=r"'irishfolk' is not known \(did you mean irish_folk\?\); known: .*, bach, .*, own; to add your own",
    ) as error:
        load_dataset("irishfolk", cache_dir=tmp_path / "cache")
    assert not isinstance(error.value, NotReadyError)
    for name in ("turkish_makam", "lakh_clean", "nottingham"):
        with pytest.raises(
            NotReadyError, match=f"'{name}' is not prepared; run `vaemusic data prepare {name} --source"
        ):
            load_dataset(name, cache_dir=tmp_path / "cache")
        with pytest.raises(UserError, match=f"{name}: its music does not come with this package; give --source"):
            prepare_dataset(name, cache_dir=tmp_path / "cache")
    for name in ("", "../x", "a b", ".hidden", "x" * 101):
        with pytest.raises(UserError, match="not a usable name"):
            prepare_dataset(name, source=book, cache_dir=tmp_path / "cache")
        with pytest.raises(UserError, match="not a usable name"):
            load_dataset(name, cache_dir=tmp_path / "cache")


def test_a_damaged_cache_file_is_refused_and_kept(book: Path, load: Load, tmp_path: Path) -> None:
    path = load(book).path
    path.write_bytes(b"damaged")
    with pytest.raises(UserError, match=rf"{path}: damaged file"):
        load_dataset("own", cache_dir=tmp_path / "cache")
    assert path.read_bytes() == b"damaged"


def test_importing_the_data_package_is_cheap() -> None:
    code = "import sys, vaemusic_jax.data; print(sorted({'music21', 'jax', 'numpy'} & set(sys.modules)))"
    result = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=Path(__file__).parents[2]
    )
    assert result.stdout == "[]\n"
