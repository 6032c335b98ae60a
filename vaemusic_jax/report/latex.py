"""Text for LaTeX: every sign of a text is printed as it is, whatever the text is and wherever it comes from."""

from __future__ import annotations

import re
import unicodedata

_SIGNS = {
    "\\": r"\textbackslash{}",
    "~": r"\textasciitilde{}",
    "^": r"\textasciicircum{}",
    "<": r"\textless{}",
    ">": r"\textgreater{}",
    "|": r"\textbar{}",
    "[": "{[}",  # LaTeX reads a bracket after the end of a row as an option.
    "]": "{]}",
    '"': "''",
    "\N{EN DASH}": "--",
    "\N{NON-BREAKING HYPHEN}": "-{}",
    "`": "{`}",  # which makes other signs of ?` and !`
    "\N{SUPERSCRIPT TWO}": r"\textsuperscript{2}",
    "\N{MULTIPLICATION SIGN}": r"$\times$",
    "\N{PLUS-MINUS SIGN}": r"$\pm$",
    "\N{MINUS SIGN}": "$-$",
    **{sign: f"\\{sign}" for sign in "&%$#_{}"},
}
_HYPHENS = re.compile("-(?=-)")  # which LaTeX joins to a dash
_MINUS = re.compile(r"(?<![\w.-])-(?=\.?\d)")  # the hyphen of a number below 0
_TABLE = str.maketrans(_SIGNS)
# The combining accents that every font of LaTeX has, with their commands.
_ACCENTS = {
    "\N{COMBINING GRAVE ACCENT}": "`",
    "\N{COMBINING ACUTE ACCENT}": "'",
    "\N{COMBINING CIRCUMFLEX ACCENT}": "^",
    "\N{COMBINING TILDE}": "~",
    "\N{COMBINING DIAERESIS}": '"',
    "\N{COMBINING RING ABOVE}": "r ",
    "\N{COMBINING CARON}": "v ",
    "\N{COMBINING BREVE}": "u ",
    "\N{COMBINING CEDILLA}": "c ",
}


def escape_latex(text: str) -> str:
    """Escapes a text so that LaTeX prints it as it is, in ASCII and without line ends.

    Letters with accents become LaTeX's commands, the hyphen of a number below 0 a minus sign, and signs that no plain
    LaTeX font has a question mark.
    """
    text = _HYPHENS.sub("\N{NON-BREAKING HYPHEN}", _MINUS.sub("\N{MINUS SIGN}", text))
    return "".join(one if one.isascii() and one.isprintable() else _sign(one) for one in text.translate(_TABLE))


def _sign(sign: str) -> str:
    if sign.isspace():
        return " "
    base, *marks = list(unicodedata.normalize("NFD", sign))
    if base.isascii() and len(marks) == 1 and marks[0] in _ACCENTS:
        return f"\\{_ACCENTS[marks[0]]}{{{base}}}"
    plain = unicodedata.normalize("NFKD", sign).encode("ascii", "ignore").decode()
    return plain if plain.isalnum() else "?"
