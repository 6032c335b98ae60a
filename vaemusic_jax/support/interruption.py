"""Handling of Ctrl-C and of the SIGTERM that schedulers send: work in progress is saved before the program ends."""

import contextlib
import signal
import sys
import threading
from collections.abc import Callable, Iterator
from types import FrameType
from typing import Any

SIGNALS = (signal.SIGINT, signal.SIGTERM)
GOES_ON = "interrupted; the same command goes on from here when started again"
AGAIN_SECONDS = 0.05  # after this time a signal is delivered again that could not be obeyed


class Interrupted(KeyboardInterrupt):
    """Raised by a signal, or by work that it has stopped after its state was saved; the message says how to go on."""

    def __init__(self, message: str, signal_number: int) -> None:
        super().__init__(message)
        self.signal_number = signal_number
        self.exit_status = 128 + signal_number  # the convention of shells


def raise_on_signals() -> None:
    """Makes each of SIGNALS raise Interrupted in the main thread, from now on and wherever the program is.

    While modules are imported the exception waits, because modules in C turn it into errors of their own. Where Python
    would drop it, as in callbacks of the garbage collector, of which JAX has one, it is raised again afterwards.
    Signals that are ignored stay ignored.
    """
    pending: list[int] = []
    unraisable = sys.unraisablehook

    def again(number: int) -> None:
        pending[:] = [number]
        signal.setitimer(signal.ITIMER_REAL, AGAIN_SECONDS)

    def deliver(_: int, frame: FrameType | None) -> None:
        if pending:
            signal.raise_signal(pending.pop())  # whoever handles signals by now will get it

    def stop(number: int, frame: FrameType | None) -> None:
        if _is_importing(frame):
            again(number)
        else:
            raise Interrupted(GOES_ON, number)

    def hook(dropped: "sys.UnraisableHookArgs") -> None:
        if isinstance(dropped.exc_value, Interrupted):
            again(dropped.exc_value.signal_number)
        else:
            unraisable(dropped)

    sys.unraisablehook = hook
    signal.signal(signal.SIGALRM, deliver)
    for number in SIGNALS:
        if signal.getsignal(number) not in (signal.SIG_IGN, None):
            signal.signal(number, stop)


def _is_importing(frame: FrameType | None) -> bool:
    """Returns whether a frame or one that called it belongs to Python's import of modules."""
    while frame is not None:
        if frame.f_code.co_filename.startswith("<frozen importlib"):
            return True
        frame = frame.f_back
    return False


@contextlib.contextmanager
def noticing() -> Iterator[Callable[[], int | None]]:
    """Records the first of SIGNALS instead of stopping; a second signal has the effect that it has outside the block.

    In threads other than the main one, and for signals that are ignored, nothing changes.

    Yields:
        A function that returns the number of the recorded signal, or None if there has been no signal.
    """
    came: list[int] = []
    before = {}
    if threading.current_thread() is threading.main_thread():
        before = {number: signal.getsignal(number) for number in SIGNALS}
        before = {number: handler for number, handler in before.items() if handler not in (signal.SIG_IGN, None)}

    def restore() -> None:
        for number, handler in before.items():
            signal.signal(number, handler)

    def note(number: int, _: FrameType | None) -> None:
        came.append(number)
        restore()

    for number in before:
        signal.signal(number, note)
    try:
        yield lambda: came[0] if came else None
    finally:
        restore()


def interruptible(function: Callable[..., Any], *args: Any) -> Any:
    """Calls a function that waits in C and returns its result; signals are handled while it waits.

    Python handles signals only between instructions of its main thread, so the function is called in another thread.
    An exception that a signal handler raises is raised here at once.
    """
    from concurrent.futures import ThreadPoolExecutor

    waiter = ThreadPoolExecutor(1)
    try:
        return waiter.submit(function, *args).result()
    finally:
        waiter.shutdown(wait=False)
