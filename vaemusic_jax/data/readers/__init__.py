"""Readers of music files: one module, or a few, for each format. `registry.py` lists them."""
