"""The `vaemusic` command line: parses, runs the command, and turns what the user can mend into one line.

Commands import what takes long, like JAX, when they are called, so that `vaemusic --help` is quick.
"""

import errno
import functools
import os
import sys
from collections.abc import Callable
from typing import NoReturn

from vaemusic_jax.commands.parser import Parser
from vaemusic_jax.errors import UserError
from vaemusic_jax.support.interruption import Interrupted

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
        parse(args)()
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


def parse(args: list[str]) -> Callable[[], None]:
    """The command that the arguments ask for, ready to be called. Raises UserError; `--help` ends the process."""
    options = vars(parser().parse_args(args))
    return functools.partial(options.pop("command"), **options)


def parser() -> Parser:
    """The parser of all commands."""
    from vaemusic_jax.commands import data, evaluate, merge, report, status, sweep, tensorboard

    vaemusic = Parser(prog="vaemusic", description=DESCRIPTION)
    commands = vaemusic.add_subparsers(title="commands", metavar="COMMAND", required=True)
    for module in (data, sweep, status, merge, evaluate, report, tensorboard):
        module.add_to(commands)
    return vaemusic
