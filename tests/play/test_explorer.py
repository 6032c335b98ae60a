"""The explorer's page, used in a real browser as people use it: by keyboard, pointer and link."""

import json
import re
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from tests.helpers.browser import chromium
from tests.helpers.random_models import random_model
from vaemusic_jax.cli import run as vaemusic
from vaemusic_jax.data.measures import read_measures
from vaemusic_jax.errors import UserError
from vaemusic_jax.music.attributes import ATTRIBUTES
from vaemusic_jax.play.explorer.page import page_of, starts_of, translated
from vaemusic_jax.play.load import load

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

MODELS = {"one": random_model("measure_vae"), "</script><b>two": random_model("adversarial_vae")}
PHONE = {"width": 360, "height": 740}
SLIDER = "#control-note_density"
#: What the page has for the result of the first model, and its start.
RESULT = "() => explorer.settled().then(() => Array.from(explorer.models[0].result.tokens))"
START = "() => Array.from(explorer.startOf(0))"

Opened = Callable[..., "Page"]


@pytest.fixture(scope="module")
def browser() -> "Iterator[Browser]":
    with chromium() as found:
        yield found


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("explorer") / "explorer.html"
    path.write_text(page_of(MODELS), encoding="utf-8")
    return path


@pytest.fixture
def opened(browser: "Browser", file: Path) -> Iterator[Opened]:
    """Opens the page, and fails if it asks for anything from elsewhere or has an error."""
    errors, requests, pages = list[str](), list[str](), list[Any]()

    def opened(hash: str = "", **options: Any) -> "Page":
        context = browser.new_context(**options)
        page = context.new_page()
        pages.append(context)
        page.on("pageerror", lambda error: errors.append(str(error)))
        page.on("console", lambda said: errors.append(said.text) if said.type in ("error", "warning") else None)
        page.on("request", lambda request: requests.append(request.url))
        page.goto(f"{file.as_uri()}{hash}")
        until(page, "explorer.models.every(({ result }) => result && result.tokens)")
        return page

    yield opened
    for context in pages:
        context.close()
    assert not errors
    assert all(url.startswith((file.as_uri(), "blob:null/")) for url in requests)


def until(page: "Page", expression: str) -> None:
    """Waits until an expression is true. What playwright has for it is forbidden by the policy of the page."""
    end = time.monotonic() + 20
    while not page.evaluate(expression):
        assert time.monotonic() < end, f"{expression} was never true"
        page.wait_for_timeout(20)


def own(page: "Page", expression: str = RESULT) -> list[int]:
    found: list[int] = page.evaluate(expression)
    return found


def test_its_policy_lets_nothing_in_or_out(browser: "Browser", file: Path) -> None:
    policy = re.search(r'Content-Security-Policy" content="([^"]*)"', file.read_text(encoding="utf-8"))
    assert policy is not None
    assert policy[1].startswith("default-src 'none';")
    assert "unsafe" not in policy[1]
    page = browser.new_page()
    page.goto(file.as_uri())
    blocked = page.evaluate("fetch('https://example.org').then(() => 'sent', () => 'blocked')")
    page.evaluate("document.body.append(Object.assign(document.createElement('script'), {textContent: 'x = 1'}))")
    assert (blocked, page.evaluate("typeof x")) == ("blocked", "undefined")
    page.close()


def test_names_from_files_are_text(opened: Opened) -> None:
    page = opened()
    assert page.locator("article h2").all_inner_texts() == list(MODELS)
    assert page.locator("b").count() == 0


