"""Splits by tune: settings stay together, shares, determinism, nested fractions."""

from collections import Counter

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
    assert SHARED == 0.3
    base = [A, B, C, *OTHERS[:7]]  # ten distinct measures
    two_shared, three_shared = [A, B, *OTHERS[7:], D, E, F], [A, B, C, *OTHERS[7:], D, E]
    assert len(set(two_shared)) == len(set(three_shared)) == 10
    assert group_settings([base, two_shared]) == [0, 1]
    assert group_settings([base, three_shared]) == [0, 0]
    # one measure in common is too little, unless the tune has no other
    assert group_settings([[A, B], [A, C]]) == [0, 1]
    assert group_settings([[A], [A, C, D, E, F]]) == [0, 0]


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
    for test_tune in measures("test").values():
        for tune in train:
            shared = len(test_tune & tune)
            assert shared < 2 or shared < SHARED * min(len(test_tune), len(tune))
