"""Builds the bars of one voice of a score from notes with their onsets."""

from __future__ import annotations

from dataclasses import dataclass, field
from fractions import Fraction

from vaemusic_jax.data.bars import Bar, Drop, Event
from vaemusic_jax.music.vocabulary import pitch_to_midi


@dataclass
class VoiceBuilder:
    """The state of reading one voice, and the bars read so far.

    Attributes:
        bars: the bars so far.
        numbers: which measure of the score each of them is.
        bar: the one being read; its metre is set when it ends.
        sounds: whether a note has been met.
    """

    bars: list[Bar] = field(default_factory=list)
    numbers: list[int] = field(default_factory=list)
    bar: Bar = field(default_factory=lambda: Bar(""))
    sounds: bool = False

    def add(self, onset: Fraction, length: Fraction, pitch: str | None, *, tied: bool = False) -> None:
        """Adds a note, or a rest.

        Args:
            onset: quarters from the start of the bar; a gap before it is a rest.
            length: in quarters.
            pitch: spelled, None for a rest.
            tied: the score ties it to what comes before. That holds for the first event of a bar, and within a bar for
                a note of the pitch before, however it is spelled; a tie to another pitch is a slur.
        """
        bar = self.bar
        if onset < bar.length:
            bar.faults.add(Drop.OVERLAY)
        elif onset > bar.length:
            bar.events.append(Event(bar.length, None))
        tied = tied and (not bar.events or _same_pitch(bar.events[-1].pitch, pitch))
        bar.events.append(Event(onset, pitch, tied))
        bar.length = max(bar.length, onset + length)
        self.sounds = self.sounds or pitch is not None

    def end_bar(self, metre: str, length: Fraction, faults: set[Drop], number: int = 0) -> None:
        """Ends the bar.

        Args:
            metre: of the bar.
            length: of the bar in the whole part, in quarters; where this voice ends before, it rests.
            faults: found in the bar apart from this voice's own.
            number: of the measure in the score.
        """
        bar = self.bar
        if length > bar.length:
            bar.events.append(Event(bar.length, None))
            bar.length = length
        bar.metre = metre
        bar.faults |= faults
        self.bars.append(bar)
        self.numbers.append(number)
        self.bar = Bar("")


def _same_pitch(one: str | None, other: str | None) -> bool:
    return one == other or (one is not None and other is not None and pitch_to_midi(one) == pitch_to_midi(other))
