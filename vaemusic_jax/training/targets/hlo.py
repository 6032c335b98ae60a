"""What a compiled program would launch on a device, read from XLA's text of it.

Every instruction outside of fusions is a kernel of its own: a fusion, a matmul, a copy, a sort. One inside a loop
counts as often as the loop turns. Bytes are what kernels read and write, from the shapes of their operands and results,
without regard to caches; of an array that a fusion takes parts of, or changes parts of, only these parts count, and
what a TPU keeps on the chip does not.
"""

import functools
import math
import re
from dataclasses import dataclass
from typing import Any, NamedTuple

# Instructions that compute nothing on the device.
FREE = {
    "parameter",
    "get-tuple-element",
    "tuple",
    "constant",
    "bitcast",
    "partition-id",
    "replica-id",
    "after-all",
    "opt-barrier",
    "copy-done",
    "async-done",
    "slice-done",
}
COLLECTIVES = ("all-", "collective-", "reduce-scatter", "ragged-", "send", "recv")
CUTS = ("slice", "dynamic-slice", "gather")
WIDTHS = {"pred": 1, "s4": 1, "u4": 1, "c64": 8, "c128": 16, "token": 0}

HEAD = re.compile(r"^(ENTRY )?%?([\w.\-]+) .*->.*\{$")
LINE = re.compile(r"^\s+(ROOT )?%?([\w.\-]+) = (\(.*?\)|\S+) ([a-z][\w\-]*)\((.*)$")
ARRAY = re.compile(r"([a-z]\w*)\[([\d,]*)\](\{[^}]*\})?")
ON_CHIP = "S(1)"  # in the layout of an array that a TPU keeps beside its cores
NAME = re.compile(r"%([\w.\-]+)")


@dataclass(frozen=True)
class Instruction:
    """One line of a program."""

    name: str
    shape: str
    opcode: str
    operands: tuple[str, ...]
    rest: str  # what follows the operands
    is_root: bool

    @property
    def size(self) -> int:
        """The bytes of its result."""
        return sum(array_bytes(kind, dims) for kind, dims, _ in ARRAY.findall(self.shape))

    @property
    def in_memory(self) -> int:
        """The bytes of its result that are not kept on the chip."""
        return sum(array_bytes(kind, dims) for kind, dims, layout in ARRAY.findall(self.shape) if ON_CHIP not in layout)

    def called(self, attribute: str) -> str | None:
        """Returns the name of the computation that an attribute names."""
        found = re.search(rf"\b{attribute}=%?([\w.\-]+)", self.rest)
        return found[1] if found else None


class Count(NamedTuple):
    """What instructions launch and move.

    Attributes:
        launches: kernels.
        matmuls: those of them that multiply matrices.
        turns: turns of loops.
        bytes: read and written.
        collectives: exchanges between devices.
    """

    launches: int = 0
    matmuls: int = 0
    turns: int = 0
    bytes: float = 0
    collectives: int = 0

    def plus(self, other: "Count", times: int = 1) -> "Count":
        """Returns the sum of both, the other taken several times."""
        total: Any = (mine + times * yours for mine, yours in zip(self, other, strict=True))
        return Count(*total)


