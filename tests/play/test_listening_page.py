"""The page of a listening test, used in a real browser by keyboard alone, from the welcome to the file of answers."""

import re
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from tests.helpers.browser import chromium
from tests.helpers.listening import design_of
from vaemusic_jax.errors import UserError
from vaemusic_jax.play.listening.answers import read_answers
from vaemusic_jax.play.listening.page import TEMPO, TONES, page_of, read_text

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

DESIGN = design_of("measure_vae", groups=2, trials=2, ratings=True)
PHONE = {"width": 360, "height": 740}
Opened = Callable[..., "Page"]


@pytest.fixture(scope="module")
def browser() -> "Iterator[Browser]":
    with chromium() as found:
        yield found


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The page, with its music and its pauses much faster."""
    path = tmp_path_factory.mktemp("listening") / "group-1.html"
    html = page_of(DESIGN, 1, read_text())
    assert f'"tempo": {TEMPO}' in html
    path.write_text(html.replace(f'"tempo": {TEMPO}', '"tempo": 6000'), encoding="utf-8")
    return path


@pytest.fixture
def opened(browser: "Browser", file: Path) -> Iterator[Opened]:
    """Opens the page in a browser that has kept nothing, and fails if it asks for anything or has an error."""
    errors, requests, contexts = list[str](), list[str](), list[Any]()

    def opened(context: Any = None, **options: Any) -> "Page":
        if context is None:
            context = browser.new_context(**options)
            contexts.append(context)
            # Tones and pauses take seconds by the clock of the audio and of the page; here timers are at once.
            context.add_init_script("const wait = setTimeout; setTimeout = (f, ms, ...x) => wait(f, ms / 100, ...x);")
        page = context.new_page()
        page.on("pageerror", lambda error: errors.append(str(error)))
        page.on("console", lambda said: errors.append(said.text) if said.type in ("error", "warning") else None)
        page.on("request", lambda request: requests.append(request.url))
        page.goto(file.as_uri())
        page.evaluate("TONE.seconds = 0.02; TONE.apart = 0; TONE.fade = 0.005")
        return page

    yield opened
    for context in contexts:
        context.close()
    assert not errors
    assert all(url.startswith((file.as_uri(), "blob:")) for url in requests)


def heading(page: "Page") -> str:
    text: str = page.locator("h1").inner_text()
    return text


def press(page: "Page", key: str) -> None:
    """Presses a key as soon as there is a button that has it."""
    end = time.monotonic() + 20
    name = " " if key == "Space" else key
    while not page.evaluate(f"Boolean(document.querySelector('[data-key=\"{name}\"]:enabled'))"):
        assert time.monotonic() < end, f"{key} cannot be pressed: {page.locator('main').inner_text()}"
        page.wait_for_timeout(5)
    page.keyboard.press(key)


def begin(page: "Page", device: str = "1") -> None:
    """Agrees and goes up to the first block, by keyboard."""
    page.keyboard.press("Tab")
    page.keyboard.press("Space")
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    press(page, device)
    press(page, "Space")
    for _ in range(TONES):
        press(page, "2")


def answer(page: "Page", trial: int, key: str) -> None:
    """Answers one trial of the plan."""
    kind = DESIGN.trials(1)[trial - 1][0].kind
    press(page, key)
    if kind == "practice":
        press(page, "Space")


def test_every_trial_is_answered_by_keyboard_and_the_file_is_complete(opened: Opened, tmp_path: Path) -> None:
    page, plan = opened(), DESIGN.trials(1)
    begin(page)
    press(page, "Space")
    given = []
    for trial, (item, _) in enumerate(plan, 1):
        if item.kind == "rating" and plan[trial - 2][0].kind != "rating":
            press(page, "Space")
        given.append(trial % 7 + 1 if item.kind == "rating" else trial % 2 + 1)
        answer(page, trial, str(given[-1]))
    assert heading(page) == "Thank you"
    with page.expect_download() as saved:
        press(page, "Space")
    path = tmp_path / saved.value.suggested_filename
    saved.value.save_as(path)
    answers = read_answers(DESIGN, [path])
    assert answers.notes == ()
    rows = answers.rows[answers.rows["kind"] != "tone"]
    assert rows["answer"].tolist() == given
    assert (answers.rows["kind"] == "tone").sum() == TONES
    assert set(rows["device"]) == {"headphones"}
    for answered, is_right, (item, low_first) in zip(rows["answer"], rows["is_right"], plan, strict=True):
        if item.kind != "rating":
            assert is_right == ((answered == 2) == low_first)


def test_what_is_heard_is_the_pair_of_the_plan(opened: Opened) -> None:
    page = opened()
    begin(page)
    page.evaluate(
        "() => { const before = play; window.heard = []; play = (spec, measures, how) =>"
        " { heard.push(...measures.map((each) => Array.from(each))); before(spec, measures, how); }; }"
    )
    press(page, "Space")
    press(page, "1")
    item, low_first = DESIGN.trials(1)[0]
    pair = [list(item.low), list(item.high)]
    assert page.evaluate("heard") == (pair if low_first else pair[::-1])
    right = "Right." if not low_first else "It was the second."
    assert page.locator(".said").inner_text().startswith(right)


def test_answers_are_kept_over_a_reload_and_another_listener_starts_anew(opened: Opened) -> None:
    page = opened()
    begin(page)
    press(page, "Space")
    for trial in (1, 2):
        answer(page, trial, "2")
    rows, listener = page.evaluate("page.answers.rows"), page.evaluate("page.answers.listener")
    again = opened(page.context)
    assert "you go on where you stopped" in again.locator("main").inner_text()
    assert (again.evaluate("page.answers.rows"), again.evaluate("page.answers.listener")) == (rows, listener)
    press(again, "Space")
    answer(again, 3, "1")
    assert [row["trial"] for row in again.evaluate("page.answers.rows")][-3:] == [1, 2, 3]
    third = opened(page.context)
    third.get_by_role("button", name="I am somebody else").click()
    assert heading(third) == "What do you hear?"
    assert third.evaluate("page.answers.rows") == []
    assert third.evaluate("page.answers.listener") != listener


def test_no_answer_counts_before_the_pair_was_heard_nor_twice(opened: Opened) -> None:
    page = opened()
    begin(page)
    n = page.evaluate("page.answers.rows.length")
    page.evaluate("() => { playOneByOne = (spec, measures, tempo, sounds, end) => { window.finish = end; }; }")
    press(page, "Space")
    page.wait_for_timeout(50)
    page.keyboard.press("1")
    assert page.evaluate("page.answers.rows.length") == n
    page.evaluate("finish()")
    page.keyboard.press("1")
    page.keyboard.press("2")
    assert page.evaluate("page.answers.rows.length") == n + 1


def test_a_hasty_key_does_not_play_twice_and_silence_follows_who_goes_on(opened: Opened) -> None:
    page = opened()
    begin(page)
    page.evaluate(
        "() => { window.played = [];"
        " play = (spec, [measure], { onEnd }) => { played.push(measure); window.end = onEnd; }; }"
    )
    press(page, "Space")
    page.keyboard.press("Space")
    page.wait_for_timeout(50)
    assert page.evaluate("played.length") == 1
    page.evaluate("end()")
    page.wait_for_timeout(50)
    page.evaluate("end()")
    press(page, "1")
    assert page.evaluate("page.answers.rows.at(-1).plays") == 1
    page.get_by_role("button", name="Play again").click()
    assert page.evaluate("played.length") == 3
    page.evaluate(  # the pause gets longer, so that it is over when the next pair is played
        "() => { const before = setTimeout; setTimeout = (f, ms, ...x) => before(f, ms + 9000, ...x); end();"
        " setTimeout = before; document.activeElement.blur(); }"
    )
    page.keyboard.press("Space")
    page.wait_for_timeout(150)
    assert page.evaluate("played.slice(3).map(String)") == [page.evaluate("String(page.trials[1].measures[0])")]


def test_a_reload_after_practice_asks_again_and_keeps_the_first_answer(opened: Opened) -> None:
    page = opened()
    begin(page)
    press(page, "Space")
    press(page, "1")
    again = opened(page.context)
    press(again, "Space")
    press(again, "2")
    rows = again.evaluate("page.answers.rows")
    assert [(row["trial"], row["answer"]) for row in rows if row["kind"] == "practice"] == [(1, 1)]


def test_answers_are_thrown_away_by_nobody_who_has_not_saved_them(opened: Opened) -> None:
    page = opened()
    page.evaluate("page.answers.add({ trial: 1, kind: 'tone', answer: 1 }); end()")
    other = page.get_by_role("button", name="I am somebody else")
    assert other.is_disabled()
    with page.expect_download():
        press(page, "Space")
    other.click()
    assert page.evaluate("page.answers.rows.length") == 0


def test_keys_of_digits_work_where_keyboards_have_them_with_shift_and_the_next_screen_is_silent(opened: Opened) -> None:
    page = opened()
    page.evaluate("sound()")
    page.keyboard.press("p")
    assert page.evaluate("isPlaying()")
    page.evaluate(
        "document.body.dispatchEvent(new KeyboardEvent('keydown', { key: 'é', code: 'Digit2', bubbles: true }))"
    )
    assert page.evaluate("page.answers.device") == "loudspeakers"
    assert not page.evaluate("isPlaying()")


def test_a_browser_that_plays_nothing_is_told_of(opened: Opened) -> None:
    page = opened()
    begin(page)
    page.evaluate("playOneByOne = () => { player.context.suspend(); }")
    press(page, "Space")
    page.wait_for_timeout(200)
    assert page.locator("#problem").inner_text().startswith("Nothing can be heard")


def test_nobody_starts_without_having_agreed(opened: Opened) -> None:
    page = opened()
    assert page.get_by_role("button", name="Start").is_disabled()


def test_it_goes_on_where_the_browser_keeps_nothing(opened: Opened, browser: "Browser") -> None:
    context = browser.new_context()
    context.add_init_script("Object.defineProperty(window, 'localStorage', { get() { throw new Error('no'); } })")
    page = opened(context)
    assert "keeps nothing" in page.locator("#problem").inner_text()
    page.get_by_role("checkbox").check()
    page.get_by_role("button", name="Start").click()
    assert heading(page) == "Sound"
    context.close()


def test_its_policy_lets_nothing_in_or_out(opened: Opened, file: Path) -> None:
    policy = re.search(r'Content-Security-Policy" content="([^"]*)"', file.read_text(encoding="utf-8"))
    assert policy is not None
    assert policy[1].startswith("default-src 'none';")
    assert "unsafe" not in policy[1]


def test_it_does_not_tell_what_a_pair_is(file: Path) -> None:
    html = file.read_text(encoding="utf-8")
    assert len(re.findall(r'"right": \d', html)) == 1  # of the one practice trial
    for word in ("measure_vae", '"asked"', '"arm"', '"levels"'):
        assert word not in html


@pytest.mark.parametrize(
    "options", [{"viewport": PHONE, "has_touch": True}, {"viewport": {"width": 1280, "height": 800}}]
)
def test_nothing_is_wider_than_the_screen(opened: Opened, options: dict) -> None:
    page = opened(**options)
    for step in ("welcome()", "sound()", "toneScreen(page.tones[0], 1)", "block(page.blocks[0], 1)", "end()"):
        page.evaluate(step)
        assert page.evaluate("document.documentElement.scrollWidth") <= options["viewport"]["width"], step
    rating = "trialScreen(page.trials.find(({ kind }) => kind === 'rating'), { n: 1, of: 2 })"
    page.evaluate(rating)
    assert page.evaluate("document.documentElement.scrollWidth") <= options["viewport"]["width"]


def test_a_translation_lacks_nothing(tmp_path: Path) -> None:
    path = tmp_path / "text.json"
    path.write_text('{"language": "de"}', encoding="utf-8")
    with pytest.raises(UserError, match=r"text\.json: title has to be like"):
        read_text(path)
    text = read_text() | {"questions": {}}
    with pytest.raises(UserError, match=r"questions\.note_density"):
        page_of(DESIGN, 1, text)
