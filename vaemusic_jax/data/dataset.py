"""Defines a prepared data set, measures as token arrays, split by tune, and opens it."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from vaemusic_jax.data import cache
from vaemusic_jax.data.split import SHARES
from vaemusic_jax.music.attributes import ATTRIBUTES, compute_attributes
from vaemusic_jax.music.vocabulary import Vocabulary
from vaemusic_jax.support import arrays_file

SPLITS = tuple(SHARES)


@dataclass(frozen=True)
class Split:
    """The measures of one split, tune after tune in a seeded random tune order, within a tune as written.

    Attributes:
        tokens: uint8 (N, T) token indices, one for each tick of the grid; T is 24 in 4/4.
        tune: int32 (N,) index of each measure's tune in `Dataset.tune_names`.
        attributes: float32 (N, A) values, columns in the order of `ATTRIBUTES`.
    """

    tokens: np.ndarray
    tune: np.ndarray
    attributes: np.ndarray

    def __len__(self) -> int:
        return len(self.tokens)

    @property
    def n_tunes(self) -> int:
        return len(np.unique(self.tune))


@dataclass(frozen=True)
class Dataset:
    """Measures of one corpus with their vocabulary.

    The first rows of `train` are the first of a random order of the training tunes, so a fraction of the training
    tunes is a prefix of its rows, and smaller fractions are part of larger ones.

    Attributes:
        name: of the corpus.
        vocabulary: of the tokens, from the training split, with the grid of the measures.
        train, validation, test: the splits, by tune.
        tune_names: `FILE#X` of every tune that gave a measure.
        tune_titles: their titles, as written.
        report: counts of files, tunes and measures read, kept and dropped by reason; plain JSON.
        path: the cache file.
    """

    name: str
    vocabulary: Vocabulary
    train: Split
    validation: Split
    test: Split
    tune_names: tuple[str, ...]
    tune_titles: tuple[str, ...]
    report: dict[str, Any]
    path: Path

    def split(self, name: str) -> Split:
        """The split called `train`, `validation` or `test`."""
        if name not in SPLITS:
            raise ValueError(f"split {name!r} is none of {', '.join(SPLITS)}")
        split: Split = getattr(self, name)
        return split

    @cached_property
    def digest(self) -> str:
        """16 hex digits over vocabulary, splits and tune names: equal for equal data."""
        digest = hashlib.sha256("\n".join([self.name, self.vocabulary.to_json(), *self.tune_names]).encode())
        for name in SPLITS:
            split = self.split(name)
            digest.update(f"{name} {len(split)}".encode())
            digest.update(split.tokens.tobytes() + split.tune.astype("<i4").tobytes())
        return digest.hexdigest()[:16]

    @cached_property
    def is_seen_in_training(self) -> np.ndarray:
        """Whether all tokens of each test measure also occur in the training split: bool (N,)."""
        known = {row.tobytes() for row in self.train.tokens}
        return np.array([row.tobytes() in known for row in self.test.tokens], bool)

    @property
    def seen_in_training(self) -> float:
        """Share of the test measures of which all tokens also occur in the training split."""
        return float(self.is_seen_in_training.mean())


def attribute_versions() -> list[list[str | int]]:
    """[name, version] of every attribute, in the order of `ATTRIBUTES`, as cache files name their columns."""
    return [[attribute.name, attribute.version] for attribute in ATTRIBUTES.values()]


def _stored_attributes(values: np.ndarray | None, columns: Sequence[list[str | int]]) -> np.ndarray | None:
    """The columns of stored values in the order of `ATTRIBUTES`; None when one is missing or of another version."""
    wanted = attribute_versions()
    if values is None or any(each not in columns for each in wanted):
        return None
    return values if wanted == columns else values[:, [columns.index(each) for each in wanted]]


def open_dataset(name: str, path: Path) -> Dataset:
    """The data set in a cache file.

    Attributes that the file does not hold, or holds by another version of their formula, are computed.

    Raises:
        FileNotFoundError: there is none.
        UserError: it is damaged.
    """
    arrays, metadata = cache.read(path)
    with arrays_file.damaged(path, cache.HINT):
        return _dataset(name, path, arrays, metadata)


def _dataset(name: str, path: Path, arrays: arrays_file.Arrays, metadata: dict[str, Any]) -> Dataset:
    """Makes the data set of what a cache file holds. Raises ValueError, KeyError or TypeError if it holds no such."""
    vocabulary = Vocabulary.from_json(metadata["vocabulary"])
    splits = {}
    for split in SPLITS:
        tokens, tune = arrays[f"{split}_tokens"], arrays[f"{split}_tune"]
        own = {"tokens": tokens, "tune": tune}
        arrays_file.check_shapes(own, {"tokens": ("u", f"N {vocabulary.grid.n_ticks}"), "tune": ("i", "N")})
        is_token, is_tune = tokens < len(vocabulary), (tune >= 0) & (tune < len(metadata["tune_names"]))
        if not (len(tokens) and is_token.all() and is_tune.all()):
            raise ValueError(f"the {split} split has other tokens or tunes than there are")
        attributes = _stored_attributes(arrays.get(f"{split}_attributes"), metadata.get("attributes", ()))
        if attributes is None:
            attributes = compute_attributes(tokens, vocabulary.midi, vocabulary.grid)
        if attributes.shape != (len(tokens), len(ATTRIBUTES)):
            raise ValueError(f"the attributes of the {split} split have shape {attributes.shape}")
        for array in (tokens, tune, attributes):
            array.setflags(write=False)
        splits[split] = Split(tokens, tune, attributes)
    names, titles = tuple(metadata["tune_names"]), tuple(metadata["tune_titles"])
    return Dataset(
        name, vocabulary, **splits, tune_names=names, tune_titles=titles, report=metadata["report"], path=path
    )
