"""SVG elements as short text, of which pages embed hundreds."""

from __future__ import annotations

import re
from urllib.parse import quote

_PLAIN = " !$'()*+,-./:;=>?@[]^_`{|}~"  # signs that stand for themselves in a data URL between double quotes


def compact(svg: str) -> str:
    """Returns an SVG element that looks the same and is shorter.

    It drops metadata, white space between elements, what is invisible, groups without content, and ids, classes and
    rules of style that nothing refers to, and rounds lengths down to hundredths. It knows no SVG but that of Matplotlib
    and Verovio.
    """
    svg = re.sub(r"<(metadata|desc)\b.*?</\1>", "", svg, flags=re.DOTALL)
    svg = re.sub(r"\s+", " ", svg).replace("> <", "><")
    svg = re.sub(r"<[^<>]+>", lambda tag: re.sub(r"(?<=\.\d\d)\d+", "", tag.group()), svg)  # not in texts
    used = set(re.findall(r"#([\w.-]+)", svg))
    svg = re.sub(r' id="([^"]*)"', lambda found: found.group() if found.group(1) in used else "", svg)
    svg = re.sub(r'<g class="[^"]*\bplaceholder\b[^"]*"><ellipse [^<>]*></g>', "", svg)
    svg = re.sub(r"#\w+ g\.\w+(?:\.\w+)?(?:, #\w+ g\.\w+)* ?\{[^{}]*\}", "", svg)
    svg = re.sub(r' class="(?!note")[^"]*"| version="1.1"', "", svg)
    svg = svg if "xlink:href" in svg else re.sub(r' xmlns:xlink="[^"]*"', "", svg, count=1)
    while (shorter := re.sub(r"<g\b[^<>]*/>|<g\b[^<>]*></g>", "", svg)) != svg:
        svg = shorter
    return svg


def url_text(svg: str) -> str:
    """Returns an SVG element as the text of a data URL; it is shorter than base64, most of all without apostrophes."""
    return quote(svg if "'" in svg else svg.replace('"', "'"), safe=_PLAIN)
