"""The columns of results.csv by family of metrics."""

from vaemusic_jax.metrics.registry import all_columns


def family_columns(family: str) -> tuple[str, ...]:
    """Returns the columns of one family of metrics, in the order of results.csv."""
    return tuple(column for column, metric in all_columns().items() if metric.family == family)
