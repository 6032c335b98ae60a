"""A run on disk: its directory, lock, tables, checkpoints and evaluations."""
