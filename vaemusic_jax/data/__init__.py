"""Turns music files into arrays: reading, tokenising, splitting, caching. Importing this package imports no music21."""
