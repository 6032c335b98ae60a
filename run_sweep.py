"""`python run_sweep.py CONFIG [options]` is `vaemusic sweep CONFIG [options]`."""

import sys

from vaemusic_jax.cli import main

if __name__ == "__main__":
    sys.argv.insert(1, "sweep")
    main()
