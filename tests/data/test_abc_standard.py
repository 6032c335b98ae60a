"""Rules of the standard ABC 2.1 that decide which notes a measure has, by its sections (named in brackets).

Those that have been broken in this reader are in `test_abc_faults.py`, the most usual ones in `test_abc_reader.py`.
"""

import time

import pytest

from tests.data.test_abc_reader import bars
from tests.helpers.reading import book_measures, parse_tune
from vaemusic_jax.data.readers.abc import read_tune
from vaemusic_jax.data.readers.abc_book import TuneText, decode, split_book
from vaemusic_jax.data.readers.abc_fields import parse_key
from vaemusic_jax.data.readers.abc_macros import MOST_CHARACTERS
from vaemusic_jax.data.tunes import UnreadableTuneError

HEAD = "M:4/4\nL:1/8\nK:C\n"


# Files (2.2)


def test_a_tune_without_a_number_is_not_lost() -> None:
    book = f"X:1\nT:a\n{HEAD}C8|\n\nwords, K:D\nT:b\n{HEAD}D8|\n\nK: the key\n\nT:no music\nK:D\n\n"
    book += f"T:c\n{HEAD}E8|\nX:2\n{HEAD}F8|"
    assert [tune.name for tune in split_book(book, "b")] == ["b#1", "b#?", "b#?.2", "b#2"]
    assert [measure[0][0] for measure in book_measures(book)] == ["C", "D", "E", "F"]
    book = f"T:a\n{HEAD}C8|\n\nT:b\n{HEAD}D8|\n"
    assert [tune.name for tune in split_book(book, "b")] == ["b", "b#?"]


def test_music_behind_a_blank_line_without_a_title_is_free_text() -> None:
    assert len(split_book(f"X:1\nT:a\n{HEAD}C8|\n\nP:B\n{HEAD}D8|\n", "b")) == 1


def test_books_joined_without_a_line_end() -> None:
    for end in ("|]", "|", ":|", "|] "):
        text = decode(f"X:1\n{HEAD}C8{end}X:2\nT:b\n{HEAD}D8|".encode())
        assert [tune.name for tune in split_book(text, "b")] == ["b#1", "b#2"]
    for words in ("N:see X:2", "N:see |X:2 or X:3", "N:see [X:2]"):
        assert len(split_book(decode(f"X:1\n{words}\n{HEAD}C8|\n".encode()), "b")) == 1


def test_words_of_a_song_may_go_on_behind_a_backslash() -> None:
    assert bars("C8|\nw: la la\\\n  ABcd efga|b\nD8|") == ["C4@0", "D4@0"]
    assert bars("C8|\nw: la \\\nbcd \\\nefg\nD8|") == ["C4@0", "D4@0"]
    assert bars("C4\\\nD4|\nw: la \\\nw: la\nE8|") == ["C4@0 D4@12", "E4@0"]


# Fields (3.1, 4.6)


@pytest.mark.parametrize(
    "field", ["clef=treble_8", "treble^8", "bass-8", "alto4", 'name="a b"', "score=AB", "shift=CD"]
)
def test_what_a_key_says_of_its_staff_changes_no_pitch(field: str) -> None:
    assert parse_key(f"D {field}") == {"F": 1, "C": 1}
    assert parse_key(f"D mix=c {field}") == {"F": 1, "C": 0}


def test_fields_before_the_first_voice_hold_for_all_voices() -> None:
    for fields in ("L:1/4\nK:D octave=-1\n", "[L:1/4][K:D][K:octave=-1]\n"):
        assert bars(f"{fields}V:1\nF4|\nV:2\nL:1/8\nC8|\nV:3\nC4|") == ["F#3@0", "C#3@0", "C#3@0"]
    assert bars("M:3/4\nV:1\nC8|\nV:2\nC6|\n") == ["METRE", "METRE"]
    # Behind music a field is of its voice alone
    assert bars("F8|\nL:1/4\nK:D\nF4|\nV:2\nF8|") == ["F4@0", "F#4@0", "F4@0"]


# Ties (4.11)


@pytest.mark.parametrize(
    ("one", "other"), [("^G", "_A"), ("_c", "B"), ("B,", "_C"), ("^B", "c"), ("^^F", "G"), ("^E", "F")]
)
def test_a_tie_joins_two_spellings_of_one_pitch(one: str, other: str) -> None:
    first = bars(f"{one}8|")[0]
    assert bars(f"{one}4-{other}4|") == [first]
    assert bars(f"{one}8-|{other}4 D4|") == [first, "D4@12"]
    assert bars(f"[{one}E]8-|{other}4 D4|")[-1] == "D4@12"


# Tuplets (4.13)


@pytest.mark.parametrize(
    ("metre", "p", "q"),
    [
        *(("4/4", p, q) for p, q in {2: 3, 3: 2, 4: 3, 5: 2, 6: 2, 7: 2, 8: 3, 9: 2}.items()),
        *(("6/8", p, q) for p, q in {2: 3, 3: 2, 4: 3, 5: 3, 6: 2, 7: 3, 8: 3, 9: 3}.items()),
        *(("3/4", 5, 2), ("3/8", 7, 2), ("9/8", 5, 3), ("12/8", 9, 3), ("6/4", 7, 3), ("2/4", 9, 2), ("none", 5, 2)),
    ],
)
def test_in_the_time_of_how_many_a_tuplet_is(metre: str, p: int, q: int) -> None:
    (bar,) = read_tune(f"X:1\nM:{metre}\nL:1/4\nK:C\n({p}{'C' * p}|").voices[0]
    assert bar.length == q
    assert len(bar.events) == p


