"""Engraving of tunes as notation, by the library Verovio."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from fractions import Fraction
from typing import TYPE_CHECKING, Any
from xml.etree import ElementTree

from vaemusic_jax.data.holdrian import rounded_name
from vaemusic_jax.data.writers.musicxml import measures_to_musicxml
from vaemusic_jax.data.writers.notation import Sound, measure_to_abc
from vaemusic_jax.music.vocabulary import REST, Vocabulary, is_pitch

if TYPE_CHECKING:
    import numpy as np

MARKED = "#D55E00"  # the colour of marked notes, a vermillion that colour-blind readers tell from black


_PAPER = '<rect width="100%" height="100%" fill="white"/>'  # so that it can be read on dark pages too


def measures_to_svg(measures: np.ndarray | Sequence[Sequence[int]], vocabulary: Vocabulary, *, scale: int = 60) -> str:
    """Engraves consecutive measures on one white page, as wide as four measures or so and as high as they need.

    Args:
        measures: (N, T) token indices.
        vocabulary: the vocabulary of the tokens.
        scale: the size in percent; at 60 a staff is some 1,450 pixels wide.

    Raises:
        ValueError: they do not fit on one page, or MusicXML cannot express them.
    """
    options = {"pageWidth": 2400, "pageHeight": 60_000, "adjustPageWidth": True, "scale": scale}
    pages = engrave_measures(measures, vocabulary, **options)
    if len(pages) > 1:
        raise ValueError(f"{len(measures):,} measures do not fit on a page of notation; 1,000 do")
    start, end, rest = pages[0].partition(">")
    return f"{start}{end}{_PAPER}{rest}"


def engrave_measures(
    measures: np.ndarray | Sequence[Sequence[int]], vocabulary: Vocabulary, **options: Any
) -> list[str]:
    """Engraves consecutive measures and returns an SVG element for each page.

    They go through MusicXML, because Verovio drops notes of triplets that it reads from ABC: of `(3:2:2D2F` the F.

    Args:
        measures: (N, T) token indices.
        vocabulary: the vocabulary of the tokens; pitches in commas are rounded to twelve tones.
        options: as in `engrave`.
    """
    music = measures_to_musicxml(*_in_twelve_tones(measures, vocabulary))
    return engrave(music.decode(), inputFrom="musicxml", **options)


def engrave_measure(
    tokens: np.ndarray | Sequence[int], vocabulary: Vocabulary, marked: Collection[Sound] = (), **options: Any
) -> str:
    """Engraves one measure without a key signature, as an SVG element; where it only holds, nothing is shown.

    Args:
        tokens: (T,) token indices.
        vocabulary: the vocabulary of the tokens; pitches in commas are rounded to twelve tones.
        marked: the notes of the measure that are drawn in the colour `MARKED`.
        options: as in `engrave`.
    """
    if max(map(int, tokens)) <= REST:
        abc = f"X:1\nM:{vocabulary.metre}\nL:1/8\nK:C\n{measure_to_abc(tokens, vocabulary)}\n"
        return engrave(abc, **options)[0]
    music = measures_to_musicxml(*_in_twelve_tones([tokens], vocabulary), key=False)
    return engrave(_coloured(music, marked) if marked else music.decode(), inputFrom="musicxml", **options)[0]


def _in_twelve_tones(
    measures: np.ndarray | Sequence[Sequence[int] | np.ndarray], vocabulary: Vocabulary
) -> tuple[list[list[int]], Vocabulary]:
    """Returns measures and vocabulary as they are, or with every pitch in commas as the nearest of twelve tones."""
    rows = [[int(token) for token in measure] for measure in measures]
    if not vocabulary.microtonal:
        return rows, vocabulary
    rounded = [rounded_name(name) if is_pitch(name) else name for name in vocabulary.tokens]
    plain = Vocabulary.from_pitches(filter(is_pitch, rounded), metre=vocabulary.metre, room=False)
    return [[plain.index(rounded[token]) for token in row] for row in rows], plain


def _coloured(music: bytes, marked: Collection[Sound]) -> str:
    """Returns a MusicXML score of one measure in which every written note of the marked events has a colour.

    An event may be written as several notes that are tied.
    """
    score = ElementTree.fromstring(music)
    divisions, at = int(score.findtext(".//divisions") or 1), Fraction(0)
    for note in score.iter("note"):
        if any(sound.onset <= at < sound.onset + sound.length for sound in marked):
            note.set("color", MARKED)
        at += Fraction(int(note.findtext("duration") or 0), divisions)
    return ElementTree.tostring(score, encoding="unicode")


def engrave(music: str, **options: Any) -> list[str]:
    """Engraves a tune and returns an SVG element for each page; equal input gives equal text.

    Args:
        music: one tune in ABC, or in the format that the option `inputFrom` names.
        options: options of Verovio; they override those set here.

    Raises:
        ImportError: Verovio is not installed or cannot be loaded.
    """
    import verovio

    verovio.enableLog(verovio.LOG_OFF)
    toolkit = verovio.toolkit()
    set_here = {"inputFrom": "abc", "adjustPageHeight": True, "header": "none", "footer": "none", "xmlIdSeed": 1}
    toolkit.setOptions({**set_here, "svgRemoveXlink": True, **options})
    toolkit.loadData(music)
    return [toolkit.renderToSVG(page) for page in range(1, toolkit.getPageCount() + 1)]
