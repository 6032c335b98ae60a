"""What only a real GPU or TPU can tell, measured within minutes into one CSV file that grows from call to call.

    python -m benchmarks.on_device FOLDER/irish_folk.npz FILE.csv --seconds 530

`benchmarks/on_device.sh` calls it. Each case is a group of rows: whether the networks are the reference's, whether two
runs are the same bit for bit, whether a run can go on on another kind of device, and how long steps take, beside
PyTorch's. Cases that FILE.csv has already are left out, and none begins that would not end in time. A case that
fails is a row that says why, and the others go on; delete that row to try again.
"""

import argparse
import csv
import sys
import time
from collections.abc import Iterator
from pathlib import Path

from benchmarks import device_checks, device_times, machine
from benchmarks.device_case import Case, Setting, Value
from vaemusic_jax.data.dataset import open_dataset
from vaemusic_jax.support.words import count

CUT = "cut off"
COLUMNS = ("case", "measure", "value", "unit", "device", "python", "jax", "jaxlib", "torch", "date")


class Table:
    """A CSV file of measurements, to which rows are appended as they are made."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.facts = machine.description() | {"device": machine.description()["devices"], "date": time.strftime("%F")}
        new = not path.exists()
        with path.open("a", newline="", encoding="utf-8") as file:
            if new:
                csv.writer(file).writerow(COLUMNS)

    def cases(self) -> set[str]:
        """Returns the names of the cases that it has whole; one that the end of the time cut off is measured again."""
        with self.path.open(newline="", encoding="utf-8") as file:
            last = {row["case"]: row["measure"] for row in csv.DictReader(file)}
        return {case for case, measure in last.items() if measure != CUT}

    def append(self, case: Case, value: Value) -> None:
        """Appends a row of one case at once, so that nothing that was measured is lost, and prints it."""
        own = {"case": case.name, "measure": value.measure, "value": value.value, "unit": value.unit}
        row = self.facts | own
        with self.path.open("a", newline="", encoding="utf-8") as file:
            csv.writer(file).writerow([row.get(column, "") for column in COLUMNS])
        shown = f"{value.value:.4g}" if isinstance(value.value, float) else value.value
        print(f"  {value.measure}: {shown} {value.unit}".rstrip(), flush=True)


def all_cases(setting: Setting) -> Iterator[Case]:
    """Yields the cases, the most important first."""
    yield from device_checks.cases()
    yield from device_times.cases(setting)


def measure(table: Table, setting: Setting, seconds: float) -> int:
    """Measures the cases that the table lacks, as far as the time goes, and returns how many are left."""
    started, left = time.perf_counter(), 0
    done = table.cases()
    for case in all_cases(setting):
        if case.name in done:
            continue
        remaining = seconds - (time.perf_counter() - started)
        if remaining < case.seconds * setting.patience:
            left += 1
            continue
        print(f"{case.name} ({remaining:.0f} s left)", flush=True)
        try:
            for value in case.measure(setting):
                table.append(case, value)
        except KeyboardInterrupt:
            table.append(case, Value(CUT, "the time was over"))
            raise
        except Exception as error:  # one case must not cost the others, on a machine that is lent for minutes
            table.append(case, Value("failed", f"{type(error).__name__}: {error}".splitlines()[0][:200]))
    return left


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("dataset", type=Path, help="a prepared data set of Irish folk, as `on_device.sh prepare` makes")
    parser.add_argument("file", type=Path, help="the CSV file")
    parser.add_argument("--seconds", type=float, default=530, help="the time that there is")
    parser.add_argument("--tiny", action="store_true", help="networks that a CPU trains, to try the program itself")
    options = parser.parse_args()
    if not options.dataset.is_file():
        sys.exit(f"error: {options.dataset}: there is no such file; `benchmarks/on_device.sh prepare` makes it")
    machine.prepare()
    dataset = open_dataset("irish_folk", options.dataset)
    setting = Setting.tiny(dataset) if options.tiny else Setting(dataset)
    table = Table(options.file)
    print(machine.in_words(table.facts))
    try:
        left = measure(table, setting, options.seconds)
    except KeyboardInterrupt:
        sys.exit("the time is over; another call goes on")
    print(f"left for another call: {count(left, 'case')}" if left else "all cases are measured")


if __name__ == "__main__":
    main()
