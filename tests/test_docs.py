"""The pages describe what there is."""

import re
from pathlib import Path

import yaml

from tests.helpers import tables
from vaemusic_jax.config.sweep import SweepConfig
from vaemusic_jax.metrics.registry import all_columns
from vaemusic_jax.music.attributes import ATTRIBUTES
from vaemusic_jax.runs.curves import CURVE_COLUMNS

ROOT = Path(__file__).parents[1]


def words(page: str) -> set[str]:
    """What stands in backticks in the first column of a page's tables."""
    rows = (ROOT / "docs" / page).read_text(encoding="utf-8").splitlines()
    return {word for row in rows if row.startswith("|") for word in re.findall(r"`([^`]+)`", row.split("|")[1])}


def test_every_field_of_a_configuration_is_described_and_no_other() -> None:
    assert words("configuration.md") == set(SweepConfig.model_fields)


def test_the_table_of_a_trials_fields_is_written_from_the_code() -> None:
    page = tables.PAGE.read_text(encoding="utf-8")
    assert tables.written(page) == page, "run `python -m tests.helpers.tables`"


def test_every_column_of_a_run_is_described() -> None:
    described = words("run_directory.md")
    per_attribute = {name.replace("ATTRIBUTE", attribute) for name in described for attribute in ATTRIBUTES}
    assert {*all_columns(), *CURVE_COLUMNS} - per_attribute == set()
    assert "interpretability.ATTRIBUTE.dimension" in described


def test_every_event_of_a_log_is_described_and_no_other() -> None:
    sources = "".join(path.read_text(encoding="utf-8") for path in (ROOT / "vaemusic_jax").rglob("*.py"))
    reported = re.findall(r"\b(?:event|timed|log.critical)\(\s*(?:log(?:ger)?,\s*)?\"(\w+)\"", sources)
    assert words("logging.md") == set(reported)


def test_examples_of_configurations_load() -> None:
    text = (ROOT / "docs" / "configuration.md").read_text(encoding="utf-8")
    whole, part = re.findall(r"```yaml\n(.*?)```", text, flags=re.DOTALL)
    SweepConfig.model_validate(yaml.safe_load(whole))
    SweepConfig.model_validate({"name": "part", "dataset": "irish_folk", "eval_every": 1} | yaml.safe_load(part))


def test_links_between_pages_lead_somewhere() -> None:
    for page in (ROOT / "README.md", *(ROOT / "docs").glob("*.md")):
        for target in re.findall(r"\]\((?!http)([^)#]+)", page.read_text(encoding="utf-8")):
            assert (page.parent / target).is_file(), f"{page}: {target}"


def test_the_files_that_a_change_touches_exist() -> None:
    text = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")
    changes = [line for line in text.splitlines() if line.startswith("| **")]
    assert len(changes) >= 8
    for change in changes:
        named = re.findall(r"`(vaemusic_jax/[^`]+)`", change)
        assert named, change
        for path in named:
            assert (ROOT / path).exists(), path


def test_the_packages_of_the_architecture_are_those_there_are() -> None:
    text = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")
    rows = [line.split("|")[1] for line in text.splitlines() if line.startswith("| `")]
    named = {word.strip("/") for row in rows for word in re.findall(r"`([^`]+)`", row)}
    package = ROOT / "vaemusic_jax"
    there = {path.name for path in package.iterdir() if path.suffix == ".py" or (path / "__init__.py").is_file()}
    assert named == there - {"__init__.py", "__main__.py"}
