"""Members on several devices: none waits for another, and what fills the devices up is seen nowhere."""

import functools
import itertools
import re
from pathlib import Path
from typing import Any

import chex
import jax
import jax.numpy as jnp
import numpy as np
import pandas as pd
import pytest
from jax import lax
from jax.sharding import Mesh, PartitionSpec

from tests.helpers import cohorts, sweeps
from vaemusic_jax.config.trial import Trial
from vaemusic_jax.data.blocks import blocks
from vaemusic_jax.data.dataset import Dataset
from vaemusic_jax.data.load import load_dataset
from vaemusic_jax.evaluation.evaluate import evaluate_run
from vaemusic_jax.runs.checkpoint import CheckpointStore, Owner
from vaemusic_jax.runs.directory import RunDirectory
from vaemusic_jax.support.progress import no_progress
from vaemusic_jax.training.cohort import Ensemble

COLLECTIVE = re.compile(
    r"= .*\b(all-reduce|all-gather|all-to-all|collective-permute|reduce-scatter|collective-broadcast)(-start)?\("
)
TOLERANCE = 1e-4


def collectives(compiled: Any) -> set[str]:
    """The operations between devices in an optimised program."""
    return {found[1] for found in COLLECTIVE.finditer(compiled.as_text())}


def five_trials(model: str) -> tuple[Trial, ...]:
    return tuple(cohorts.trial(model, seed=seed, latent_dim=4 + seed) for seed in range(5))


@functools.cache
def five(model: str, n_devices: int) -> Ensemble:
    """They on some devices, filled up with copies of the last."""
    return cohorts.ensemble(five_trials(model), load_dataset("irish_folk"), jax.devices()[:n_devices])


@pytest.mark.parametrize("model", ["measure_vae", pytest.param("adversarial_vae", marks=pytest.mark.slow)])
def test_four_devices_have_nothing_to_say_to_each_other(model: str, irish_folk: Dataset) -> None:
    cohort, split = five(model, 4), blocks(cohorts.first_measures(irish_folk, 100))
    assert cohort.axis.n_rows == 8
    state = cohort.start()
    cohort.compile(split, irish_folk.vocabulary.midi)
    assert collectives(cohort._run) == collectives(cohort._score) == set()
    assert len(state.train.step.sharding.device_set) == 4
    scores = cohort.score(state, split, irish_folk.vocabulary.midi)
    assert {len(values) for values in scores.values()} == {5}


@pytest.mark.parametrize("model", ["measure_vae", pytest.param("adversarial_vae", marks=pytest.mark.slow)])
def test_four_devices_train_as_one_does(model: str, irish_folk: Dataset) -> None:
    """Not always bit for bit: XLA adds in another order where a device has another number of members."""
    seen = []
    for n_devices in (4, 1):
        cohort = five(model, n_devices)
        state, means = cohort.read_sums(cohort.run(cohort.start(), 10))
        seen.append((means, cohort.to_host(state)))
    for ours, theirs in zip(*map(jax.tree.leaves, seen), strict=True):
        assert len(ours) == 5
        np.testing.assert_allclose(ours, theirs, rtol=TOLERANCE, atol=TOLERANCE)


@pytest.fixture(scope="module")
def half_way(irish_folk: Dataset, tmp_path_factory: pytest.TempPathFactory) -> dict[int, tuple[Path, Any]]:
    """By number of devices, the checkpoint of 10 steps, and the arrays after 20 without a stop."""
    made, owner = {}, Owner(five_trials("adversarial_vae"), irish_folk.vocabulary, irish_folk.digest)
    for n_devices in (1, 2, 4):
        cohort, path = five("adversarial_vae", n_devices), tmp_path_factory.mktemp("half_way")
        state = cohort.run(cohort.start(), 10)
        CheckpointStore(path).save(10, cohort.to_host(state), owner)
        made[n_devices] = path, cohort.to_host(cohort.run(state, 10))
    return made


@pytest.mark.parametrize(("before", "after"), list(itertools.product((1, 2, 4), repeat=2)))
def test_a_checkpoint_goes_on_on_any_number_of_devices(
    before: int, after: int, half_way: dict[int, tuple[Path, Any]]
) -> None:
    path, whole = half_way[before]
    cohort, written = five("adversarial_vae", after), CheckpointStore(path).arrays()
    state = cohort.from_host(written)
    chex.assert_trees_all_equal(cohort.to_host(state), written)
    for leaf in jax.tree.leaves(state):
        assert len(leaf.sharding.device_set) == after
    resumed = cohort.to_host(cohort.run(state, 10))
    if before == after:
        chex.assert_trees_all_equal(resumed, whole)
    else:
        # Rounding differs by the number of devices, and the discriminator has taken 50 Adam steps of its own since.
        chex.assert_trees_all_close(resumed, whole, rtol=1e-4, atol=1e-4)


TALKING: dict[str, Any] = {
    "all-reduce": lambda x: lax.psum(x, "member"),
    "all-gather": lambda x: lax.all_gather(x, "member"),
    "all-to-all": lambda x: lax.all_to_all(x, "member", 1, 1),
    "collective-permute": lambda x: lax.ppermute(x, "member", [(i, (i + 1) % 4) for i in range(4)]),
    "reduce-scatter": lambda x: lax.psum_scatter(x, "member", scatter_dimension=1),
}


@pytest.mark.parametrize("name", TALKING)
def test_something_between_devices_would_be_found(name: str) -> None:
    mesh, rows = Mesh(np.array(jax.devices()), ("member",)), PartitionSpec("member")
    program = jax.jit(jax.shard_map(TALKING[name], mesh=mesh, in_specs=rows, out_specs=rows, check_vma=False))
    assert collectives(program.lower(jnp.ones((4, 4))).compile()) == {name}


@pytest.mark.slow
def test_what_fills_up_the_devices_reaches_no_table(
    tmp_path: Path, small_irish_folk: Dataset, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Three members on two devices, trained and measured."""
    sweeps.use_data(monkeypatch, sweeps.first_of(small_irish_folk, 200, 50))
    two = jax.devices()[:2]
    monkeypatch.setattr(jax, "local_devices", lambda: two)
    one = {"latent_dim": 4, "attributes": "all", "model": "adversarial_vae"}
    config = sweeps.config_of(tmp_path / "run", grids=[one | {"seed": [0, 1, 2]}], steps=4, eval_every=2)
    sweeps.run(config)
    with RunDirectory.reopen(tmp_path / "run") as run:
        ids = [trial.id for trial in run.trials]
        results = evaluate_run(run, ("reconstruction", "training"), no_progress)
        assert set(run.status().values()) == {"done"}
        counts = run.curves.groupby(["step", "split", "metric"])["trial"].agg(list)
    assert pd.read_csv(tmp_path / "run" / "trials.csv")["trial"].tolist() == ids
    assert set(counts.index.get_level_values("step")) == {2, 4}
    assert all(trials == ids for trials in counts)
    assert results["trial"].tolist() == ids
    assert results["loss"].nunique() == 3
    assert sorted(path.stem for path in (tmp_path / "run" / "evaluation" / "trials").iterdir()) == sorted(ids)
    (checkpoint,) = sweeps.checkpoints(tmp_path / "run")
    assert {len(leaf) for leaf in jax.tree.leaves(checkpoint.arrays())} == {3}
