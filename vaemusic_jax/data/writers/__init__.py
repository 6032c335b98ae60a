"""Measures to files of music, which the readers read back as the same measures."""
