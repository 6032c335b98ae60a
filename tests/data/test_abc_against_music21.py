"""Our ABC reader against music21's, over every embedded tune in 4/4 or 2/2.

`benchmarks/against_music21.py` says what music21 misreads in ABC, and rewrites each tune so that both readers must
agree on every bar. It compares other metres and formats, too.
"""

import pytest

from benchmarks.against_music21 import abc_by_music21, lengths_of, without_faults_of_music21
from tests.helpers.study_grid import N_BEATS
from vaemusic_jax.data.bars import Bar, Drop
from vaemusic_jax.data.corpora import embedded_files, find_corpus
from vaemusic_jax.data.readers.abc import read_tune
from vaemusic_jax.data.readers.abc_book import decode, split_book
from vaemusic_jax.data.tunes import UnreadableTuneError
from vaemusic_jax.music.grid import metre_quarters


def comparable(bar: Bar) -> bool:
    """Chords are compared nowhere, since their bars are dropped; nor bars that we call unreadable."""
    return not bar.faults & {Drop.CHORD, Drop.UNREADABLE}


@pytest.mark.parametrize("book", ["oneills1850", "ryansMammoth"])
def test_both_readers_agree_on_every_bar_of_every_embedded_tune(book: str) -> None:
    differences: list[tuple[object, ...]] = []
    compared = 0
    for path, name, _ in embedded_files(find_corpus("irish_folk")).files:
        if not name.startswith(book):
            continue
        for source in split_book(decode(path.read_bytes()), name):
            try:
                tune = read_tune(source.text)
            except UnreadableTuneError:
                continue
            if len(tune.voices) != 1 or metre_quarters(tune.voices[0][0].metre) != N_BEATS:
                continue
            ours, theirs = tune.voices[0], abc_by_music21(without_faults_of_music21(source.text))
            if len(ours) != len(theirs):
                differences.append((source.name, len(ours), len(theirs)))
                continue
            for number, (bar, notes) in enumerate(zip(ours, theirs, strict=True)):
                if comparable(bar):
                    compared += 1
                    if lengths_of(bar) != notes:
                        differences.append((source.name, number, lengths_of(bar), notes))
    assert differences == []
    assert compared > {"oneills1850": 13_500, "ryansMammoth": 6_000}[book]
