"""Engraving of tunes in ABC as notation, by the library Verovio."""

from typing import Any


def engrave(abc: str, **options: Any) -> list[str]:
    """Engraves a tune and returns an SVG element for each page; equal input gives equal text.

    Args:
        abc: one tune in ABC.
        options: options of Verovio; they override those set here.

    Raises:
        ImportError: Verovio is not installed or cannot be loaded.
    """
    import verovio

    verovio.enableLog(verovio.LOG_OFF)
    toolkit = verovio.toolkit()
    set_here = {"inputFrom": "abc", "adjustPageHeight": True, "header": "none", "footer": "none", "xmlIdSeed": 1}
    toolkit.setOptions({**set_here, "svgRemoveXlink": True, **options})
    toolkit.loadData(abc)
    return [toolkit.renderToSVG(page) for page in range(1, toolkit.getPageCount() + 1)]
