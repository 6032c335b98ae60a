"""Reading and writing of YAML files, where numbers are as in YAML 1.2 and every problem is one line of text.

PyYAML follows YAML 1.1, for which 010 is eight, 10:00 is 600, 1e-3 is a string, and the last of two equal keys silently
wins. Here 010 is ten, 10:00 is a string, 1e-3 is a number, and a repeated key is an error. Only the types of YAML 1.2's
core schema are read: there are no dates, sets or binary data.
"""

import re
from pathlib import Path
from typing import Any, ClassVar

import yaml

from vaemusic_jax.errors import UserError

MAX_DEPTH = 20  # lists and fields within each other
MAX_NODES = 100_000  # values, each counted as often as an alias repeats it
MAX_DIGITS = 300  # of a number

TAG = "tag:yaml.org,2002:"
# YAML 1.2.2, section 10.3.2: what a plain scalar stands for, and the characters that it may start with.
CORE_SCHEMA = (
    ("null", r"~|null|Null|NULL|", ("~", "n", "N", "")),
    ("bool", r"true|True|TRUE|false|False|FALSE", "tTfF"),
    ("int", r"[-+]?[0-9]+|0o[0-7]+|0x[0-9a-fA-F]+", "-+0123456789"),
    ("float", r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?", "-+.0123456789"),
    ("float", r"[-+]?\.(inf|Inf|INF)|\.nan|\.NaN|\.NAN", "-+."),
)


class _Loader(yaml.SafeLoader):
    """A loader of the core schema that refuses repeated keys and documents that expand to too much."""

    yaml_implicit_resolvers: dict[str, list[Any]] = {}  # noqa: RUF012
    yaml_constructors: ClassVar[dict[str | None, Any]] = {}

    def __init__(self, text: str) -> None:
        super().__init__(text)
        self._depth = 0

    def compose_node(self, parent: yaml.Node | None, index: int) -> yaml.Node | None:
        self._depth += 1
        if self._depth > MAX_DEPTH:
            mark = self.peek_event().start_mark
            raise yaml.composer.ComposerError(None, None, f"is nested more than {MAX_DEPTH} deep", mark)
        node: yaml.Node | None = super().compose_node(parent, index)
        self._depth -= 1
        return node

    def get_single_node(self) -> yaml.Node | None:
        node: yaml.Node | None = super().get_single_node()
        if node is not None:
            _check_size(node, {})
        return node

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        seen = set()
        for key_node, _ in node.value:
            key = self.construct_object(key_node, deep=True)
            if not isinstance(key, str):
                raise yaml.constructor.ConstructorError(None, None, f"{key!r} is no field name", key_node.start_mark)
            if key in seen:
                raise yaml.constructor.ConstructorError(None, None, f"{key} is given twice", key_node.start_mark)
            seen.add(key)
        return super().construct_mapping(node, deep)

    def construct_core(self, node: yaml.ScalarNode) -> bool | int | float | None:
        """Returns the value of a scalar that is no string."""
        text = str(self.construct_scalar(node))
        kind = self.resolve(yaml.ScalarNode, text, (True, False))
        is_whole_float = (node.tag, kind) == (f"{TAG}float", f"{TAG}int")
        if kind != node.tag and not is_whole_float:
            problem = f"{text[:40]!r} is no {node.tag.removeprefix(TAG)}"
            raise yaml.constructor.ConstructorError(None, None, problem, node.start_mark)
        if len(text) > MAX_DIGITS:
            problem = f"a number of {len(text)} characters; use at most {MAX_DIGITS}"
            raise yaml.constructor.ConstructorError(None, None, problem, node.start_mark)
        if node.tag == f"{TAG}int":
            return int(text, {"0o": 8, "0x": 16}.get(text[:2], 10))
        if node.tag == f"{TAG}float":
            return float(text.lower().replace(".inf", "inf").replace(".nan", "nan"))
        return text.lower() == "true" if node.tag == f"{TAG}bool" else None


class _Dumper(yaml.SafeDumper):
    """Quotes every string that YAML 1.1 or 1.2 would read as something else."""


_Loader.yaml_constructors |= {
    f"{TAG}str": _Loader.construct_yaml_str,
    f"{TAG}seq": _Loader.construct_yaml_seq,
    f"{TAG}map": _Loader.construct_yaml_map,
    None: _Loader.construct_undefined,
}
for _kind, _pattern, _first in CORE_SCHEMA:
    _Loader.yaml_constructors[TAG + _kind] = _Loader.construct_core
    for _class in (_Loader, _Dumper):
        _class.add_implicit_resolver(TAG + _kind, re.compile(rf"^(?:{_pattern})\Z"), list(_first))


def read_yaml(path: Path) -> Any:
    """Reads a YAML file.

    Raises:
        UserError: the file is missing, cannot be read, is no text or no YAML, or expands to too much. The message has
            the line, if known.
    """
    try:
        return yaml.load(path.read_text(encoding="utf-8"), _Loader)
    except yaml.MarkedYAMLError as error:
        line = f", line {error.problem_mark.line + 1}" if error.problem_mark else ""
        raise UserError(f"{path}{line}: {error.problem}") from None
    except yaml.YAMLError as error:
        raise UserError(f"{path}: {error}") from None
    except UnicodeDecodeError as error:
        raise UserError(f"{path}: is no UTF-8 text: {error}") from None
    except (OSError, ValueError) as error:  # a ValueError is of a path with a zero byte
        reason = getattr(error, "strerror", None) or error
        raise UserError(f"{path}: {reason}; give the path of a YAML configuration") from None


def write_yaml(value: dict[str, Any]) -> str:
    """Returns a YAML document that `read_yaml` reads as an equal value."""
    text: str = yaml.dump(
        value, Dumper=_Dumper, sort_keys=False, allow_unicode=True, default_flow_style=None, width=120
    )
    return text


def parse_scalar(text: str) -> Any:
    """Reads a single value as YAML does: ``"32"`` becomes a number, ``"all"`` stays a text, as does what is no YAML."""
    try:
        return yaml.load(text, _Loader)
    except yaml.YAMLError:
        return text


def _check_size(node: yaml.Node, sizes: dict[int, int | None]) -> int:
    """Returns the number of values of a node, where what an alias repeats counts each time.

    Args:
        node: the node.
        sizes: the numbers that are known by `id` of the node; None for one that is being counted.

    Raises:
        ComposerError: the node contains itself, or there are more than MAX_NODES.
    """
    if id(node) not in sizes:
        sizes[id(node)] = None
        parts = [part for pair in node.value for part in pair] if isinstance(node, yaml.MappingNode) else node.value
        sizes[id(node)] = 1 + sum(_check_size(part, sizes) for part in parts if isinstance(part, yaml.Node))
    size = sizes[id(node)]
    if size is None or size > MAX_NODES:
        problem = "contains itself" if size is None else f"stands for more than {MAX_NODES:,} values"
        raise yaml.composer.ComposerError(None, None, problem, node.start_mark)
    return size
