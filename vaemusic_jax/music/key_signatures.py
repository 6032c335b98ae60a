"""Key signatures: which letters they alter."""

FIFTHS = "FCGDAEB"  # each letter a fifth above the one before, in the order in which sharps are written


def altered_letters(fifths: int) -> dict[str, int]:
    """Returns the letters that a key signature alters, each with its semitones: 2 sharps are {"F": 1, "C": 1}.

    Args:
        fifths: the number of sharps, negative for flats. Beyond seven all letters are altered once.
    """
    letters = FIFTHS[:fifths] if fifths >= 0 else FIFTHS[fifths:]
    return dict.fromkeys(letters, 1 if fifths > 0 else -1)
