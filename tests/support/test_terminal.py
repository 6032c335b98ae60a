"""What is printed is shown and never obeyed."""

import io
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.table import Table
from rich.text import Text

from vaemusic_jax.support.csv_text import csv_cell
from vaemusic_jax.support.names import checked_name, inside, is_name
from vaemusic_jax.support.terminal import SafeConsole, look_alike, open_console, printable, replace_unencodable


@given(st.text())
def test_no_control_character_reaches_the_terminal(text: str) -> None:
    table = Table("head")
    table.add_row(text)
    for shown in (text, table, Text(text)):
        printed = io.StringIO()
        SafeConsole(file=printed, width=500).print(shown)
        assert {char for char in printed.getvalue() if unicodedata.category(char) in ("Cc", "Cs")} <= {"\n"}
    assert printable(printable(text)) == printable(text)


def test_words_in_brackets_and_colons_are_no_markup() -> None:
    printed = io.StringIO()
    SafeConsole(file=printed, width=80).print("a[/x]b [red]c :smile:")
    assert printed.getvalue() == "a[/x]b [red]c :smile:\n"


@pytest.mark.parametrize(("columns", "width"), [("80", 80), ("200", 200), ("", 120), ("wide", 120)])
def test_piped_tables_are_as_wide_as_columns_says(monkeypatch: pytest.MonkeyPatch, columns: str, width: int) -> None:
    monkeypatch.setenv("COLUMNS", columns)
    assert open_console().width == width


@given(st.text())
def test_no_cell_is_a_formula_and_other_text_stays(text: str) -> None:
    cell = csv_cell(text)
    assert not cell.lstrip(" ").startswith(("=", "+", "-", "@", "\t", "\r"))
    assert cell in (text, f"'{text}")


@given(st.text(max_size=120))
def test_a_name_is_one_safe_part_of_a_path(text: str) -> None:
    if is_name(text):
        assert checked_name(text) == text
        assert text.isascii()
        assert not set(text) & set("/\\<>&\"'$ \n\0:=")
        assert text[0].isalnum()
    else:
        with pytest.raises(ValueError, match="is not a usable name"):
            checked_name(text)


def test_names_of_data_sets_are_usable() -> None:
    assert all(map(is_name, ("irish_folk", "my.tunes-2", "2024", "a" * 100)))
    assert not any(map(is_name, ("", "..", ".a", "a/b", "a b", "-a", "a\n", "é", "a" * 101)))


def test_nothing_is_written_through_a_link_that_leads_out(tmp_path_factory: pytest.TempPathFactory) -> None:
    run, elsewhere = tmp_path_factory.mktemp("run"), tmp_path_factory.mktemp("elsewhere")
    (run / "report").symlink_to(elsewhere)
    (run / "loop").symlink_to(run / "loop")
    assert inside(run, "tables", "a.csv") == run / "tables" / "a.csv"
    for parts in (("report",), ("report", "figures"), ("..", "a"), ("loop",)):
        with pytest.raises(Exception, match="leads out of"):
            inside(run, *parts)


@given(st.text())
def test_a_stream_that_is_ascii_takes_every_text(text: str) -> None:
    stream = io.TextIOWrapper(io.BytesIO(), encoding="ascii", newline="")
    replace_unencodable(stream)
    stream.write(text)
    stream.flush()
    if text.isascii():
        assert stream.buffer.getvalue().decode() == text


def test_what_ascii_lacks_looks_similar() -> None:
    assert look_alike("R² │ café ─ 1…2") == "R2 | cafe - 1...2"
    assert look_alike("楽") == "?"
