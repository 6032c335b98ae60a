"""Describes the files that a data set was made of, so that others can see whether they have the same ones."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from vaemusic_jax.support.words import count


def describe_files(origin: str, files: Iterable[tuple[Path, str]]) -> dict[str, Any]:
    """Returns what the files of a data set are, without their places on this machine.

    Args:
        origin: where they come from, in words.
        files: the path of each file and its name, relative to their folder.

    Returns:
        `origin`; `files`, their number; `bytes`, their size together; and `sha256`, the SHA-256 of the lines that the
        program sha256sum prints of them, sorted by name as in the locale C. A file that cannot be read is left out.
    """
    lines, size = [], 0
    for path, name in sorted(files, key=lambda each: each[1].encode("utf-8", "surrogatepass")):
        try:
            content = path.read_bytes()
        except OSError:
            continue
        size += len(content)
        lines.append(f"{hashlib.sha256(content).hexdigest()}  {name}\n")
    digest = hashlib.sha256("".join(lines).encode("utf-8", "surrogatepass")).hexdigest()
    return {"origin": origin, "files": len(lines), "bytes": size, "sha256": digest}


def files_in_words(facts: Mapping[str, Any]) -> str:
    """Returns a sentence on the files that a data set was made of.

    Args:
        facts: the report of a data set, or facts about it: `source` is what `describe_files` returned, if it is there.
    """
    source = facts.get("source")
    if source is None:
        return "Which files it was made of was not kept, as in data sets that an earlier version prepared."
    return (
        f"It was made of {count(source['files'], 'file')} of {source['origin']}, {source['bytes']:,} bytes; the "
        f"SHA-256 of what sha256sum prints of them, sorted by name, begins with {source['sha256'][:16]}."
    )
