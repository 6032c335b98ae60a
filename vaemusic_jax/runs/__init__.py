"""Runs on disk: the run directory with its lock, tables, checkpoints and evaluations."""
