"""Handling of Ctrl-C and of the SIGTERM that schedulers send: work in progress is saved before the program ends."""

import contextlib
import signal
import threading
from collections.abc import Callable, Iterator
from types import FrameType
from typing import Any

SIGNALS = (signal.SIGINT, signal.SIGTERM)


class Interrupted(KeyboardInterrupt):
    """Raised by work that a signal has stopped, after its state has been saved; the message says how to continue."""

    def __init__(self, message: str, signal_number: int) -> None:
        super().__init__(message)
        self.exit_status = 128 + signal_number  # the convention of shells


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
