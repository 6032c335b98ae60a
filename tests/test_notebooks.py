"""The notebooks run on any run, and what is saved in them is what they show."""

import ast
import re
from pathlib import Path
from typing import Any

import nbformat
import pytest

from tests.helpers.notebooks import FOLDER, NOTEBOOKS, code_cells, executed
from vaemusic_jax.errors import UserError
from vaemusic_jax.music.attributes import ATTRIBUTES

MOST_BYTES = 1_500_000
EMBEDDED = re.compile(r"base64,[\w+/=]+")
MACHINE_PATH = re.compile(r"(?<![\w.:/])(?:/(?:home|root|tmp|usr|opt|var|mnt|work|Users|private)/|[A-Z]:\\)")


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
def shown(finished_run: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """Each notebook as it runs on the run of the tests."""
    folders = [tmp_path_factory.mktemp("notebook") for _ in NOTEBOOKS]
    notebooks = executed(finished_run, folders, tmp_path_factory.mktemp("jupyter"))
    assert [path for folder in folders for path in folder.iterdir()] == []
    return notebooks


def test_a_notebook_shows_of_any_run_what_is_saved_in_it(name: str, saved: Any, shown: dict[str, Any]) -> None:
    found = [kinds(cell) for cell in code_cells(shown[name])]
    assert "stderr" not in {kind for cell in found for kind in cell if isinstance(kind, str)}
    assert found == [kinds(cell) for cell in code_cells(saved)]


def test_the_slider_turns_a_control(shown: dict[str, Any]) -> None:
    kept = shown["02_latent_space.ipynb"].metadata.widgets["application/vnd.jupyter.widget-state+json"]["state"]
    widgets = {widget["model_name"]: widget["state"] for widget in kept.values()}
    assert widgets["DropdownModel"]["_options_labels"] == list(ATTRIBUTES)
    assert (widgets["IntSliderModel"]["min"], widgets["IntSliderModel"]["max"]) == (2, 98)
    drawn = [output["data"] for output in widgets["OutputModel"]["outputs"] if "data" in output]
    assert [sorted(data) for data in drawn] == [["image/svg+xml", "text/plain"]]


def test_a_notebook_has_four_imports_at_most(saved: Any) -> None:
    trees = [ast.parse(cell.source) for cell in code_cells(saved)]
    imports = [node for tree in trees for node in ast.walk(tree) if isinstance(node, ast.Import | ast.ImportFrom)]
    assert len(imports) <= 4


def test_a_saved_notebook_is_of_one_run_from_top_to_bottom(saved: Any) -> None:
    assert [cell.execution_count for cell in code_cells(saved)] == [*range(1, len(code_cells(saved)) + 1)]
    assert not [output for cell in code_cells(saved) for output in cell.outputs if output.output_type == "error"]


def test_a_saved_notebook_is_small_and_says_nothing_of_a_machine(name: str, saved: Any) -> None:
    text = (FOLDER / name).read_text(encoding="utf-8")
    assert len(text) < MOST_BYTES
    assert MACHINE_PATH.findall(EMBEDDED.sub("", text)) == []
    assert set(saved.metadata) <= {"kernelspec", "language_info", "widgets"}
    assert saved.metadata.kernelspec.name == "python3"


def test_a_notebook_without_a_run_says_how_to_make_one(
    saved: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("VAEMUSIC_RUN", str(tmp_path))
    with pytest.raises(UserError, match=r"python run_sweep\.py configs/quickstart\.yaml"):
        exec(code_cells(saved)[0].source, {})
