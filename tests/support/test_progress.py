"""Progress reports every unit once, whatever it is shown on."""

import pytest

from vaemusic_jax.support.progress import PLAIN_SECONDS, PlainLines, no_progress, progress_bar


class Clock:
    """Time that passes only when told to."""

    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


def test_plain_lines_are_spaced_in_time_and_show_rate_and_time_left() -> None:
    clock, lines = Clock(), list[str]()
    plain = PlainLines("training", 1000, "steps", lines.append, clock)
    for _ in range(40):  # 10 seconds in quarter seconds: 100 of 1,000 steps
        clock.now += 0.25
        plain.advance(5 // 2, note="accuracy .5")
    assert len(lines) == int(10 // PLAIN_SECONDS)
    assert lines[-1] == "training: 80/1,000 steps  8/s  1:55 left  accuracy .5"
    plain.close()
    assert lines[-1] == "training: 80 steps in 0:10  accuracy .5"


def test_without_a_terminal_lines_go_to_stderr_and_end_with_the_count(capsys: pytest.CaptureFixture[str]) -> None:
    with progress_bar("reading [x]", total=3, unit="tunes") as advance:
        advance()
        advance(2)
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err == "reading [x]: 3 tunes in 0:00\n"


def test_work_that_fails_is_not_reported_as_finished(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(KeyboardInterrupt), progress_bar("reading", total=3, unit="tunes"):
        raise KeyboardInterrupt
    assert capsys.readouterr().err == ""


def test_on_a_terminal_the_bar_shows_count_rate_and_note(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FORCE_COLOR", "1")
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv("COLUMNS", "120")
    with progress_bar("reading", total=30, unit="tunes") as advance:
        advance(30, note="nearly [there]")
    shown = capsys.readouterr().err
    assert "reading" in shown
    assert "30 tunes in 0:00" in shown
    assert "nearly [there]" in shown


def test_no_progress_is_silent(capsys: pytest.CaptureFixture[str]) -> None:
    with no_progress("reading", 1, "tunes") as advance:
        advance()
    assert capsys.readouterr() == ("", "")


def test_what_was_done_before_counts_but_not_in_the_rate() -> None:
    clock, lines = Clock(), list[str]()
    plain = PlainLines("training", 1000, "steps", lines.append, clock, done=400)
    clock.now += 10
    plain.advance(100)
    assert lines == ["training: 500/1,000 steps  10/s  0:50 left"]
    plain.close()
    assert lines[-1] == "training: 100 steps in 0:10"


def test_a_single_unit_has_no_rate() -> None:
    clock, lines = Clock(), list[str]()
    plain = PlainLines("compiling", 1, "programs", lines.append, clock)
    clock.now += 12
    plain.advance(1)
    plain.close()
    assert lines == ["compiling: done in 0:12"]
