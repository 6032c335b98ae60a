"""MusicXML files that are broken, hostile or packed: what is refused, and that nothing else is."""

import io
import zipfile
from pathlib import Path

import pytest

from tests.helpers.musicxml_files import START, names, note, notes, read, score
from vaemusic_jax.data.bars import Drop, bar_to_tokens
from vaemusic_jax.data.readers import musicxml_tree
from vaemusic_jax.data.readers.musicxml import read_musicxml, read_mxl
from vaemusic_jax.data.readers.musicxml_part import MOST_VOICES
from vaemusic_jax.data.tunes import Reading, UnreadableTuneError


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "not well-formed"),
        ("<score-partwise>", "not well-formed"),
        ("<score-partwise/><x/>", "not well-formed"),
        ("<?xml version='1.0' encoding='no-such'?><score-partwise/>", "not well-formed"),
        ("<html/>", "not a MusicXML score"),
        ("<opus/>", "not a MusicXML score"),
        ('<!DOCTYPE x [<!ENTITY a "b">]><score-partwise>&a;</score-partwise>', "entity"),
        ('<!DOCTYPE x [<!ENTITY a SYSTEM "file:///etc/hostname">]><score-partwise/>', "entity"),
        ('<!DOCTYPE x [<!ENTITY % a SYSTEM "http://unreachable.invalid/">%a;]><score-partwise/>', "entity"),
        ("<score-partwise>" + "<part>" * 200, "nested"),
        ("<score-partwise>" + "<lyric>" * 200, "nested"),
    ],
)
def test_other_files_are_refused_with_a_reason(text: str, reason: str) -> None:
    with pytest.raises(UnreadableTuneError, match=reason):
        read(text)


def test_limits(monkeypatch: pytest.MonkeyPatch) -> None:
    text = score(START + "".join(note("C", 1, voice=str(i)) for i in range(MOST_VOICES + 1)))
    with pytest.raises(UnreadableTuneError, match="voices"):
        read(text)
    text = score(START + notes("C:48"))
    monkeypatch.setattr(musicxml_tree, "MOST_ELEMENTS", 15)
    with pytest.raises(UnreadableTuneError, match="more than 15 elements"):
        read(text)
    monkeypatch.setattr(musicxml_tree, "MOST_BYTES", 100)
    with pytest.raises(UnreadableTuneError, match="larger"):
        read(text)
    with pytest.raises(UnreadableTuneError, match=r"larger than .* when unpacked"):
        read_mxl(packed({"score.xml": text}), Reading())


def test_encodings() -> None:
    text = score(START + notes("C:48"), head="<movement-title>Hüseynî</movement-title>")
    expected = read(text)
    assert expected.title == "Hüseynî"
    assert read(text.replace('version="1.0"', 'version="1.0" encoding="UTF-16"').encode("utf-16")) == expected
    assert read(b"\xef\xbb\xbf" + text.encode()) == expected
    assert read(text.replace('version="1.0"', 'version="1.0" encoding="latin-1"').encode("latin-1")) == expected


CONTAINER = '<container><rootfiles><rootfile full-path="{}"/></rootfiles></container>'


def packed(members: dict[str, str], method: int = zipfile.ZIP_DEFLATED) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", method) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return buffer.getvalue()


def test_the_container_names_the_score_else_it_is_the_first(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    one, two = (score(START + notes(each)) for each in ("C:48", "D:48"))
    container = {"META-INF/container.xml": CONTAINER.format("b.xml")}

    def melody(members: dict[str, str]) -> str:
        (tune,) = read_mxl(packed(members), Reading())
        return names(tune.voices[0][0])

    assert melody({**container, "a.xml": one, "b.xml": two}) == "D4"
    assert melody({**container, "a.musicxml": one, "c.xml": two}) == "C4"  # what it names is not there
    assert melody({"readme.txt": "", "META-INF/x.xml": "", "a.XML": one, "b.xml": two}) == "C4"
    outside = "../../outside.xml"
    assert melody({"META-INF/container.xml": CONTAINER.format(outside), outside: two}) == "D4"
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    "other",
    ["__MACOSX/._score.xml", "__MACOSX/score.xml", "._score.xml", "a/._score.musicxml", "a/META-INF/container.xml"],
)
def test_files_that_an_archiver_adds_are_no_score(other: str) -> None:
    text = score(START + notes("C:48"))
    for path in ("score.xml", "a/score.xml"):
        (tune,) = read_mxl(packed({other: "\0\5\x16\7Mac OS X", path: text}), Reading())
        assert names(tune.voices[0][0]) == "C4"
    with pytest.raises(UnreadableTuneError, match="no score"):
        read_mxl(packed({other: text}), Reading())


def test_damaged_packages_are_refused_with_a_reason() -> None:
    whole = packed({"a.xml": score(START + notes("C:48") * 50)})
    reason = "damaged|well-formed|no score|another way"
    for at in range(0, len(whole), 7):
        with pytest.raises(UnreadableTuneError, match=reason):
            read_mxl(whole[:at], Reading())
    for data in (b"PK", packed({"a.txt": ""}), packed({"a.xml": "<score-partwise/>"}, zipfile.ZIP_LZMA)):
        with pytest.raises(UnreadableTuneError, match=reason):
            read_mxl(data, Reading())
    flipped = bytearray(whole)
    flipped[60] ^= 255
    with pytest.raises(UnreadableTuneError, match=reason):
        read_mxl(bytes(flipped), Reading())


# What the files of the folder `bad_input` are, and what is to be made of them, stands in its README
BAD_INPUT = {
    "entity_bomb.musicxml": "entity",
    "external_entity.musicxml": "entity",
    "remote_dtd.musicxml": [24],
    "not_well_formed.musicxml": "not well-formed",
    "divisions_zero.musicxml": "divisions",
    "time_zero_over_zero.musicxml": [Drop.METRE],
    "negative_duration.musicxml": [Drop.NO_LENGTH, 24],
    "slash_flat_key.musicxml": [24],
    "nested_ten_thousand.musicxml": "nested",
    "utf16.musicxml": [24],
    "path_traversal.mxl": [24],
    "million_notes.mxl": "larger than 32 MiB when unpacked",
}


@pytest.mark.parametrize("name", BAD_INPUT)
def test_bad_input(name: str, shared_data: Path) -> None:
    data = (shared_data / "bad_input" / name).read_bytes()
    reader = read_mxl if name.endswith(".mxl") else read_musicxml
    expected = BAD_INPUT[name]
    for pitch in ("rounded", "microtonal"):
        if isinstance(expected, str):
            with pytest.raises(UnreadableTuneError, match=expected):
                reader(data, Reading(pitch))
            continue
        (tune,) = reader(data, Reading(pitch))
        tokens = [bar_to_tokens(bar) for bar in tune.voices[0]]
        assert [each if isinstance(each, Drop) else len(each) for each in tokens] == expected
        assert "LEAK" not in repr(tune)
        if name == "slash_flat_key.musicxml" and pitch == "microtonal":
            assert names(tune.voices[0][0]) == "B4-4c B4-1c F4+4c F4+5c"
