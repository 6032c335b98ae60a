"""Reads the measures of one file of music, or of tunes given as text, each with its place in the music.

`vaemusic_jax.read_measures` is for a tune that somebody wants to hear through a model. A data set of many files is made
by `prepare_dataset`, by the same readers and rules.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from concurrent.futures import Future
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, get_args

from vaemusic_jax.data.bars import Drop, bar_to_tokens
from vaemusic_jax.data.pieces import NO_ACCESS, Collection, Piece, collect
from vaemusic_jax.data.read_pieces import (
    NO_PROCESSES,
    PIECES_AT_A_TIME,
    READER_DIED,
    TOO_LONG,
    Measure,
    import_readers,
    result_or_reason,
)
from vaemusic_jax.data.readers.abc_book import read_book
from vaemusic_jax.data.sources import checked_source, find_files
from vaemusic_jax.data.tunes import Pitch, Reading, Tune, UnreadableTuneError, Voices
from vaemusic_jax.data.workers import Limits, worker_pool
from vaemusic_jax.errors import UserError
from vaemusic_jax.music.grid import COMMON, GRIDS, Grid
from vaemusic_jax.support.words import command

TEXT = "text"  # names what was given as text and not as a file


@dataclass(frozen=True)
class Place:
    """Where a measure stands.

    Attributes:
        tune: the name of the file, in a tune book with the number of the tune: `book.abc#12`.
        title: of the tune as written, or empty.
        voice: which voice of the tune it is in, from 1.
        bar: which bar of the voice it is, from 1; a pickup is a bar.
    """

    tune: str
    title: str
    voice: int
    bar: int

    def __str__(self) -> str:
        """The place in words."""
        return f"{self.tune}, voice {self.voice}, bar {self.bar}"


@dataclass
class ReadMeasures:
    """The measures of a file.

    Attributes:
        source: the name of the file, or `text`.
        metre: of the measures that are kept.
        names: the token names of each kept measure, in written order: onsets such as `C#4`, `rest` and `__` (hold).
        places: where each of them stands.
        dropped: the place of every other measure, and why it cannot be used.
        unreadable: the name of every tune that cannot be read at all, and why.
    """

    source: str
    metre: str
    names: list[Measure] = field(default_factory=list)
    places: list[Place] = field(default_factory=list)
    dropped: list[tuple[Place, str]] = field(default_factory=list)
    unreadable: list[tuple[str, str]] = field(default_factory=list)

    def __len__(self) -> int:
        """The number of kept measures."""
        return len(self.names)

    def reasons(self) -> dict[str, int]:
        """How many measures and tunes were dropped for each reason, the most frequent first."""
        return dict(Counter(reason for _, reason in (*self.dropped, *self.unreadable)).most_common())


def read_measures(
    source: str | Path,
    *,
    metre: str = COMMON,
    voices: Voices = "melody",
    pitch: Pitch = "rounded",
    limits: Limits | None = None,
) -> ReadMeasures:
    """Reads the measures of one file of any format that `vaemusic data prepare` reads, or of tunes in ABC.

        measures = read_measures("tune.abc", metre="6/8")
        measures.names[0], measures.places[0]

    The file is read in a process of its own, under the same limits as the files of a data set.

    Args:
        source: the file; or the text of tunes in ABC: a string of more than one line.
        metre: of the measures to keep, a row of `music.grid.GRIDS`.
        voices: `melody`, or `all` voices of a score and all parts of a MIDI file, each on its own.
        pitch: `rounded` to twelve tones, or `microtonal`, in Holdrian commas, where the file has such pitches.
        limits: what reading a tune may take.

    Raises:
        UserError: there is no such file, it cannot be read, no tune in it can be, or an option has no such value.
    """
    options = {"metre": (metre, GRIDS), "voices": (voices, get_args(Voices)), "pitch": (pitch, get_args(Pitch))}
    for name, (value, known) in options.items():
        if value not in known:
            raise UserError(f"{name}: {value!r} is none of {', '.join(known)}")
    reading, limits = Reading(pitch, voices, metre), limits or Limits()
    collection = _collected(source, limits)
    read = ReadMeasures(TEXT if _is_text(source) else str(source), metre)
    for piece, bars in zip(collection.pieces, _bars(collection.pieces, reading, limits), strict=True):
        if isinstance(bars, str):
            read.unreadable.append((piece.name, bars))
            continue
        title, numbered = bars
        for voice, bar, measure in numbered:
            place = Place(piece.name, title, voice, bar)
            if isinstance(measure, str):
                read.dropped.append((place, measure))
            else:
                read.names.append(measure)
                read.places.append(place)
    if not read.names and not read.dropped:
        reasons = Counter(reason for _, reason in (*collection.dropped, *read.unreadable)).most_common()
        why = "; ".join(reason for reason, _ in reasons) or "no music in it"
        raise UserError(f"{read.source}: no measure can be read: {why}")
    return read


def _is_text(source: str | Path) -> bool:
    return isinstance(source, str) and len(source.strip().splitlines()) > 1


def _collected(source: str | Path, limits: Limits) -> Collection:
    """The pieces of a file or text. Raises UserError."""
    if _is_text(source):
        content = str(source).encode("utf-8", "replace")
        if len(content) > limits.size * 2**20:
            raise UserError(f"{TEXT}: larger than {limits.size} MiB")
        try:
            tunes = read_book(content, TEXT)
        except UnreadableTuneError as error:
            raise UserError(f"{TEXT}: {error}") from None
        return Collection([Piece(tune.name, "abc", tune.name, Path(TEXT), tune.text) for tune in tunes])
    path = checked_source(source)
    found = find_files(path)
    if path.is_dir():
        prepare = command("vaemusic", "data", "prepare", "NAME", "--source", path)
        raise UserError(f"{path}: a folder; give one file, or make a data set of the folder with {prepare}")
    return collect(found, limits.size)


#: A title and (voice, bar, tokens or reason) of each bar; or why there are none.
_Bars = tuple[str, list[tuple[int, int, Measure | str]]] | str


def _bars(pieces: Sequence[Piece], reading: Reading, limits: Limits) -> Iterator[_Bars]:
    """The bars of each piece, read in a worker process; some pieces at a time, as all may not fit into memory."""
    if not pieces:
        return
    with worker_pool(1, limits, import_readers) as schedule:
        for start in range(0, len(pieces), PIECES_AT_A_TIME):
            running: list[Future[_Bars] | None] = []
            for piece in pieces[start : start + PIECES_AT_A_TIME]:
                try:
                    running.append(schedule(read_bars, (piece.kind, piece.content(), reading)))
                except OSError:
                    running.append(None)
            for future in running:
                yield NO_ACCESS if future is None else _result(future)


def _result(future: Future[_Bars]) -> _Bars:
    from pebble import ProcessExpired

    try:
        return future.result()
    except BrokenProcessPool as error:
        raise UserError(NO_PROCESSES) from error
    except TimeoutError:
        return TOO_LONG
    except ProcessExpired:
        return READER_DIED


def read_bars(task: tuple[str, bytes, Reading]) -> Any:
    """Reads one piece, in a worker: its title and, for each bar, voice, number, and tokens or why it has none.

    Args:
        task: the kind of the piece, its content, and what to take from it.

    Returns:
        Or why the piece cannot be read.
    """
    kind, content, reading = task
    return result_or_reason(kind, content, reading, lambda tunes: _numbered(tunes, reading.grid))


def _numbered(tunes: Sequence[Tune], grid: Grid) -> tuple[str, list[tuple[int, int, Measure | str]]]:
    title = next((tune.title for tune in tunes if tune.title), "")
    voices = [voice for tune in tunes for voice in tune.voices]
    bars = []
    for voice, written in enumerate(voices, start=1):
        for number, bar in enumerate(written, start=1):
            tokens = bar_to_tokens(bar, grid)
            bars.append((voice, number, tokens.value if isinstance(tokens, Drop) else tokens))
    return title, bars
