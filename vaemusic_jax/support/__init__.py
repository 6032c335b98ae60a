"""Utilities for every package: atomic files, progress display, the event log, signal handling, multiple processes."""
