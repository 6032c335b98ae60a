"""The results table of a run, with one row per trial: for the files, and in a shorter form for terminals."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from rich import box
from rich.console import Console, Group
from rich.measure import measure_renderables
from rich.table import Table
from rich.text import Text

from vaemusic_jax.config.trial import NO_ATTRIBUTES, Trial, attribute_initials, unused_by
from vaemusic_jax.metrics.registry import all_columns
from vaemusic_jax.music.attributes import ATTRIBUTES

if TYPE_CHECKING:
    import pandas as pd

# The columns that identify a trial come first, then its other fields and its cohort, then its metrics.
FIRST = ("trial", "dataset", "model", "recipe", "hidden_size", "latent_dim", "attributes", "seed", "status")
FIELD_HEADERS = {
    "latent_dim": "latent",
    "hidden_size": "hidden",
    "learning_rate": "rate",
    "adversary_weight": "adv. w.",
    "steering_weight": "steer. w.",
}
NOTHING = "-"


def interpretability_legend() -> str:
    """Returns the explanation of the interpretability columns."""
    rows = ATTRIBUTES.values()
    return (
        f"{', '.join(row.initial for row in rows)}: interpretability, the R² of "
        f"{', '.join(row.words for row in rows)} on its most informative dimension, "
        "* where that is the regularised one"
    )


def assemble(trials_table: "pd.DataFrame", metrics: Mapping[str, Mapping[str, Any]]) -> "pd.DataFrame":
    """Makes the results table of a run, with every trial, evaluated or not, in the run's order.

    Args:
        trials_table: the table ``RunDirectory.trials_table``.
        metrics: values by trial id and column name; a trial or value that is left out is empty in the table.

    Returns:
        One row per trial: its fields, status and cohort, then the columns of every metric, then any other given column.
    """
    import pandas as pd

    rows = [{**row, **metrics.get(row["trial"], {})} for row in trials_table.to_dict("records")]
    types = {column: metric.dtype for column, metric in all_columns().items()}
    known = [*FIRST, *(name for name in Trial.model_fields if name not in FIRST), "cohort", *types]
    table = pd.DataFrame(rows, columns=list(dict.fromkeys([*known, *(name for row in rows for name in row)])))
    return table.astype(types)  # types with missing values, so that files have the same types whatever is missing


def values_in_use(results: "pd.DataFrame", model: str, field: str) -> "pd.Series[Any]":
    """Returns the values of a field in those trials of a model that use it."""
    rows = results[results["model"] == model]
    if field in unused_by(model):
        return rows[field].iloc[:0]
    if field in unused_by(model, with_attributes=False):
        rows = rows[rows["attributes"] != NO_ATTRIBUTES]
    return rows[field]


def to_rich(results: "pd.DataFrame", width: int = 120) -> Group:
    """Formats the results for a terminal.

    Less important columns are left out if the table is too wide, and the legend names them.

    Args:
        results: the table of `assemble`.
        width: the width of the terminal in characters.
    """
    columns = _columns(results)
    left_out: list[str] = []
    while (table := _rich_table(columns)).columns and _width(table) > width:
        least = max(columns, key=lambda column: column.dispensable)
        if not least.dispensable:
            break
        columns.remove(least)
        left_out.append(least.name)
    lines = [_fixed(results), "; ".join(column.legend for column in columns if column.legend) + "."]
    if left_out:
        lines.append(f"Left out for want of width: {', '.join(left_out)}; see results.csv.")
    lines += diverged_lines(results)
    return Group(table, Text("\n".join(line for line in lines if line)))


@dataclass
class _Column:
    """A column of the table for terminals."""

    name: str  # in results.csv
    header: str
    cells: list[str]
    legend: str = ""
    dispensable: int = 0  # the column with the highest number is left out first; 0: never
    is_number: bool = True


def _columns(results: "pd.DataFrame") -> list[_Column]:
    """Returns all columns of the table for terminals."""
    columns = [
        _Column("model", "model", [str(name).removesuffix("_vae") for name in results["model"]], is_number=False),
        _Column("latent_dim", "latent", [str(n) for n in results["latent_dim"]]),
        _Column(
            "attributes", "attr", [attribute_initials(choice) for choice in results["attributes"]], is_number=False
        ),
    ]
    shown = [column.name for column in columns]
    for name in Trial.model_fields:
        if name not in shown and _varies(results, name):
            columns.append(_Column(name, FIELD_HEADERS.get(name, name), [_short(value) for value in results[name]]))
    words = [str(status).partition(":")[0] for status in results["status"]]
    if set(words) != {"done"}:
        columns.append(_Column("status", "status", words, is_number=False))

    def add(
        name: str, header: str, legend: str, show: Callable[[Any], str], dispensable: int = 0, marks: str = ""
    ) -> None:
        values = results[name]
        if name == "regularisation":
            values = values.fillna(results["adversary"])
        marked = results[marks].fillna(False) if marks else [False] * len(results)
        cells = [
            NOTHING if word == "diverged" or value != value else show(value) + "*" * bool(mark)
            for value, word, mark in zip(values, words, marked, strict=True)
        ]
        columns.append(_Column(name, header, cells, legend, dispensable))

    add("reconstruction_accuracy", "acc", "acc: share of the tokens right, free-running, test split", _share)
    add("tick_baseline", "base", "base: the same for always predicting a tick's commonest token", _share, 2)
    add("measure_accuracy", "whole", "whole: share of whole measures right", _share, 1)
    add("onset_accuracy", "onset", "onset: acc over note onsets only", _share, 4)
    add("loss", "loss", "loss: the total", _short, 5)
    add("cross_entropy", "CE", "CE: cross-entropy per token", _short, 6)
    add("kl", "KL", "KL: sum over dimensions", _short, 7)
    add("regularisation", "term", "term: attribute regularisation (measure) or adversary term (adversarial)", _short, 8)
    for name in ATTRIBUTES:
        metric = f"interpretability.{name}"
        add(
            metric,
            ATTRIBUTES[name].initial,
            interpretability_legend() if not ATTRIBUTES.index(name) else "",
            _share,
            0,
            f"{metric}.is_regularised",
        )
    add(
        "reconstruction_efficiency.mean",
        "eff",
        "eff: reconstruction efficiency, how surely a control's move changes its attribute (1: always)",
        _share,
    )
    add(
        "wrong_way.mean", "wrong", "wrong: share of measures in which the attribute goes against its control", _share, 1
    )
    add(
        "side_effect.mean",
        "side",
        "side: side effect, how far a control moves the others per unit of its own (0: not at all)",
        _share,
    )
    add(
        "natural_side_effect.mean",
        "nat",
        "nat: side effect of attributes that go together as in the data",
        _share,
        2,
    )
    add(
        "leakage_mlp.mean",
        "leak",
        "leak: leakage, R² of a probe that reads an attribute from z without its own dimension",
        _share,
        1,
    )
    add("seen_in_training", "seen", "seen: share of test measures that also occur in training", _share, 3)
    return columns


def _varies(results: "pd.DataFrame", name: str) -> bool:
    """Returns whether trials of the same model differ in a field. Models are not compared, as their recipes differ."""
    return any(values_in_use(results, model, name).nunique() > 1 for model in results["model"].unique())


def _fixed(results: "pd.DataFrame") -> str:
    """Describes the fields that have no column, with a value for each model if the models differ."""
    models = results["model"].unique()
    fixed = []
    for name in Trial.model_fields:
        if name in ("model", "latent_dim", "attributes") or _varies(results, name):
            continue
        in_use = {model: values_in_use(results, model, name) for model in models}
        values = {model: _short(used.iloc[0]) for model, used in in_use.items() if len(used)}
        if len(values) == len(models) and len(set(values.values())) == 1:
            fixed.append(f"{name} {values[models[0]]}")
        elif values:
            fixed.append(f"{name} " + " or ".join(f"{value} ({model})" for model, value in values.items()))
    return f"All trials: {', '.join(fixed)}."


def diverged_lines(results: "pd.DataFrame") -> list[str]:
    """Describes each trial that has diverged, in one line each."""
    rows = results[results["status"].str.startswith("diverged")].to_dict("records")
    return [f"{row['model']}, latent {row['latent_dim']}, trial {row['trial']} {row['status']}" for row in rows]


def _rich_table(columns: list[_Column]) -> Table:
    table = Table(box=box.SIMPLE_HEAD, padding=0, show_edge=False)
    for column in columns:
        table.add_column(column.header, justify="right" if column.is_number else "left", no_wrap=True)
    for cells in zip(*(column.cells for column in columns), strict=True):
        table.add_row(*cells)
    return table


def _width(table: Table) -> int:
    console = Console(width=10_000)
    return measure_renderables(console, console.options, [table]).maximum


def _share(value: float) -> str:
    """Formats a share with three decimals and without the leading zero, as .842."""
    text = f"{value:.3f}"
    return text.replace("0.", ".", 1) if text.startswith(("0.", "-0.")) else text


def _short(value: Any) -> str:
    """Formats floats with three significant digits."""
    return f"{value:.3g}" if isinstance(value, float) else str(value)
