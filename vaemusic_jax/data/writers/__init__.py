"""Writers of music files: what they write is read again as the same measures."""
