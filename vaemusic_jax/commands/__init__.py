"""The subcommands of `vaemusic`, one module each; ``vaemusic_jax.cli`` is the command line itself."""
