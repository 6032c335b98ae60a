"""The command `vaemusic export RUN`, which writes a trained model to one file."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from vaemusic_jax.commands.parser import Commands, add_cache_dir, add_command
from vaemusic_jax.errors import UserError
from vaemusic_jax.support.atomic import check_writable, write_atomically
from vaemusic_jax.support.terminal import open_console

if TYPE_CHECKING:
    from vaemusic_jax.play.export import Dtype, Format

_FORMATS = ("safetensors", "npz", "onnx", "js")  # which are suffixes of their files, too


def add_to(commands: Commands) -> None:
    """Declares the command with its arguments."""
    parser = add_command(commands, export)
    add = parser.add_argument
    add("run", metavar="RUN", type=Path, help="the folder that a sweep wrote.")
    add(
        "which",
        metavar="FIELD=VALUE",
        nargs="*",
        help="fields that choose the trial, such as model=measure_vae latent_dim=32, or id=ID; see trials.csv. A run "
        "of one trial needs none.",
    )
    add("--out", metavar="FILE", type=Path, required=True, help="the file to write.")
    add(
        "--format",
        choices=_FORMATS,
        help="safetensors or npz, which `vaemusic_jax.load` reads, npz for NumPy too; onnx, an encoder and a decoder "
        "for other runtimes; or js, the safetensors file as a script for a page that opens from disk. Default "
        "%(default)s.",
    )
    add(
        "--dtype",
        choices=("float16", "float32"),
        help="of the weights: float16, rounded before the model is measured, or float32, as they were trained. Default "
        "%(default)s.",
    )
    add("--card", action="store_true", help="write a card beside it, in the format of Hugging Face: FILE with .md.")
    add_cache_dir(parser)


def export(
    run: Path,
    *,
    which: Sequence[str] = (),
    out: Path,
    format: Format = "safetensors",
    dtype: Dtype = "float16",
    card: bool = False,
    cache_dir: Path | None = None,
) -> None:
    """Writes the model of one trial to a file that is used without the run, and without JAX.

    The weights are rounded to float16, or left as they were trained with --dtype float32, before the model is measured
    on the test split, for which the data set has to be there. So the scores in the file are those of the weights in the
    file. 500 codes are decoded through the written file and by JAX, and a file that differs is not kept.

        vaemusic export runs/quickstart model=measure_vae latent_dim=32 --out mine.safetensors
        vaemusic export runs/quickstart model=measure_vae latent_dim=32 --format npz --dtype float32 --out mine.npz
        vaemusic export runs/quickstart id=a1b2c3d4e5 --format onnx --out mine.onnx
    """
    from vaemusic_jax.commands.programs import keep_programs
    from vaemusic_jax.data.cache import cached_in
    from vaemusic_jax.play import export as exporting

    suffix = out.suffix.removeprefix(".")
    if suffix in _FORMATS and suffix != format:
        raise UserError(f"--out: {out} is the name of another format than {format}; add --format {suffix}")
    check_writable(out)
    with cached_in(cache_dir):
        keep_programs()
        model = exporting.export(run, fields_of(which), dtype)
        files = exporting.write(model, out, format)
    if card:
        from vaemusic_jax.play.card import card_of

        files.append(out.with_suffix(".md"))
        write_atomically(files[-1], card_of(model, out.stem).encode())
    console = open_console()
    accuracy = model.about.scores.get("reconstruction_accuracy")
    console.print(f"{model!r}", markup=False, highlight=False)
    if accuracy is not None:
        console.print(f"Accuracy on the test split: {accuracy:.4f}, of these weights, {dtype}")
    for file in files:
        console.print(f"{file}: {file.stat().st_size / 1e6:.2f} MB", soft_wrap=True, highlight=False)


def fields_of(which: Sequence[str]) -> dict[str, str]:
    """Returns the values in texts such as `model=measure_vae`, by field.

    Raises:
        UserError: a text is another one, or a field is given twice.
    """
    fields: dict[str, str] = {}
    for each in which:
        name, equals, value = each.partition("=")
        if not equals or not name:
            raise UserError(f"{each!r} is no FIELD=VALUE, such as model=measure_vae")
        if name in fields:
            raise UserError(f"{name} is given twice, as {fields[name]!r} and {value!r}")
        fields[name] = value
    return fields
