"""Our ABC reader against music21's, over every embedded tune in 4/4 or 2/2.

music21 reads ABC too, but its bars cannot be taken as they are. Here are its faults, as of music21 10.5. Each is kept
away by rewriting the text before music21 sees it, so that both readers must then agree on every bar:

- accidentals do not last the bar unless the file declares ABC 2.0; and those after an ornament (`~_B`) never do;
- a dotted pair is ignored when anything stands between its notes: `A>.B`, `(A>B)`-like slurs, `A>{c}B`, `A>-B`;
- grace notes count among the notes of a tuplet, and take the ending of a tie;
- a note with a fermata (`Hc`) vanishes, and so do invisible rests (`x`);
- a letter before `::` is taken for a field and swallows the line (`B::d2 e2`);
- rests of whole bars (`Z`) vanish;
- fields in brackets (`[L:1/16]`) are taken for empty chords and change nothing;
- a third ending `[3`, or one that starts with a word, swallows everything up to the next bracket.
"""

import re
from fractions import Fraction

import pytest

from tests.helpers.study_grid import N_BEATS
from vaemusic_jax.data.bars import Bar, Drop
from vaemusic_jax.data.corpora import embedded_files, find_corpus
from vaemusic_jax.data.readers.abc import read_tune
from vaemusic_jax.data.readers.abc_book import decode, split_book
from vaemusic_jax.data.tunes import UnreadableTuneError
from vaemusic_jax.music.grid import metre_quarters

Notes = list[tuple[str | None, Fraction]]


def rewritten(text: str) -> str:
    """The tune with nothing left that triggers a fault of music21's, and nothing changed in pitch or rhythm."""
    header, body = re.split(r"(?<=\n)(?=K:)", text, maxsplit=1)
    lines = []
    for line in body.split("\n"):
        if not re.match(r"[A-Za-z]:(?![|:])", line):
            line = re.sub(r'\[(?=")|"[^"]*"|![^!\s]{1,20}!', "", line.split("%")[0])
            line = line.replace("[L:", "[&:")  # L is also a decoration
            line = re.sub(r"Hx(?!\d)|=20\s*$|=\s*$", "", line)
            line = re.sub(r"\{[^}]*\}|[~.H-Wh-w)\\-]|\((?!\d)", "", line)
            line = line.replace("x", "z").replace("Z", "z8").replace("::", ":| |:").replace("[|]", "|]")
            line = re.sub(r"\s*([<>]+)\s*", r"\1", line)
            line = re.sub(r"\[&:([^\]]*)\]", r"\nL:\1\n", line)
        lines.append(line)
    return header + "\n".join(lines)


def music21_bars(text: str) -> list[Notes]:
    from music21 import abcFormat, pitch

    handler = abcFormat.ABCHandler(abcVersion=(2, 1, 0))
    handler.tokenize(text)
    handler.tokenProcess()
    bars: list[Notes] = [[]]
    for token in handler.tokens:
        if isinstance(token, abcFormat.ABCBar):
            bars.append([])
        elif isinstance(token, abcFormat.ABCNote):
            length = Fraction(token.quarterLength).limit_denominator(1024)
            if token.activeTuplet is not None:
                length *= Fraction(token.activeTuplet.numberNotesNormal, token.activeTuplet.numberNotesActual)
            written = None if isinstance(token, abcFormat.ABCChord) or token.isRest else token.pitchName
            name = pitch.Pitch(written.replace("n", "")).nameWithOctave if written else None
            bars[-1].append((name, length))
    return [bar for bar in bars if bar]


def our_notes(bar: Bar) -> Notes:
    ends = [*(event.onset for event in bar.events[1:]), bar.length]
    return [(event.pitch, end - event.onset) for event, end in zip(bar.events, ends, strict=True)]


def comparable(bar: Bar) -> bool:
    """Chords are compared nowhere, since their bars are dropped; nor bars that we call unreadable."""
    return not bar.faults & {Drop.CHORD, Drop.UNREADABLE}


@pytest.mark.parametrize("book", ["oneills1850", "ryansMammoth"])
def test_both_readers_agree_on_every_bar_of_every_embedded_tune(book: str) -> None:
    differences: list[tuple[object, ...]] = []
    compared = 0
    for path, name, _ in embedded_files(find_corpus("irish_folk")).files:
        if not name.startswith(book):
            continue
        for source in split_book(decode(path.read_bytes()), name):
            try:
                tune = read_tune(source.text)
            except UnreadableTuneError:
                continue
            if len(tune.voices) != 1 or metre_quarters(tune.voices[0][0].metre) != N_BEATS:
                continue
            ours, theirs = tune.voices[0], music21_bars(rewritten(source.text))
            if len(ours) != len(theirs):
                differences.append((source.name, len(ours), len(theirs)))
                continue
            for number, (bar, notes) in enumerate(zip(ours, theirs, strict=True)):
                if comparable(bar):
                    compared += 1
                    if our_notes(bar) != notes:
                        differences.append((source.name, number, our_notes(bar), notes))
    assert differences == []
    assert compared > {"oneills1850": 13_500, "ryansMammoth": 6_000}[book]
