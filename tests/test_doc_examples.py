"""Every example of the pages runs: Python as it stands, command lines as far as their arguments."""

import re
import shlex
import shutil
from pathlib import Path

import pytest

from vaemusic_jax.cli import parse

ROOT = Path(__file__).parents[1]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]
COMMANDS = [
    (page.name, line.strip())
    for page in PAGES
    for line in page.read_text(encoding="utf-8").splitlines()
    if re.match(r"    vaemusic \w", line)
]


def python_of(page: Path) -> list[str]:
    """The examples in Python of a page, as blocks with their own heading or indented ones that import the package."""
    text = page.read_text(encoding="utf-8")
    indented = re.findall(r"((?:^    .*\n)+)", text, flags=re.MULTILINE)
    blocks = [re.sub("^    ", "", block, flags=re.MULTILINE) for block in indented if "    import " in block]
    return [*re.findall(r"```python\n(.*?)```", text, flags=re.DOTALL), *blocks]


@pytest.mark.parametrize("page", [page for page in PAGES if python_of(page)], ids=lambda page: page.name)
def test_examples_in_python_run(
    page: Path, finished_run: Path, irish_folk: object, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    shutil.copytree(finished_run, "runs/quickstart")
    monkeypatch.setattr("vaemusic_jax.data.load.load_dataset", lambda name, **options: irish_folk)
    monkeypatch.setattr("vaemusic_jax.data.prepare.prepare_dataset", lambda name, **options: None)
    Path("run.jsonl").write_text('{"event": "validated", "cohort": "a", "training_seconds": 1.0, "seconds": 2.0}\n')
    Path("my_tune.abc").write_text("X:1\nT:Mine\nM:4/4\nL:1/8\nK:D\nAF|DFAd fedB|ABde f2ed|\n")
    for example in python_of(page):
        # The run of the tests has MeasureVAEs of two sizes, one of which diverged at the other's size.
        exec(compile(example.replace("latent_dim=32", "latent_dim=8"), str(page), "exec"), {})


@pytest.mark.parametrize(("page", "line"), COMMANDS, ids=lambda text: text)
def test_examples_of_command_lines_have_the_arguments_that_there_are(page: str, line: str) -> None:
    words = shlex.split(re.split(r"  +", line)[0], comments=True)
    assert callable(parse(words[1:]))
