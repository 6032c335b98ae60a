"""Numbers, durations, sizes and commands in words, the same wherever they are printed."""

import difflib
import os
import shlex
from collections.abc import Iterable

_MINUTE, _HOUR, _DAY = 60, 3600, 24 * 3600
_UNITS = ("bytes", "KiB", "MiB", "GiB", "TiB", "PiB")


def count(n: int, noun: str) -> str:
    """Returns a number with its noun, as `1 trial` or `2,000 trials`; the plural of the noun ends in s."""
    return f"{n:,} {noun}{'s' * (n != 1)}"


def duration(seconds: float) -> str:
    """Returns a duration as m:ss, from an hour on as h:mm:ss, and from two days on as `38 days 5 h`."""
    seconds = round(seconds)
    if seconds >= 2 * _DAY:
        days, hours = divmod(round(seconds / _HOUR), 24)
        return count(days, "day") + (f" {hours} h" if hours else "")
    hours, minutes, rest = seconds // _HOUR, seconds % _HOUR // _MINUTE, seconds % _MINUTE
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"


def size(n_bytes: float) -> str:
    """Returns a number of bytes with the unit in which it is below 1,024, as `860 GiB`; below 10 with one decimal."""
    value, power = float(n_bytes), 0
    while value >= 1023.5 and power < len(_UNITS) - 1:
        value, power = value / 1024, power + 1
    return f"{value:.1f} {_UNITS[power]}" if power and value < 9.95 else f"{value:,.0f} {_UNITS[power]}"


def command(*words: object) -> str:
    """Returns a command line in backticks, with each word quoted for the shell where it has to be."""
    return f"`{shlex.join(map(str, words))}`"


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """Returns ` (did you mean X?)` for the known word that is most like a misspelt one; empty if none is."""
    similar = difflib.get_close_matches(word, list(known), n=1)
    return f" (did you mean {similar[0]}?)" if similar else ""


def host_memory() -> int | None:
    """Returns the bytes of memory that this machine has; None if the system does not say."""
    try:
        return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (ValueError, OSError, AttributeError):
        return None


def listed(words: Iterable[object]) -> str:
    """Returns words in a row, as `a`, `a and b` or `a, b and c`."""
    *first, last = map(str, words)
    return f"{', '.join(first)} and {last}" if first else last
