"""What the subcommands of `vaemusic` do; the command line itself is in ``vaemusic_jax.cli``."""
