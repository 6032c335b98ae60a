"""Music files to arrays: reading, tokenising, splitting, caching. Importing this package imports no music21."""
