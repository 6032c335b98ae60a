"""Phrases of the document, made of the values that trials have."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from vaemusic_jax.report.latex import escape_latex
from vaemusic_jax.support.words import listed


def shown(value: Any) -> str:
    """Returns a value as LaTeX prints it: whole numbers with commas, others with six digits at most."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return escape_latex(str(value))
    return f"{value:,}" if isinstance(value, int) else f"{value:.6g}"


def values_of(values: Iterable[Any]) -> str:
    """Returns the different values in ascending order, as `4, 16 and 32`; whole numbers in a row as `0 to 4`."""
    different = list(dict.fromkeys(values))
    if all(isinstance(value, int | float) for value in different):
        different.sort()
        first, last = different[0], different[-1]
        if len(different) > 2 and different == list(range(int(first), int(first) + len(different))):
            return f"{shown(first)} to {shown(last)}"
    return listed(map(shown, different))


def cite(*keys: str) -> str:
    """Returns a citation of entries of references.bib."""
    return f"~\\cite{{{','.join(keys)}}}"