@pytest.mark.parametrize("model", MODELS)
def test_a_slider_turns_the_control_as_in_python(opened: Opened, model: str) -> None:
    page, m = opened(), list(MODELS).index(model)
    start = own(page, START)
    page.locator(SLIDER).focus()
    page.keyboard.press("End")
    for _ in range(5):
        page.keyboard.press("ArrowLeft")
    result = RESULT.replace("models[0]", f"models[{m}]")
    np.testing.assert_array_equal(own(page, result), MODELS[model].turn(start, "note_density", level=0.95)[0])
    column = list(ATTRIBUTES).index("note_density")
    notes = round(24 * float(MODELS[model].attributes(own(page, result))[0][column]))
    row = page.locator("article").nth(m).locator("tbody tr").nth(column)
    assert row.locator("td").all_inner_texts()[1:3] == ["p95", str(notes)]
    assert page.locator(SLIDER).get_attribute("aria-valuetext") == "set to p95"
    before, after = MODELS[model].attributes([start, own(page, result)])
    moved = [name.replace("_", " ") for name, a, b in zip(ATTRIBUTES, before, after, strict=True) if a != b]
    rows = page.locator("article").nth(m).locator("tr.moved th").all_inner_texts()
    assert [each.partition(" (")[0] for each in rows] == moved
    said = page.locator(".said").nth(m).inner_text()
    assert [f"{name} from" in said for name in moved] == [name != "note density" for name in moved]
    page.keyboard.press("Delete")
    assert page.locator(SLIDER).get_attribute("aria-valuetext").startswith("as the start")  # type: ignore[union-attr]
    np.testing.assert_array_equal(own(page, result), MODELS[model].decode(*_code(model, start))[0])


def _code(model: str, start: list[int]) -> tuple[np.ndarray, np.ndarray]:
    return MODELS[model].encode(start), MODELS[model].own_attributes(start)


def test_double_click_sets_a_control_back(opened: Opened) -> None:
    page = opened("#note_density=0.9")
    page.locator(SLIDER).dblclick()
    assert "note_density" not in page.evaluate("explorer.state.levels")


def test_aiming_says_what_was_asked_and_comes_as_near_as_it_says(opened: Opened) -> None:
    page = opened()
    page.get_by_label("Aim").check()
    page.locator(SLIDER).fill("70")
    model = MODELS["one"]
    found = model.attributes(own(page))[0]
    asked, spread = model.about.attribute_at("note_density", 0.7), model.about.spread("note_density")
    off = abs(float(found[list(ATTRIBUTES).index("note_density")]) - asked) / spread
    said = page.locator(".said").first.inner_text()
    assert ("It has what was asked." in said) == (off < 0.1)
    assert off < 0.1 or f"{off:.2f} standard deviations" in said
    assert (
        page.locator("article").first.locator("tbody tr").nth(2).locator("td").nth(1).inner_text()
        == f"{24 * asked:.0f}"
    )


def test_all_can_be_reached_and_used_by_keyboard_alone(opened: Opened) -> None:
    page = opened()
    reached = set()
    page.keyboard.press("Tab")
    for _ in range(60):
        reached.add(page.evaluate("document.activeElement.outerHTML.slice(0, 40)"))
        page.keyboard.press("Tab")
    everything = page.evaluate(
        "[...document.querySelectorAll('button:enabled, select, input, canvas[tabindex]')]"
        ".filter((each) => each.checkVisibility() && (each.type !== 'radio' || each.checked))"
        ".map((each) => each.outerHTML.slice(0, 40))"
    )
    assert set(everything) <= reached
    page.locator("#pad canvas").first.focus()
    for key in ("ArrowRight", "ArrowUp"):
        page.keyboard.press(key)
    assert set(page.evaluate("explorer.state.levels")) == set(page.evaluate("explorer.state.pad.slice(0, 2)"))
    page.keyboard.press("Delete")
    assert page.evaluate("explorer.state.levels") == {}


def test_every_field_has_a_name(opened: Opened) -> None:
    page = opened()
    for field in page.locator("button, select, input, canvas[tabindex]").all():
        named = field.evaluate("(each) => each.ariaLabel || each.textContent || (each.labels || [])[0]?.textContent")
        assert named
        assert named.strip()


def test_play_schedules_the_notes_that_are_heard(opened: Opened) -> None:
    page = opened("#note_density=0.9")
    tokens, start, midi = own(page), own(page, START), MODELS["one"].vocabulary.midi
    page.get_by_label("loop").uncheck()
    for heard, measure in (("one", tokens), ("start", start)):
        page.get_by_role("radio", name=heard, exact=True).check()
        page.evaluate("document.activeElement.blur()")
        page.keyboard.press("Space")
        until(page, "!explorer.transport.isPlaying")
        notes = page.evaluate("scheduled.map(({ pitch }) => pitch)")
        assert notes == [midi[token] for token in measure if midi[token] >= 0]
    page.keyboard.press("b")
    assert page.evaluate("explorer.transport.heard") == "0"