def test_tuplets_follow_the_metre_in_force() -> None:
    lengths = [bar.length for bar in read_tune("X:1\nM:4/4\nL:1/4\nK:C\n(5CCCCC|[M:6/8](5CCCCC|").voices[0]]
    assert lengths == [2, 3]


@pytest.mark.parametrize("tuplet", ["(12", "(10", "(1", "(0", "(1:1:1", "(32", "(12:0", "(3:2:0"])
def test_tuplets_that_the_standard_does_not_define(tuplet: str) -> None:
    assert bars(f"{tuplet}CDEF GABc|D8|") == ["UNREADABLE", "D4@0"]


def test_a_long_tuplet_that_says_its_time() -> None:
    assert bars("(12:8:12CDECDECDECDE|", unit="1/8") == [
        "C4@0 D4@2 E4@4 C4@6 D4@8 E4@10 C4@12 D4@14 E4@16 C4@18 D4@20 E4@22"
    ]


# Decorations (4.14)


@pytest.mark.parametrize(
    "sign", ["!fz!", "!ffz!", "!/!", "!///!", "!^!", "!-(!", "!~)!", "!-)!", "+trill+", "+fermata+"]
)
def test_signs_in_the_place_of_decorations_are_no_music(sign: str) -> None:
    assert bars(f"{sign}C4 {sign}C4|C4 {sign}D4|") == ["C4@0 C4@12", "C4@0 D4@12"]


def test_chords_of_old_books_are_no_decorations() -> None:
    assert bars("+CEG+ C8|+f+f8|D8|") == ["UNREADABLE", "UNREADABLE", "D4@0"]


# Macros (9)


def test_a_macro_stands_for_its_replacement() -> None:
    for book in (
        f"X:1\nm:~G2 = {{A}}G{{F}}G % a roll\n{HEAD}~G2 ~A2 G4|",
        f"X:1\n{HEAD}m: ~G2 = GG\n~G2 ~A2 G4|",
        f"m: ~G2=GG\n\nX:1\n{HEAD}~G2 ~A2 G4|",
    ):
        (tune,) = split_book(book, "b")
        assert [measure[::3] for measure in parse_tune(tune).measures] == [
            ("G4", "G4", "A4", "__", "G4", "__", "__", "__")
        ]


@pytest.mark.parametrize(
    ("macro", "music", "expected"),
    [
        ("~n2 = nn", "~G2 ~c'2 A4|", "G4@0 G4@3 C6@6 C6@9 A4@12"),
        ("~n2 = (3onm", "~B2 ~C,2 G4|", "C5@0 B4@2 A4@4 D3@6 C3@8 B2@10 G4@12"),
        ("~n4 = nomh", "~B4 ~c4|", "B4@0 C5@3 A4@6 C4@9 C5@12 D5@15 B4@18 D4@21"),
        ("~n = n3{z}u", "~C1 C4|", "C4@0 C5@9 C4@12"),
        ('~n2 = !trill!n"oh"n', "~G2 G2 A4|", "G4@0 G4@3 G4@6 A4@12"),
        ("qC = DE", "qC qC G4|", "D4@0 E4@3 D4@6 E4@9 G4@12"),
    ],
)
def test_a_macro_with_a_note_moves_with_it(macro: str, music: str, expected: str) -> None:
    assert bars(f"m:{macro}\n{music}") == [expected]


def test_of_two_macros_the_longer_is_taken_and_none_is_looked_for_in_another() -> None:
    assert bars("m:~G = A\nm:~G2 = ~G~G\n~G2 ~G2 C4|") == ["G4@0 G4@3 G4@6 G4@9 C4@12"]


@pytest.mark.parametrize("field", ["m:", "m:~G2", "m: = G", "m:nn = n", f"m:~G = {'G' * 250}"])
def test_macros_that_cannot_be_read_are_not_guessed(field: str) -> None:
    for text in (f"X:1\n{field}\n{HEAD}C8|", f"X:1\n{HEAD}{field}\nC8|"):
        assert parse_tune(TuneText("t", text)).failure == "unreadable macro (m:)"
    assert "macro" in parse_tune(TuneText("t", f"X:1\n{HEAD}C8|[m:~G = A]G8|")).failure


def test_macros_stay_small() -> None:
    start = time.process_time()
    text = f"X:1\nm:G = {'A' * 190}\n{HEAD}{'G' * (MOST_CHARACTERS // 100)}|"
    assert "macros" in parse_tune(TuneText("t", text)).failure
    with pytest.raises(UnreadableTuneError, match="before the first tune"):
        split_book(f"m:G = {'A' * 190}\n" * 10 + f"\nX:1\n{HEAD}C8|", "b")
    assert time.process_time() - start < 5
