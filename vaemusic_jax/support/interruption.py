"""Ctrl-C, and SIGTERM as schedulers send it: work in progress comes to a good end first."""

import contextlib
import signal
import threading
from collections.abc import Callable, Iterator
from types import FrameType
from typing import Any

SIGNALS = (signal.SIGINT, signal.SIGTERM)


class Interrupted(KeyboardInterrupt):
    """Raised by work that a signal has stopped, once what it had done is safe; the message says how to go on."""

    def __init__(self, message: str, signal_number: int) -> None:
        super().__init__(message)
        self.exit_status = 128 + signal_number  # as shells have it


@contextlib.contextmanager
def noticing() -> Iterator[Callable[[], int | None]]:
    """Notes the first of SIGNALS instead of stopping; a second one does what it would have done without this.

    In threads other than the main one, and for signals that are ignored, nothing changes.

    Yields:
        a function that returns the number of the signal that came, None while there is none.
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
    """What a function that waits in C returns; meanwhile signals are heard, and what they raise is raised at once.

    Python hears of signals between instructions of its main thread only, so another one does the waiting.
    """
    from concurrent.futures import ThreadPoolExecutor

    waiter = ThreadPoolExecutor(1)
    try:
        return waiter.submit(function, *args).result()
    finally:
        waiter.shutdown(wait=False)
