"""The full list of what became of every tune and file, as CSV."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from pathlib import Path

from vaemusic_jax.atomic import write_atomically
from vaemusic_jax.data.prepare import Outcome

COLUMNS = ("name", "title", "status", "reason", "split", "measures_written", "measures_kept", "measures_dropped")


def write_report(path: Path, outcomes: Sequence[Outcome]) -> None:
    """Writes one line per tune, and per file that gave none.

    Columns: name; title; status (`kept`, `no usable measure`, `unreadable`); reason, where nothing was kept; split;
    measures written, kept and dropped, these by reason: `chord: 2; ...`.

    Raises:
        UserError: the file cannot be written.
    """
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(COLUMNS)
    for outcome in outcomes:
        parsed = outcome.parsed
        status = "kept" if not parsed.failure else "unreadable" if parsed.unreadable else "no usable measure"
        dropped = "; ".join(f"{reason}: {n}" for reason, n in parsed.drops.most_common())
        writer.writerow(
            [
                outcome.name,
                parsed.title,
                status,
                parsed.failure,
                outcome.split,
                parsed.written,
                len(parsed.measures),
                dropped,
            ]
        )
    write_atomically(path, text.getvalue().encode("utf-8", "backslashreplace"))
