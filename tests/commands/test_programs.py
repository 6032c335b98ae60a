"""A program that was kept computes what it computed when it was compiled, and trouble with the folder is none."""

from collections.abc import Iterator
from pathlib import Path

import chex
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax.experimental.compilation_cache import compilation_cache

from vaemusic_jax.commands import programs
from vaemusic_jax.commands.programs import keep_programs
from vaemusic_jax.models.gru import gru_scan

OPTIONS = ("jax_compilation_cache_dir", "jax_compilation_cache_max_size")


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Where programs are to be kept, by a process that has compiled nothing and was told nothing yet."""
    before = {option: jax.config.values[option] for option in OPTIONS}
    jax.config.update("jax_compilation_cache_dir", None)
    compilation_cache.reset_cache()
    monkeypatch.setenv("VAEMUSIC_CACHE", str(tmp_path))
    yield tmp_path / "programs"
    for option, value in before.items():
        jax.config.update(option, value)
    compilation_cache.reset_cache()


def gradients() -> list[np.ndarray]:
    """Those of a GRU over 24 ticks, by a program that is made anew for every call."""

    def loss(x_proj: jax.Array, w_hh: jax.Array) -> jax.Array:
        return jnp.sin(gru_scan(x_proj, jnp.zeros((5, 8)), w_hh, jnp.ones(24))).sum()

    numbers = np.random.default_rng(0)
    arguments = (numbers.standard_normal(shape, np.float32) for shape in ((24, 5, 24), (8, 24)))
    return [np.asarray(gradient) for gradient in jax.jit(jax.grad(loss, argnums=(0, 1)))(*arguments)]


def contents(folder: Path, suffix: str) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.glob(f"jit_loss-*-{suffix}")}


def test_a_program_that_was_kept_computes_the_same_bits(folder: Path) -> None:
    compiled = gradients()
    keep_programs()
    assert (contents(folder, "cache"), contents(folder, "atime")) == ({}, {})
    cold = gradients()
    kept, used = contents(folder, "cache"), contents(folder, "atime")
    assert len(kept) == len(used) == 1
    warm = gradients()
    assert contents(folder, "cache") == kept
    assert contents(folder, "atime") != used  # it was used, not compiled again
    chex.assert_trees_all_equal(compiled, cold, warm)


def test_what_a_process_that_died_left_half_written_is_compiled_again(folder: Path) -> None:
    keep_programs()
    expected = gradients()
    (program,), (used,) = folder.glob("jit_loss-*-cache"), folder.glob("jit_loss-*-atime")
    whole = program.read_bytes()
    program.write_bytes(whole[: len(whole) // 2])
    used.unlink()
    jax.config.update("jax_compilation_cache_dir", None)
    keep_programs()
    chex.assert_trees_all_equal(gradients(), expected)
    assert len(program.read_bytes()) > len(whole) / 2
    assert used.exists()


def test_the_programs_used_longest_ago_make_room(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(programs, "MAX_BYTES", 10_000)
    keep_programs()
    for factor in range(2, 8):
        jax.jit(lambda x, factor=factor: jnp.sort(x) * factor)(np.arange(5.0))
    sizes = [path.stat().st_size for path in folder.glob("*-cache")]
    assert 0 < sum(sizes) <= 10_000


def test_a_folder_of_the_users_choice_stays(folder: Path, tmp_path: Path) -> None:
    jax.config.update("jax_compilation_cache_dir", str(tmp_path / "mine"))
    keep_programs()
    assert jax.config.values["jax_compilation_cache_dir"] == str(tmp_path / "mine")
    assert not folder.exists()


def test_where_nothing_can_be_written_nothing_is_kept(folder: Path) -> None:
    folder.write_text("not a folder")
    keep_programs()
    assert jax.config.values["jax_compilation_cache_dir"] is None
    gradients()
