"""The parser of the command line: argparse with errors as UserErrors and with help made from docstrings."""

import argparse
import inspect
from collections.abc import Callable
from pathlib import Path
from typing import Any, NoReturn, TypeAlias

from vaemusic_jax.errors import UserError
from vaemusic_jax.support.words import did_you_mean

GIVEN = " given"  # the name under which a namespace holds the options that were given

Commands: TypeAlias = "argparse._SubParsersAction[Parser]"


class Parser(argparse.ArgumentParser):
    """A parser whose errors are one line that says what is wrong, which option is similar and where the help is."""

    def __init__(self, **options: Any) -> None:
        super().__init__(formatter_class=_Help, allow_abbrev=False, **options)
        self.register("action", None, _Once)

    def parse_known_args(self, args: Any = None, namespace: Any = None) -> Any:
        """Parses as argparse does, but a command refuses unknown arguments instead of leaving them to `vaemusic`."""
        found, unknown = super().parse_known_args(args, namespace)
        if unknown:
            hint = did_you_mean(unknown[0], self._option_string_actions)
            self.error(f"unrecognized arguments: {' '.join(unknown)}{hint}")
        return found, unknown

    def error(self, message: str) -> NoReturn:
        missing = message.removeprefix("the following arguments are required: ")
        if missing != message:
            name = missing.partition(",")[0]
            told = next((each.help for each in self._actions if each.metavar == name and each.help), "")
            message = f"{self.prog} needs {missing}{f': {told}'.rstrip('.')}"
        raise UserError(f"{message}; see {self.prog} --help")


class _Once(argparse.Action):
    """Stores the value of an option. Given again, an option of several values adds to them, and others are refused."""

    def __call__(self, parser: Any, namespace: Any, values: Any, option_string: str | None = None) -> None:
        given = vars(namespace).setdefault(GIVEN, set())
        if option_string and self.dest in given:
            if not isinstance(values, list):
                parser.error(f"argument {option_string}: given twice; give it once")
            values = [*getattr(namespace, self.dest), *values]
        given.add(self.dest)
        setattr(namespace, self.dest, values)


def add_command(commands: Commands, function: Callable[..., int | None], name: str = "") -> Parser:
    """Adds a command that calls a function, and returns its parser, to which the caller adds the arguments.

    The function's docstring is the help of the command; its first line stands in the list of commands. Arguments are
    passed by name, and the defaults of options are those of the function.

    Args:
        commands: the commands to add to.
        function: the function that the command calls.
        name: the name of the command, by default the name of the function.
    """
    text = inspect.getdoc(function) or ""
    parser = commands.add_parser(name or function.__name__, help=text.partition("\n")[0], description=text)
    parameters = inspect.signature(function).parameters.values()
    defaults = {each.name: each.default for each in parameters if each.default is not inspect.Parameter.empty}
    parser.set_defaults(command=function, **defaults)
    return parser


def add_cache_dir(parser: Parser) -> None:
    """Adds the option `--cache-dir` of the commands that read prepared data."""
    text = "where prepared data is kept; default $VAEMUSIC_CACHE, else your user cache directory."
    parser.add_argument("--cache-dir", metavar="PATH", type=Path, help=text)


def add_log_file(parser: Parser) -> None:
    """Adds the option `--log-file` of the commands that log events."""
    text = "append what happens to this file, one JSON object a line (docs/logging.md)."
    parser.add_argument("--log-file", metavar="FILE", type=Path, help=text)


class _Help(argparse.HelpFormatter):
    """Wraps each paragraph to the width of the terminal; examples, which are indented, stay as they are."""

    def _fill_text(self, text: str, width: int, indent: str) -> str:
        fill = super()._fill_text
        paragraphs = [part if part.startswith(" ") else fill(part, width, indent) for part in text.split("\n\n")]
        return "\n\n".join(paragraphs)

    def _format_args(self, action: argparse.Action, default_metavar: str) -> str:
        """Writes `NAME ...` for an option of several values, for which argparse writes `NAME [NAME ...]`."""
        if action.option_strings and action.nargs == "+":
            return f"{action.metavar} ..."
        return super()._format_args(action, default_metavar)
