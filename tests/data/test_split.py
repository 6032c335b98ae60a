"""Splits by tune: settings stay together, shares, determinism, nested fractions."""

import itertools
import math
import os
import subprocess
import sys
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from vaemusic_jax.data.dataset import Dataset
from vaemusic_jax.data.split import SHARED, assign_splits, group_settings, up_to_transposition

Measure = tuple[str, ...]


def measure(*pitches: str) -> Measure:
    """Quarter notes."""
    return tuple(pitches[tick // 6] if tick % 6 == 0 else "__" for tick in range(24))


A = measure("C4", "D4", "E4", "F4")
A_IN_D = measure("D4", "E4", "F#4", "G4")
B = measure("G4", "F4", "E4", "D4")
C = measure("C4", "E4", "G4", "C5")
D = measure("C5", "B4", "C5", "D5")
E = measure("C4", "C4", "G4", "G4")
F = measure("A4", "A4", "G4", "rest")
OTHERS = [measure("C4", a, b, c) for a in ("A4", "B4") for b in ("D4", "F4", "G4") for c in ("E5", "F5")]


def test_transposition() -> None:
    assert up_to_transposition(A) == up_to_transposition(A_IN_D)
    assert up_to_transposition(A) != up_to_transposition(B)
    # C sharp and D flat sound the same; rests and holds stay what they are
    assert up_to_transposition(measure("C4", "rest", "C#4", "C4")) == up_to_transposition(
        measure("C4", "rest", "D-4", "C4")
    )
    assert up_to_transposition(F) != up_to_transposition(measure("A4", "A4", "G4", "G4"))


def test_identical_transposed_and_near_identical_tunes_are_one_group() -> None:
    tunes = [[A, B, C, D], [E, F], [A_IN_D, B, C, D], [A, B, A, A, OTHERS[0]], OTHERS]
    assert group_settings(tunes) == [0, 1, 0, 0, 4]


def test_the_threshold() -> None:
    assert SHARED == 0.4
    # ten distinct measures each, and tunes with nothing in common, so that those that are shared weigh log(12/2), those
    # that are not log(12)
    base = [A, B, C, D, E, *OTHERS[:5]]
    fillers = [
        [measure("C4", "D4", pitch, "C4")] for pitch in ("E4", "F4", "G4", "A4", "B4", "C5", "D5", "E5", "F5", "G5")
    ]
    more = [measure("C4", pitch, "D4", "C4") for pitch in ("E4", "F4", "G4", "A4", "B4", "C5", "D5")]

    def grouped(shared: int) -> bool:
        groups = group_settings([base, [*base[:shared], *more[: 10 - shared]], *fillers])
        return groups[0] == groups[1]

    weights = {n: n * math.log(6) / (n * math.log(6) + (10 - n) * math.log(12)) for n in (4, 5)}
    assert weights[4] < SHARED < weights[5]
    assert not grouped(4)
    assert grouped(5)
    # one measure in common is too little, unless the tune has no other
    assert group_settings([[A, B], [A, C], *fillers])[:2] == [0, 1]
    assert group_settings([[A], [A, C, D, E, F], *fillers])[:2] == [0, 0]


def exact_ties() -> list[bool]:
    """Whether two tunes are grouped that share exactly 40 % of the smaller one's weight: 2a + 2b of 5a + 5b."""
    found = []
    for n_tunes in range(70, 110):
        numbers = itertools.count()

        def another(numbers: "itertools.count[int]" = numbers) -> tuple[str, ...]:
            number = next(numbers)
            return ("C4", *("DEFGAB"[number // 6**place % 6] + "4" for place in range(5)), *["__"] * 18)

        smaller: list[Sequence[str]] = []
        larger: list[Sequence[str]] = []
        others: list[list[Sequence[str]]] = []
        for rarity in (0, 1):  # weights a and b: in two tunes, or in three
            shared, own = [another(), another()], [another() for _ in range(3)]
            more = [another() for _ in range(8)]
            smaller += [*shared, *own]
            larger += [*shared, *more]
            elsewhere = [each for each in shared for _ in range(rarity)]
            elsewhere += [each for each in (*own, *more) for _ in range(rarity + 1)]
            others += [[each, *(another() for _ in range(6))] for each in elsewhere]
        others += [[another()] for _ in range(n_tunes - 2 - len(others))]
        groups = group_settings([smaller, larger, *others])
        found.append(groups[0] == groups[1])
    return found


def test_ties_fall_the_same_way_in_whatever_order_sets_are_walked() -> None:
    results = {
        subprocess.run(
            [sys.executable, "-c", "from tests.data.test_split import exact_ties; print(exact_ties())"],
            env={**os.environ, "PYTHONHASHSEED": seed},
            cwd=Path(__file__).parents[2],
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for seed in "0123"
    }
    assert len(results) == 1


def test_rare_measures_count_for_more_than_common_ones() -> None:
    everywhere = [[A, B, other] for other in OTHERS]
    assert group_settings([[A, B, C, D], [A, B, E, F], *everywhere])[:2] == [0, 1]
    assert group_settings([[A, C, D, E], [B, C, D, F], *everywhere])[:2] == [0, 0]


def test_measures_without_intervals_tell_nothing_unless_all_is_the_same() -> None:
    long = ("C4", *["__"] * 23)
    held = ("__",) * 24
    assert group_settings([[long, held, A, B], [long, held, C, D], [long, held]])[:3] == [0, 1, 2]
    assert group_settings([[long, held], [held, long], [held]]) == [0, 0, 2]


def test_tunes_of_one_song_are_one_group() -> None:
    assert group_settings([[A, B], [C, D], [E, F], [OTHERS[0]]], ["x", "y", "x", "z"]) == [0, 1, 0, 3]
    assert group_settings([]) == []


def test_settings_connect_in_chains() -> None:
    assert group_settings([[A, B], [C, D], [A, B, C, D], [E, F]]) == [0, 0, 0, 3]
    # found from both ends before the middle: 0 with 3, 1 with 2, then 2 with 3
    ends = [[A, B], [C, D], [C, D, E, F], [A, B, E, F]]
    assert group_settings(ends) == [0, 0, 0, 0]


@given(st.lists(st.integers(0, 30), min_size=10, max_size=80), st.integers(0, 5))
def test_no_group_is_torn_and_every_tune_is_dealt_once(groups: list[int], seed: int) -> None:
    names = [f"tune {index}" for index in range(len(groups))]
    splits = assign_splits(names, groups, seed)
    assert sorted(index for indices in splits.values() for index in indices) == list(range(len(groups)))
    where = {index: split for split, indices in splits.items() for index in indices}
    for group in set(groups):
        assert len({where[index] for index, other in enumerate(groups) if other == group}) == 1
    largest = max(Counter(groups).values())
    assert abs(len(splits["train"]) - 0.8 * len(groups)) <= largest
    assert abs(len(splits["test"]) - 0.1 * len(groups)) <= largest


def test_deterministic_seeded_and_indifferent_to_the_order_of_files() -> None:
    names = [f"tune {index}" for index in range(200)]
    groups = list(range(200))
    splits = assign_splits(names, groups, 0)
    backwards = assign_splits(names[::-1], groups, 0)
    for split, indices in splits.items():
        assert [names[index] for index in indices] == [names[::-1][index] for index in backwards[split]]
    assert assign_splits(names, groups, 1) != splits
    assert [len(indices) for indices in splits.values()] == [160, 20, 20]
    # The training order is a shuffle: its first half comes from all over the book
    assert 60 < sum(splits["train"][:80]) / 80 < 140
    # Pinned, from the first run of this code: whatever changes this changes the test set of every published number
    assert splits["test"][:5] == [185, 46, 148, 88, 154]


def test_irish_folk_is_split_by_tune(irish_folk: Dataset) -> None:
    tunes = [set(irish_folk.split(split).tune.tolist()) for split in ("train", "validation", "test")]
    assert tunes[0].isdisjoint(tunes[1])
    assert tunes[0].isdisjoint(tunes[2])
    assert tunes[1].isdisjoint(tunes[2])
    total = sum(map(len, tunes))
    assert [round(len(split) / total, 2) for split in tunes] == [0.8, 0.1, 0.1]


def test_irish_folk_has_no_setting_of_a_test_tune_in_training(irish_folk: Dataset) -> None:
    def measures(split: str) -> dict[int, set[bytes]]:
        rows: dict[int, set[bytes]] = {}
        for tune, tokens in zip(irish_folk.split(split).tune, irish_folk.split(split).tokens, strict=True):
            rows.setdefault(int(tune), set()).add(tokens.tobytes())
        return rows

    train = measures("train").values()
    shares = [
        len(test_tune & tune) / min(len(test_tune), len(tune))
        for test_tune in measures("test").values()
        for tune in train
        if len(test_tune & tune) > 1
    ]
    assert max(shares) <= 0.5
