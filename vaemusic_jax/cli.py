"""The `vaemusic` command line: parses, runs the command, and turns what the user can mend into one line.

Commands are imported when they are called, so that `vaemusic --help` is quick.
"""

import contextlib
import errno
import functools
import io
import os
import re
import sys
from collections.abc import Callable
from typing import Any, NoReturn

from vaemusic_jax.errors import UserError
from vaemusic_jax.interruption import Interrupted

Commands = dict[str, Callable[..., None]]

DESCRIPTION = """Trains music VAEs over whole grids of configurations at once, and measures how people could steer them.

    vaemusic sweep configs/quickstart.yaml    from tunes to a results table, in minutes on a laptop
    vaemusic data inspect irish_folk          what the models learn from
    vaemusic COMMAND --help                   every option of a command
"""


def main() -> NoReturn:
    """The console script: runs the command line and ends the process with its status."""
    status = run(sys.argv[1:])
    if status == 0:
        sys.exit()
    # Threads of XLA and Orbax may still be at work; the interpreter's own way out waits for them, or crashes in them.
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(status)


def run(args: list[str]) -> int:
    """Runs a command line; the exit status is 0 when done, 2 for what the user can mend, 130 or 143 when stopped."""
    try:
        _parse(args)()
    except UserError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    except OSError as error:
        if error.errno not in (errno.ENOSPC, errno.EPIPE) or error.filename:
            raise
        print(f"error: cannot print: {(error.strerror or '').lower()}", file=sys.stderr)  # what is piped into is full
        return 2
    except Interrupted as stopped:
        print(f"\n{stopped}", file=sys.stderr)
        return stopped.exit_status
    except KeyboardInterrupt:
        print("\ninterrupted; the same command goes on from here when started again", file=sys.stderr)
        return 130
    return 0


def _parse(args: list[str]) -> Callable[[], None]:
    """The command that the arguments ask for, ready to be called."""
    if args[:1] == ["data"]:
        from vaemusic_jax.commands import data

        of_data: Commands = {"list": data.list_corpora, "prepare": data.prepare, "inspect": data.inspect}
        return _choose("vaemusic data", _describe_data.__doc__, of_data, args[1:])

    from vaemusic_jax.commands.evaluate import evaluate
    from vaemusic_jax.commands.merge import merge
    from vaemusic_jax.commands.report import report
    from vaemusic_jax.commands.status import status
    from vaemusic_jax.commands.sweep import sweep
    from vaemusic_jax.commands.tensorboard import tensorboard

    commands: Commands = {
        "data": _describe_data,
        "sweep": sweep,
        "status": status,
        "merge": merge,
        "evaluate": evaluate,
        "report": report,
        "tensorboard": tensorboard,
    }
    return _choose("vaemusic", DESCRIPTION, commands, args)


def _describe_data() -> None:
    """Lists, prepares and shows the tunes to learn from: `vaemusic data list | prepare NAME | inspect NAME`."""


def _choose(prog: str, description: str | None, commands: Commands, args: list[str]) -> Callable[[], None]:
    import tyro

    complaint = io.StringIO()
    try:
        with contextlib.redirect_stderr(complaint):
            return tyro.extras.subcommand_cli_from_dict(
                {name: _deferred(command, in_full=name in args) for name, command in commands.items()},
                prog=prog,
                description=description,
                args=args,
                config=(tyro.conf.FlagCreatePairsOff,),
            )
    except SystemExit as stopped:
        if stopped.code:
            raise UserError(_one_line(complaint.getvalue())) from None
        raise


def _deferred(command: Callable[..., None], in_full: bool) -> Callable[..., Callable[[], None]]:
    """Takes the command's arguments without running it yet, so that its own errors are not taken for bad arguments.

    Its documentation is cut to the first line where it stands in a list of commands.
    """

    @functools.wraps(command)
    def bind(*args: Any, **kwargs: Any) -> Callable[[], None]:
        return functools.partial(command, *args, **kwargs)

    if not in_full:
        bind.__doc__ = (command.__doc__ or "").partition("\n")[0]
    return bind


def _one_line(boxed: str) -> str:
    """tyro's box, of Unicode or ASCII, as one line: what is wrong, the options it suggests, where to read more."""
    sections: list[list[str]] = [[]]
    for line in boxed.splitlines()[1:]:  # the first is a title
        text = re.sub(r"\x1b\[[0-9;]*m", "", line).strip(" │")
        if set(text) <= set("─-╰╯"):
            sections.append([])
        else:
            sections[-1].append(text)
    complaint, *more = [section for section in sections if section]
    said = [" ".join(complaint)]
    for section in more:
        if section[0].startswith("Perhaps you meant"):
            said.append(f"did you mean {section[1].split()[0]}?")
        elif section[0].startswith("Available subcommands"):
            said.append(" ".join(section))
        elif section[0].startswith("For full helptext"):
            said.append(f"see {section[-1][section[-1].index('vaemusic') :]}")
    return "; ".join(said)
