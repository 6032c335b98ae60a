"""The `vaemusic` command line: it parses the arguments, runs the command and prints user errors as one line.

Commands import slow packages such as JAX when they are called, so that `vaemusic --help` is quick.
"""

import errno
import functools
import os
import re
import sys
from collections.abc import Callable
from typing import NoReturn

from vaemusic_jax import __version__
from vaemusic_jax.commands.parser import GIVEN, Parser
from vaemusic_jax.errors import UserError
from vaemusic_jax.support.interruption import Interrupted
from vaemusic_jax.support.terminal import printable

NOBODY_READS = 141  # the exit status of a program that SIGPIPE ends

DESCRIPTION = """Trains music VAEs over whole grids of configurations at once, and measures how people could steer them.

    vaemusic sweep configs/quickstart.yaml    from tunes to a results table, in minutes on a laptop
    vaemusic data inspect irish_folk          what the models learn from
    vaemusic COMMAND --help                   every option of a command
"""


def main() -> NoReturn:
    """Runs the command line and ends the process with its exit status; this is the console script."""
    try:
        status = run(sys.argv[1:])
        sys.stdout.flush()
    except SystemExit as asked:  # after `--help`
        status = int(asked.code or 0)
    except BrokenPipeError:
        status = NOBODY_READS
    try:
        sys.stdout.flush()
    except BrokenPipeError:  # as by `vaemusic --help | head`
        status = NOBODY_READS
    if status == NOBODY_READS:
        os._exit(status)
    if status == 0:
        sys.exit()
    # Threads of XLA and Orbax may still be at work. A normal exit would wait for them, or crash in them.
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(status)


def run(args: list[str]) -> int:
    """Runs a command line and returns its exit status: 0 when done, 2 for a user error, 130 or 143 when interrupted."""
    try:
        parse(args)()
    except UserError as error:
        print(f"error: {printable(str(error))}", file=sys.stderr)
        return 2
    except OSError as error:
        if isinstance(error, BrokenPipeError) and not error.filename:
            return NOBODY_READS
        if error.errno != errno.ENOSPC or error.filename:
            raise
        # The disk behind stdout is full.
        print(f"error: cannot print: {(error.strerror or '').lower()}", file=sys.stderr)
        return 2
    except Interrupted as stopped:
        print(f"\n{printable(str(stopped))}", file=sys.stderr)
        return stopped.exit_status
    except KeyboardInterrupt:
        print("\ninterrupted; the same command goes on from here when started again", file=sys.stderr)
        return 130
    return 0


def parse(args: list[str]) -> Callable[[], None]:
    """Parses arguments and returns the command that they ask for, ready to be called. `--help` ends the process.

    Raises:
        UserError: an argument is wrong, or a required one is missing.
    """
    # `--latent_dim`, as fields are spelled in configurations, is `--latent-dim`.
    hyphened = [re.sub(r"^--[^=]*", lambda option: option[0].replace("_", "-"), arg) for arg in args]
    every = parser()
    if hyphened in ([], ["data"]):  # who gives nothing asks what there is
        every.parse_args([*hyphened, "--help"])
    options = vars(every.parse_args(hyphened))
    options.pop(GIVEN, None)
    return functools.partial(options.pop("command"), **options)


def parser() -> Parser:
    """Makes the parser of all commands."""
    from vaemusic_jax.commands import data, evaluate, merge, report, status, sweep, tensorboard

    vaemusic = Parser(prog="vaemusic", description=DESCRIPTION)
    vaemusic.add_argument("--version", action="version", version=f"vaemusic {__version__}", help="print the version.")
    commands = vaemusic.add_subparsers(title="commands", metavar="COMMAND", required=True)
    for module in (data, sweep, status, merge, evaluate, report, tensorboard):
        module.add_to(commands)
    return vaemusic
