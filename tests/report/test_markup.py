"""One table, three renderings: HTML and LaTeX print the same, escaped, and CSV holds the plain numbers."""

import csv
import io
import re
from html.parser import HTMLParser

import pytest

from vaemusic_jax.report.aggregate import NO_VALUE, Interval
from vaemusic_jax.report.html_table import MOST_VALUES, narrow, to_html
from vaemusic_jax.report.latex import escape_latex
from vaemusic_jax.report.latex_table import labels_of, to_latex, to_long_latex
from vaemusic_jax.report.markup import DASH, Cell, Column, Table, Value, Word, number, to_csv

NASTY = "50% of <b>tunes</b> & more_$ #1 {x} ~ ^ \\end R² \N{EN DASH} [0]"
NAN = float("nan")


def table(parted: bool = False) -> Table:
    return Table(
        "law",
        f"Caption: {NASTY}",
        (Column("dataset", "data set"), Column("model", "model"), Column("n", "seeds"), Column("x", "X_1", "higher")),
        (
            ("one", Word("measure_vae", "MeasureVAE"), 3, Value(Interval(0.8761, 0.5, 0.9, 3), best=True)),
            ("one", "", 1, Value(Interval(0.25, NAN, NAN, 1), notes=("Alone.", NASTY))),
            ("two", NASTY, 1, Value(NO_VALUE, notes=("Alone.",))),
            ("two", "b", 0, Value(NO_VALUE, instead="diverged")),
        ),
        ("Last, below <all>.",),
        parted,
    )


