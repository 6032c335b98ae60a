"""Loading a trained model from a file, or by the name of one that comes with the package. It does not import JAX."""

from __future__ import annotations

from importlib import resources
from pathlib import Path

from vaemusic_jax.errors import UserError
from vaemusic_jax.play import model_file
from vaemusic_jax.play.trained_model import TrainedModel
from vaemusic_jax.support.words import did_you_mean


def load(model: str | Path) -> TrainedModel:
    """Loads a trained model, whose networks are in NumPy.

        load("irish-measure-32")
        load("my_model.safetensors")

    Args:
        model: the name of a model of `vaemusic models`, with or without its version (`irish-measure-32@1`); or a file
            that `vaemusic export` wrote.

    Raises:
        UserError: there is no such model or file, or the file is no model.
    """
    path = Path(model)
    if path.suffix in model_file.SUFFIXES or path.exists():
        return model_file.read(path)
    shipped = shipped_models()
    name = str(model)
    versions = [full for full in shipped if name in (full, full.partition("@")[0])]
    if not versions:
        known = ", ".join(shipped) or "none"
        raise UserError(
            f"{name}: no file, and no model that comes with the package{did_you_mean(name, shipped)}; "
            f"those are: {known}"
        )
    newest = max(versions, key=lambda full: int(full.partition("@")[2]))
    return model_file.from_bytes(shipped[newest].read_bytes(), newest)


def shipped_models() -> dict[str, Path]:
    """Returns the files of the models that come with the package, by name with version, sorted."""
    folder = Path(str(resources.files("vaemusic_jax"))) / "pretrained"
    return {path.stem: path for path in sorted(folder.glob(f"*@*{model_file.SUFFIX}"))}
