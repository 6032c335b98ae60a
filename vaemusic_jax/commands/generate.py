"""The command `vaemusic generate`, which makes measures with a trained model and says what their attributes are."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from vaemusic_jax.commands.parser import Commands, add_command
from vaemusic_jax.errors import UserError
from vaemusic_jax.music.attributes import ATTRIBUTES
from vaemusic_jax.support.atomic import check_writable
from vaemusic_jax.support.terminal import open_console

if TYPE_CHECKING:
    from vaemusic_jax.play.trained_model import TrainedModel

DEFAULT_MODEL = "irish-measure-32"
MISSED = 1  # the exit status where no measure is as near as asked to what was asked for


def add_to(commands: Commands) -> None:
    """Declares the command with its arguments."""
    parser = add_command(commands, generate)
    add = parser.add_argument
    add(
        "model",
        metavar="MODEL",
        nargs="?",
        help="a model of `vaemusic models`, a file of `vaemusic export`, or the folder of a run; default %(default)s.",
    )
    add("--which", metavar="FIELD=VALUE", nargs="+", help="of a run: fields that choose the trial, or id=ID.")
    add("-n", dest="n", metavar="INT", type=int, help="number of measures; default %(default)s.")
    add("--seed", metavar="INT", type=int, help="seed of everything that is drawn; default %(default)s.")
    for row in ATTRIBUTES.values():
        unit = row.shown_unit or row.unit
        add(
            *dict.fromkeys(f"--{name.replace('_', '-')}" for name in (row.name, row.name.removeprefix("average_"))),
            dest=row.name,
            metavar="VALUE",
            help=f"asks for this {row.words}, in {unit}, or a percentile of the training measures such as p75.",
        )
    add("--turn", action="store_true", help="set the controls once, instead of the best of several candidates.")
    add("--from", dest="start", metavar="FILE", help="start from a measure of a file of music instead of random ones.")
    add("--measure", metavar="INT", type=int, help="which of its usable measures, from 1; default %(default)s.")
    add(
        "--tune",
        action="store_true",
        help="make one tune of the measures: of the candidates for each, one whose notes are of the key so far, and an "
        "end on the pitch class of the first note, where there is one. With --from it goes through the measures of "
        "that tune from --measure on, and again from there, in its key.",
    )
    add("--sweep", metavar="ATTRIBUTE", help="one measure with a control turned from its lowest to its highest value.")
    add("--interpolate", metavar="FILE", nargs=2, help="go from the first measure of a file to that of another.")
    add("--steps", metavar="INT", type=int, help="measures of --sweep and --interpolate; default %(default)s.")
    add("--temperature", metavar="FLOAT", type=float, help="draw tokens at random; without it the likeliest are taken.")
    add("--candidates", metavar="INT", type=int, help="measures to choose from for each one; default %(default)s.")
    add(
        "--tolerance",
        metavar="FLOAT",
        type=float,
        help="how far from what was asked a measure may be, in standard deviations of the training measures; if none "
        "is as near, the exit status is 1. Default %(default)s.",
    )
    add(
        "--out",
        metavar="FILE",
        type=Path,
        help="where to write the measures: .mid .musicxml .abc .wav .svg .json or .csv; left out: ABC on the terminal.",
    )


def generate(
    *,
    model: str = DEFAULT_MODEL,
    which: Sequence[str] = (),
    n: int = 8,
    seed: int = 0,
    turn: bool = False,
    start: str | None = None,
    measure: int = 1,
    tune: bool = False,
    sweep: str | None = None,
    interpolate: Sequence[str] | None = None,
    steps: int = 8,
    temperature: float | None = None,
    candidates: int = 48,
    tolerance: float = 0.1,
    out: Path | None = None,
    **asked: str | None,
) -> int | None:
    """Makes measures with a trained model, and prints what was asked for, what was obtained, and what else moved.

    Without an attribute the measures are random ones, like those of training. With some, each measure is the one of
    several candidates that comes nearest to what was asked for; --turn sets the controls once instead, which shows what
    they do by themselves.

        vaemusic generate -n 4 --note-density p90 --out dense.mid
        vaemusic generate --from tune.abc --measure 3 --note-range 12 --interval-jump 3
        vaemusic generate --from tune.abc --tune -n 16 --note-density p80 --out busier.mid
        vaemusic generate --sweep note_density --steps 9 --out strip.svg
        vaemusic generate mine.safetensors --interpolate a.abc b.abc --out between.wav
    """
    from vaemusic_jax.commands.generated import check_format, measures_like, print_table, print_tune, write_measures

    if out is not None:
        check_format(out)
        check_writable(out)
    trained = _model(model, which)
    asked_for = {name: _value(trained, name, text) for name, text in asked.items() if text is not None}
    _check(n=n, steps=steps, measure=measure, candidates=candidates)
    if sum(each is not None for each in (sweep, interpolate, temperature)) + bool(asked_for) > 1:
        raise UserError("choose one of --sweep, --interpolate, --temperature and values of attributes")
    if not tolerance >= 0:
        raise UserError(f"--tolerance: {tolerance} is not from 0")
    if turn and not asked_for:
        raise UserError("--turn needs a value of an attribute, such as --note-density p90")
    if tune and (turn or sweep is not None or interpolate is not None):
        raise UserError("--tune goes with none of --turn, --sweep and --interpolate")
    try:
        made = measures_like(
            trained,
            asked_for,
            n=n,
            seed=seed,
            turn=turn,
            start=start,
            measure=measure,
            sweep=sweep and sweep.replace("-", "_"),
            ends=interpolate,
            steps=steps,
            temperature=temperature,
            candidates=candidates,
            tune=tune,
        )
    except ValueError as error:
        raise UserError(str(error)) from None
    console = open_console()
    print_table(console, trained, made)
    if out is None:
        print_tune(console, trained, made)
    else:
        write_measures(out, trained, made)
        console.print(f"Written: {out}", soft_wrap=True, markup=False, highlight=False)
    if made.distances and min(made.distances) > tolerance:
        console.print(
            f"No measure is within {tolerance:g} standard deviations of what was asked for; the nearest is "
            f"{min(made.distances):.2f} away. More --candidates may find one.",
            soft_wrap=True,
        )
        return MISSED
    return None


def _model(name: str, which: Sequence[str]) -> TrainedModel:
    """Loads a model by name or file, or restores it from a run. Raises UserError."""
    if Path(name).is_dir():
        from vaemusic_jax.commands.export import fields_of
        from vaemusic_jax.play.restore import restore

        return restore(name, **fields_of(which))
    from vaemusic_jax.play.load import load

    if which:
        raise UserError(f"--which chooses a trial of a run, and {name} is none")
    return load(name)


def _value(model: TrainedModel, name: str, text: str) -> float:
    """Returns the value of an attribute that a text asks for, in the attribute's own unit. Raises UserError."""
    row = ATTRIBUTES[name]
    option = f"--{name.replace('_', '-')}"
    try:
        if text[:1] in ("p", "P"):
            percent = float(text[1:])
            if not 0 <= percent <= 100:
                raise ValueError
            return model.about.attribute_at(name, percent / 100)
        value = float(text) / row.shown_factor
        if not abs(value) < float("inf"):
            raise ValueError
    except ValueError:
        unit = row.shown_unit or row.unit
        raise UserError(
            f"{option}: {text!r} is neither a number, in {unit}, nor a percentile from p0 to p100"
        ) from None
    low, high = model.about.attribute_at(name, 0), model.about.attribute_at(name, 1)
    if not low <= value <= high:
        factor = row.shown_factor
        raise UserError(
            f"{option}: {text} is outside what the training measures have, {low * factor:.3g} to {high * factor:.3g}"
        )
    return value


def _check(**counts: int) -> None:
    """Raises UserError if a number is not above 0, or too large to be meant."""
    for name, value in counts.items():
        if not 1 <= value <= 10_000:
            raise UserError(f"{'-n' if name == 'n' else f'--{name}'}: {value} is not from 1 to 10,000")
