"""Writes a page as one HTML file, with its style, its scripts and its data inside.

The template's content security policy allows the one script and the one style by their hashes. What stands in the data,
such as names of tokens in a stranger's file, is JSON that the script shows as text.
"""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Sequence
from importlib import resources
from importlib.resources.abc import Traversable
from string import Template
from typing import Any

EXPLORER = resources.files("vaemusic_jax.play.explorer")
LISTENING = resources.files("vaemusic_jax.play.listening")


def one_file_page(
    template: Traversable, styles: Sequence[Traversable], scripts: Sequence[Traversable], data: Any
) -> str:
    """Returns the page.

    Args:
        template: HTML with the places $style_hash, $script_hash, $style, $script and $data.
        styles: the style sheets, which are joined to one, as the scripts are.
        scripts: the scripts, in the order in which they run; they are joined to one.
        data: what JSON can hold, without NaN.
    """
    css, script = ("\n".join(each.read_text(encoding="utf-8") for each in files) for files in (styles, scripts))
    return Template(template.read_text(encoding="utf-8")).substitute(
        style_hash=_hash(css),
        script_hash=_hash(script),
        style=css,
        script=script,
        data=json.dumps(data, allow_nan=False).replace("<", "\\u003c"),
    )


def _hash(text: str) -> str:
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"