class Hlo:
    """A compiled program as XLA's text, `compiled.as_text()`."""

    def __init__(self, text: str) -> None:
        self.computations: dict[str, dict[str, Instruction]] = {}
        self.entry, current = "", None
        for line in text.splitlines():
            head = HEAD.match(line)
            if head:
                current = self.computations.setdefault(head[2], {})
                self.entry = head[2] if head[1] else self.entry
            elif line.startswith("}"):
                current = None
            elif current is not None and (found := LINE.match(line)):
                operands, rest = split_at_end(found[5])
                names = (operands,) if found[4] in ("parameter", "constant") else tuple(NAME.findall(operands))
                current[found[2]] = Instruction(found[2], found[3], found[4], names, rest, bool(found[1]))

    def whole(self) -> Count:
        """Counts one call of the program, with loops of unknown length as one turn."""
        return self.count(self.entry)

    def of_dynamic_loop(self) -> Count:
        """Counts one turn of the loop whose length is an argument of the program, which is a step of training.

        Raises:
            ValueError: the program does not have one such loop.
        """
        loops = [
            self._turn(found)
            for computation in self.computations.values()
            for found in computation.values()
            if found.opcode == "while" and self.trips(found) is None
        ]
        if len(loops) != 1:
            raise ValueError(f"{len(loops)} loops have a length that is not known; expected one")
        return loops[0]

    @functools.cache  # noqa: B019  a program is short-lived
    def count(self, computation: str) -> Count:
        """Counts the instructions of a computation, and of those that it calls."""
        total = Count()
        for found in self.computations[computation].values():
            if found.opcode == "while":
                n = self.trips(found) or 1
                total = total.plus(self._turn(found), n).plus(Count(turns=n))
            elif found.opcode in ("call", "async-start") and self._body(found):
                total = total.plus(self.count(self._body(found)))
            elif found.opcode == "conditional":
                branches = NAME.findall(found.rest.partition("branch_computations={")[2].partition("}")[0])
                total = total.plus(max(map(self.count, branches), default=Count()))
            elif found.opcode not in FREE:
                total = total.plus(
                    Count(
                        launches=1,
                        matmuls=int(self.is_matmul(found)),
                        bytes=self.moved(computation, found),
                        collectives=int(found.opcode.startswith(COLLECTIVES)),
                    )
                )
        return total

    def trips(self, loop: Instruction) -> int | None:
        """Returns how often a loop turns; None if that is not known when it is compiled.

        Compilers for GPUs write it down. Those for TPUs do not, and it is the constant that the counter is compared
        with, since JAX's loops count from 0 by 1.
        """
        written = re.search(r'known_trip_count"?[:=]\{"?n"?[:=]"?(\d+)', loop.rest)
        if written:
            return int(written[1])
        condition = self.computations[str(loop.called("condition"))]
        root = next(line for line in condition.values() if line.is_root)
        against = [condition[name] for name in root.operands if name in condition]
        constants = [line for line in against if line.opcode == "constant" and line.operands[0].isdigit()]
        return int(constants[0].operands[0]) if root.opcode == "compare" and constants else None

    def _turn(self, loop: Instruction) -> Count:
        return self.count(str(loop.called("body"))).plus(self.count(str(loop.called("condition"))))

    def _body(self, call: Instruction) -> str:
        name = call.called("to_apply") or call.called("calls") or ""
        return name if name in self.computations else ""

    def is_matmul(self, found: Instruction) -> bool:
        """Returns whether a kernel multiplies matrices."""
        inside = self.computations.get(found.called("calls") or "", {}).values()
        dots = ("dot", "convolution")
        return found.opcode in dots or "gemm" in found.rest or any(part.opcode in dots for part in inside)

    def moved(self, computation: str, found: Instruction) -> float:
        """Returns the bytes that a kernel reads and writes."""
        sizes = {name: line.in_memory for name, line in self.computations[computation].items()}
        inside = self.computations.get(found.called("calls") or "", {})
        if not inside:
            return found.in_memory + sum(sizes.get(name, 0) for name in found.operands)
        shares = needed(inside)
        parameters = {int(p.operands[0]): p.name for p in inside.values() if p.opcode == "parameter"}
        root = next(line for line in inside.values() if line.is_root)
        if root.opcode == "dynamic-update-slice":
            shares[root.operands[0]] = 0.0  # it is changed in place
            written = min(inside[root.operands[1]].size, found.in_memory)
        else:
            written = found.in_memory
        return written + sum(shares.get(parameters[i], 1.0) * sizes.get(n, 0) for i, n in enumerate(found.operands))


def needed(inside: dict[str, Instruction]) -> dict[str, float]:
    """Returns the share of each array inside a fusion that its results need."""
    shares = dict.fromkeys(inside, 0.0)
    for line in reversed(inside.values()):
        share = 1.0 if line.is_root else min(1.0, shares[line.name])
        for i, operand in enumerate(line.operands):
            size = inside[operand].size if operand in inside else 0
            if size and line.opcode in CUTS and i == 0:
                shares[operand] += share * line.size / size
            elif size:
                shares[operand] += share
    return {name: min(1.0, share) for name, share in shares.items()}


def array_bytes(kind: str, dims: str) -> int:
    """Returns the bytes of an array of a type and of dimensions as in "24,14,256"."""
    return math.prod(map(int, filter(None, dims.split(",")))) * width(kind)


def width(kind: str) -> int:
    """Returns the bytes of one number of a type, such as 4 of f32."""
    bits = re.search(r"\d+", kind)
    return WIDTHS.get(kind, int(bits[0]) // 8 if bits else 0)


def split_at_end(text: str) -> tuple[str, str]:
    """Splits what follows an opening parenthesis into what is inside of it, and what follows the closing one."""
    depth = 1
    for i, character in enumerate(text):
        depth += (character == "(") - (character == ")")
        if depth == 0:
            return text[:i], text[i + 1 :]
    return text, ""
