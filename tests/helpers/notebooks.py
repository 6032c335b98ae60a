"""`python -m tests.helpers.notebooks RUN` runs the notebooks on a run, and saves them with what they show."""

import asyncio
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import nbformat
import pytest
from nbclient import NotebookClient

FOLDER = Path(__file__).parents[2] / "notebooks"
NOTEBOOKS = sorted(path.name for path in FOLDER.glob("*.ipynb"))


def code_cells(notebook: Any) -> list[Any]:
    return [cell for cell in notebook.cells if cell.cell_type == "code"]


def executed(run: Path, folders: Sequence[Path], own: Path) -> dict[str, Any]:
    """Runs each notebook in an empty folder, all at once: most of the time goes into starting kernels.

    Args:
        run: the run that they look at.
        folders: where each of them runs.
        own: a folder for files of Jupyter.
    """
    notebooks = {name: nbformat.read(FOLDER / name, as_version=4) for name in NOTEBOOKS}
    for notebook in notebooks.values():
        notebook.metadata.pop("widgets", None)
        for cell in code_cells(notebook):
            cell.outputs = []

    async def run_all() -> None:
        clients = [
            NotebookClient(
                notebooks[name], timeout=120, record_timing=False, resources={"metadata": {"path": str(folder)}}
            )
            for name, folder in zip(NOTEBOOKS, folders, strict=True)
        ]
        await asyncio.gather(*(client.async_execute() for client in clients))

    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("VAEMUSIC_RUN", str(run))
        patch.setenv("IPYTHONDIR", str(own / "ipython"))
        patch.setenv("JUPYTER_RUNTIME_DIR", str(own / "runtime"))
        patch.setenv("JAX_PLATFORMS", "cpu")
        asyncio.run(run_all())
    return notebooks


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as own:
        places = [Path(own) / name for name in NOTEBOOKS]
        for place in places:
            place.mkdir()
        for name, notebook in executed(Path(sys.argv[1]).resolve(), places, Path(own)).items():
            nbformat.write(notebook, FOLDER / name)
