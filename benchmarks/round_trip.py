"""What share of the measures of a data set comes back the same when it is written to a file and read again.

    python -m benchmarks.round_trip NAME [NAME ...]

Every distinct measure is written alone, and each tune's measures are written one after the other. MIDI has no spelling,
and ABC no commas: there, measures are compared by rhythm and pitch number.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import tyro

from vaemusic_jax.data.dataset import SPLITS, Dataset
from vaemusic_jax.data.load import load_dataset
from vaemusic_jax.data.read_pieces import read_piece
from vaemusic_jax.data.tunes import Reading
from vaemusic_jax.data.writers.midi import measures_to_midi
from vaemusic_jax.data.writers.musicxml import measures_to_musicxml
from vaemusic_jax.data.writers.notation import measures_to_abc
from vaemusic_jax.music.vocabulary import Vocabulary, is_pitch, pitch_in_53rds, pitch_to_midi
from vaemusic_jax.support.progress import progress_bar

Write = Callable[[np.ndarray, Vocabulary], bytes]
FORMATS: dict[str, tuple[str, Write, bool]] = {
    "ABC": ("abc", lambda measures, vocabulary: measures_to_abc(measures, vocabulary).encode(), True),
    "MusicXML": ("musicxml", measures_to_musicxml, True),
    "MIDI": ("midi", measures_to_midi, False),
}


def same(read: Sequence[tuple[str, ...]], measures: np.ndarray, vocabulary: Vocabulary, spelled: bool) -> bool:
    """Returns whether measures that were read equal those that were written, in names or, unless spelled, in pitch."""

    def plain(names: Sequence[str]) -> list[str | float]:
        number = pitch_in_53rds if vocabulary.microtonal else pitch_to_midi
        return [name if spelled or not is_pitch(name) else number(name) for name in names]

    written = [plain([vocabulary.tokens[token] for token in measure]) for measure in measures]
    return [plain(measure) for measure in read] == written


def share(dataset: Dataset, written: list[np.ndarray], format_name: str) -> float:
    """Returns the share of files of measures that are the same after writing and reading."""
    kind, write, spelled = FORMATS[format_name]
    reading = Reading("microtonal" if dataset.vocabulary.microtonal else "rounded", metre=dataset.vocabulary.metre)
    kept = 0
    with progress_bar(f"{dataset.name} through {format_name}", len(written), "files") as advance:
        for measures in written:
            read = read_piece(kind, write(measures, dataset.vocabulary), reading).measures
            kept += same(read, measures, dataset.vocabulary, spelled)
            advance(1)
    return kept / len(written)


def main(names: tyro.conf.Positional[tuple[str, ...]]) -> None:
    """Prints the shares.

    Args:
        names: prepared data sets.
    """
    for name in names:
        dataset = load_dataset(name)
        splits = [dataset.split(split) for split in SPLITS]
        tokens = np.concatenate([split.tokens for split in splits])
        tunes = np.concatenate([split.tune for split in splits])
        alone = list(np.unique(tokens, axis=0)[:, None])
        together = np.split(tokens, np.flatnonzero(np.diff(tunes)) + 1)
        for format_name in FORMATS:
            print(
                f"{name}: {format_name}: {share(dataset, alone, format_name):.4%} of {len(alone):,} distinct measures, "
                f"{share(dataset, together, format_name):.4%} of {len(together):,} tunes whole",
                flush=True,
            )


if __name__ == "__main__":
    tyro.cli(main)
