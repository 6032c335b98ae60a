"""The ONNX graphs of a model encode and decode as the model does."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.helpers.random_models import random_model
from vaemusic_jax.errors import UserError
from vaemusic_jax.play.export import check, differences

onnxruntime = pytest.importorskip("onnxruntime")
pytest.importorskip("onnx")

from vaemusic_jax.play import onnx_file  # noqa: E402


@pytest.mark.parametrize(
    ("name", "fields"),
    [
        ("measure_vae", {"metre": "3/4", "latent_dim": 5}),
        ("measure_vae", {"recipe": "reference", "metre": "6/8"}),
        ("adversarial_vae", {"metre": "3/4"}),
        ("adversarial_vae", {"recipe": "reference", "metre": "3/4", "attributes": ("note_range", "note_density")}),
    ],
    ids=["measure_vae", "measure_vae reference", "adversarial_vae", "adversarial_vae reference"],
)
def test_onnx_is_numpy(name: str, fields: dict[str, Any], tmp_path: Path) -> None:
    model = random_model(name, **fields)
    paths = onnx_file.write(tmp_path / "mine.onnx", model, check)
    assert [path.name for path in paths] == ["mine.encoder.onnx", "mine.decoder.onnx"]
    encode, decode = (onnxruntime.InferenceSession(str(path)) for path in paths)
    rng = np.random.default_rng(0)
    tokens = rng.integers(0, len(model.vocabulary), (60, model.vocabulary.grid.n_ticks))
    [codes] = encode.run(None, {"tokens": tokens})
    np.testing.assert_allclose(codes, model.encode(tokens), rtol=1e-3, atol=1e-4)
    z = rng.normal(size=(200, model.trial.latent_dim)).astype(np.float32)
    told = rng.uniform(size=(200, len(model.trial.attributes))).astype(np.float32)
    feed = {"codes": z} | ({"attributes": told} if model.told else {})
    ours, logits = decode.run(None, feed)
    different, unexplained = differences(ours, model.decode(z, told), logits)
    assert (different <= 1, unexplained) == (True, 0)
    assert len(np.unique(ours)) > 5


def test_graphs_that_fail_the_check_are_not_written(tmp_path: Path) -> None:
    def check_none(model: Any, decode: Any) -> int:
        raise UserError("otherwise")

    with pytest.raises(UserError, match="otherwise"):
        onnx_file.write(tmp_path / "mine.onnx", random_model("measure_vae"), check_none)
    assert not list(tmp_path.iterdir())
