"""Writes the page of one group of listeners: one HTML file that needs no network and sends nothing.

The page holds measures as tokens, and not what they are: models, steps and which of two has more stand in the design
alone, except in practice, where the listener is told.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np

from vaemusic_jax.errors import UserError
from vaemusic_jax.play.explorer.spec import music_of
from vaemusic_jax.play.listening.design import Design
from vaemusic_jax.play.one_file_page import EXPLORER, LISTENING, one_file_page

TEMPO = 100  # quarters a minute
TONES = 6  # rounds of the check of headphones
_SHARED = ("measures", "writers", "sound", "elements")  # scripts of the explorer
_SCRIPTS = ("answers", "hearing", "questions", "listening")


def read_text(path: Path | None = None) -> dict[str, Any]:
    """Returns all text of the page, in English or from a translation of `text.json`.

    Raises:
        UserError: the file is not there, is no JSON, or lacks a text.
    """
    english: dict[str, Any] = json.loads((LISTENING / "text.json").read_text(encoding="utf-8"))
    if path is None:
        return english
    try:
        own = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else f"no JSON: {error}"
        raise UserError(f"{path}: {reason}; copy {LISTENING / 'text.json'} and translate it") from None
    if not isinstance(own, dict):
        raise UserError(f"{path}: it holds no texts by name; copy {LISTENING / 'text.json'} and translate it")
    for name, text in english.items():
        if name != "questions" and not _is_like(own.get(name), text):
            raise UserError(f"{path}: {name} has to be like {json.dumps(text)[:60]}")
    return own


def page_of(design: Design, group: int, text: dict[str, Any]) -> str:
    """Returns the page of a group, counted from 1.

    Raises:
        UserError: the text lacks the question about an attribute.
    """
    words = {"pair": "", "rating": "", "least": "", "most": ""}
    for attribute in design.attributes:
        if not _is_like(text.get("questions", {}).get(attribute), words):
            raise UserError(f"questions.{attribute}: the text of the page has no pair, rating, least and most for it")
    trials = [
        {
            "trial": number,
            "kind": item.kind,
            "item": item.id,
            "attribute": item.attribute,
            "measures": _measures(item, low_first),
            **({"right": 2 if low_first else 1} if item.kind == "practice" else {}),
        }
        for number, (item, low_first) in enumerate(design.trials(group), 1)
    ]
    data = {
        "study": design.study,
        "group": group,
        "text": text,
        "spec": music_of(design.vocabulary),
        "tempo": TEMPO,
        "minutes": round(design.minutes),
        "blocks": list(dict.fromkeys(trial["attribute"] for trial in trials if trial["kind"] == "practice")),
        "melody": trials[0]["measures"],
        "tones": [{"quiet": quiet, "turned": turned} for quiet, turned in tones_of(design, group)],
        "trials": trials,
    }
    styles = [EXPLORER / "theme.css", LISTENING / "listening.css"]
    scripts = [*(EXPLORER / f"{name}.js" for name in _SHARED), *(LISTENING / f"{name}.js" for name in _SCRIPTS)]
    return one_file_page(LISTENING / "listening.html", styles, scripts, data)


def tones_of(design: Design, group: int) -> list[tuple[int, int]]:
    """Returns of each round of the check of headphones which tone is quieter, and which is turned round, from 0."""
    rng = np.random.default_rng([design.seed, group])
    drawn = [rng.permutation(3)[:2] for _ in range(TONES)]
    return [(int(quiet), int(turned)) for quiet, turned in drawn]


def _measures(item: Any, low_first: bool) -> list[list[int]]:
    if item.kind == "rating":
        return [list(item.high)]
    return [list(each) for each in ((item.low, item.high) if low_first else (item.high, item.low))]


def _is_like(own: Any, text: Any) -> bool:
    """Returns whether a text of a translation has the form of the English one."""
    if isinstance(text, str):
        return isinstance(own, str)
    if isinstance(text, list):
        return isinstance(own, list) and len(own) > 0 and all(isinstance(each, str) for each in own)
    return isinstance(own, dict) and all(_is_like(own.get(name), each) for name, each in text.items())
