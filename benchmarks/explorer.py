"""How the explorer's page decodes in Chromium: how long it takes, and how often otherwise than JAX.

    python -m benchmarks.explorer [--model MODEL] [--codes 2000]

It needs the package playwright and the program chromium. Codes are drawn from the prior, attribute values at random
from those of training measures. The page of the model is opened from disk, and its own script decodes.
"""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path

import numpy as np
import tyro
from playwright.sync_api import sync_playwright

from vaemusic_jax.play.explorer.page import page_of
from vaemusic_jax.play.explorer.spec import file_of, spec_of
from vaemusic_jax.play.export import differences
from vaemusic_jax.play.load import load
from vaemusic_jax.play.restore import jax_networks

DECODE = """
({file, spec, codes, own}) => {
  const bytes = Uint8Array.from(atob(file), (each) => each.charCodeAt(0));
  const model = new Model(spec, bytes.buffer), tokens = [], times = [];
  codes.forEach((code, n) => {
    const start = performance.now();
    tokens.push(Array.from(model.decode(Float32Array.from(code), own[n])));
    times.push(performance.now() - start);
  });
  return {tokens, times};
}
"""


def main(model: str = "irish-measure-32", codes: int = 2000, seed: int = 0) -> None:
    """Measures the page.

    Args:
        model: a model of `vaemusic models`, or a file.
        codes: the number of codes.
        seed: which codes are drawn.
    """
    trained, rng = load(model), np.random.default_rng(seed)
    z = rng.standard_normal((codes, trained.trial.latent_dim), np.float32)
    names = trained.trial.attributes
    levels = rng.uniform(size=(codes, len(names)))
    own = [[trained.about.attribute_at(name, at) for name, at in zip(names, row, strict=True)] for row in levels]
    conditions = ((np.array(own, np.float32) - trained.standardise[0]) / trained.standardise[1]).astype(np.float32)
    page_text = page_of({model: trained})
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright:
        path = Path(folder) / "explorer.html"
        path.write_text(page_text, encoding="utf-8")
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"))
        page = browser.new_page()
        page.goto(path.as_uri())
        given = {"file": file_of(trained), "spec": spec_of(trained, model), "codes": z.tolist(), "own": own}
        found = page.evaluate(DECODE, given)
        version = browser.version
        browser.close()
    _, logits = trained.numpy.decode(z, conditions)
    theirs = jax_networks(trained).decode_greedily(z, conditions)
    n_different, unexplained = differences(np.array(found["tokens"]), theirs, logits)
    low, median, high = np.quantile(found["times"], [0.05, 0.5, 0.95])
    print(f"{model} in Chromium {version}: page {len(page_text) / 1e6:.2f} MB")
    print(f"decoded otherwise than by JAX: {n_different} of {codes}, {unexplained} of them not by rounding")
    print(f"a measure: median {median:.2f} ms, 5 % under {low:.2f}, 5 % above {high:.2f}")


if __name__ == "__main__":
    tyro.cli(main)