class Reader(HTMLParser):
    """The texts of cells and list items, and whether every tag is closed."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.cells: list[str] = []
        self.items: list[str] = []
        self.tags: set[str] = set()
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: object) -> None:
        self.open.append(tag)
        self.tags.add(tag)
        if tag in ("td", "li"):
            (self.cells if tag == "td" else self.items).append("")

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        for tag, texts in (("td", self.cells), ("li", self.items)):
            if tag in self.open:
                texts[-1] += data


def test_html_says_it_all_and_lets_nothing_through() -> None:
    html = to_html(table())
    read = Reader(html)
    assert read.open == []
    assert "b" not in read.tags
    assert read.cells[:4] == ["one", "MeasureVAE", "3", "0.876 [0.500, 0.900]"]
    assert read.cells[7] == "0.250ab"
    assert read.cells[9] == NASTY
    assert (read.cells[11], read.cells[15]) == (f"{DASH}a", "diverged")
    assert read.items == ["a Alone.", f"b {NASTY}", "Last, below <all>."]
    assert html.count("<strong>") == 1
    assert "X_1\N{NO-BREAK SPACE}\N{UPWARDS ARROW}" in html


def test_the_parts_of_a_table_have_headings_and_words_that_repeat_are_marked() -> None:
    html = to_html(table(parted=True))
    assert re.findall(r'<tr class="part"><th class="words" colspan="3">(\w+)</th></tr>', html) == ["one", "two"]
    assert "data set" not in html  # every row of a part has the same
    again = Table("law", "", tuple(Column(c, c) for c in "abc"), (("x", "y", "z"), ("x", "q", "z"), ("r", "q", "z")))
    kept = re.findall(r'<td class="short( again)?">(\w)</td>', to_html(again))
    assert [name for mark, name in kept if mark] == ["x"]  # not the z, whose row differs before it


def test_a_table_in_pieces_shows_every_column_once_below_what_rows_share() -> None:
    names = [f"v{i}" for i in range(MOST_VALUES + 2)]
    columns = (Column("data", "data"), Column("size", "size"), Column("of", "of"), *(Column(n, n) for n in names))
    values = [tuple(Value(Interval(i + j / 10, NAN, NAN, 1)) for i in range(len(names))) for j in range(2)]
    rows: tuple[tuple[Cell, ...], ...] = (("irish", 16, "a", *values[0]), ("irish", 16, "b", *values[1]))
    pieces = list(narrow(Table("wide", "", columns, rows, ("Below.",)), 2))
    assert [column.name for piece in pieces for column in piece.columns[2:]] == names
    for j, label in enumerate("ab"):
        assert [piece.rows[j][1] for piece in pieces] == [label] * 2
        assert [cell for piece in pieces for cell in piece.rows[j][2:]] == list(values[j])
    assert [piece.notes for piece in pieces] == [(), ("Below.",)]
    assert len({piece.name for piece in pieces}) == 2
    html = to_html(pieces[0])
    assert html.count("irish, size 16") == 1


def test_csv_holds_plain_numbers() -> None:
    header, *rows = csv.reader(io.StringIO(to_csv(table())))
    assert header == ["dataset", "model", "n", "x", "x.low", "x.high", "x.n"]
    assert rows[0] == ["one", "measure_vae", "3", "0.8761", "0.5", "0.9", "3"]
    assert rows[1] == ["one", "", "1", "0.25", "", "", "1"]
    assert rows[2] == ["two", NASTY, "1", "", "", "", "0"]


def unescaped_braces(latex: str) -> int:
    bare = re.sub(r"\\[{}]", "", latex)
    depth = 0
    for sign in bare:
        depth += (sign == "{") - (sign == "}")
        assert depth >= 0
    return depth


@pytest.mark.parametrize("parted", [False, True])
def test_latex_is_well_formed(parted: bool) -> None:
    latex = to_latex(table(parted))
    assert unescaped_braces(latex) == 0
    for environment in ("table", "tabular"):
        assert latex.count(f"\\begin{{{environment}}}") == latex.count(f"\\end{{{environment}}}") == 1 + parted
    for part in latex.split("\\toprule\n")[1:]:
        body = part.partition("\\bottomrule")[0].replace("\\midrule\n", "").strip().split("\n")
        cells = [len(re.findall(r"(?<!\\)&", line)) + 1 for line in body]
        assert set(cells) == {3 if parted else 4}
        assert all(line.endswith(r" \\") for line in body)
        assert not any(line.startswith("[") for line in body)
    kinds = re.findall(r"\\begin\{tabular\}\{(.+)\}", latex)
    sentences = r"p{0.75\linewidth}rr"
    assert kinds == (["lrr", sentences] if parted else [f"l{sentences}"])
    assert latex.count(r"\textbf{") == 1
    assert r"$\uparrow$" in latex
    assert r"\textsuperscript{a} Alone." in latex
    interval = next(line for line in latex.split("\n") if "[0.500, 0.900]" in line)
    assert interval.replace(" ", "").count("&") == interval[: interval.index("[")].count("&") == (2 if parted else 3)
    assert not re.search(r"(?<!\\)[%#_]", latex.replace("tab:law", ""))


def test_a_parted_table_names_its_parts() -> None:
    captions = re.findall(r"\\caption\{(.*)\}\n\\label\{(.*)\}", to_latex(table(parted=True)))
    assert [label for _, label in captions] == ["tab:law-one", "tab:law-two"]
    assert [caption.rpartition(", ")[2] for caption, _ in captions] == ["one", "two"]


def test_a_table_over_pages_shows_every_column_of_values_once_beside_the_words() -> None:
    names = [f"value{i}" for i in range(20)]
    columns = (Column("data", "data"), Column("of", "of"), *(Column(name, name, "lower") for name in names))
    interval = Interval(-0.1234, -0.2, 0.3, 5)
    rows: tuple[tuple[Cell, ...], ...] = tuple(("one", word, *[Value(interval)] * 20) for word in ("a", "b"))
    wide = Table("wide", "Wide", columns, rows, ("Below.",), parted=True)
    parts = to_long_latex(wide).split("\\end{longtable}")[:-1]
    assert len(parts) > 1
    assert re.findall(r"value\d+", "".join(part.partition("\\endfirsthead")[0] for part in parts)) == names
    for part in parts:
        body = part.partition("\\endfoot\n")[2]
        assert re.findall(r"(?m)^([ab]) & ", body) == ["a", "b"]
        assert body.count("$-$0.123") * 2 == body.count("[$-$0.200, 0.300]") * 2 == len(re.findall(r"&", body))
    assert re.findall(r"\\label\{tab:(.*?)\}", "".join(parts)) == list(labels_of(wide))
    assert to_long_latex(wide).count("Below.") == 1


def test_signs_of_other_alphabets_become_what_every_latex_prints() -> None:
    assert escape_latex("\N{LATIN SMALL LETTER G WITH BREVE}\N{LATIN SMALL LETTER E WITH ACUTE}") == r"\u {g}\'{e}"
    assert escape_latex("a\nb\N{NO-BREAK SPACE}c\N{SNOWMAN}\N{LATIN SMALL LIGATURE FI}\x07") == "a b c?fi?"
    assert escape_latex("-0.5 to -.5, 1-2, x-3, [-1") == "$-$0.5 to $-$.5, 1-2, x-3, {[}$-$1"


def test_every_special_sign_is_escaped() -> None:
    assert escape_latex("--out ---x ?`y") == r"-{}-out -{}-{}-x ?{`}y"
    assert escape_latex("|Spearman|") == r"\textbar{}Spearman\textbar{}"
    assert escape_latex(r"\ & % $ # _ { } ~ ^") == (
        r"\textbackslash{} \& \% \$ \# \_ \{ \} \textasciitilde{} \textasciicircum{}"
    )


@pytest.mark.parametrize(
    ("value", "text"),
    [(0.12345, "0.123"), (-0.0004, "0.000"), (-0.5, "-0.500"), (12.5, "12.500"), (1234.5, "1,234"), (NAN, DASH)],
)
def test_numbers_are_short(value: float, text: str) -> None:
    assert number(value) == text


def test_a_row_has_a_cell_for_each_column() -> None:
    with pytest.raises(ValueError, match="2 cells for 1 columns"):
        Table("law", "", (Column("x", "x"),), (("a", "b"),))


def test_there_are_footnotes_beyond_z() -> None:
    notes = tuple(f"Note {i}." for i in range(28))
    html = to_html(Table("law", "", (Column("x", "x"),), ((Value(NO_VALUE, notes=notes),),)))
    assert "<sup>ab</sup> Note 27." in html
