"""A real browser for tests of pages and their scripts: the system's Chromium, driven by playwright.

A test that asks for it is skipped where either is missing. Keep a browser open within one module at most: playwright
has an event loop run in the thread of the tests, beside which no other can be started.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

_NEEDS = "needs the package playwright and the program chromium"


@contextmanager
def chromium() -> Iterator[Browser]:
    """Yields a headless Chromium; skips the test where there is none."""
    path = shutil.which("chromium")
    if path is None:
        pytest.skip(_NEEDS)
    api = pytest.importorskip("playwright.sync_api", reason=_NEEDS)
    with api.sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path)
        try:
            yield browser
        finally:
            browser.close()


@contextmanager
def page_of(browser: Browser, scripts: list[Path], body: str = "") -> Iterator[Page]:
    """Yields a page of scripts, joined to one as the explorer joins them; it fails where an error was not caught.

    What the scripts declare can be used in `page.evaluate`.

    Args:
        browser: from `chromium`.
        scripts: the files, in the order in which they run.
        body: HTML before the script.
    """
    page, errors = browser.new_page(), list[str]()
    page.on("pageerror", lambda error: errors.append(str(error)))
    code = "\n".join(path.read_text(encoding="utf-8") for path in scripts)
    page.set_content(f"<!doctype html><meta charset=utf-8><title>test</title>{body}<script>{code}</script>")
    try:
        yield page
    finally:
        page.close()
    assert not errors, errors
