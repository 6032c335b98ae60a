"""Parses MusicXML files into trees of elements, safely: nothing is fetched or expanded, and everything has a limit.

Only the elements that `musicxml.py` needs enter the tree (`NEEDED`); the rest, two thirds of a usual file, is
checked for being well formed and left out.
"""

from __future__ import annotations

import re
import zipfile
import zlib
from io import BytesIO
from typing import Any
from xml.etree.ElementTree import Element, TreeBuilder
from xml.parsers import expat

from vaemusic_jax.data.tunes import UnreadableTuneError

MOST_BYTES = 32 * 2**20  # of one file, unpacked
MOST_ELEMENTS = 1_000_000  # in the tree; a note has about eight
DEEPEST = 100  # elements within elements; a score has about ten

#: Elements that say something about pitch, time, parts or the title.
NEEDED = frozenset(
    re.findall(
        r"\S+",
        """
        score-partwise score-timewise work work-title movement-title identification encoding software
        part-list score-part part-name midi-instrument midi-channel part measure
        attributes divisions key fifths key-step key-alter key-accidental time beats beat-type clef sign
        measure-style slash beat-repeat notehead
        note grace cue chord pitch step alter octave unpitched rest duration tie notations tied accidental voice
        backup forward
        """,
    )
)
#: Elements that tell the written length of a note in a tuplet, and those that tell of percussion on one of more staves.
_OF_TUPLETS = frozenset(("time-modification", "actual-notes", "normal-notes", "type", "dot"))
_OF_STAVES = frozenset(("staff",))
#: Elements that tell which instrument of several plays a note.
_OF_INSTRUMENTS = frozenset(("instrument",))
_DIVISIONS = re.compile(rb"<divisions>\s*(\d{1,9})\s*<")
_TUPLET = re.compile(rb"<actual-notes>\s*(\d{1,9})\s*<")
_PERCUSSION = re.compile(rb"<sign>\s*percussion")
_DRUMS = re.compile(rb"<midi-channel>\s*10\s*<")
_CONTAINER = "META-INF/container.xml"
_NO_SCORES = ("META-INF", "__MACOSX")  # folders of an archive


def needed_in(data: bytes) -> frozenset[str]:
    """The elements of a score that enter its tree: `NEEDED`, and more for rounded tuplets, staves and percussion.

    A score whose divisions all divide by the tuplets in it rounds none. Every look through a file takes a hundredth of
    the time of reading it.
    """
    if b"\0" in data[:4]:  # UTF-16, in which no tag is found
        return NEEDED | _OF_TUPLETS | _OF_STAVES | _OF_INSTRUMENTS
    needed = NEEDED
    if tuplets := {int(each) for each in set(_TUPLET.findall(data))} - {0}:
        divisions = {int(each) for each in set(_DIVISIONS.findall(data))}
        odd = {tuplet // (tuplet & -tuplet) for tuplet in tuplets}  # halves are no matter of tuplets
        if any(each % tuplet for each in divisions for tuplet in odd):
            needed |= _OF_TUPLETS
    if b"<measure-style" in data or _PERCUSSION.search(data):
        needed |= _OF_STAVES
    part_list = data[: data.find(b"<measure")]
    return needed | _OF_INSTRUMENTS if _DRUMS.search(part_list) else needed


def parse_tree(data: bytes, needed: frozenset[str] = NEEDED) -> Element:
    """The tree of an XML document, with `needed` elements only.

    A document type is accepted and never fetched.

    Raises:
        UnreadableTuneError: not well formed, too large, too deeply nested, or it declares an entity.
    """
    if len(data) > MOST_BYTES:
        raise UnreadableTuneError(f"larger than {MOST_BYTES // 2**20} MiB")
    builder = TreeBuilder()
    depth = elements = 0
    left_out_at = DEEPEST + 1  # depth of the element that is being left out, with all that it holds

    def start(tag: str, attributes: dict[str, str]) -> None:
        nonlocal depth, elements, left_out_at
        depth += 1
        if depth > DEEPEST:
            raise UnreadableTuneError(f"elements nested deeper than {DEEPEST}")
        if depth > left_out_at:
            return
        if tag not in needed and depth > 1:
            left_out_at = depth
            return
        elements += 1
        if elements > MOST_ELEMENTS:
            raise UnreadableTuneError(f"more than {MOST_ELEMENTS} elements")
        builder.start(tag, attributes)

    def end(tag: str) -> None:
        nonlocal depth, left_out_at
        if depth < left_out_at:
            builder.end(tag)
        elif depth == left_out_at:
            left_out_at = DEEPEST + 1
        depth -= 1

    def text(content: str) -> None:
        if depth < left_out_at and not content.isspace():
            builder.data(content)

    def entity(*declaration: Any) -> None:
        raise UnreadableTuneError("declares an entity")

    parser = expat.ParserCreate()
    parser.buffer_text = True
    parser.StartElementHandler, parser.EndElementHandler, parser.CharacterDataHandler = start, end, text
    parser.EntityDeclHandler = entity
    try:
        parser.Parse(data, True)
        return builder.close()
    except (expat.ExpatError, ValueError, LookupError, AssertionError) as error:
        raise UnreadableTuneError("not well-formed XML") from error


def unpack(data: bytes) -> bytes:
    """The score within a compressed file (`.mxl`): what its container names first, else its first XML member
    outside of `META-INF` and `__MACOSX` that is not hidden.

    It is read in memory, whatever the names of its members, and never more of it than `MOST_BYTES`, whatever size the
    file claims.

    Raises:
        UnreadableTuneError: no such member, damaged, encrypted, packed in another way than usual, or too large.
    """
    try:
        with zipfile.ZipFile(BytesIO(data)) as archive:
            names = archive.namelist()
            name = _named_by_container(archive) if _CONTAINER in names else None
            if name not in names:
                name = next((each for each in names if _may_be_score(each)), None)
            if name is None:
                raise UnreadableTuneError("no score in the compressed file")
            return _member(archive, name)
    except (zipfile.BadZipFile, zlib.error, EOFError, OSError, ValueError, LookupError, RuntimeError) as error:
        raise UnreadableTuneError("damaged or encrypted compressed file") from error


def _named_by_container(archive: zipfile.ZipFile) -> str | None:
    container = parse_tree(_member(archive, _CONTAINER), frozenset({"container", "rootfiles", "rootfile"}))
    return next((each.get("full-path") for each in container.iter("rootfile")), None)


def _may_be_score(name: str) -> bool:
    *folders, file = name.split("/")
    # macOS packs a second file beside each one, with what its file system knows: `__MACOSX/._score.xml`
    hidden = file.startswith(".") or any(folder in _NO_SCORES for folder in folders)
    return file.lower().endswith((".xml", ".musicxml")) and not hidden


def _member(archive: zipfile.ZipFile, name: str) -> bytes:
    # Other methods may claim memory for their dictionaries before anything is unpacked
    if archive.getinfo(name).compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        raise UnreadableTuneError("compressed in another way than usual")
    with archive.open(name) as member:
        content = member.read(MOST_BYTES + 1)
    if len(content) > MOST_BYTES:
        raise UnreadableTuneError(f"larger than {MOST_BYTES // 2**20} MiB when unpacked")
    return content
