"""Files of music to tunes: one module, or a few, for each format."""
