"""Strict reading of YAML files: 1e-3 is a number, a repeated key is an error, and every problem is one line of text."""

import re
from pathlib import Path
from typing import Any

import yaml

from vaemusic_jax.errors import UserError


class _Loader(yaml.SafeLoader):
    """A loader that differs from PyYAML's, for which 1e-3 is a string and the last of two equal keys silently wins."""

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


_Loader.add_implicit_resolver(
    "tag:yaml.org,2002:float", re.compile(r"^[-+]?[0-9][0-9_]*(\.[0-9_]*)?[eE][-+]?[0-9]+$"), list("-+0123456789")
)


def read_yaml(path: Path) -> Any:
    """Reads a YAML file.

    Raises:
        UserError: the file is missing, cannot be read, is no text or no YAML. The message has the line, if known.
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
    except OSError as error:
        raise UserError(f"{path}: {error.strerror or error}; give the path of a YAML configuration") from None


def parse_scalar(text: str) -> Any:
    """Reads a single value as YAML does: ``"32"`` becomes a number, ``"all"`` stays a text, as does what is no YAML."""
    try:
        return yaml.load(text, _Loader)
    except yaml.YAMLError:
        return text
