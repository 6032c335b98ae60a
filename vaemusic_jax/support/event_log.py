"""The event log of a run, with one JSON object per line, for programs that monitor many runs (`--log-file`).

Modules report events by calling `event` with the logger of their own name. While no log file is open, nothing is
written and nothing is shown. `docs/logging.md` describes the events.
"""

import contextlib
import datetime
import json
import logging
import math
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from vaemusic_jax.errors import UserError
from vaemusic_jax.support.atomic import writing
from vaemusic_jax.support.terminal import printable

_ours = logging.getLogger("vaemusic_jax")
# What concerns the user is printed (see `warn`). Neither Python's handler of last resort nor a handler that a library
# has installed on the root logger may show it a second time.
_ours.addHandler(logging.NullHandler())
_ours.propagate = False
log = logging.getLogger(__name__)


def event(logger: logging.Logger, name: str, level: int = logging.INFO, **fields: Any) -> None:
    """Reports an event. `fields` are values that JSON can hold, which excludes NumPy's numbers."""
    logger.log(level, name, extra={"fields": fields})


@contextlib.contextmanager
def timed(logger: logging.Logger, name: str, **fields: Any) -> Iterator[dict[str, Any]]:
    """Reports an event when the `with` block has ended without an exception, with the seconds that it took.

    Yields:
        A dictionary to which the block can add further fields of the event.
    """
    started, found = time.monotonic(), dict[str, Any]()
    yield found
    event(logger, name, **fields, seconds=round(time.monotonic() - started, 6), **found)


def warn(logger: logging.Logger, message: str) -> None:
    """Prints a warning to stderr and reports it as an event; the work goes on."""
    print(printable(message), file=sys.stderr)
    event(logger, "warning", logging.WARNING, message=message)


@contextlib.contextmanager
def logging_to(path: Path | None) -> Iterator[None]:
    """Appends to a file every event of the `with` block, and then how the block ended. Without a path it does nothing.

    Raises:
        UserError: the file cannot be written, or it holds something other than events.
    """
    if path is None:
        yield
        return
    with writing(path):
        handler = _LogFile(path)
    handler.setFormatter(_JsonLines())
    _ours.addHandler(handler)
    _ours.setLevel(logging.INFO)
    started = time.monotonic()
    try:
        yield
        event(log, "finished", seconds=round(time.monotonic() - started, 3))
    except UserError as error:
        event(log, "error", logging.ERROR, message=str(error))
        raise
    except KeyboardInterrupt as stopped:
        event(log, "interrupted", logging.WARNING, message=str(stopped))
        raise
    except Exception as error:
        log.critical("failed", exc_info=True, extra={"fields": {"message": f"{type(error).__name__}: {error}"}})
        raise
    finally:
        _ours.setLevel(logging.NOTSET)
        _ours.removeHandler(handler)
        handler.close()


class _LogFile(logging.FileHandler):
    """Appends whole lines to a file, and ends a line that a killed process left unfinished."""

    def __init__(self, path: Path) -> None:
        before = path.read_bytes() if path.is_file() else b""
        if before and not before.startswith(b"{"):
            raise UserError(f"--log-file: {path} holds something that is no log; choose another file")
        super().__init__(path, encoding="utf-8")
        if before and not before.endswith(b"\n"):  # a process died in the middle of a line
            with path.open("a") as file:
                file.write("\n")

    def handleError(self, record: logging.LogRecord) -> None:  # noqa: N802
        """Stops logging when a line cannot be written, for example to a full disk; the run goes on without the log."""
        print(f"{self.baseFilename}: cannot be written: {sys.exception()}; no more is logged", file=sys.stderr)
        self.setLevel(logging.CRITICAL + 1)
        stream, self.stream = self.stream, None
        if stream:
            with contextlib.suppress(OSError):  # it still holds the line that could not be written
                stream.close()


class _JsonLines(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        fields: dict[str, Any] = getattr(record, "fields", {})
        line = {
            "time": datetime.datetime.fromtimestamp(record.created, datetime.UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "event": record.getMessage(),
            # JSON has no infinite numbers and no NaN.
            **{k: None if isinstance(v, float) and not math.isfinite(v) else v for k, v in fields.items()},
        }
        if record.exc_info:
            line["traceback"] = self.formatException(record.exc_info)
        return json.dumps(line, allow_nan=False)
