"""Shows measures in a notebook: as notation, and with a player for their sound."""

from __future__ import annotations

import base64
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Protocol

from numpy.typing import ArrayLike

from vaemusic_jax.data.writers.save import Names, checked_measures
from vaemusic_jax.data.writers.wav import SAMPLE_RATE, measures_to_wav
from vaemusic_jax.music.vocabulary import Vocabulary
from vaemusic_jax.support.words import count, size

_SCALE = 40  # percent; a line is then about as wide as a notebook


class HasVocabulary(Protocol):
    """What has a vocabulary, such as a trained model or a data set."""

    @property
    def vocabulary(self) -> Vocabulary:
        """The vocabulary of its tokens."""


@dataclass(frozen=True)
class Sound:
    """Sound that a notebook shows as a player.

    Attributes:
        wav: the content of a WAV file.
    """

    wav: bytes

    def __repr__(self) -> str:
        return f"<sound of {size(len(self.wav))}>"

    def _repr_html_(self) -> str:
        return f'<audio controls src="data:audio/wav;base64,{base64.b64encode(self.wav).decode()}"></audio>'


@dataclass(frozen=True)
class Shown:
    """Measures that a notebook shows as notation.

    Attributes:
        measures: token indices, T for each measure.
        vocabulary: the vocabulary of the tokens.
    """

    measures: Sequence[Sequence[int]]
    vocabulary: Vocabulary

    def __repr__(self) -> str:
        return f"<{count(len(self.measures), 'measure')} in {self.vocabulary.metre}>"

    @cached_property
    def svg(self) -> str:
        """The notation as an SVG element. Raises ValueError as `show` does."""
        from vaemusic_jax.data.writers.engraving import measures_to_svg

        return measures_to_svg(self.measures, self.vocabulary, scale=_SCALE)

    def _repr_svg_(self) -> str:
        return self.svg

    def sound(self, tempo: float = 120.0, sample_rate: int = SAMPLE_RATE) -> Sound:
        """Returns the sound of the measures. Arguments and errors are those of `measures_to_wav`."""
        return Sound(measures_to_wav(self.measures, self.vocabulary, tempo=tempo, sample_rate=sample_rate))


def show(
    measures: ArrayLike | Names, of: HasVocabulary | Vocabulary | None = None, *, metre: str | None = None
) -> Shown:
    """Shows consecutive measures as engraved notation, where it is the last value of a notebook's cell.

        vaemusic_jax.show(model.turn(tokens, "note_density", level=0.9), model)
        vaemusic_jax.show(vaemusic_jax.read_measures("tune.abc").names)

    Args:
        measures: (N, T) or (T,) token indices, or token names such as `C#4`, `rest` and `__`.
        of: the model or data set that the indices are of, or its vocabulary. Names need none.
        metre: of measures without a vocabulary; default 4/4.

    Returns:
        An object that notebooks show as notation; `.svg` is the notation, and `.sound()` a player.

    Raises:
        ValueError: measures of another shape, a token that there is not, or more measures than fit on a page.
    """
    vocabulary: Any = getattr(of, "vocabulary", of)
    if vocabulary is not None and not isinstance(vocabulary, Vocabulary):
        raise ValueError(f"{of!r} is neither a model nor a vocabulary")
    shown = Shown(*checked_measures(measures, vocabulary, metre))
    _ = shown.svg  # so that what cannot be shown is an error here
    return shown
