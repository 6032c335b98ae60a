"""What the subcommands of `vaemusic` do; the command line itself is in ``vaemusic_jax.cli``."""

from rich.console import Console


def open_console() -> Console:
    """Where tables go: as wide as the terminal, or 120 columns where there is none."""
    return Console() if Console().is_terminal else Console(width=120)
