"""Reads MusicXML scores, plain or compressed, into bars.

The melody is the first voice of the first part whose name starts with `Soprano`, else of the first part; percussion and
parts without pitched notes do not count. Measures are as written, repeats are not unfolded. The rules within a part
are in `musicxml_part.py`, the limits in `musicxml_tree.py`.

In Turkish makam music the accidentals count Holdrian commas. A score is taken for such music when SymbTr's converter or
`writers/musicxml.py` wrote it so, when it has an accidental that no other music has (`slash-flat`...), or when it
has a `quarter-flat` or `quarter-sharp` and no key signature in fifths. In any other score accidentals are semitones,
whatever `Reading.pitch`.
"""

from __future__ import annotations

from collections.abc import Iterator
from xml.etree.ElementTree import Element

from vaemusic_jax.data.bars import Bar
from vaemusic_jax.data.holdrian import TURKISH_ACCIDENTALS
from vaemusic_jax.data.readers.musicxml_part import PartReader
from vaemusic_jax.data.readers.musicxml_tree import needed_in, parse_tree, unpack
from vaemusic_jax.data.readers.reader import Reader
from vaemusic_jax.data.tunes import Reading, Tune, UnreadableTuneError

_COMMA_SOFTWARE = ("MusicXMLConverter", "Holdrian commas")  # SymbTr's, and `writers/musicxml.py`: both repeat each sign
_PERCUSSION_CHANNEL = "10"
_ALL = frozenset(("",))  # no instrument has this name


def read_musicxml(data: bytes, reading: Reading) -> list[Tune]:
    """Reads an uncompressed MusicXML file: one tune.

    Args:
        data: the file.
        reading: what is taken from it.

    Raises:
        UnreadableTuneError: not a score, not safe, too large, or without a unit of time.
    """
    root = parse_tree(data, needed_in(data))
    if root.tag not in ("score-partwise", "score-timewise"):
        raise UnreadableTuneError("not a MusicXML score")
    counts_commas, repeats_signs = _counts_commas(root), _is_by(_COMMA_SOFTWARE, root)
    drums = _drums(root)
    voices: list[tuple[Bar, ...]] = []
    parts = [(part, measures) for part, measures in _parts(root) if drums.get(part) != _ALL]
    if reading.voices == "melody":
        sopranos = _sopranos(root)
        parts.sort(key=lambda each: each[0] not in sopranos)
    for part, measures in parts:
        reader = PartReader(
            counts_commas, reading.pitch, repeats_signs=repeats_signs, drums=drums.get(part, frozenset())
        )
        voices += reader.read(measures)
        if voices and reading.voices == "melody":
            del voices[1:]
            break
    title = root.findtext("work/work-title") or root.findtext("movement-title") or ""
    return [Tune(" ".join(title.split()), tuple(voices))]


def read_mxl(data: bytes, reading: Reading) -> list[Tune]:
    """Reads a compressed MusicXML file, in memory.

    Args and errors as for `read_musicxml`; also a compressed file that is damaged or holds no score.
    """
    return read_musicxml(unpack(data), reading)


def _parts(root: Element) -> Iterator[tuple[str, list[Element]]]:
    """The parts in the order of the score, each with the measures of its notes."""
    if root.tag == "score-partwise":
        for part in root.iterfind("part"):
            yield part.get("id", ""), part.findall("measure")
        return
    parts: dict[str, list[Element]] = {}
    for measure in root.iterfind("measure"):
        for part in measure.iterfind("part"):
            parts.setdefault(part.get("id", ""), []).append(part)
    yield from parts.items()


def _sopranos(root: Element) -> set[str]:
    """Parts for a soprano: choral scores often print the instruments above the voices."""
    parts = root.iterfind("part-list/score-part")
    return {part.get("id", "") for part in parts if (part.findtext("part-name") or "").strip().startswith("Soprano")}


def _drums(root: Element) -> dict[str, frozenset[str]]:
    """The instruments on the percussion channel, by part; `_ALL` where a part has no other."""
    found = {}
    for part in root.iterfind("part-list/score-part"):
        instruments = part.findall("midi-instrument")
        drums = [each for each in instruments if (each.findtext("midi-channel") or "").strip() == _PERCUSSION_CHANNEL]
        if drums:
            names = frozenset(each.get("id", "") for each in drums)
            found[part.get("id", "")] = _ALL if len(drums) == len(instruments) else names
    return found


def _is_by(names: tuple[str, ...], root: Element) -> bool:
    software = " ".join(each.text or "" for each in root.iterfind("identification/encoding/software"))
    return any(name in software for name in names)


def _counts_commas(root: Element) -> bool:
    """Whether accidentals count Holdrian commas."""
    if _is_by(_COMMA_SOFTWARE, root):
        return True
    names = {(each.text or "").strip() for tag in ("accidental", "key-accidental") for each in root.iter(tag)}
    if names & TURKISH_ACCIDENTALS:
        return True
    return bool(names & {"quarter-flat", "quarter-sharp"}) and next(root.iter("fifths"), None) is None


READER = Reader("musicxml", (".musicxml", ".xml"), read_musicxml)
COMPRESSED_READER = Reader("mxl", (".mxl",), read_mxl)
