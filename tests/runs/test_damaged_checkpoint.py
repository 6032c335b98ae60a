"""What happens to a file of a checkpoint is noticed or does not matter, and a sweep goes on from the last good one."""

import dataclasses
import logging
import shutil
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import chex
import pytest

from tests.helpers import sweeps
from tests.runs.test_checkpoint import OWNER, arrays
from vaemusic_jax.errors import UserError
from vaemusic_jax.runs.checkpoint import CheckpointStore, DamagedCheckpointError
from vaemusic_jax.training.loop import last_good


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Checkpoints of steps 1 and 2; not to be written to."""
    path = tmp_path_factory.mktemp("written")
    for step in (1, 2):
        CheckpointStore(path).save(step, arrays(step), OWNER)
    return path


@pytest.fixture
def store(written: Path, tmp_path: Path) -> CheckpointStore:
    return CheckpointStore(Path(shutil.copytree(written, tmp_path / "cohort")))


def remove(path: Path) -> None:
    path.unlink()


def halve(path: Path) -> None:
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


def change_a_byte(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)


@pytest.mark.parametrize("damage", [remove, halve, change_a_byte])
def test_what_happens_to_any_file_is_noticed_or_changes_nothing_that_is_read(
    damage: Callable[[Path], None],
    written: Path,
    tmp_path: Path,
    capfd: pytest.CaptureFixture[str],
    caplog: pytest.LogCaptureFixture,
) -> None:
    noticed = {}
    files = [path.relative_to(written) for path in (written / "checkpoints" / "2").rglob("*") if path.is_file()]
    for i, file in enumerate(files):
        copy = Path(shutil.copytree(written, tmp_path / str(i)))
        damage(copy / file)
        store = CheckpointStore(copy)
        assert store.latest_step() == 2
        try:
            owner, found = store.owner(), store.arrays()
        except DamagedCheckpointError as error:
            noticed[file.name] = str(error)
            assert noticed[file.name].startswith(f"{store.path / '2'}: cannot be read: ")
        else:
            assert owner == OWNER
            chex.assert_trees_all_equal(found, arrays(2))
    assert all(
        said.endswith("; run the sweep again to go on from the one before, if there is one")
        for said in noticed.values()
    )
    assert not any("\n" in said for said in noticed.values())
    assert "metadata" in noticed
    if damage is not change_a_byte:  # the byte may be one of the dates in a file
        assert {"0.npz", "1.npz", "2.npz"} <= noticed.keys()
    assert capfd.readouterr() == ("", "")
    assert caplog.records == []


def test_metadata_that_make_sense_are_not_taken_for_those_that_were_written(store: CheckpointStore) -> None:
    path = store.path / "2" / "metadata" / "metadata"
    path.write_text(path.read_text().replace(OWNER.dataset_digest, OWNER.dataset_digest[::-1]))
    for read in (store.owner, store.arrays):
        with pytest.raises(DamagedCheckpointError, match="its metadata are not those that were written"):
            read()


def how_python_reports() -> tuple[Any, ...]:
    """What decides whether a message of Orbax, asyncio or an abandoned thread is shown."""
    loggers = [logging.getLogger(name) for name in ("absl", "asyncio", "root")]
    return sys.unraisablehook, *((logger.level, list(logger.filters), list(logger.handlers)) for logger in loggers)


@pytest.fixture
def as_new(monkeypatch: pytest.MonkeyPatch) -> None:
    """As if no checkpoint had failed to be read before."""
    monkeypatch.setattr(sys, "unraisablehook", sys.__unraisablehook__)
    monkeypatch.setattr(logging.getLogger("asyncio"), "filters", [])
    monkeypatch.setattr(logging.getLogger("absl"), "level", logging.WARNING)


@pytest.mark.usefixtures("as_new")
def test_what_python_reports_is_the_same_after_a_read_and_a_write(store: CheckpointStore) -> None:
    before = how_python_reports()
    store.save(3, arrays(3), OWNER)
    store.arrays()
    assert how_python_reports() == before


@pytest.mark.usefixtures("as_new")
def test_after_a_failure_only_what_tensorstore_reports_late_is_silent(
    store: CheckpointStore, caplog: pytest.LogCaptureFixture
) -> None:
    for _ in range(2):
        halve(store.path / "2" / "members" / "1.npz")
        with pytest.raises(DamagedCheckpointError):
            store.arrays()
    store.arrays(1)  # and a good read brings nothing of it back
    assert logging.getLogger("absl").level == logging.WARNING
    logging.getLogger("asyncio").error("Task exception was never retrieved: DATA_LOSS [tensorstore_spec={}]")
    logging.getLogger("asyncio").error("Task exception was never retrieved: of somebody else's")
    assert [record.getMessage()[-15:] for record in caplog.records] == ["somebody else's"]


def test_an_undamaged_checkpoint_is_taken_without_a_word(
    store: CheckpointStore, capsys: pytest.CaptureFixture[str]
) -> None:
    before = sweeps.all_bytes(store.path)
    found = last_good(store, OWNER)
    assert found is not None
    assert found[0] == 2
    chex.assert_trees_all_equal(found[1], arrays(2))
    assert capsys.readouterr() == ("", "")
    assert sweeps.all_bytes(store.path) == before


def test_a_damaged_one_is_moved_aside_and_the_one_before_taken(
    store: CheckpointStore, capsys: pytest.CaptureFixture[str]
) -> None:
    change_a_byte(store.path / "2" / "metadata" / "metadata")
    before = sweeps.all_bytes(store.path)
    found = last_good(store, OWNER)
    assert found is not None
    assert found[0] == 1
    chex.assert_trees_all_equal(found[1], arrays(1))
    out, err = capsys.readouterr()
    assert out == ""
    assert err.startswith(f"{store.path / '2'}: cannot be read: ")
    assert err.endswith(f"; moved to {store.path.parent / 'damaged' / '2'}; training goes on from step 1\n")
    assert err.count("\n") == 1
    after = sweeps.all_bytes(store.path.parent)
    assert after == {
        **{f"checkpoints/{name}": content for name, content in before.items() if name.startswith("1/")},
        **{f"damaged/{name}": content for name, content in before.items() if name.startswith("2/")},
    }


def test_without_a_good_one_training_starts_anew(store: CheckpointStore, capsys: pytest.CaptureFixture[str]) -> None:
    for step in ("1", "2"):
        shutil.rmtree(store.path / step / "members")
    assert last_good(store, OWNER) is None
    first, second = capsys.readouterr().err.splitlines()
    assert first.endswith("training goes on from step 1")
    assert second.startswith(f"{store.path / '1'}: cannot be read: ")
    assert second.endswith("training starts anew")
    assert sorted(path.name for path in store.damaged_path.iterdir()) == ["1", "2"]


def test_what_was_set_aside_before_stays(store: CheckpointStore) -> None:
    for n in range(3):
        if n:
            store.save(2, arrays(2), OWNER)
        (store.path / "2" / "mark").write_text(str(n))
        assert store.set_aside().name == ["2", "2.2", "2.3"][n]
    assert [(store.damaged_path / name / "mark").read_text() for name in ("2", "2.2", "2.3")] == ["0", "1", "2"]


def test_what_is_good_but_of_another_owner_stays(store: CheckpointStore) -> None:
    before = sweeps.all_bytes(store.path.parent)
    with pytest.raises(UserError, match="it was trained on data 0123456789abcdef, this data set is feed; choose"):
        last_good(store, dataclasses.replace(OWNER, dataset_digest="feed"))
    assert sweeps.all_bytes(store.path.parent) == before


def test_what_may_not_be_read_is_not_taken_for_damaged(store: CheckpointStore, monkeypatch: pytest.MonkeyPatch) -> None:
    """Tests may run as root, whom no permission stops, so the refusal is made by hand."""

    def refuse(*args: object, **kwargs: object) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr("orbax.checkpoint.CheckpointManager.restore", refuse)
    with pytest.raises(UserError, match=r"2: cannot be read: permission denied; ask its owner"):
        last_good(store, OWNER)
    assert not store.damaged_path.exists()
