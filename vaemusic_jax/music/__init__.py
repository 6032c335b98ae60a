"""What a measure of music is to this package: its grid of ticks, its tokens, its attributes. Nothing here needs JAX."""
