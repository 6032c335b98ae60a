"""The notebooks run on any run, and what is saved in them is what they show."""

import asyncio
import re
from pathlib import Path
from typing import Any

import nbformat
import pytest
from nbclient import NotebookClient

FOLDER = Path(__file__).parents[1] / "notebooks"
NOTEBOOKS = sorted(path.name for path in FOLDER.glob("*.ipynb"))
MOST_BYTES = 1_500_000
EMBEDDED = re.compile(r"base64,[\w+/=]+")
MACHINE_PATH = re.compile(r"(?<![\w.:/])(?:/(?:home|root|tmp|usr|opt|var|mnt|work|Users|private)/|[A-Z]:\\)")


def code_cells(notebook: Any) -> list[Any]:
    return [cell for cell in notebook.cells if cell.cell_type == "code"]


def kinds(cell: Any) -> list[Any]:
    """What a cell shows, without its content: for each output its MIME types, or the stream it went to."""
    return [sorted(output["data"]) if "data" in output else output.get("name") for output in cell.outputs]


@pytest.fixture(params=NOTEBOOKS)
def name(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def saved(name: str) -> Any:
    return nbformat.read(FOLDER / name, as_version=4)


@pytest.fixture(scope="module")
def executed(finished_run: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """Each notebook run in an empty folder, at once: most of the time goes into starting kernels."""
    notebooks = {name: nbformat.read(FOLDER / name, as_version=4) for name in NOTEBOOKS}
    folders = {name: tmp_path_factory.mktemp("notebook") for name in NOTEBOOKS}

    async def run() -> None:
        clients = [
            NotebookClient(notebooks[name], timeout=120, resources={"metadata": {"path": str(folders[name])}})
            for name in NOTEBOOKS
        ]
        await asyncio.gather(*(client.async_execute() for client in clients))

    for notebook in notebooks.values():
        for cell in code_cells(notebook):
            cell.outputs = []
    own = tmp_path_factory.mktemp("jupyter")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("VAEMUSIC_RUN", str(finished_run))
        patch.setenv("IPYTHONDIR", str(own / "ipython"))
        patch.setenv("JUPYTER_RUNTIME_DIR", str(own / "runtime"))
        patch.setenv("JAX_PLATFORMS", "cpu")
        asyncio.run(run())
    assert [path for folder in folders.values() for path in folder.iterdir()] == []
    return notebooks


def test_a_notebook_shows_of_any_run_what_is_saved_in_it(name: str, saved: Any, executed: dict[str, Any]) -> None:
    shown = [kinds(cell) for cell in code_cells(executed[name])]
    assert "stderr" not in {kind for cell in shown for kind in cell if isinstance(kind, str)}
    assert shown == [kinds(cell) for cell in code_cells(saved)]


def test_a_saved_notebook_is_of_one_run_from_top_to_bottom(saved: Any) -> None:
    assert [cell.execution_count for cell in code_cells(saved)] == [*range(1, len(code_cells(saved)) + 1)]
    assert not [output for cell in code_cells(saved) for output in cell.outputs if output.output_type == "error"]


def test_a_saved_notebook_is_small_and_says_nothing_of_a_machine(name: str, saved: Any) -> None:
    text = (FOLDER / name).read_text(encoding="utf-8")
    assert len(text) < MOST_BYTES
    assert MACHINE_PATH.findall(EMBEDDED.sub("", text)) == []
    assert set(saved.metadata) <= {"kernelspec", "language_info"}
    assert saved.metadata.kernelspec.name == "python3"


def test_a_notebook_without_a_run_says_how_to_make_one(
    saved: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("VAEMUSIC_RUN", str(tmp_path))
    with pytest.raises(FileNotFoundError, match=r"python run_sweep\.py configs/quickstart\.yaml"):
        exec(code_cells(saved)[0].source, {})
