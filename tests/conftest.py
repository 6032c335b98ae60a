"""What every test runs under: four fake CPU devices, no silent rank promotion, a data cache of the session's own."""

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jax
import pytest
from hypothesis import settings

# The backend starts at the first use of jax, after this file: both settings hold for the whole session.
jax.config.update("jax_platforms", os.environ.get("JAX_PLATFORMS", "cpu"))
jax.config.update("jax_num_cpu_devices", 4)
jax.config.update("jax_numpy_rank_promotion", "raise")
# The suite compiles many programs and runs each for moments: unoptimised ones are ready in less than half the time.
jax.config.update("jax_disable_most_optimizations", True)

# Examples are the same in every run and none is timed, so that a test's verdict depends on the code alone.
settings.register_profile("laws", deadline=None, derandomize=True, max_examples=60, database=None)
settings.load_profile("laws")


@pytest.fixture(scope="session", autouse=True)
def cache_dir(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """The session's data cache, so that a corpus is prepared once and the user's own cache is left alone.

    VAEMUSIC_TEST_CACHE names a folder to keep between sessions; the cache key covers everything that shapes a data set.
    """
    kept = os.environ.get("VAEMUSIC_TEST_CACHE")
    path = Path(kept) if kept else tmp_path_factory.mktemp("cache")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("VAEMUSIC_CACHE", str(path))
        yield path


@pytest.fixture(scope="session")
def irish_folk(cache_dir: Path) -> Any:
    """The embedded corpus, prepared at most once per session."""
    from vaemusic_jax.data.load import load_dataset

    return load_dataset("irish_folk")


@pytest.fixture(scope="session")
def small_irish_folk(irish_folk: Any) -> Any:
    """Its first measures, enough for a sweep of seconds."""
    from tests import sweeps

    return sweeps.first_of(irish_folk)


@pytest.fixture(scope="session")
def finished_run(small_irish_folk: Any, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The run directory of `sweeps.config_of`, trained and evaluated; not to be written to."""
    from tests import sweeps

    return sweeps.finish(tmp_path_factory.mktemp("finished") / "run", small_irish_folk)


@pytest.fixture(scope="session")
def parity() -> Path:
    """Folder of numbers computed by the original authors' networks."""
    return beside_the_repository("parity", "VAEMUSIC_PARITY")


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """Folder of real and of broken music files."""
    return beside_the_repository("data", "VAEMUSIC_DATA")


def beside_the_repository(name: str, variable: str) -> Path:
    """A folder that is no part of the repository: the variable names it, or it is ../shared/NAME; else a skip."""
    named = os.environ.get(variable)
    path = Path(named) if named else Path(__file__).parents[2] / "shared" / name
    if not (path / "README.md").is_file():
        pytest.skip(f"no {path}; set {variable} to the folder that holds it")
    return path
