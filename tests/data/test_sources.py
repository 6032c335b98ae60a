"""Which files of a folder are read."""

import dataclasses
import os
from pathlib import Path

import pytest

from vaemusic_jax.data.readers.registry import READERS
from vaemusic_jax.data.sources import NO_FILE, NOT_REGULAR, SAME_PIECE, find_files
from vaemusic_jax.errors import UserError


def write(folder: Path, *names: str) -> None:
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text("x")


def test_every_kind_at_any_depth_under_any_name(tmp_path: Path) -> None:
    names = {
        "b.abc": "abc",
        "a.ABC": "abc",
        "deep/er/c.MiD": "midi",
        "with space, 'quote' & \"quotes\".midi": "midi",
        "çığ öşü.xml": "musicxml",
        "日本の歌.musicxml": "musicxml",
        "-rf.mxl": "mxl",
        "two.dots.krn": "kern",
        "tunes.csv": "session",
        "tunes.json": "session",
        "piece.txt": "symbtr",
        "folder_called.mid/inside.kar": "midi",
    }
    write(tmp_path, *names, ".hidden.abc", ".git/objects.abc", "README.md", "LICENSE", "abc")
    found = find_files(tmp_path)
    assert {name: kind for _, name, kind in found.files} == names
    assert [name for _, name, _ in found.files] == sorted(names)
    assert all((tmp_path / name).samefile(path) for path, name, _ in found.files)
    assert (found.dropped, found.others) == ([], {"hidden": 1, ".md": 1, "no suffix": 2})


def test_links_lead_to_each_real_file_once(tmp_path: Path) -> None:
    folder, outside = tmp_path / "folder", tmp_path / "outside"
    write(folder, "real.mid")
    write(outside, "elsewhere.mid", "folder/inside.mid")
    (folder / "a_link.mid").symlink_to(folder / "real.mid")
    (folder / "to_outside.mid").symlink_to(outside / "elsewhere.mid")
    (folder / "again.mid").symlink_to(outside / "elsewhere.mid")
    (folder / "parent").symlink_to(folder)
    (folder / "other_folder").symlink_to(outside / "folder")
    (folder / "dangling.mid").symlink_to(tmp_path / "nowhere.mid")
    (folder / "loop.mid").symlink_to(folder / "loop.mid")
    found = find_files(folder)
    assert [name for _, name, _ in found.files] == ["again.mid", "real.mid"]
    assert sorted(found.dropped) == [("dangling.mid", NO_FILE), ("loop.mid", NO_FILE)]


def test_a_pipe_is_not_opened(tmp_path: Path) -> None:
    write(tmp_path, "a.mid")
    os.mkfifo(tmp_path / "pipe.mid")
    assert find_files(tmp_path).dropped == [("pipe.mid", NOT_REGULAR)]
    with pytest.raises(UserError, match=r"pipe\.mid: not a file of music"):
        find_files(tmp_path / "pipe.mid")


@pytest.mark.parametrize(
    ("folders", "read"),
    [
        (["MusicXML", "midi", "txt"], "MusicXML"),
        (["midi", "txt"], "txt"),
        (["midi"], "midi"),
    ],
)
def test_formats_side_by_side_are_read_in_one_of_them(
    folders: list[str], read: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    suffix = {"MusicXML": ".xml", "midi": ".mid", "txt": ".txt"}
    text = dataclasses.replace(READERS["symbtr"], recognises=lambda data: True)
    monkeypatch.setitem(READERS, "symbtr", text)
    write(tmp_path, *(f"SymbTr/{folder}/a--b{suffix[folder]}" for folder in folders), "SymbTr/midi/only_here.mid")
    found = find_files(tmp_path)
    kept = [f"SymbTr/{read}/a--b{suffix[read]}", "SymbTr/midi/only_here.mid"]
    assert [name for _, name, _ in found.files] == sorted(kept)
    assert [reason for _, reason in found.dropped] == [SAME_PIECE] * (len(folders) - 1)


def test_one_file(tmp_path: Path) -> None:
    write(tmp_path, "tune.Abc", "tune.doc")
    path = tmp_path / "tune.Abc"
    assert find_files(path).files == [(path, "tune.Abc", "abc")]
    with pytest.raises(UserError, match=r"tune\.doc: not a file of music; give .* \(\.abc \.mid "):
        find_files(tmp_path / "tune.doc")


def test_nothing_to_read(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=rf"{tmp_path}: no file of music in this folder"):
        find_files(tmp_path)
    with pytest.raises(UserError, match="absent: no such file or folder"):
        find_files(tmp_path / "absent")


def test_the_words_of_a_song_do_not_stand_for_it(tmp_path: Path) -> None:
    write(tmp_path, "midi/song.mid", "txt/song.txt")
    found = find_files(tmp_path)
    assert [name for _, name, _ in found.files] == ["midi/song.mid", "txt/song.txt"]
    assert found.dropped == []


def test_a_place_that_no_system_has() -> None:
    with pytest.raises(UserError, match="cannot be read: file name too long"):
        find_files(Path("x" * 5000))
