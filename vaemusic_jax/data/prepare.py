"""Makes a data set of music files: finds and reads them, splits by tune, numbers the tokens, writes it to the cache."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np

from vaemusic_jax.data import cache
from vaemusic_jax.data.bars import Drop
from vaemusic_jax.data.cache import cache_directory
from vaemusic_jax.data.corpora import embedded_files, find_corpus, folder_of, metre_of
from vaemusic_jax.data.dataset import Dataset, attribute_versions, open_dataset
from vaemusic_jax.data.names import Entry, check_name, prepared_names, version_of, write_down
from vaemusic_jax.data.parsed_store import ParsedStore
from vaemusic_jax.data.pieces import Collection, Piece, collect
from vaemusic_jax.data.read_pieces import Parsed, parse_all
from vaemusic_jax.data.source_files import describe_files
from vaemusic_jax.data.sources import checked_source, find_files
from vaemusic_jax.data.split import assign_splits, group_settings
from vaemusic_jax.data.tunes import Reading
from vaemusic_jax.data.workers import Limits
from vaemusic_jax.errors import UserError
from vaemusic_jax.music.attributes import compute_attributes
from vaemusic_jax.music.grid import GRIDS
from vaemusic_jax.music.vocabulary import Vocabulary, is_pitch
from vaemusic_jax.support.progress import Progress, progress_bar

MOST_PITCHES = 254  # a token is one byte, and two are hold and rest


@dataclass(frozen=True)
class Outcome:
    """The outcome of reading one piece, or of opening a file that gave none.

    Attributes:
        name: of the piece or file.
        parsed: what was read of it.
        split: where its measures went; empty when it has none.
    """

    name: str
    parsed: Parsed
    split: str


@dataclass(frozen=True)
class Prepared:
    """A data set, and the outcome of every piece and file."""

    dataset: Dataset
    outcomes: list[Outcome]


class RefusedError(UserError):
    """No data set can be made of what was read.

    Attributes:
        outcomes: the outcome of every piece and file.
    """

    def __init__(self, message: str, outcomes: list[Outcome]) -> None:
        super().__init__(message)
        self.outcomes = outcomes


def prepare_dataset(
    name: str,
    *,
    source: str | Path | None = None,
    reading: Reading | None = None,
    split_seed: int = 0,
    cache_dir: str | Path | None = None,
    limits: Limits | None = None,
    workers: int | None = None,
    progress: Progress = progress_bar,
) -> Prepared:
    """Reads music files and makes `name` stand for their measures, for `load_dataset` and every configuration.

    Results are kept file by file, so an interrupted reading goes on where it stopped and a later one reads only what is
    new.

    Args:
        name: of a corpus that `vaemusic data list` shows, or a new one of the user's choice.
        source: folder with music of any kind that is read, or one file; None for the files that come with music21.
        reading: what to take from the files; default: the melody, rounded to twelve tones, in the metre of the corpus,
            which is 4/4 for a name that is no corpus.
        split_seed: of the split into training, validation and test tunes.
        cache_dir: where prepared data sets are kept; default $VAEMUSIC_CACHE, else the user's cache directory.
        limits: what one file may take.
        workers: processes that read; default one per core. No influence on the result.
        progress: shows the reading.

    Raises:
        RefusedError: too few usable tunes, or too many pitches.
        UserError: unusable name or source, a cache that cannot be written.
    """
    check_name(name)
    reading, limits = reading or Reading(metre=metre_of(name)), limits or Limits()
    if reading.metre not in GRIDS:
        raise UserError(f"metre: {reading.metre!r} is none of {', '.join(GRIDS)}")
    if source is None:
        found = embedded_files(find_corpus(name, prepared_names(cache_dir)))
    else:
        found = find_files(folder_of(name, checked_source(source)))
    collection = collect(found, limits.size)
    if not collection.pieces:
        reasons = _in_words(Counter(reason for _, reason in collection.dropped))
        raise RefusedError(
            f"{source}: no tune in it; tables and texts must be of The Session's or SymbTr's layout ({reasons})",
            _outcomes(collection, [], []),
        )
    code = version_of(embedded=source is None)
    cache.check_writable(cache_dir)
    folder = cache_directory(cache_dir)
    with ParsedStore(folder / f"read-{code.split()[0]}.sqlite") as store:
        parsed = parse_all(collection.pieces, reading, store, limits=limits, workers=workers, progress=progress)
    try:
        arrays, metadata, splits = _arrange(name, collection, parsed, split_seed, reading.metre)
    except UserError as error:
        raise RefusedError(str(error), _outcomes(collection, parsed, [""] * len(parsed))) from error
    origin = f"music21 {version('music21')}" if source is None else f"the user's {Path(source).absolute().name}"
    used = {piece.path for piece in collection.pieces}
    files = describe_files(origin, [(path, file) for path, file, _ in found.files if path in used])
    metadata["report"] = {"reading": reading.in_words(), "source": files, **metadata["report"]}
    path = folder / f"{name}-{cache.content_key(arrays, metadata)}.npz"
    if not path.exists():
        cache.write(path, arrays, metadata)
    dataset = open_dataset(name, path)
    summary = f"{metadata['report']['measures']['kept']:,} measures of {metadata['report']['tunes']['kept']:,} tunes"
    entry = Entry(
        source=None if source is None else str(Path(source).absolute()),
        pitch=reading.pitch,
        voices=reading.voices,
        metre=reading.metre,
        split_seed=split_seed,
        file=path.name,
        code=code,
        summary=summary,
    )
    write_down(name, entry, cache_dir)
    return Prepared(dataset, _outcomes(collection, parsed, splits))


def _outcomes(collection: Collection, parsed: Sequence[Parsed], splits: Sequence[str]) -> list[Outcome]:
    of_files = [Outcome(file, Parsed.failed(reason), "") for file, reason in collection.dropped]
    return of_files + [
        Outcome(piece.name, each, split) for piece, each, split in zip(collection.pieces, parsed, splits, strict=True)
    ]


def _arrange(
    name: str, collection: Collection, parsed: list[Parsed], split_seed: int, metre: str
) -> tuple[dict[str, np.ndarray], dict[str, Any], list[str]]:
    """Arrays and metadata of the data set, and the split that each piece went to.

    Measures that turn out to be outside the vocabulary are moved to the drops of their pieces in `parsed`.
    """
    usable = [i for i, each in enumerate(parsed) if each.measures]
    groups = group_settings([parsed[i].measures for i in usable], [collection.pieces[i].song for i in usable])
    splits = {
        split: [usable[place] for place in places]
        for split, places in assign_splits([collection.pieces[i].name for i in usable], groups, split_seed).items()
    }
    vocabulary = _vocabulary(name, [parsed[i] for i in splits["train"]], metre)
    for i in usable:
        parsed[i] = _within(vocabulary, parsed[i])
    kept = [i for i in usable if parsed[i].measures]
    n_different = len({group for i, group in zip(usable, groups, strict=True) if parsed[i].measures})
    if not all(any(parsed[i].measures for i in indices) for indices in splits.values()):
        reasons = _failures(parsed) + Counter(reason for _, reason in collection.dropped)
        raise UserError(
            f"{name}: {len(parsed)} tunes read, of which {n_different} different ones have a usable measure; "
            f"a split into training, validation and test tunes needs at least 10 ({_in_words(reasons)})"
        )
    report = _report(collection, parsed, n_different)
    rows_of = {
        measure: [vocabulary.index(token) for token in measure]
        for measure in {measure for i in kept for measure in parsed[i].measures}
    }
    number = {i: place for place, i in enumerate(kept)}
    arrays, split_of = {}, [""] * len(parsed)
    for split, indices in splits.items():
        rows = [(number[i], rows_of[measure]) for i in indices for measure in parsed[i].measures]
        arrays[f"{split}_tokens"] = np.array([tokens for _, tokens in rows], np.uint8)
        arrays[f"{split}_tune"] = np.array([i for i, _ in rows], np.int32)
        arrays[f"{split}_attributes"] = compute_attributes(arrays[f"{split}_tokens"], vocabulary.midi, vocabulary.grid)
        n_tunes = sum(i in number for i in indices)
        report["splits"][split] = {"tunes": n_tunes, "measures": len(rows)}
        for i in indices:
            split_of[i] = split if i in number else ""
    report["vocabulary"] = len(vocabulary)
    metadata = {
        "vocabulary": vocabulary.to_json(),
        "attributes": attribute_versions(),
        "tune_names": [collection.pieces[i].name for i in kept],
        "tune_titles": [parsed[i].title for i in kept],
        "report": report,
    }
    return arrays, metadata, split_of


def _vocabulary(name: str, training: Sequence[Parsed], metre: str) -> Vocabulary:
    measures = {measure for each in training for measure in each.measures}
    pitches = {token for measure in measures for token in measure if is_pitch(token)}
    if len(pitches) > MOST_PITCHES:
        raise UserError(f"{name}: {len(pitches)} different spelled pitches; a vocabulary has room for {MOST_PITCHES}")
    return Vocabulary.from_pitches(pitches, metre=metre)


def _within(vocabulary: Vocabulary, parsed: Parsed) -> Parsed:
    """A piece without the measures that have a pitch outside the vocabulary."""
    measures = [measure for measure in parsed.measures if all(token in vocabulary for token in measure)]
    outside = Counter({Drop.PITCH.value: len(parsed.measures) - len(measures)})
    failure = "" if measures else Drop.PITCH.value
    return replace(parsed, measures=measures, drops=parsed.drops + outside, failure=failure)


def _report(collection: Collection, parsed: Sequence[Parsed], n_different: int) -> dict[str, Any]:
    """Counts of what was read, kept and dropped; reasons with the most frequent first."""
    drops, other_metres, repaired = Counter[str](), Counter[str](), Counter[str]()
    for each in parsed:
        drops += each.drops
        repaired += each.repaired
        other_metres += each.other_metres
    kept = sum(len(each.measures) for each in parsed)
    written = sum(each.written for each in parsed)
    if kept + drops.total() != written:
        raise AssertionError(f"{written} measures read, but {kept} kept and {drops.total()} dropped")
    unread = Counter(reason for _, reason in collection.dropped)
    unread.update(
        each.failure for piece, each in zip(collection.pieces, parsed, strict=True) if each.unreadable and _whole(piece)
    )
    in_files = [
        each for piece, each in zip(collection.pieces, parsed, strict=True) if not (each.unreadable and _whole(piece))
    ]
    return {
        "files": {
            "seen": collection.n_files,
            "read": collection.n_files - unread.total(),
            "dropped": dict(unread.most_common()),
            "other": dict(collection.others.most_common()),
        },
        "tunes": {
            "read": len(in_files),
            "kept": sum(not each.failure for each in in_files),
            "different": n_different,
            "dropped": dict(_failures(in_files).most_common()),
        },
        "measures": {
            "written": written,
            "kept": kept,
            "distinct": len({measure for each in parsed for measure in each.measures}),
            "dropped": dict(drops.most_common()),
            "other_metres": dict(other_metres.most_common()),
        },
        "repaired": dict(repaired.most_common()),
        "splits": {},
    }


def _whole(piece: Piece) -> bool:
    """Whether the piece is all of its file."""
    return piece.text is None


def _failures(parsed: Sequence[Parsed]) -> Counter[str]:
    return Counter(each.failure for each in parsed if each.failure)


def _in_words(counts: Counter[str]) -> str:
    return "; ".join(f"{reason}: {count}" for reason, count in counts.most_common()) or "nothing dropped"
