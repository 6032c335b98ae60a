"""Expands the macros of a tune in ABC (standard 2.1, section 9): `m:~g2 = {a}g{f}g` and `m:~n2 = (3o/n/m/ n`.

A macro replaces a text in lines of music. Where that text has the letter n, it stands for any note, and the letters h
to z of the replacement stand for the notes up to six steps below it and twelve above. Of several macros that fit, the
longest is taken, and what it gives is not looked through again.
"""

from __future__ import annotations

import re

from vaemusic_jax.data.tunes import UnreadableTuneError

MOST_CHARACTERS = 1_000_000  # of one line, expanded

_LONGEST, _MOST = 200, 100  # characters of a macro, and macros of a tune
_NOTE = r"[A-Ga-g][,']*"
_STEP = re.compile(r'"[^"]*"|![^!\s]*!|[h-z]')
_LETTERS = "CDEFGAB"


class Macros:
    """The macros of a tune."""

    def __init__(self) -> None:
        self._replacements: dict[str, str] = {}
        self._pattern: re.Pattern[str] | None = None
        self._targets: list[str] = []

    def define(self, text: str) -> None:
        """Adds one, given what follows `m:`.

        Raises:
            UnreadableTuneError: no macro, a long one, or too many.
        """
        target, equals, replacement = (part.strip() for part in text.split("%")[0].partition("="))
        too_much = len(text) > _LONGEST or len(self._replacements) == _MOST
        if not target or not equals or too_much or target.count("n") > 1:
            raise UnreadableTuneError("unreadable macro (m:)")
        self._replacements[target] = replacement
        self._targets = sorted(self._replacements, key=len, reverse=True)
        self._pattern = re.compile("|".join(f"({re.escape(each).replace('n', _NOTE)})" for each in self._targets))

    def expand(self, line: str) -> str:
        """A line of music with every macro replaced.

        Raises:
            UnreadableTuneError: it becomes longer than `MOST_CHARACTERS`.
        """
        if self._pattern is None:
            return line
        pieces, at, length = list[str](), 0, 0
        for match in self._pattern.finditer(line):
            pieces += line[at : match.start()], self._replacement(match)
            at = match.end()
            length += len(pieces[-1])
            if length > MOST_CHARACTERS:
                raise UnreadableTuneError(f"macros that give more than {MOST_CHARACTERS:,} characters")
        return "".join(pieces) + line[at:]

    def _replacement(self, match: re.Match[str]) -> str:
        target = self._targets[(match.lastindex or 1) - 1]
        replacement = self._replacements[target]
        if "n" not in target:
            return replacement
        before, _, after = target.partition("n")
        note = match[0][len(before) : len(match[0]) - len(after)]

        def moved(step: re.Match[str]) -> str:
            return _moved(note, ord(step[0]) - ord("n")) if len(step[0]) == 1 else step[0]

        return _STEP.sub(moved, replacement)


def _moved(note: str, steps: int) -> str:
    """A note by so many steps higher: `B` by one is `c`."""
    octave = note.count("'") - note.count(",") + note[0].islower()
    octaves, step = divmod(_LETTERS.index(note[0].upper()) + steps, 7)
    octave += octaves
    if octave >= 1:
        return _LETTERS[step].lower() + "'" * (octave - 1)
    return _LETTERS[step] + "," * -octave
