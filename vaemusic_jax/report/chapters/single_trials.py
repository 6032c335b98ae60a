"""The report's chapters on one trial of each model and data set: surfaces, posteriors and music."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import numpy as np

from vaemusic_jax.config.models import MODELS
from vaemusic_jax.config.trial import Trial
from vaemusic_jax.music.attributes import ATTRIBUTES
from vaemusic_jax.report.chapters.captions import named
from vaemusic_jax.report.examples import MARKS, RULE, UNITS, has_notation, reconstructions, traversals
from vaemusic_jax.report.figures.prior import against_prior
from vaemusic_jax.report.figures.surfaces import MOST_POINTS, Surface, surfaces
from vaemusic_jax.report.page import Chapter, Drawing, Heading, Part
from vaemusic_jax.report.selection import EXAMPLE_RULE, example_trials

if TYPE_CHECKING:
    from vaemusic_jax.report.joined_runs import JoinedRuns
    from vaemusic_jax.runs.evaluations import CorpusSample, TrialEvaluation

_ROUNDED = "Pitches in commas are written as the nearest of twelve tones; the models know them in commas."


def attribute_surfaces(runs: JoinedRuns) -> Chapter:
    """Makes the chapter with surfaces of decoded attributes over two controls."""
    parts: list[Part] = [f"Shown is, {EXAMPLE_RULE}."]
    for dataset in runs.datasets:
        found = [_surface(trial, corpus, evaluation) for trial, corpus, evaluation in _examples(runs, dataset)]
        drawn = [surface for surface in found if surface]
        if not drawn:
            parts.append(f"No surfaces of {dataset}: no example trial has two controls that can be moved.")
            continue
        parts.append(
            Drawing(
                f"surfaces_{dataset}",
                surfaces(drawn),
                "Attributes of the measures decoded with two controls set, all other dimensions of z at 0 and any "
                "other attributes that AdversarialVAE is told at their mean; average interval jump in semitones. "
                f"Points: those of up to {MOST_POINTS} test measures that lie within, at their codes (MeasureVAE) or "
                "attribute values (AdversarialVAE). Best is a surface that rises along its own control alone. "
                f"{dataset}, one trial of each model (n = 1 seed).",
            )
        )
    return Chapter("surfaces", "Attributes over two controls", tuple(parts))


def priors(runs: JoinedRuns) -> Chapter:
    """Makes the chapter that compares regularised dimensions with the prior N(0, 1)."""
    parts: list[Part] = []
    for dataset in runs.datasets:
        for trial, _, evaluation in _examples(runs, dataset):
            if "codes" not in evaluation.arrays:
                continue
            overlaps = np.array([evaluation.metrics.get(f"prior_overlap.{name}", np.nan) for name in trial.attributes])
            codes, stds = evaluation.arrays["codes"], evaluation.arrays["code_stds"]
            figure = against_prior(trial.attributes, codes, stds, overlaps)
            parts.append(
                Drawing(
                    f"prior_{dataset}" + ("_steering" if trial.steering_weight else ""),
                    figure,
                    "Filled: the aggregate posterior of each regularised dimension, the mixture of all test measures' "
                    "posteriors; dashed: the prior, N(0, 1). The more they overlap the better: a control that needs "
                    f"z = 30 is no control. {named(trial)}, test split (n = 1 seed).",
                )
            )
    shown = f"Shown is, {EXAMPLE_RULE}; AdversarialVAE regularises no dimension."
    return Chapter("prior", "Regularised dimensions and the prior", (shown, *(parts or ["There is none."])))


def music(runs: JoinedRuns) -> Chapter:
    """Makes the chapter with measures, reconstructions and traversals as notation."""
    drawn = "" if has_notation() else " Verovio is not installed, hence piano rolls: time in quarters, MIDI pitch."
    parts: list[Part] = [
        f"Shown is, {EXAMPLE_RULE}. {RULE} {MARKS} A measure that starts with a gap goes on with the note before it, "
        f"and is silent there. {UNITS}{drawn}"
    ]
    for dataset in runs.datasets:
        examples = list(_examples(runs, dataset))
        if not examples:
            parts.append(f"No examples of {dataset}: no decoded measures of its trials have been kept.")
        for trial, corpus, evaluation in examples:
            parts += [
                Heading(named(trial)),
                *([_ROUNDED] if has_notation() and corpus.vocabulary.microtonal else []),
                "Held-out measures and what the model gives back; the more tokens are right the better.",
                reconstructions(corpus, evaluation),
            ]
            if not trial.attributes:
                parts.append("It has no controls.")
                continue
            parts += [
                "One held-out measure as the model gives it back, then with one control at a time set to five of the "
                "nine quantiles of what it is in training measures, all else kept; notes that change are in colour. "
                "Best, each row rises in its attribute, which is in bold, from left to right, and in no other.",
                traversals(trial, corpus, evaluation),
            ]
    return Chapter("music", "Musical examples", tuple(parts))


def _examples(runs: JoinedRuns, dataset: str) -> Iterator[tuple[Trial, CorpusSample, TrialEvaluation]]:
    corpus, rows = runs.corpus(dataset), example_trials(runs.results)
    for trial_id in rows.loc[rows["dataset"] == dataset, "trial"]:
        evaluation = runs.evaluation(trial_id)
        if corpus and evaluation and evaluation.arrays:
            yield runs.trials[trial_id], corpus, evaluation


def _surface(trial: Trial, corpus: CorpusSample, evaluation: TrialEvaluation) -> Surface | None:
    values = evaluation.arrays.get("surface_values")
    if values is None or (np.diff(values) <= 0).any():  # The control of a constant attribute has a single value.
        return None
    first, second = trial.attributes[:2]
    own = [ATTRIBUTES.index(first), ATTRIBUTES.index(second)]
    data = evaluation.arrays["codes"][:, :2] if "codes" in evaluation.arrays else corpus.attributes[:, own]
    reached = evaluation.arrays["surface_attributes"]
    steering = ", steering" if trial.steering_weight else ""
    title = f"{MODELS[trial.model].title}{steering}, latent size {trial.latent_dim}"
    return Surface(title, (first, second), values, reached, data)
