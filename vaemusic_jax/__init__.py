"""Variational auto-encoders of single measures of music whose latent dimensions can be steered, trained in JAX.

    import vaemusic_jax
    data = vaemusic_jax.load_dataset("irish_folk")
    model = vaemusic_jax.restore("runs/quickstart", model="measure_vae", latent_dim=32)
    model = vaemusic_jax.load("my_model.safetensors")  # that `vaemusic export` wrote
    tune = model.encode_file("tune.abc")
    vaemusic_jax.show(tune.tokens, model)  # as notation in a notebook
    vaemusic_jax.save_measures(model.turn(tune.tokens, "note_density", level=0.9), "tune.mid", model.vocabulary)

The functions are imported when they are first used, so that `import vaemusic_jax` is quick.
"""

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from vaemusic_jax.data.load import load_dataset
    from vaemusic_jax.data.measures import read_measures
    from vaemusic_jax.data.prepare import prepare_dataset
    from vaemusic_jax.data.writers.save import save_measures
    from vaemusic_jax.data.writers.show import show
    from vaemusic_jax.play.load import load
    from vaemusic_jax.play.restore import restore

__version__ = "0.2.0.dev0"
__all__ = [
    "__version__",
    "load",
    "load_dataset",
    "prepare_dataset",
    "read_measures",
    "restore",
    "save_measures",
    "show",
]

# No module of this folder may share a name with these functions, because importing it would replace the function.
_HOME = {
    "load_dataset": "vaemusic_jax.data.load",
    "prepare_dataset": "vaemusic_jax.data.prepare",
    "read_measures": "vaemusic_jax.data.measures",
    "save_measures": "vaemusic_jax.data.writers.save",
    "show": "vaemusic_jax.data.writers.show",
    "load": "vaemusic_jax.play.load",
    "restore": "vaemusic_jax.play.restore",
}


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(_HOME[name]), name)


def __dir__() -> list[str]:
    return sorted(__all__)
