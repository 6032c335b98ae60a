"""The `vaemusic` command line: it parses the arguments, runs the command and prints user errors as one line.

Commands import slow packages such as JAX when they are called, so that `vaemusic --help` is quick. This module imports
hardly anything before `main` handles signals, so that Ctrl-C is one line from the first moment.
"""

import errno
import functools
import os
import re
import sys
from collections.abc import Callable
from typing import TYPE_CHECKING, NoReturn

from vaemusic_jax import __version__
from vaemusic_jax.errors import UserError
from vaemusic_jax.support.interruption import GOES_ON, Interrupted, raise_on_signals

if TYPE_CHECKING:
    from vaemusic_jax.commands.parser import Parser

NOBODY_READS = 141  # the exit status of a program that SIGPIPE ends

# Errors of the place of a file rather than of this program: no permission, read-only, a full disk, a failing one.
OF_THE_PLACE = (
    *(errno.EACCES, errno.EPERM, errno.EROFS, errno.ENOSPC, errno.EDQUOT, errno.EIO, errno.ESTALE),
    *(errno.EISDIR, errno.ENOTDIR, errno.ENAMETOOLONG, errno.ELOOP, errno.ENOTSUP, errno.ENOSYS),
)

DESCRIPTION = """Trains music VAEs over whole grids of configurations at once, and measures how people could steer them.

    vaemusic sweep configs/quickstart.yaml    from tunes to a results table, in minutes on a laptop
    vaemusic data inspect irish_folk          what the models learn from
    vaemusic COMMAND --help                   every option of a command
"""


def main() -> NoReturn:
    """Runs the command line and ends the process with its exit status; this is the console script."""
    try:
        status = run(sys.argv[1:], as_program=True)
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


def run(args: list[str], as_program: bool = False) -> int:
    """Runs a command line and returns its exit status.

    It is 0 when done, 1 if a command found no answer, 2 for a user error, and 130 or 143 when interrupted.

    Args:
        args: the arguments.
        as_program: whether this process is the program, whose signals and output streams are then set up.
    """
    try:
        if as_program:
            raise_on_signals()
        from vaemusic_jax.support.terminal import printable, replace_unencodable

        if as_program:
            replace_unencodable(sys.stdout, sys.stderr)
        return parse(args)() or 0
    except UserError as error:
        return refuse(printable(str(error)))
    except OSError as error:
        if isinstance(error, BrokenPipeError) and not error.filename:
            return NOBODY_READS
        if error.errno == errno.ENOSPC and not error.filename:  # the disk behind stdout is full
            return refuse(f"cannot print: {(error.strerror or '').lower()}")
        if error.errno not in OF_THE_PLACE or not error.filename:
            raise
        place = os.fsdecode(error.filename) if isinstance(error.filename, str | bytes) else str(error.filename)
        return refuse(printable(f"{place}: {(error.strerror or '').lower()}; choose another place, or ask its owner"))
    except KeyboardInterrupt as stopped:
        is_known = isinstance(stopped, Interrupted)
        print(f"\n{printable(str(stopped)) if is_known and str(stopped) != GOES_ON else GOES_ON}", file=sys.stderr)
        return stopped.exit_status if isinstance(stopped, Interrupted) else 130


def refuse(problem: str) -> int:
    """Prints why a command cannot be carried out, in one line, and returns the exit status of user errors."""
    print(f"error: {problem}", file=sys.stderr)
    return 2


def parse(args: list[str]) -> Callable[[], int | None]:
    """Parses arguments and returns the command that they ask for, ready to be called. `--help` ends the process.

    Raises:
        UserError: an argument is wrong, or a required one is missing.
    """
    from vaemusic_jax.commands.parser import GIVEN

    # `--latent_dim`, as fields are spelled in configurations, is `--latent-dim`.
    hyphened = [re.sub(r"^--[^=]*", lambda option: option[0].replace("_", "-"), arg) for arg in args]
    every = parser()
    if hyphened in ([], ["data"], ["listen"]):  # who gives nothing asks what there is
        every.parse_args([*hyphened, "--help"])
    options = vars(every.parse_args(hyphened))
    options.pop(GIVEN, None)
    return functools.partial(options.pop("command"), **options)


def parser() -> "Parser":
    """Makes the parser of all commands."""
    from vaemusic_jax.commands import (
        data,
        evaluate,
        explore,
        export,
        generate,
        listen,
        merge,
        models,
        report,
        status,
        sweep,
        tensorboard,
    )
    from vaemusic_jax.commands.parser import Parser

    vaemusic = Parser(prog="vaemusic", description=DESCRIPTION)
    vaemusic.add_argument("--version", action="version", version=f"vaemusic {__version__}", help="print the version.")
    commands = vaemusic.add_subparsers(title="commands", metavar="COMMAND", required=True)
    of_runs, of_models = (
        (sweep, status, merge, evaluate, report, tensorboard),
        (models, generate, explore, listen, export),
    )
    for module in (data, *of_runs, *of_models):
        module.add_to(commands)
    return vaemusic
