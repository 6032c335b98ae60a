"""The questions that the study leaves open: the report has a section on each for which a run has data."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pandas as pd

from vaemusic_jax.report.question_attributes import number_of_attributes
from vaemusic_jax.report.question_corpora import corpus_features
from vaemusic_jax.report.question_data import size_of_the_data
from vaemusic_jax.report.question_strengths import regularisation_strengths
from vaemusic_jax.report.section import Section


def open_questions(results: pd.DataFrame, facts: Mapping[str, Mapping[str, Any]]) -> tuple[Section, ...]:
    """Returns a section for each open question on which the finished trials say something.

    The questions are how many attributes can be regularised, how much data is needed, which features of the music
    matter, and how strong the regulariser should be.

    Args:
        results: one row per trial, of one run or several; columns may be missing.
        facts: facts by name of data set, as in ``runs.evaluations.CorpusSample``; data sets may be missing.
    """
    sections = (
        number_of_attributes(results),
        size_of_the_data(results),
        corpus_features(results, facts),
        regularisation_strengths(results),
    )
    return tuple(section for section in sections if section is not None)
