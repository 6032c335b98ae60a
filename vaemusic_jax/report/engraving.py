"""ABC as notation, engraved by Verovio."""

from typing import Any


def engrave(abc: str, **options: Any) -> list[str]:
    """ABC as SVG elements, one for each page; the same text for the same ABC.

    Args:
        abc: one tune.
        options: of Verovio, beside those set here.

    Raises:
        ImportError: Verovio cannot be loaded.
    """
    import verovio

    verovio.enableLog(verovio.LOG_OFF)
    toolkit = verovio.toolkit()
    set_here = {"inputFrom": "abc", "adjustPageHeight": True, "header": "none", "footer": "none", "xmlIdSeed": 1}
    toolkit.setOptions({**set_here, "svgRemoveXlink": True, **options})
    toolkit.loadData(abc)
    return [toolkit.renderToSVG(page) for page in range(1, toolkit.getPageCount() + 1)]
