"""Reports what was read, kept and dropped: counts of a data set, and a list of every tune and file as CSV."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from vaemusic_jax.data.dataset import SPLITS, Dataset
from vaemusic_jax.support.atomic import write_atomically
from vaemusic_jax.support.csv_text import csv_cell

if TYPE_CHECKING:
    from vaemusic_jax.data.prepare import Outcome

COLUMNS = (
    *("name", "title", "status", "reason", "split", "measures_written", "measures_kept", "measures_dropped"),
    "notes_repaired",
)


def write_report(path: Path, outcomes: Sequence[Outcome]) -> None:
    """Writes one line per tune, and per file that gave none.

    Columns: name; title; status (`kept`, `no usable measure`, `unreadable`, `left out`); reason, where nothing was
    kept; split; measures written, kept and dropped, these by reason: `chord: 2; ...`; notes repaired, by what was.

    Raises:
        UserError: the file cannot be written.
    """
    from vaemusic_jax.data.sources import SAME_PIECE  # here, because it imports every reader

    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(COLUMNS)
    for outcome in outcomes:
        parsed = outcome.parsed
        if parsed.failure == SAME_PIECE:
            status = "left out"
        else:
            status = "kept" if not parsed.failure else "unreadable" if parsed.unreadable else "no usable measure"
        dropped, repaired = (
            "; ".join(f"{reason}: {n}" for reason, n in counted.most_common())
            for counted in (parsed.drops, parsed.repaired)
        )
        writer.writerow(
            [
                csv_cell(outcome.name),
                csv_cell(parsed.title),
                status,
                csv_cell(parsed.failure),
                outcome.split,
                parsed.written,
                len(parsed.measures),
                csv_cell(dropped),
                csv_cell(repaired),
            ]
        )
    write_atomically(path, text.getvalue().encode("utf-8", "backslashreplace"))


def counts(dataset: Dataset) -> list[tuple[str, int]]:
    """Counts of what was read, kept and dropped, as lines of a table."""
    report: dict[str, Any] = dataset.report
    files, tunes, measures = report["files"], report["tunes"], report["measures"]
    return [
        ("files seen", files["seen"]),
        *((f"  dropped: {reason}", n) for reason, n in files["dropped"].items()),
        ("  read", files["read"]),
        ("files of other kinds, left alone", sum(files["other"].values())),
        ("tunes read", tunes["read"]),
        *((f"  dropped: {reason}", n) for reason, n in tunes["dropped"].items()),
        ("  kept", tunes["kept"]),
        ("  of these different tunes (settings of one tune counted once)", tunes["different"]),
        ("measures written", measures["written"]),
        *((f"  dropped: {reason}", n) for reason, n in measures["dropped"].items()),
        ("  kept", measures["kept"]),
        ("  of these distinct measures", measures["distinct"]),
        *((f"repaired: {what}", n) for what, n in report.get("repaired", {}).items()),
        *(
            (f"{split}: measures of {report['splits'][split]['tunes']:,} tunes", report["splits"][split]["measures"])
            for split in SPLITS
        ),
        ("vocabulary", report["vocabulary"]),
    ]
