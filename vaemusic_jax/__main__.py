"""`python -m vaemusic_jax` is `vaemusic`."""

from vaemusic_jax.cli import main

main()
