"""The report's page in a real browser: it fits, it plays, and it asks for nothing."""

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from tests.helpers.browser import chromium
from tests.helpers.evaluated_runs import config_of, write_run
from vaemusic_jax.metrics.registry import all_columns
from vaemusic_jax.report import write
from vaemusic_jax.report.write import write_report

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

WIDE = 1280
A4 = round(190 / 25.4 * 96)  # the width of a page of A4 within its margins, in CSS pixels
WIDEST = {"steering_weight": [0.0, 0.3], "dataset": "turkish_makam", "model": "adversarial_vae", "latent_dim": [4, 256]}

# How far the content of tables and texts reaches beyond what it stands in, with everything unfolded.
BEYOND = """() => {
  document.querySelectorAll("details").forEach(each => each.open = true);
  const boxes = [...document.querySelectorAll(".wide, pre, .strip li, td, figure, p")];
  const over = boxes.filter(box => box.scrollWidth > box.clientWidth + 1 && box.clientWidth > 0);
  return over.map(box => [box.tagName, box.textContent.slice(0, 60), box.scrollWidth, box.clientWidth]);
}"""


@pytest.fixture(scope="module")
def browser() -> "Iterator[Browser]":
    with chromium() as found:
        yield found


@pytest.fixture(scope="module")
def report(tmp_path_factory: pytest.TempPathFactory, browser: "Browser") -> Path:
    """The page of a run in which tables have as many columns and as wide cells as they get."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(write, "to_png", lambda figure: b"PNG")
        counted = ("accuracy", "dimension", "is_regularised")
        numbers: dict[str, Any] = {name: 12.0 for name in all_columns() if not name.endswith(counted)}
        run = write_run(tmp_path_factory.mktemp("wide") / "run", config_of(attributes="all", **WIDEST), metrics=numbers)
        return write_report([run]).page


@pytest.fixture
def page(browser: "Browser", report: Path) -> "Iterator[Page]":
    page = browser.new_page(viewport={"width": WIDE, "height": 900})
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.goto(report.as_uri())
    yield page
    page.close()
    assert [url for url in asked if not url.startswith("data:")] == [report.as_uri()]


def test_nothing_is_clipped_on_a_wide_screen_nor_in_print(page: "Page") -> None:
    assert page.evaluate(BEYOND) == []
    assert page.evaluate("document.documentElement.scrollWidth") <= WIDE
    page.emulate_media(media="print")
    page.set_viewport_size({"width": A4, "height": 1000})
    assert page.evaluate(BEYOND) == []
    assert page.evaluate("document.documentElement.scrollWidth") <= A4


def test_a_phone_scrolls_tables_and_not_the_page(page: "Page") -> None:
    page.set_viewport_size({"width": 390, "height": 800})
    assert page.evaluate("document.documentElement.scrollWidth") <= 390


def test_every_image_is_drawn(page: "Page") -> None:
    widths = page.evaluate("Promise.all([...document.images].map(i => i.decode().then(() => i.naturalWidth, () => 0)))")
    assert len(widths) > 50
    assert min(widths) > 0


def test_figures_stand_in_two_columns_and_follow_the_dark(page: "Page") -> None:
    places = page.evaluate(
        "[...document.querySelectorAll('#chapter-latent_size figure')].map(f => f.getBoundingClientRect().x)"
    )
    assert len(set(places)) == 2
    paper = "getComputedStyle(document.body).backgroundColor"
    light = page.evaluate(paper)
    page.emulate_media(color_scheme="dark")
    assert page.evaluate(paper) != light


def test_a_strip_plays_the_notes_of_its_measures_one_after_the_other(page: "Page") -> None:
    page.evaluate("""() => {
      window.heard = [];
      const start = OscillatorNode.prototype.start;
      OscillatorNode.prototype.start = function (at) { heard.push([at, this.frequency.value]); start.call(this, at); };
    }""")
    strip = page.locator(".strip").first
    cells = [strip.locator("li").nth(i).get_attribute("data-notes") or "" for i in range(4)]
    expected = [
        (2 * i + float(note.split(",")[0]) / 2, 440 * 2 ** ((float(note.split(",")[2]) - 69) / 12))
        for i, cell in enumerate(cells)
        for note in cell.split()
    ]
    strip.locator("button").first.click()
    heard = page.evaluate("heard")
    assert [pitch for _, pitch in heard] == pytest.approx([pitch for _, pitch in expected], rel=1e-4)
    starts = [at - heard[0][0] for at, _ in heard]
    assert starts == pytest.approx([at - expected[0][0] for at, _ in expected], abs=0.02)
    strip.locator("button").first.click()  # it stops
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    assert len(page.evaluate("heard")) == len(expected) + len(cells[0].split())


def test_without_scripts_there_is_no_dead_button(browser: "Browser", report: Path) -> None:
    page = browser.new_page(java_script_enabled=False)
    page.goto(report.as_uri())
    assert not page.locator("button").first.is_visible()
    assert page.locator(".strip img").first.is_visible()
    page.close()
