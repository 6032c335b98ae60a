"""A prepared data set: measures as token arrays, split by tune."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from vaemusic_jax.data import cache
from vaemusic_jax.data.corpora import find_corpus, source_files
from vaemusic_jax.data.grid import Drop
from vaemusic_jax.data.parse import ParsedTune, parse_all
from vaemusic_jax.data.split import SHARES, assign_splits, group_settings
from vaemusic_jax.data.tune_book import TuneText, decode, split_book
from vaemusic_jax.errors import UserError
from vaemusic_jax.progress import Progress, progress_bar
from vaemusic_jax.vocabulary import Vocabulary, is_pitch

SPLITS = tuple(SHARES)


@dataclass(frozen=True)
class Split:
    """The measures of one split, tune after tune in a seeded random tune order, within a tune as written.

    Attributes:
        tokens: uint8 (N, 24) token indices.
        tune: int32 (N,) index of each measure's tune in `Dataset.tune_names`.
    """

    tokens: np.ndarray
    tune: np.ndarray

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
        vocabulary: of the tokens, from the training split.
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
    def seen_in_training(self) -> float:
        """Share of the test measures whose 24 tokens also occur in the training split."""
        known = {row.tobytes() for row in self.train.tokens}
        return float(np.mean([row.tobytes() in known for row in self.test.tokens]))


def load_dataset(
    name: str,
    *,
    source: str | Path | None = None,
    cache_dir: str | Path | None = None,
    split_seed: int = 0,
    workers: int | None = None,
    progress: Progress = progress_bar,
) -> Dataset:
    """Loads a data set from the cache, or reads its music files and caches it first.

    Args:
        name: of a corpus, such as `irish_folk`.
        source: folder or file of the user's own ABC tunes instead of the embedded ones.
        cache_dir: where prepared data sets are kept; default $VAEMUSIC_CACHE, else the user's cache directory.
        split_seed: of the split into training, validation and test tunes.
        workers: processes that read music files; default one per core. No influence on the result.
        progress: shows the reading.

    Raises:
        UserError: unknown name, missing or unusable source, damaged cache file, cache that cannot be written.
    """
    corpus = find_corpus(name)
    files = source_files(corpus, None if source is None else Path(source))
    contents = []
    unreadable = 0
    for path, file_name in files:
        try:
            contents.append((file_name, path.read_bytes()))
        except OSError as error:
            if path == source or len(files) == 1:
                raise UserError(f"{path}: cannot be read ({error.strerror})") from error
            unreadable += 1
    parameters = {"name": name, "split_seed": split_seed, "unreadable_files": unreadable}
    path = cache.cache_directory(cache_dir) / f"{name}-{cache.content_key(parameters, contents)}.npz"
    try:
        arrays, metadata = cache.read(path)
    except FileNotFoundError:
        tunes = [tune for file_name, content in contents for tune in split_book(decode(content), file_name)]
        arrays, metadata = _prepare(name, tunes, split_seed, workers, progress)
        metadata["report"] = {"files": {"read": len(contents), "unreadable": unreadable}, **metadata["report"]}
        cache.write(path, arrays, metadata)
    splits = {split: Split(arrays[f"{split}_tokens"], arrays[f"{split}_tune"]) for split in SPLITS}
    for split in splits.values():
        split.tokens.setflags(write=False)
        split.tune.setflags(write=False)
    vocabulary = Vocabulary.from_json(metadata["vocabulary"])
    names, titles = tuple(metadata["tune_names"]), tuple(metadata["tune_titles"])
    return Dataset(
        name, vocabulary, **splits, tune_names=names, tune_titles=titles, report=metadata["report"], path=path
    )


def _prepare(
    name: str, sources: Sequence[TuneText], split_seed: int, workers: int | None, progress: Progress
) -> tuple[dict[str, np.ndarray], dict[str, Any]]:
    parsed = parse_all(sources, workers, progress)
    tunes = [tune for tune in parsed if tune.measures]
    groups = group_settings([tune.measures for tune in tunes])
    splits = assign_splits([tune.name for tune in tunes], groups, split_seed)
    if not all(splits.values()):
        raise UserError(
            f"{name}: {len(sources)} tunes read, of which {len(set(groups))} different ones have a usable measure; "
            f"a split into training, validation and test tunes needs at least 10 ({_in_words(_failures(parsed))})"
        )
    vocabulary = Vocabulary.from_pitches(
        filter(is_pitch, (token for index in splits["train"] for measure in tunes[index].measures for token in measure))
    )
    arrays = {}
    report = _report(parsed, groups)
    for split, indices in splits.items():
        rows = [
            (index, [vocabulary.index(token) for token in measure])
            for index in indices
            for measure in tunes[index].measures
            if all(token in vocabulary for token in measure)
        ]
        arrays[f"{split}_tokens"] = np.array([tokens for _, tokens in rows], np.uint8)
        arrays[f"{split}_tune"] = np.array([index for index, _ in rows], np.int32)
        outside = sum(len(tunes[index].measures) for index in indices) - len(rows)
        if outside:
            dropped = report["measures"]["dropped"]
            dropped[Drop.PITCH.value] = dropped.get(Drop.PITCH.value, 0) + outside
            report["measures"]["kept"] -= outside
        report["splits"][split] = {"tunes": len(indices), "measures": len(rows)}
    report["vocabulary"] = len(vocabulary)
    return arrays, {
        "vocabulary": vocabulary.to_json(),
        "tune_names": [tune.name for tune in tunes],
        "tune_titles": [tune.title for tune in tunes],
        "report": report,
    }


def _report(parsed: Sequence[ParsedTune], groups: Sequence[int]) -> dict[str, Any]:
    """Counts of what was read, kept and dropped; reasons with the most frequent first."""
    drops, other_metres = Counter[str](), Counter[str]()
    for tune in parsed:
        drops += tune.drops
        other_metres += tune.other_metres
    kept = sum(len(tune.measures) for tune in parsed)
    written = sum(tune.written for tune in parsed)
    if kept + drops.total() != written:
        raise AssertionError(f"{written} measures read, but {kept} kept and {drops.total()} dropped")
    return {
        "tunes": {
            "read": len(parsed),
            "kept": len(groups),
            "different": len(set(groups)),
            "dropped": _failures(parsed),
        },
        "measures": {
            "written": written,
            "kept": kept,
            "dropped": dict(drops.most_common()),
            "other_metres": dict(other_metres.most_common()),
        },
        "splits": {},
    }


def _failures(parsed: Sequence[ParsedTune]) -> dict[str, int]:
    return dict(Counter(tune.failure for tune in parsed if tune.failure).most_common())


def _in_words(counts: dict[str, int]) -> str:
    return "; ".join(f"{reason}: {count}" for reason, count in counts.items()) or "nothing dropped"
