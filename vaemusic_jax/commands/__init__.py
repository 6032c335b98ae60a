"""The subcommands of `vaemusic`, one module each; ``vaemusic_jax.cli`` is the command line itself."""

from rich.console import Console


def open_console() -> Console:
    """Returns the console for tables, which is as wide as the terminal, or 120 columns if there is none."""
    return Console() if Console().is_terminal else Console(width=120)