def test_undo_goes_back_and_redo_forth(opened: Opened) -> None:
    page = opened()
    first = page.evaluate("location.hash")
    page.get_by_label("Next start measure").click()
    page.locator(SLIDER).fill("90")
    last = page.evaluate("location.hash")
    for _ in range(2):
        page.keyboard.press("Control+z")
    assert page.evaluate("location.hash") == first
    assert page.get_by_role("button", name="Undo").is_disabled()
    for _ in range(2):
        page.keyboard.press("Control+y")
    assert page.evaluate("location.hash") == last
    page.keyboard.press("Control+z")
    page.locator(SLIDER).fill("20")
    assert page.get_by_role("button", name="Redo").is_disabled()  # what was undone is gone for good


def test_a_link_brings_everything_back(opened: Opened) -> None:
    page = opened()
    page.get_by_role("button", name="Random draw").click()
    page.get_by_label("Aim").check()
    page.locator(SLIDER).fill("80")
    page.get_by_role("button", name="Another one").click()
    own(page)
    page.locator("article").nth(1).get_by_role("button", name="Add to the strip").click()
    page.get_by_label("Colour:").select_option("average_interval_jump")
    again = opened(page.evaluate("location.hash"))
    assert again.evaluate("toText(explorer.state)") == page.evaluate("toText(explorer.state)")
    assert own(again) == own(page)
    assert again.locator(".slots svg").count() == 1


@pytest.mark.parametrize(
    "hash",
    [
        "#from=9999&mode=fly&note_density=2&note_range=x&pad=a.b.c&seed=-1&strip=9zz.0zz.",
        "#from=" + "zz" * 24,
        "#%",
        "#from=1&from=<img src=x onerror=alert(1)>&strip=<b>",
    ],
)
def test_what_is_wrong_in_a_link_is_left_out(opened: Opened, hash: str) -> None:
    page = opened(hash)
    assert page.evaluate("toText(explorer.state)") == page.evaluate("toText(firstState(explorer))")


@pytest.mark.parametrize("format", ["mid", "musicxml", "abc"])
def test_what_is_saved_is_read_again_as_the_same_measures(opened: Opened, format: str, tmp_path: Path) -> None:
    page = opened()
    page.get_by_role("button", name="Turn it from low to high").click()
    until(page, "explorer.state.strip.length === 8")
    expected = page.evaluate("explorer.strip.measures().map((each) => Array.from(each))")
    first, start = MODELS["one"], own(page, START)
    ours = [first.turn(start, "rhythmic_complexity", level=level)[0] for level in np.linspace(0.02, 0.98, 8)]
    np.testing.assert_array_equal(expected, ours)
    page.locator("#strip").get_by_label("Format").select_option(format)
    with page.expect_download() as saved:
        page.locator("#strip").get_by_role("button", name="Save").click()
    path = tmp_path / saved.value.suggested_filename
    saved.value.save_as(path)
    names = MODELS["one"].vocabulary.tokens
    found = [_heard(measure) for measure in read_measures(path).names]
    assert found == [_heard([names[token] for token in measure]) for measure in expected]


def _heard(names: Any) -> list[tuple[int, str]]:
    return [(tick, name) for tick, name in enumerate(names) if name not in ("__", "rest")]


def test_notes_are_clicked_in_and_out_of_the_start(opened: Opened) -> None:
    page = opened()
    before = own(page, START)
    cells = page.locator("#start .cell[data-tick='6']")
    token = next(
        each for each in cells.evaluate_all("(all) => all.map((cell) => +cell.dataset.token)") if each != before[6]
    )
    page.locator(f"#start .cell[data-tick='6'][data-token='{token}']").dispatch_event("click")
    assert own(page, START) == [*before[:6], token, *before[7:]]
    page.locator("#start .roll .note[data-tick='6']").dispatch_event("click")
    assert own(page, START) == [*before[:6], 0, *before[7:]]


def test_a_dot_of_the_pad_is_a_measure_to_start_from_and_elsewhere_sets_both(opened: Opened) -> None:
    page = opened()
    pad, spots = page.locator("#pad canvas").first, page.evaluate("explorer.pad.spots()")
    pad.scroll_into_view_if_needed()
    box = pad.bounding_box()
    assert box is not None
    x, y = next(spot for spot in spots if min(spot) > 0.1 and max(spot) < 0.9)
    pad.click(position={"x": x * box["width"], "y": (1 - y) * box["height"]})
    near = page.evaluate("explorer.state.from")
    assert near > 0
    assert np.hypot(spots[near][0] - x, spots[near][1] - y) < 0.03
    page.get_by_label("Show the start measures").uncheck()
    pad.click(position={"x": box["width"] * 0.25, "y": box["height"] * 0.25})
    across, up = page.evaluate("explorer.state.pad.slice(0, 2).map((name) => explorer.state.levels[name])")
    assert (abs(across - 0.25) < 0.01, abs(up - 0.75) < 0.01) == (True, True)


