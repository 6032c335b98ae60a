"""The names of data sets, sweeps and cohorts, which become parts of paths, and the paths that are made of them.

Names are read from files that may come from strangers. One pattern holds wherever a name is read, so that no name can
lead out of a folder, be taken for an option or a formula, or mean something in HTML or on a terminal.
"""

import re
from pathlib import Path

from vaemusic_jax.errors import UserError

MOST_LETTERS = 100
_NAME = re.compile(rf"[A-Za-z0-9][A-Za-z0-9._-]{{0,{MOST_LETTERS - 1}}}")


def is_name(text: str) -> bool:
    """Returns whether a text is a usable name."""
    return _NAME.fullmatch(text) is not None


def checked_name(name: str) -> str:
    """Returns a name as it is. Raises ValueError if it is not usable."""
    if not is_name(name):
        raise ValueError(
            f"{name[:MOST_LETTERS]!r} is not a usable name; use up to {MOST_LETTERS} letters, digits, '.', '_' and "
            "'-', a letter or digit first"
        )
    return name


def inside(folder: Path, *parts: str) -> Path:
    """Returns the path of something in a folder that is about to be written to.

    Raises:
        UserError: it lies elsewhere, because a part or a symbolic link leads out of the folder.
    """
    path = folder.joinpath(*parts)
    try:
        resolved = path.resolve()
        # From Python 3.13 on, links that lead to each other stay in what `resolve` returns.
        is_resolved = not any(part.is_symlink() for part in (resolved, *resolved.parents))
        is_inside = is_resolved and resolved.is_relative_to(folder.resolve())
    except (OSError, RuntimeError):  # before 3.13, such links
        is_inside = False
    if not is_inside:
        raise UserError(f"{path}: leads out of {folder}, where nothing is written; put a folder in its place")
    return path
