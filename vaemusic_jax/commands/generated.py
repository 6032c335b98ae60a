"""Measures that `vaemusic generate` makes: making them, the table of what was asked and obtained, and files."""

from __future__ import annotations

import csv
import dataclasses
import io
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from rich.table import Table

from vaemusic_jax.data.writers.save import SUFFIXES, save_measures
from vaemusic_jax.errors import UserError
from vaemusic_jax.music.attributes import ATTRIBUTES
from vaemusic_jax.play import steer
from vaemusic_jax.play.compose import compose, n_in_key, pitch_classes
from vaemusic_jax.support.atomic import write_atomically
from vaemusic_jax.support.words import count

if TYPE_CHECKING:
    from rich.console import Console

    from vaemusic_jax.music.vocabulary import Vocabulary
    from vaemusic_jax.play.trained_model import TrainedModel

_TITLE = "Made with vaemusic"


@dataclasses.dataclass(frozen=True)
class Made:
    """Measures that were made.

    Attributes:
        tokens: (N, T) the measures.
        asked: the values that were asked for, by attribute.
        attributes: (N, A) the values that the measures have.
        starts: (S, A) those of the measure that all start from, or of the one that each starts from; S is 0 if there is
            none.
        distances: how far each is from what was asked, in standard deviations; empty if nothing was asked for.
        labels: a word for each measure, such as the setting of a control.
        remarks: what was done to the music that they start from, in sentences.
        context: (M, T) the music whose key they are to keep as a tune; None for that of most of their notes.
    """

    tokens: np.ndarray
    asked: Mapping[str, float]
    attributes: np.ndarray
    starts: np.ndarray
    distances: Sequence[float]
    labels: Sequence[str]
    remarks: Sequence[str] = ()
    context: np.ndarray | None = None


def measures_like(
    model: TrainedModel,
    asked: Mapping[str, float],
    *,
    n: int,
    seed: int,
    turn: bool,
    start: str | None,
    measure: int,
    sweep: str | None,
    ends: Sequence[str] | None,
    steps: int,
    temperature: float | None,
    candidates: int,
    tune: bool = False,
) -> Made:
    """Makes measures as the options of `vaemusic generate` ask.

    Raises:
        UserError: a file cannot be read, or has no such measure.
        ValueError: a value that a model does not have, see `play.steer`.
    """
    remarks: list[str] = []
    context = following = None
    if start is not None:
        context, following = _tune(model, start, measure, remarks)
    origin = None if following is None else following[0]
    labels = [str(number) for number in range(1, n + 1)]
    if sweep is not None:
        one = origin if origin is not None else steer.draw(model, 1, seed)[0]
        levels = np.linspace(0.02, 0.98, steps)
        tokens = np.concatenate([model.turn(one, sweep, level=level) for level in levels])
        origin, labels = one, [f"p{100 * level:.0f}" for level in levels]
    elif ends is not None:
        first, last = (_tune(model, file, measure, remarks)[1][0] for file in ends)
        tokens = model.interpolate(first, last, steps)
        labels = [f"{100 * share:.0f} %" for share in np.linspace(0, 1, steps)]
    elif tune:
        tokens = compose(
            model,
            n,
            starts=following,
            context=context,
            asked=asked,
            candidates=candidates,
            seed=seed,
            temperature=temperature,
        )
    elif asked and turn:
        tokens = steer.draw(model, n, seed) if origin is None else origin[None]
        for name, value in asked.items():
            how = {"value": value} if model.told else {"level": model.about.level_of(name, value)}
            tokens = model.turn(tokens, name, **how)
    elif asked:
        tokens = np.stack(
            [steer.aim(model, origin, candidates=candidates, seed=seed + i, **asked).tokens for i in range(n)]
        )
    elif origin is None:
        tokens = steer.draw(model, n, seed, temperature)
    else:
        tokens = steer.vary(model, origin, n, seed, temperature)
    attributes = model.attributes(tokens)
    starts: np.ndarray
    if origin is None:
        starts = np.empty((0, len(ATTRIBUTES)), np.float32)
    elif tune and following is not None:
        starts = model.attributes(following[np.arange(n) % len(following)])
    else:
        starts = model.attributes(origin)
    return Made(
        tokens,
        asked,
        attributes,
        starts,
        steer.off(attributes, asked, model.about).tolist() if asked else [],
        labels[: len(tokens)],
        remarks,
        context if tune else None,
    )


def _tune(model: TrainedModel, source: str, number: int, remarks: list[str]) -> tuple[np.ndarray, np.ndarray]:
    """Reads the tune of one measure of a file, and adds what was done to it to the remarks.

    Returns:
        The usable measures of the tune, (M, T), and those of them from the measure of that number on.

    Raises:
        UserError: the file cannot be read, or there is no measure of that number.
    """
    read = model.encode_file(source, octaves=True)
    places = read.measures.places
    if number > len(places):
        raise UserError(f"{source}: it has {len(places)} usable measures in {model.vocabulary.metre}, no {number}")
    at = places[number - 1]
    if octaves := read.octaves.get(at.tune):
        way = "up" if octaves > 0 else "down"
        remarks.append(f"{source}: moved {way} by {count(abs(octaves), 'octave')}, to the pitches that the model has.")
    own = np.array([(place.tune, place.voice) == (at.tune, at.voice) for place in places])
    return read.tokens[own], read.tokens[number - 1 :][own[number - 1 :]]