@pytest.mark.parametrize(
    "options", [{"viewport": PHONE, "has_touch": True}, {"viewport": {"width": 1280, "height": 800}}]
)
def test_nothing_is_wider_than_the_screen(opened: Opened, options: dict) -> None:
    page = opened("#note_density=0.9", **options)
    assert page.evaluate("document.documentElement.scrollWidth") <= options["viewport"]["width"]
    beyond = page.evaluate(
        "[...document.querySelectorAll('main *')].filter((each) => !each.closest('svg'))"
        ".filter((each) => each.getBoundingClientRect().right > innerWidth + 1).length"
    )
    assert beyond == 0


def test_in_the_dark_it_is_dark(opened: Opened) -> None:
    page = opened(color_scheme="dark")
    red, green, blue = json.loads(
        page.evaluate("getComputedStyle(document.body).backgroundColor").replace("rgb(", "[").replace(")", "]")
    )
    assert max(red, green, blue) < 60


def test_start_measures_are_those_that_all_models_have(tmp_path: Path) -> None:
    other = random_model("measure_vae", tones=("C4", "D4", "E4", "F#4"))
    starts, origin = starts_of([MODELS["one"], other])
    assert "random draws" in origin
    assert 0 < len(starts) < 200
    assert (translated(starts, MODELS["one"], other) >= 0).all()


def test_held_out_measures_are_left_out_that_another_model_cannot_read() -> None:
    model, few = load("irish-measure-32"), random_model("measure_vae", tones=("D4", "E4", "F#4", "G4", "A4", "B4"))
    starts, origin = starts_of([model, few])
    assert origin == "held-out measures of irish_folk"
    assert 5 < len(starts) < len(starts_of([model])[0]) == 200
    assert (translated(starts, model, few) >= 0).all()


def test_a_model_with_two_controls_has_those_two(browser: "Browser", tmp_path: Path) -> None:
    path = tmp_path / "pair.html"
    model = random_model("measure_vae", attributes=("note_density", "rhythmic_complexity"))
    path.write_text(page_of({"pair": model}), encoding="utf-8")
    page = browser.new_page()
    page.goto(f"{path.as_uri()}#note_range=0.5&pad=note_range.note_density.note_range")
    until(page, "explorer.models[0].result && explorer.models[0].result.tokens")
    assert page.evaluate("explorer.state.levels") == {}
    assert page.locator("#controls input[type=range]").count() == 2
    assert page.evaluate("explorer.state.pad") == ["note_density", "rhythmic_complexity", "note_density"]
    assert page.get_by_label("Up:").evaluate("(each) => each.value") == "rhythmic_complexity"
    page.close()


def test_models_without_controls_or_common_measures_are_refused() -> None:
    with pytest.raises(UserError, match=r"^none: it has no controls"):
        page_of({"none": random_model("measure_vae", attributes=())})
    with pytest.raises(UserError, match=r"^one, far: they have no measure in common"):
        page_of({"one": MODELS["one"], "far": random_model("measure_vae", tones=("C2", "D2"))})


def test_models_in_two_metres_do_not_share_a_page() -> None:
    with pytest.raises(UserError, match=r"^b: its measures are in 6/8 and those of a in 4/4"):
        page_of({"a": MODELS["one"], "b": random_model("measure_vae", metre="6/8")})


@pytest.mark.parametrize(
    ("arguments", "problem"),
    [
        (["no-such-model"], "no-such-model: no file, and no model that comes with the package"),
        (["irish-measure-32", "--which", "latent_dim=4"], "--which chooses trials of runs, and there is none"),
        (["--out", "no/such/folder/x.html"], "no/such/folder"),
    ],
)
def test_the_command_says_in_one_line_what_is_wrong(
    arguments: list[str], problem: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert vaemusic(["explore", *arguments]) == 2
    error = capsys.readouterr().err
    assert problem in error
    assert error.count("\n") == 1
