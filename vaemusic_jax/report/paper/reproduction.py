"""How to reproduce a run: its configuration as a file, the commands, the seeds, the versions and the time it took."""

from __future__ import annotations

import platform
from collections.abc import Iterator, Mapping
from importlib.metadata import version
from typing import TYPE_CHECKING

from vaemusic_jax.data.corpora import CORPORA
from vaemusic_jax.report.chapters.about import MADE_WITH, is_installed
from vaemusic_jax.report.latex import escape_latex
from vaemusic_jax.report.paper.words import values_of
from vaemusic_jax.runs.writer_versions import writer_versions
from vaemusic_jax.support.words import listed

if TYPE_CHECKING:
    from vaemusic_jax.config.sweep import SweepConfig
    from vaemusic_jax.report.joined_runs import JoinedRuns


def config_files(runs: JoinedRuns) -> dict[str, SweepConfig]:
    """Returns the configurations of the runs by file name, without the folders that they were written to."""
    files: dict[str, SweepConfig] = {}
    for config in runs.configs:
        stem, number = config.name, 1
        while f"{stem}.yaml" in files:
            number += 1
            stem = f"{config.name}-{number}"
        files[f"{stem}.yaml"] = config.model_copy(update={"out": None})
    return files


def reproduction(runs: JoinedRuns, files: Mapping[str, SweepConfig]) -> Iterator[str]:
    """Yields paragraphs of LaTeX, one of them the commands as they are typed.

    Args:
        runs: the runs.
        files: their configurations by file name, in the folder `configs` of the document.
    """
    yield "The folder \\texttt{configs} of this document holds what the following commands need."
    yield "\n".join(["\\begin{verbatim}", *_commands(runs, files), "\\end{verbatim}"])
    seeds = values_of(trial.seed for trial in runs.trials.values())
    yield (
        f"Seeds: {seeds}. All random numbers follow from the trial's seed and the step, whatever the number of devices "
        "and interruptions."
    )
    trained: dict[str, dict[str, None]] = {}
    for path in runs.paths:
        for name, versions in writer_versions(path).items():
            trained.setdefault(name, {}).update(dict.fromkeys(versions))
    if trained:
        each = (f"{escape_latex(name)} {listed(map(escape_latex, versions))}" for name, versions in trained.items())
        yield f"Trained with {listed(each)}."
    else:
        yield "The checkpoints, which name the versions that trained them, are not with the run."
    made = [f"{name} {escape_latex(version(name))}" for name in MADE_WITH if is_installed(name)]
    yield f"This document was made with {listed([*made, f'Python {platform.python_version()}'])}."
    seconds = runs.curves.loc[runs.curves["metric"] == "seconds", "value"].sum()
    if seconds > 0:
        yield (
            f"Training took {seconds / 3600:.3g} hours in all, the sum of the trials' shares of their cohorts' time on "
            "the machine of the run."
        )


def _commands(runs: JoinedRuns, files: Mapping[str, SweepConfig]) -> Iterator[str]:
    for name in runs.datasets:
        if name not in CORPORA or not CORPORA[name].embedded:
            yield f"vaemusic data prepare {name} --source FOLDER"
    folders = [f"runs/{file.removesuffix('.yaml')}" for file in files]
    for file, folder in zip(files, folders, strict=True):
        yield f"vaemusic sweep configs/{file} --out {folder}"
    yield f"vaemusic report {folders[0]}" + "".join(f" \\\n    {folder}" for folder in folders[1:]) + " --paper paper"
