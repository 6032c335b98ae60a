"""Preparing a data set: what stays together, several at once, and what is left when it goes wrong."""

import os
import random
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from vaemusic_jax.data.dataset import SPLITS
from vaemusic_jax.data.load import load_dataset
from vaemusic_jax.data.prepare import Prepared, prepare_dataset
from vaemusic_jax.data.source_files import files_in_words
from vaemusic_jax.errors import UserError
from vaemusic_jax.support.progress import no_progress

PREPARE = (
    "import sys; from vaemusic_jax.cli import run; sys.exit(run(['data', 'prepare', 'own', '--source', *sys.argv[1:]]))"
)


def tune(number: int) -> str:
    """Four measures that no other tune has."""
    draw = random.Random(number)
    music = "|".join("".join(draw.choices("CDEFGABcdefgab", k=8)) for _ in range(4))
    return f"X:{number}\nT:No {number}\nM:4/4\nL:1/8\nK:C\n{music}|\n"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    path = tmp_path / "music"
    path.mkdir()
    for book in range(10):
        (path / f"{book}.abc").write_text("\n".join(tune(n) for n in range(book, 400, 10)))
    return path


def prepare(folder: Path, **options: object) -> Prepared:
    options = {"cache_dir": folder.parent / "cache", "progress": no_progress, **options}
    return prepare_dataset("own", source=folder, **options)  # type: ignore[arg-type]


def split_of(prepared: Prepared) -> dict[str, str]:
    return {outcome.name: outcome.split for outcome in prepared.outcomes}


def test_settings_in_a_table_and_versions_of_a_song_share_a_split(tmp_path: Path) -> None:
    rows = ["tune_id,setting_id,name,type,meter,mode,abc,date,username,composer"]
    for number in range(40):
        for setting in range(2):  # of one tune, but without a measure in common
            music = tune(number + 400 * setting).split("K:C\n")[1].strip()
            rows.append(f'{number},{number}{setting},"T",reel,4/4,Cmajor,{music},,,')
    folder = tmp_path / "music"
    folder.mkdir()
    (folder / "tunes.csv").write_text("\n".join(rows) + "\n")
    prepared = prepare(folder)
    splits = split_of(prepared)
    assert len(splits) == 80
    assert set(splits.values()) == set(SPLITS)
    for number in range(40):
        assert splits[f"tunes.csv#{number}.{number}0"] == splits[f"tunes.csv#{number}.{number}1"]
    assert prepared.dataset.report["tunes"]["different"] == 40


def test_the_files_that_it_was_made_of_can_be_checked(folder: Path) -> None:
    """The digest is what the program sha256sum gives, wherever the files are, and follows every byte of them."""
    (folder / "sub").mkdir()
    (folder / "0.abc").rename(folder / "sub" / "10.abc")
    (folder / "notes.txt").write_text("no music")
    dataset = prepare(folder).dataset
    source = dataset.report["source"]
    names = sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*.abc"))
    printed = subprocess.run(["sha256sum", *names], cwd=folder, capture_output=True, check=True).stdout
    again = subprocess.run(["sha256sum"], input=printed, capture_output=True, check=True).stdout
    assert source["sha256"] == again.decode().split()[0]
    assert source["files"] == 10
    assert source["bytes"] == sum((folder / name).stat().st_size for name in names)
    assert str(folder.parent) not in str(source)
    moved = shutil.copytree(folder, folder.parent / "elsewhere" / "music")
    assert prepare(moved).dataset.report["source"] == source
    with (moved / "1.abc").open("a") as file:
        file.write("% a comment\n")
    changed = prepare(moved).dataset
    assert changed.report["source"]["sha256"] != source["sha256"]
    assert changed.digest == dataset.digest
    assert "10 files of the user's music" in files_in_words(changed.report)
    assert "was not kept" in files_in_words({})


def test_two_processes_at_once_prepare_the_same(folder: Path) -> None:
    cache = folder.parent / "cache"
    arguments = [sys.executable, "-c", PREPARE, str(folder), "--cache-dir", str(cache)]
    processes = [
        subprocess.Popen(arguments, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) for _ in range(2)
    ]
    printed = [process.communicate() for process in processes]
    assert [process.returncode for process in processes] == [0, 0], printed
    assert len(list(cache.glob("own-*.npz"))) == 1
    assert load_dataset("own", cache_dir=cache).digest == prepare(folder, cache_dir=cache / "alone").dataset.digest
    assert list(cache.glob(".*")) == []  # nothing half-written


def test_killed_at_any_moment_and_run_again_is_as_if_never_killed(folder: Path) -> None:
    cache = folder.parent / "cache"
    expected = prepare(folder, cache_dir=cache / "alone").dataset
    script = (
        "import os, signal, sys\n"
        "from contextlib import contextmanager\n"
        "from vaemusic_jax.data.prepare import prepare_dataset\n"
        "left = int(sys.argv[3])\n"
        "@contextmanager\n"
        "def progress(description, total, unit):\n"
        "    def advance(n=1, note=''):\n"
        "        global left\n"
        "        left -= 1\n"
        "        if left < 0: os.kill(os.getpid(), signal.SIGKILL)\n"
        "    yield advance\n"
        "prepare_dataset('own', source=sys.argv[1], cache_dir=sys.argv[2], workers=1, progress=progress)\n"
    )
    for steps in (0, 3, 8):
        arguments = [sys.executable, "-c", script, str(folder), str(cache), str(steps)]
        assert subprocess.run(arguments, check=False).returncode == -signal.SIGKILL
        assert list(cache.glob("own*")) == []
    again = prepare(folder, cache_dir=cache).dataset
    assert (again.digest, again.report) == (expected.digest, expected.report)


def test_a_full_disk_leaves_the_name_as_it_was(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    cache = folder.parent / "cache"
    before = prepare(folder).dataset
    (folder / "more.abc").write_text(tune(401))

    def full(descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", full)
        with pytest.raises(UserError, match=r"own-\w+\.npz: cannot be written: no space left on device"):
            prepare(folder)
    assert load_dataset("own", cache_dir=cache).digest == before.digest
    assert prepare(folder).dataset.report["tunes"]["kept"] == 401


def test_an_interrupt_leaves_the_name_as_it_was_and_keeps_what_was_read(folder: Path) -> None:
    cache = folder.parent / "cache"

    @contextmanager
    def interrupted(description: str, total: int, unit: str) -> Iterator[Callable[..., None]]:
        def advance(n: int = 1, note: str = "") -> None:
            if n:
                raise KeyboardInterrupt

        yield advance

    with pytest.raises(KeyboardInterrupt):
        prepare(folder, progress=interrupted)
    assert list(cache.glob("own*")) == []
    counted: list[int] = []

    @contextmanager
    def progress(description: str, total: int, unit: str) -> Iterator[Callable[..., None]]:
        yield lambda n=1, note="": counted.append(n)

    assert prepare(folder, progress=progress).dataset.report["tunes"]["kept"] == 400
    assert sum(counted) == 400
    assert counted[0] > 0  # found in the store at once
