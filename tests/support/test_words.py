"""Durations, sizes and commands read as people write them."""

import shlex

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vaemusic_jax.support.words import command, count, did_you_mean, duration, size


@pytest.mark.parametrize(
    ("seconds", "shown"),
    [
        (0, "0:00"),
        (59.4, "0:59"),
        (59.6, "1:00"),
        (3599.6, "1:00:00"),
        (7261, "2:01:01"),
        (47 * 3600, "47:00:00"),
        (2 * 86400, "2 days"),
        (917 * 3600 + 767, "38 days 5 h"),
    ],
)
def test_durations(seconds: float, shown: str) -> None:
    assert duration(seconds) == shown


@pytest.mark.parametrize(
    ("n_bytes", "shown"),
    [(1, "1 bytes"), (1500, "1.5 KiB"), (860 * 2**30, "860 GiB"), (1023.7 * 2**30, "1.0 TiB"), (2**54, "16 PiB")],
)
def test_sizes(n_bytes: float, shown: str) -> None:
    assert size(n_bytes) == shown


def test_one_thing_is_no_plural() -> None:
    assert [count(n, "trial") for n in (0, 1, 2000)] == ["0 trials", "1 trial", "2,000 trials"]


@given(st.lists(st.text(min_size=1), min_size=1))
def test_a_shell_reads_a_command_as_it_was_meant(words: list[str]) -> None:
    assert shlex.split(command(*words)[1:-1]) == words


def test_similar_words_are_proposed_and_others_are_not() -> None:
    assert did_you_mean("irish_flok", ["bach", "irish_folk"]) == " (did you mean irish_folk?)"
    assert did_you_mean("zzz", ["bach", "irish_folk"]) == ""
