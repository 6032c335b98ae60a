"""Chapters of the report: each function makes a `Chapter` of text, tables and figures from joined runs."""
