"""What every test runs under: four fake CPU devices, no silent promotion, checked shapes, a data cache of its own.

Test files run in parallel in several processes, the session's workers. What takes long to make is made once, by the
first worker that needs it, in a folder that all workers share, under a lock.
"""

import os
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jax
import pytest
from filelock import FileLock
from hypothesis import settings

from tests.helpers.shapes import check_shapes

# The backend starts at the first use of jax, after this file: both settings hold for the whole session.
jax.config.update("jax_platforms", os.environ.get("JAX_PLATFORMS", "cpu"))
jax.config.update("jax_num_cpu_devices", 4)
jax.config.update("jax_numpy_rank_promotion", "raise")
jax.config.update("jax_numpy_dtype_promotion", "strict")

# Arrays have the shapes that their names say; see `tests.helpers.shapes`. In the order of their imports.
check_shapes(
    "vaemusic_jax.models.layers",
    "vaemusic_jax.models.gru",
    "vaemusic_jax.models.losses",
    "vaemusic_jax.models.member",
    "vaemusic_jax.models.controls",
    "vaemusic_jax.models.program",
    "vaemusic_jax.models.measure_vae",
    "vaemusic_jax.models.discriminators",
    "vaemusic_jax.models.adversarial_vae",
    "vaemusic_jax.music.transposition",
    "vaemusic_jax.training.objective",
    "vaemusic_jax.training.steering",
    "vaemusic_jax.training.step",
    "vaemusic_jax.training.score",
    "vaemusic_jax.training.cohort",
    "vaemusic_jax.evaluation.traversal",
    "vaemusic_jax.metrics.information",
    "vaemusic_jax.metrics.disentanglement",
    "vaemusic_jax.metrics.dependency",
    "vaemusic_jax.metrics.control",
)

# Examples are the same in every run and none is timed, so that a test's verdict depends on the code alone.
settings.register_profile("laws", deadline=None, derandomize=True, max_examples=60, database=None)
settings.load_profile("laws")

# A shell ignores Ctrl-C in what it runs in the background, and that would be inherited by what the tests stop with it.
signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture(scope="session")
def session_dir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder that the workers of this session share with each other, but not with other sessions."""
    own = tmp_path_factory.getbasetemp()
    path = (own.parent if "PYTEST_XDIST_WORKER" in os.environ else own) / "shared"
    path.mkdir(exist_ok=True)
    return path


@pytest.fixture(scope="session", autouse=True)
def cache_dir(session_dir: Path) -> Iterator[Path]:
    """The cache of the session, so that a corpus is prepared once and the user's own cache stays as it is.

    VAEMUSIC_TEST_CACHE names a folder to keep between sessions; `READER_VERSION` has what is in it read again.
    """
    kept = os.environ.get("VAEMUSIC_TEST_CACHE")
    path = Path(kept) if kept else session_dir / "cache"
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("VAEMUSIC_CACHE", str(path))
        yield path


@pytest.fixture(scope="session", autouse=True)
def no_terminal() -> Iterator[None]:
    """Forgets the width of a terminal: pytest imports readline, which exports COLUMNS to the workers it starts."""
    with pytest.MonkeyPatch.context() as patch:
        patch.delenv("COLUMNS", raising=False)
        patch.delenv("LINES", raising=False)
        yield


@pytest.fixture(scope="session", autouse=True)
def programs(cache_dir: Path) -> Iterator[None]:
    """Keeps compiled programs in the cache, because many test files, workers and subprocesses compile equal ones."""
    options = {
        "jax_compilation_cache_dir": str(cache_dir / "test_programs"),
        "jax_persistent_cache_min_compile_time_secs": 0,
    }
    with pytest.MonkeyPatch.context() as patch:
        for option, value in options.items():
            jax.config.update(option, value)
            patch.setenv(option.upper(), str(value))
        yield


@pytest.fixture(scope="session")
def irish_folk(cache_dir: Path, session_dir: Path) -> Any:
    """The data set `irish_folk`, prepared at most once per session."""
    from vaemusic_jax.data.load import load_dataset

    with FileLock(session_dir / "irish_folk.lock"):
        return load_dataset("irish_folk")


@pytest.fixture(scope="session")
def small_irish_folk(irish_folk: Any) -> Any:
    """The first measures of `irish_folk`, enough for a sweep that takes seconds."""
    from tests.helpers import sweeps

    return sweeps.first_of(irish_folk)


@pytest.fixture(scope="session")
def finished_run(small_irish_folk: Any, session_dir: Path) -> Path:
    """The run directory of `sweeps.config_of`, trained and evaluated. Tests must not write to it."""
    from tests.helpers import sweeps

    path = session_dir / "run"
    with FileLock(session_dir / "run.lock"):
        return path if (path / "results.csv").exists() else sweeps.finish(path, small_irish_folk)


@pytest.fixture(scope="session", params=["own", "published"])
def parity(request: pytest.FixtureRequest) -> Path:
    """The folder of golden numbers: our own and, if available, those of the original authors' programs."""
    if request.param == "own":
        return Path(__file__).parent / "fixtures" / "parity"
    return beside_the_repository("parity", "VAEMUSIC_PARITY")


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """The folder of real and of damaged music files."""
    return beside_the_repository("data", "VAEMUSIC_DATA")


def beside_the_repository(name: str, variable: str) -> Path:
    """Returns a folder outside the repository, named by the variable or ../shared/NAME; skips the test without it."""
    named = os.environ.get(variable)
    path = Path(named) if named else Path(__file__).parents[2] / "shared" / name
    if not (path / "README.md").is_file():
        pytest.skip(f"no {path}; set {variable} to the folder that holds it")
    return path
