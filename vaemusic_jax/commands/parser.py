"""The parser of the command line: argparse, with mistakes as UserErrors and with help that reads like documentation."""

import argparse
import difflib
import inspect
from collections.abc import Callable
from pathlib import Path
from typing import Any, NoReturn, TypeAlias

from vaemusic_jax.errors import UserError

Commands: TypeAlias = "argparse._SubParsersAction[Parser]"


class Parser(argparse.ArgumentParser):
    """A parser whose mistakes are one line: what is wrong, an option of a similar name, and where to read more."""

    def __init__(self, **options: Any) -> None:
        super().__init__(formatter_class=_Help, allow_abbrev=False, **options)

    def parse_known_args(self, args: Any = None, namespace: Any = None) -> Any:
        """As argparse's, except that a command refuses what it does not know, rather than leave it to `vaemusic`."""
        found, unknown = super().parse_known_args(args, namespace)
        if unknown:
            similar = difflib.get_close_matches(unknown[0], self._option_string_actions, n=1)
            hint = f"; did you mean {similar[0]}?" if similar else ""
            self.error(f"unrecognized arguments: {' '.join(unknown)}{hint}")
        return found, unknown

    def error(self, message: str) -> NoReturn:
        raise UserError(f"{message}; see {self.prog} --help")


def add_command(commands: Commands, function: Callable[..., None], name: str = "") -> Parser:
    """Adds a command that calls a function, and returns its parser for the arguments to be added.

    The function's docstring is the help of the command, its first line that in the list of commands. Arguments are
    passed by name; the defaults of options are those of the function.
    """
    text = inspect.getdoc(function) or ""
    parser = commands.add_parser(name or function.__name__, help=text.partition("\n")[0], description=text)
    parameters = inspect.signature(function).parameters.values()
    defaults = {each.name: each.default for each in parameters if each.default is not inspect.Parameter.empty}
    parser.set_defaults(command=function, **defaults)
    return parser


def add_log_file(parser: Parser) -> None:
    """Adds the option of the commands that report events."""
    text = "append what happens to this file, one JSON object a line (docs/logging.md)."
    parser.add_argument("--log-file", metavar="FILE", type=Path, help=text)


class _Help(argparse.HelpFormatter):
    """Fills each paragraph to the width of the terminal, and leaves examples, which are indented, as they are."""

    def _fill_text(self, text: str, width: int, indent: str) -> str:
        fill = super()._fill_text
        paragraphs = [part if part.startswith(" ") else fill(part, width, indent) for part in text.split("\n\n")]
        return "\n\n".join(paragraphs)

    def _format_args(self, action: argparse.Action, default_metavar: str) -> str:
        """`NAME ...` for an option of several values, where argparse writes `NAME [NAME ...]`."""
        if action.option_strings and action.nargs == "+":
            return f"{action.metavar} ..."
        return super()._format_args(action, default_metavar)
