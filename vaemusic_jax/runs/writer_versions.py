"""The versions of packages that trained a run, which its checkpoints name; reading them needs neither Orbax nor JAX."""

from __future__ import annotations

import json
import re
from pathlib import Path

_WORD = re.compile(r"[A-Za-z0-9][A-Za-z0-9._+-]{0,39}")


def writer_versions(run: Path) -> dict[str, tuple[str, ...]]:
    """Returns the versions of each package that wrote the newest checkpoint of each cohort of a run.

    Checkpoints that are missing or cannot be read are left out, so a run that was copied without them has none.

    Args:
        run: the run directory.

    Returns:
        The versions by package, each in the order of first appearance.
    """
    found: dict[str, dict[str, None]] = {}
    for folder in sorted(run.glob("cohorts/*/checkpoints")):
        steps = [path for path in folder.glob("*") if path.name.isdecimal()]
        newest = max(steps, key=lambda path: int(path.name), default=None)
        for name, version in (_versions(newest) if newest else {}).items():
            found.setdefault(name, {})[version] = None
    return {name: tuple(versions) for name, versions in found.items()}


def _versions(checkpoint: Path) -> dict[str, str]:
    try:
        versions = json.loads((checkpoint / "metadata" / "metadata").read_bytes())["versions"]
        pairs = list(versions.items())
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return {}
    return {name: version for name, version in pairs if _is_word(name) and _is_word(version)}


def _is_word(text: object) -> bool:
    return isinstance(text, str) and _WORD.fullmatch(text) is not None
