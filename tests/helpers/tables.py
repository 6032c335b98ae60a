"""`python -m tests.helpers.tables` writes the table of a trial's fields into docs/configuration.md, from the code."""

import re
from pathlib import Path

from vaemusic_jax.commands.sweep import value_kind
from vaemusic_jax.config.models import MODELS
from vaemusic_jax.config.sweep import AXES, SweepConfig

PAGE = Path(__file__).parents[2] / "docs" / "configuration.md"
BEGIN, END = "<!-- fields of a trial, by `python -m tests.helpers.tables` -->\n", "<!-- end -->\n"
WORDS = {"INT": "whole number", "FLOAT": "number", "TEXT": "text"}


def fields_of_a_trial() -> str:
    """The table in Markdown."""
    by_recipe = {name for spec in MODELS.values() for recipe in spec.recipes.values() for name in recipe.defaults}
    rows = ["| field | meaning | values | if left out |", "|---|---|---|---|"]
    for name in AXES:
        field = SweepConfig.model_fields[name]
        kinds = value_kind(field.annotation).split("|")
        values = ", ".join(WORDS.get(kind, f"`{kind}`") for kind in kinds)
        if field.default is not None:
            (default,) = field.default
            absent = f"`{default}`" if isinstance(default, str) else f"{default:g}"
        else:
            absent = "the recipe's own" if name in by_recipe else "required"
        rows.append(f"| `{name}` | {field.description} | {values} | {absent} |")
    return "\n".join(rows) + "\n"


def written(page: str) -> str:
    """A page with the table in its place."""
    pattern = re.escape(BEGIN) + ".*" + re.escape(END)
    return re.sub(pattern, lambda _: BEGIN + fields_of_a_trial() + END, page, flags=re.DOTALL)


if __name__ == "__main__":
    PAGE.write_text(written(PAGE.read_text(encoding="utf-8")), encoding="utf-8")
