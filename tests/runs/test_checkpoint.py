"""What is written is what is read, on any number of devices; what is wrong with a checkpoint is said in a line."""

import dataclasses
import json
import resource
import shutil
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import chex
import jax
import numpy as np
import pytest

from tests.helpers import cohorts
from vaemusic_jax.errors import UserError
from vaemusic_jax.music.vocabulary import Vocabulary
from vaemusic_jax.runs import checkpoint, member_files
from vaemusic_jax.runs.checkpoint import CheckpointStore, DamagedCheckpointError, Owner
from vaemusic_jax.support import arrays_file
from vaemusic_jax.support.versions import PACKAGES

TRIALS = tuple(
    cohorts.trial("adversarial_vae", seed=seed, latent_dim=4 + 2 * seed, attributes=("note_range",))
    for seed in range(3)
)
VOCABULARY = Vocabulary(("__", "rest", "C4", "D4"))
OWNER = Owner(TRIALS, VOCABULARY, "0123456789abcdef")


@pytest.fixture
def owner() -> Owner:
    return OWNER


@pytest.fixture
def store(tmp_path: Path) -> CheckpointStore:
    return CheckpointStore(tmp_path)


def arrays(seed: int = 0) -> dict[str, Any]:
    """Every type that a state is made of, in nested dicts; among them values that a detour by decimals would change."""
    generator = np.random.default_rng(seed)
    return {
        "state": {
            "weights": {
                "w": generator.standard_normal((3, 40, 5), np.float32),
                "b": np.array([1 / 3, np.nan, -0.0], np.float32),
            },
            "count": np.array([1, 2, 3], np.int32),
        },
        "hp": {"seed": np.array([2**32 - 1, 0, 1], np.uint32), "index": np.arange(12, dtype=np.int32).reshape(3, 4)},
    }


def test_what_is_written_is_what_is_read(store: CheckpointStore, owner: Owner) -> None:
    store.save(7, arrays(), owner)
    assert store.latest_step() == 7
    again = CheckpointStore(store.path.parent)
    assert again.owner() == owner
    assert again.owner_difference(owner) is None
    found = again.arrays()
    chex.assert_trees_all_equal_structs(found, arrays())
    for ours, theirs in zip(jax.tree.leaves(found), jax.tree.leaves(arrays()), strict=True):
        assert type(ours) is np.ndarray
        assert (ours.dtype, ours.shape, ours.tobytes()) == (theirs.dtype, theirs.shape, theirs.tobytes())


def test_a_member_that_claims_more_than_is_on_disk_is_refused_before_it_is_made(
    store: CheckpointStore, owner: Owner
) -> None:
    store.save(1, arrays(), owner)
    (path,) = store.path.glob("1/*/0.npz")
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as packed, packed.open("state/weights/w.npy", "w") as file:
        np.lib.format.write_array_header_1_0(file, {"descr": "<f4", "fortran_order": False, "shape": (2**40,)})
    with pytest.raises(DamagedCheckpointError, match=rf"{store.path}/1: .*w.npy does not hold what its header says"):
        store.arrays()


def test_a_member_that_unpacks_to_far_more_than_is_on_disk_is_refused(
    store: CheckpointStore, owner: Owner, monkeypatch: pytest.MonkeyPatch
) -> None:
    store.save(1, {"zeros": np.zeros((3, 2**20), np.float32)}, owner)
    assert store.arrays()["zeros"].shape == (3, 2**20)
    (path,) = store.path.glob("1/*/0.npz")
    np.savez_compressed(path, zeros=np.zeros(2**20, np.float32))
    monkeypatch.setattr(arrays_file, "MOST_BYTES", 2**20)
    with pytest.raises(DamagedCheckpointError, match=rf"{store.path}/1: .* its arrays would take 4.0 MiB, of which"):
        store.arrays()


def test_the_newest_are_kept(store: CheckpointStore, owner: Owner) -> None:
    for step in (1, 2, 10, 11):
        store.save(step, arrays(step), owner)
    assert store.latest_step() == 11
    assert sorted(int(path.name) for path in store.path.iterdir()) == [10, 11]
    chex.assert_trees_all_equal(store.arrays(), arrays(11))


def test_a_member_alone_is_that_of_the_whole(store: CheckpointStore, owner: Owner) -> None:
    store.save(7, arrays(), owner)
    for member in range(3):
        expected = jax.tree.map(lambda leaf, member=member: leaf[member], store.arrays())
        chex.assert_trees_all_equal(store.member(member), expected)


