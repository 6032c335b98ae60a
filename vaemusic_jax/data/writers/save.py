"""Saves measures as a file; the suffix of its name says the format."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any

from numpy.typing import ArrayLike

from vaemusic_jax.errors import UserError
from vaemusic_jax.music.grid import COMMON, GRIDS
from vaemusic_jax.music.vocabulary import MOST_TOKENS, Vocabulary, has_commas, is_pitch, pitch_in_53rds, spelling
from vaemusic_jax.support.atomic import write_atomically

Names = Sequence[Sequence[str]]
_Indices = list[list[int]]


def save_measures(
    measures: ArrayLike | Names,
    path: str | Path,
    vocabulary: Vocabulary | None = None,
    *,
    metre: str | None = None,
    title: str = "",
    tempo: float = 120.0,
) -> None:
    """Saves consecutive measures as a file: `.abc`, `.mid`, `.musicxml` or `.wav`.

        save_measures(model.decode(codes), "out.mid", model.vocabulary)
        save_measures(read_measures("tune.abc").names, "tune.musicxml")

    The file is replaced in one step: it has its old or its new content, whatever happens.

    Args:
        measures: (N, T) or (T,) token indices of the vocabulary, or token names such as `C#4`, `rest` and `__`.
        path: of the file; its suffix says the format.
        vocabulary: of the indices, with the metre. Names need none.
        metre: of measures without a vocabulary; default 4/4.
        title: of the music, in ABC and MusicXML.
        tempo: quarters a minute, in MIDI and WAV.

    Raises:
        UserError: another suffix, measures of another shape, a token that there is not, something that the format
            cannot express, or a file that cannot be written.
    """
    path = Path(path)
    write = _WRITERS.get(path.suffix.lower())
    if write is None:
        raise UserError(f"{path}: the suffix says no format that can be written; use one of {' '.join(_WRITERS)}")
    try:
        rows, known = checked_measures(measures, vocabulary, metre)
        content = write(rows, known, " ".join(title.split()), tempo)
    except ValueError as error:  # what the format cannot express, too
        raise UserError(f"{path}: {error}") from None
    if "\0" in str(path):
        raise UserError(f"{str(path)!r}: no file can have such a name")
    write_atomically(path, content)


def _abc(measures: _Indices, vocabulary: Vocabulary, title: str, tempo: float) -> bytes:
    from vaemusic_jax.data.writers.notation import measures_to_abc

    return measures_to_abc(measures, vocabulary, title=title).encode("utf-8", "replace")


def _midi(measures: _Indices, vocabulary: Vocabulary, title: str, tempo: float) -> bytes:
    from vaemusic_jax.data.writers.midi import measures_to_midi

    return measures_to_midi(measures, vocabulary, tempo=tempo)


def _musicxml(measures: _Indices, vocabulary: Vocabulary, title: str, tempo: float) -> bytes:
    from vaemusic_jax.data.writers.musicxml import measures_to_musicxml

    return measures_to_musicxml(measures, vocabulary, title=title)


def _wav(measures: _Indices, vocabulary: Vocabulary, title: str, tempo: float) -> bytes:
    from vaemusic_jax.data.writers.wav import measures_to_wav

    return measures_to_wav(measures, vocabulary, tempo=tempo)


_WRITERS: dict[str, Callable[[_Indices, Vocabulary, str, float], bytes]] = {
    ".abc": _abc,
    ".mid": _midi,
    ".musicxml": _musicxml,
    ".wav": _wav,
}


SUFFIXES = tuple(_WRITERS)


def checked_measures(
    measures: Any, vocabulary: Vocabulary | None = None, metre: str | None = None
) -> tuple[_Indices, Vocabulary]:
    """Returns measures as indices of a vocabulary, which is made of their names if there is none.

    Args:
        measures, vocabulary, metre: as in `save_measures`.

    Raises:
        ValueError: they are no measures of the vocabulary; it says which measure and why.
    """
    if metre is not None and metre not in GRIDS:
        raise ValueError(f"metre: {metre!r} is none of {', '.join(GRIDS)}")
    if vocabulary is not None and metre not in (None, vocabulary.metre):
        raise ValueError(f"metre: {metre}, but the vocabulary has measures in {vocabulary.metre}")
    rows = _rows(measures)
    named = all(isinstance(token, str) for row in rows for token in row)
    if not named and vocabulary is None:
        raise ValueError("without a vocabulary the tokens of measures are names, such as 'C#4', 'rest' and '__'")
    known = vocabulary if vocabulary is not None else _vocabulary_of(rows, metre or COMMON)
    n_ticks, indices = known.grid.n_ticks, []
    for number, row in enumerate(rows, start=1):
        if len(row) != n_ticks:
            raise ValueError(f"measure {number} has {len(row)} tokens; one in {known.metre} has {n_ticks}")
        wrong = next((token for token in row if not _is_token(token, known)), None)
        if wrong is not None:
            raise ValueError(f"measure {number}: {wrong!r} is no token of the vocabulary, which has {len(known)}")
        indices.append([known.index(token) if isinstance(token, str) else token for token in row])
    return indices, known


def _is_token(token: Any, vocabulary: Vocabulary) -> bool:
    if isinstance(token, str):
        return token in vocabulary
    return isinstance(token, int) and not isinstance(token, bool) and 0 <= token < len(vocabulary)


def _rows(measures: Any) -> list[list[Any]]:
    """Measures as lists of tokens, one measure as a list of one. Raises ValueError."""
    try:
        rows = [_listed(row) for row in _listed(measures)]
    except TypeError:
        raise ValueError(f"measures are an array (N, T) or lists of tokens, not {type(measures).__name__}") from None
    if rows and not any(isinstance(row, list) for row in rows):
        rows = [rows]
    if not rows or not all(isinstance(row, list) for row in rows):
        raise ValueError("there are no measures" if not rows else "some measures are no lists of tokens")
    return rows


def _listed(each: Any) -> Any:
    """An array or sequence as a list, a token as it is."""
    plain = each.tolist() if hasattr(each, "tolist") else each
    return list(plain) if isinstance(plain, Iterable) and not isinstance(plain, str) else plain


def _vocabulary_of(rows: Iterable[Iterable[str]], metre: str) -> Vocabulary:
    """The vocabulary of token names. Raises ValueError for a name that is none."""
    pitches = {name for row in rows for name in row if is_pitch(name)}
    for name in sorted(pitches):
        (pitch_in_53rds if has_commas(name) else spelling)(name)
    if len(pitches) > MOST_TOKENS - 2:
        raise ValueError(f"{len(pitches)} different pitches; at most {MOST_TOKENS - 2} can be written")
    return Vocabulary.from_pitches(pitches, metre=metre, room=False)