def print_table(console: Console, model: TrainedModel, made: Made) -> None:
    """Prints the attributes of the measures, what was asked for, and how far attributes that were not asked moved."""
    table = Table(box=None, pad_edge=False)
    table.add_column("measure", justify="right")
    for row in ATTRIBUTES.values():
        table.add_column(f"{row.words}\n({row.shown_unit or row.unit})", justify="right")
    if made.distances:
        table.add_column("off by\n(std)", justify="right")
    if made.asked:
        table.add_row("asked", *(_shown(name, made.asked.get(name)) for name in ATTRIBUTES), style="bold")
    if len(made.starts) == 1:
        table.add_row("start", *(_shown(name, value) for name, value in zip(ATTRIBUTES, made.starts[0], strict=True)))
    for i, values in enumerate(made.attributes):
        cells = [_shown(name, value) for name, value in zip(ATTRIBUTES, values, strict=True)]
        table.add_row(made.labels[i], *cells, *([f"{made.distances[i]:.2f}"] if made.distances else []))
    console.print(table)
    for remark in made.remarks:
        console.print(remark, soft_wrap=True, markup=False, highlight=False)
    if len(made.starts) and made.asked:
        moved = {
            name: np.abs(made.attributes[:, k] - made.starts[:, k]).mean() / model.about.spread(name)
            for k, name in enumerate(ATTRIBUTES)
            if name not in made.asked
        }
        words = ", ".join(f"{ATTRIBUTES[name].words} by {far:.2f}" for name, far in moved.items())
        console.print(f"What else moved, in standard deviations of the training measures: {words or 'nothing'}.")
    if len(made.tokens) > 1:
        console.print(as_a_tune(model.vocabulary, made.tokens, made.context), soft_wrap=True)


def print_tune(console: Console, model: TrainedModel, made: Made) -> None:
    """Prints the measures as a tune in ABC."""
    from vaemusic_jax.data.writers.notation import measures_to_abc

    abc = measures_to_abc(made.tokens, model.vocabulary, title=_TITLE)
    console.print(abc, end="", markup=False, highlight=False, soft_wrap=True)


def check_format(path: Path) -> None:
    """Raises UserError if the file's suffix says no format that `write_measures` writes."""
    known = (*SUFFIXES, *_WRITERS)
    if path.suffix.lower() not in known:
        raise UserError(f"{path}: the suffix says no format that can be written; use one of {' '.join(known)}")


def write_measures(path: Path, model: TrainedModel, made: Made) -> None:
    """Writes the measures in the format of the file's suffix. Raises UserError if the file cannot be written."""
    writer = _WRITERS.get(path.suffix.lower())
    if writer is None:
        save_measures(made.tokens, path, model.vocabulary, title=_TITLE)
    else:
        try:
            content = writer(model, made).encode()
        except ValueError as error:  # what the format cannot express
            raise UserError(f"{path}: {error}") from None
        write_atomically(path, content)


def _json(model: TrainedModel, made: Made) -> str:
    names = model.vocabulary.tokens
    measures = [
        {"label": label, "tokens": [names[token] for token in row], "attributes": _by_name(values)}
        for label, row, values in zip(made.labels, made.tokens, made.attributes, strict=True)
    ]
    facts: dict[str, object] = {
        "metre": model.vocabulary.metre,
        "asked": dict(made.asked),
        "start": None,
        "measures": measures,
    }
    if starts := [_by_name(values) for values in made.starts]:
        facts["start"] = starts[0] if len(starts) == 1 else starts
    return json.dumps(facts | {"measures": measures}, indent=1) + "\n"


def _csv(model: TrainedModel, made: Made) -> str:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(["measure", *ATTRIBUTES, "tokens"])
    for label, row, values in zip(made.labels, made.tokens, made.attributes, strict=True):
        tokens = " ".join(model.vocabulary.tokens[token] for token in row)
        writer.writerow([label, *(f"{value:.6g}" for value in values), tokens])
    return text.getvalue()


def _svg(model: TrainedModel, made: Made) -> str:
    from vaemusic_jax.data.writers.engraving import measures_to_svg

    return measures_to_svg(made.tokens, model.vocabulary)


_WRITERS = {".svg": _svg, ".json": _json, ".csv": _csv}


def _by_name(values: np.ndarray) -> dict[str, float]:
    return {name: round(float(value), 6) for name, value in zip(ATTRIBUTES, values, strict=True)}


def _shown(name: str, value: float | None) -> str:
    return "" if value is None else f"{value * ATTRIBUTES[name].shown_factor:.2f}"


def as_a_tune(vocabulary: Vocabulary, tokens: np.ndarray, context: np.ndarray | None = None) -> str:
    """Says whether the measures in a row keep to one key, and end as they began.

    Args:
        vocabulary: the vocabulary of the tokens.
        tokens: (N, T) the measures.
        context: (M, T) measures whose key they are to keep; without them it is that of most of their notes.
    """
    pitches = pitch_classes(vocabulary, tokens)
    if not len(pitches):
        return "As one tune: it has no note."
    around = pitch_classes(vocabulary, [] if context is None else context)
    in_key = n_in_key(pitches, around) / len(pitches)
    scale = "the major scale of what it starts from" if len(around) else "one major scale"
    share = "all" if in_key == 1 else f"{100 * in_key:.0f} %"
    ends = "ends" if pitches[0] == pitches[-1] else "does not end"
    return f"As one tune: {share} of its notes are of {scale}, and it {ends} on the pitch class of its first."