def test_of_other_members_nothing_is_read(store: CheckpointStore, owner: Owner) -> None:
    """The damage of others is not noticed; its own is."""
    store.save(7, arrays(), owner)
    (store.path / "7" / "members" / "1.npz").write_bytes(b"")
    for member in (0, 2):
        store.member(member)
    with pytest.raises(DamagedCheckpointError):
        store.member(1)


def test_members_are_brought_from_devices_one_at_a_time(
    store: CheckpointStore, owner: Owner, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Three members on two devices and a row that fills up; no more than one is written between two readings."""
    wide = {"w": np.random.default_rng(0).standard_normal((4, 3, 5), np.float32)}
    rows = jax.sharding.NamedSharding(
        jax.sharding.Mesh(np.array(jax.devices()[:2]), ("member",)), jax.sharding.PartitionSpec("member")
    )
    events: list[str] = []
    read, write = member_files._row, checkpoint.write_member

    def note(event: str, function: Any) -> Any:
        def noted(*args: Any) -> Any:
            events.append(event)
            return function(*args)

        return noted

    monkeypatch.setattr(member_files, "_row", note("read", read))
    monkeypatch.setattr(checkpoint, "write_member", note("write", write))
    store.save(7, {"state": jax.device_put(wide, rows)}, owner)
    assert events[-6:] == ["read", "write"] * 3
    np.testing.assert_array_equal(store.arrays()["state"]["w"], wide["w"][:3])


def test_an_owner_survives_json(owner: Owner) -> None:
    metadata = json.loads(json.dumps(owner.to_json()))
    assert Owner.from_json(metadata) == owner
    assert metadata["trial_ids"] == [trial.id for trial in TRIALS]
    assert set(metadata["versions"]) == set(PACKAGES)


def test_a_difference_is_named(owner: Owner) -> None:
    fewer = dataclasses.replace(owner, trials=TRIALS[:2])
    ids = [trial.id for trial in TRIALS]
    assert owner.difference(fewer) == (
        f"it was written for trials {ids[0]} {ids[1]}, this run has {ids[0]} {ids[1]} {ids[2]} there"
    )
    assert owner.difference(dataclasses.replace(owner, trials=TRIALS[::-1])) is not None
    wider = dataclasses.replace(owner, vocabulary=Vocabulary((*VOCABULARY.tokens, "E4")))
    assert owner.difference(wider) == "its vocabulary of 5 tokens differs from this data set's in E4"
    jigs = dataclasses.replace(owner, vocabulary=Vocabulary(VOCABULARY.tokens, "6/8"))
    assert owner.difference(jigs) == "it was trained on measures in 6/8, this data set's are in 4/4"
    other = dataclasses.replace(owner, dataset_digest="feedfacefeedface")
    assert owner.difference(other) == "it was trained on data feedfacefeedface, this data set is 0123456789abcdef"
    assert owner.difference(dataclasses.replace(owner)) is None


def test_no_checkpoint_is_said_so(store: CheckpointStore) -> None:
    assert store.latest_step() is None
    for read in (store.owner, store.arrays):
        with pytest.raises(UserError, match="holds no checkpoint; run the sweep first"):
            read()
    assert not store.path.exists()


def newest(store: CheckpointStore) -> Path:
    return store.path / "2"


def cut_weights(store: CheckpointStore) -> None:
    data = sorted((newest(store) / "members").glob("*.npz"))
    assert len(data) == len(TRIALS)
    for path in data:
        path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


def change_weights(store: CheckpointStore) -> None:
    for path in (newest(store) / "members").glob("*.npz"):
        content = bytearray(path.read_bytes())
        middle = len(content) // 2
        content[middle : middle + 8] = bytes(255 - byte for byte in content[middle : middle + 8])
        path.write_bytes(content)


def lose_weights(store: CheckpointStore) -> None:
    shutil.rmtree(newest(store) / "members")


def empty_weights(store: CheckpointStore) -> None:
    for path in (newest(store) / "members").rglob("*"):
        if path.is_file():
            path.write_bytes(b"")


def cut_metadata(store: CheckpointStore) -> None:
    path = newest(store) / "metadata" / "metadata"
    path.write_bytes(path.read_bytes()[:50])


def lose_metadata(store: CheckpointStore) -> None:
    shutil.rmtree(newest(store) / "metadata")


def edit(**fields: Any) -> Any:
    def change_metadata(store: CheckpointStore) -> None:
        path = newest(store) / "metadata" / "metadata"
        path.write_text(json.dumps(json.loads(path.read_text()) | fields))

    return change_metadata


DAMAGES = {
    "cut weights": cut_weights,
    "changed weights": change_weights,
    "no weights": lose_weights,
    "empty files": empty_weights,
    "cut metadata": cut_metadata,
    "no metadata": lose_metadata,
    "metadata of another shape": edit(trials=[{"seed": 0}]),
    "metadata without a vocabulary": edit(vocabulary=None),
}


@pytest.mark.parametrize("damage", DAMAGES)
def test_a_damaged_checkpoint_is_one_line_that_says_how_to_go_on(
    damage: str, store: CheckpointStore, owner: Owner
) -> None:
    for step in (1, 2):
        store.save(step, arrays(step), owner)
    DAMAGES[damage](store)
    with pytest.raises(UserError, match="run the sweep again to go on from the one before, if there is one") as refused:
        chex.assert_trees_all_equal((store.owner(), store.arrays()), (owner, arrays(2)))
    assert str(refused.value).startswith(f"{newest(store)}: cannot be read: ")
    assert "\n" not in str(refused.value)
    shutil.rmtree(newest(store))
    assert store.owner() == owner
    chex.assert_trees_all_equal(store.arrays(), arrays(1))


def test_another_format_is_refused(store: CheckpointStore, owner: Owner) -> None:
    store.save(2, arrays(), owner)
    edit(format=checkpoint.FORMAT + 1, versions={"vaemusic_jax": "7.8"})(store)
    with pytest.raises(UserError, match=r"2: has format 6, this version reads 3 to 5; use vaemusic_jax 7\.8"):
        store.owner()


@contextmanager
def files_of_at_most(size: int) -> Iterator[None]:
    """Every write beyond that size fails, whoever makes it, as on a full disk."""
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, limits[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)


def test_a_checkpoint_that_cannot_be_written_leaves_the_one_before(
    store: CheckpointStore, owner: Owner, capfd: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    large = arrays(2) | {"noise": np.random.default_rng(0).standard_normal((3, 20_000))}
    store.save(1, arrays(1), owner)
    with files_of_at_most(20_000), pytest.raises(UserError, match="cannot be written: ") as refused:
        store.save(2, large, owner)
    assert str(refused.value).startswith(f"{store.path}: ")
    assert "\n" not in str(refused.value)
    assert capfd.readouterr() == ("", "")
    assert caplog.records == []
    assert CheckpointStore(store.path.parent).latest_step() == 1
    chex.assert_trees_all_equal(store.arrays(), arrays(1))
    store.save(2, large, owner)
    chex.assert_trees_all_equal(store.arrays(), large)


def test_a_disk_without_room_is_not_written_to(
    store: CheckpointStore, owner: Owner, monkeypatch: pytest.MonkeyPatch
) -> None:
    nearly = sum(leaf.nbytes for leaf in jax.tree.leaves(arrays())) - 1
    monkeypatch.setattr(shutil, "disk_usage", lambda path: SimpleNamespace(free=nearly))
    with pytest.raises(UserError, match="checkpoints: cannot be written: no space left on device"):
        store.save(1, arrays(), owner)
    assert store.latest_step() is None


def test_a_checkpoint_under_the_name_of_another_step_is_damaged(store: CheckpointStore, owner: Owner) -> None:
    store.save(1, arrays(1), owner)
    shutil.copytree(store.path / "1", newest(store))
    for read in (store.owner, store.arrays, store.weights_digests):
        with pytest.raises(
            DamagedCheckpointError, match=r"2: cannot be read: it was written at step 1, and its folder"
        ):
            read()
    store.set_aside()
    chex.assert_trees_all_equal(store.arrays(), arrays(1))


def test_a_checkpoint_of_other_random_numbers_is_not_gone_on_with(store: CheckpointStore, owner: Owner) -> None:
    store.save(1, arrays(), dataclasses.replace(owner, random_bits="rbg"))
    assert store.owner_difference(owner) == (
        "its random numbers are rbg, this version's are threefry2x32, partitionable"
    )
    before = owner.to_json()
    del before["random_bits"]  # as of earlier versions
    assert owner.difference(Owner.from_json(before)) is None


def test_the_digest_of_weights_is_of_what_a_model_computes_with(store: CheckpointStore, owner: Owner) -> None:
    def digests(**fields: float) -> list[str]:
        values = {"params": 0.5, "optimiser": 0.5, "mean": 0.5} | fields
        of = {name: np.array([value, 2.0, 3.0], np.float32) for name, value in values.items()}
        state = {"train": {"params": {"w": of["params"]}, "optimiser": {"w": of["optimiser"]}}}
        store.save((store.latest_step() or 0) + 1, {"state": state, "member": {"mean": of["mean"]}}, owner)
        found = store.weights_digests()
        assert found
        return found

    assert len(set(digests())) == 3
    assert digests(optimiser=1.0) == digests()
    for name in ("params", "mean"):
        changed = digests(**{name: 1.0})
        assert changed[0] != digests()[0]
        assert changed[1:] == digests()[1:]
