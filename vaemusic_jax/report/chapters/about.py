"""The report's first chapter: the trials and their states, the data sets and the configurations."""

from __future__ import annotations

import platform
from collections import Counter
from importlib.metadata import version
from typing import TYPE_CHECKING

from vaemusic_jax.config.models import MODELS
from vaemusic_jax.data.source_files import files_in_words
from vaemusic_jax.music.attributes import ATTRIBUTES
from vaemusic_jax.report.configurations import field_columns, named_value
from vaemusic_jax.report.markup import Cell, Column, Table
from vaemusic_jax.report.page import Chapter, Heading, Part, Verbatim

if TYPE_CHECKING:
    from vaemusic_jax.report.joined_runs import JoinedRuns

MADE_WITH = ("vaemusic-jax", "numpy", "pandas", "scipy", "matplotlib", "verovio")
_STATES = ("done", "diverged", "running", "waiting", "pending")


def about(runs: JoinedRuns) -> Chapter:
    """Makes the chapter on trials by state, data sets, configurations and versions of packages."""
    parts: list[Part] = [
        f"{len(runs.results)} trials of {len(runs.paths)} run{'s' * (len(runs.paths) > 1)}, each trial once. "
        "A trial is one configuration with one seed; all figures and tables name how many seeds they rest on.",
        states_table(runs),
    ]
    if (runs.results["status"] != "done").any():
        parts.append(not_done_table(runs))
    parts += [Heading("Data"), *data(runs)]
    for path, config in zip(runs.paths, runs.configs, strict=True):
        # Only the name of the folder is given, so that a report does not depend on where the run is kept.
        parts += [Heading(f"Configuration of {path.resolve().name}"), Verbatim(config.to_yaml())]
    made_with = ", ".join(f"{name} {version(name)}" for name in MADE_WITH if is_installed(name))
    parts.append(f"This page was made with {made_with}, Python {platform.python_version()}.")
    return Chapter("about", "What was run", tuple(parts))


def states_table(runs: JoinedRuns) -> Table:
    """Returns a table of the number of trials in each state, by data set and model."""
    rows: list[tuple[Cell, ...]] = []
    for (dataset, model), trials in runs.results.groupby(["dataset", "model"], sort=False):
        states = Counter(status.partition(":")[0] for status in trials["status"])
        evaluated = int(trials["reconstruction_accuracy"].notna().sum())
        rows.append((str(dataset), MODELS[str(model)].title, *(states[state] for state in _STATES), evaluated))
    columns = [Column("dataset", "data set"), Column("model", "model"), *(Column(state, state) for state in _STATES)]
    return Table("trials", "Trials by state", (*columns, Column("evaluated", "evaluated")), tuple(rows))


def not_done_table(runs: JoinedRuns) -> Table:
    """Returns a table of every trial that is not done, with its status."""
    fields = ("dataset", "model", "attributes", "latent_dim", "seed", "trial", "status")
    rows = runs.results[runs.results["status"] != "done"]
    return Table(
        "not_done",
        "Trials without numbers: diverged or unfinished",
        field_columns(fields),
        tuple(tuple(named_value(name, row[name]) for name in fields) for row in rows.to_dict("records")),
    )


def data(runs: JoinedRuns) -> list[Part]:
    """Returns sentences and two tables on the data sets: how they were read, and what they hold."""
    corpora = [(name, runs.corpus(name)) for name in runs.datasets]
    known = [corpus for _, corpus in corpora if corpus]
    unknown = [name for name, corpus in corpora if not corpus]
    parts: list[Part] = [f"There is no sample of {name}: no evaluation has kept one." for name in unknown]
    parts += [
        f"{corpus.name} was read with {corpus.facts['reading']} (digest {corpus.facts['digest']}). "
        f"{files_in_words(corpus.facts)}"
        for corpus in known
    ]
    splits = ("train", "validation", "test")
    facts = [corpus.facts for corpus in known]
    measured = ("distinct", "token_entropy", "majority_baseline", "tick_baseline", "seen_in_training")
    counts = Table(
        "data",
        "Data sets, split by tune. Distinct: share of distinct measures; entropy: bits per token, training split; "
        "baseline: accuracy of always predicting the commonest token, and that of each tick; seen: share of test "
        "measures that also occur in the training split",
        (
            Column("dataset", "data set"),
            *(Column(f"tunes.{split}", f"{split} tunes") for split in splits),
            *(Column(f"measures.{split}", f"{split} measures") for split in splits),
            *(
                Column(name, header)
                for name, header in zip(measured, ("distinct", "entropy", "baseline", "per tick", "seen"), strict=True)
            ),
        ),
        tuple(
            (
                corpus.name,
                *(fact["tunes"][split] for split in splits),
                *(fact["measures"][split] for split in splits),
                *(float(fact.get(name, "nan")) for name in measured),
            )
            for corpus, fact in zip(known, facts, strict=True)
        ),
    )
    attributes = Table(
        "data_attributes",
        "Attributes of the training measures: mean and standard deviation; average interval jump in semitones, note "
        "range in units of 26 semitones, the others shares",
        (
            Column("dataset", "data set"),
            *(
                Column(f"{name}.{part}", f"{ATTRIBUTES[name].words}, {part}")
                for name in ATTRIBUTES
                for part in ("mean", "std")
            ),
        ),
        tuple(
            (corpus.name, *(float(fact[f"attribute_{part}"][name]) for name in ATTRIBUTES for part in ("mean", "std")))
            for corpus, fact in zip(known, facts, strict=True)
        ),
    )
    return [*parts, counts, attributes]


def is_installed(name: str) -> bool:
    """Returns whether a package is installed."""
    from importlib.util import find_spec

    return find_spec(name.replace("-", "_")) is not None
