"""The questions that the study leaves open, each a section of the report where the run varies the thing."""

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
    """How many attributes to regularise; how much data; which features of the music matter; how strong a regulariser.

    Args:
        results: one row per trial, of one run or several; columns may be missing.
        facts: of each data set, as in ``evaluation_store.CorpusSample``; those there are.

    Returns:
        A section for each question of which the finished trials say something.
    """
    sections = (
        number_of_attributes(results),
        size_of_the_data(results),
        corpus_features(results, facts),
        regularisation_strengths(results),
    )
    return tuple(section for section in sections if section is not None)
