"""Figures of the report: each module draws one kind of figure from tables and arrays, with matplotlib."""
