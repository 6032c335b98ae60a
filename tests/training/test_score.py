"""Scores of a split cut into blocks equal what the whole split gives at once, worked out with numpy."""

from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from tests.helpers import cohorts
from vaemusic_jax.data.blocks import ROWS, blocks
from vaemusic_jax.data.dataset import Dataset
from vaemusic_jax.training.score import encode_split, score

N = ROWS + 44  # a full block and one that is mostly filling


@pytest.mark.parametrize("model", ["measure_vae", "adversarial_vae"])
def test_scores_equal_a_direct_computation(model: str, irish_folk: Dataset) -> None:
    trial = cohorts.trial(model, recipe="reference", beta=0.5, adversary_weight=2.0, gamma=3.0)
    cohort = cohorts.ensemble([trial], irish_folk)
    program, hp = cohort.program, jax.tree.map(jnp.asarray, cohort.members[0])
    params = program.initial_params(5)
    measures, midi = cohorts.first_measures(irish_folk, N), irish_folk.vocabulary.midi
    scores = jax.jit(partial(score, program))(params, hp, blocks(measures), midi)
    codes, stds = jax.jit(partial(encode_split, program))(params, blocks(measures)[0])

    tokens = np.asarray(measures.tokens, np.int32)
    apply = jax.jit(partial(program.networks["vae"].apply, {"params": params["vae"]}), static_argnames="method")
    mean, log_std = apply(tokens, method="encode")
    logits = apply(mean, hp.conditions(jnp.asarray(measures.attributes)), method="decode")
    log_p = np.asarray(jax.nn.log_softmax(logits), np.float64)
    right = log_p.argmax(-1) == tokens
    onsets = midi[tokens] >= 0
    kl = 0.5 * (np.square(mean) + np.exp(2 * np.asarray(log_std)) - 1 - 2 * np.asarray(log_std)).sum(-1).mean()
    expected = {
        "cross_entropy": -np.take_along_axis(log_p, tokens[..., None], -1).mean(),
        "kl": kl,
        "reconstruction_accuracy": right.mean(),
        "measure_accuracy": right.all(-1).mean(),
        "onset_accuracy": right[onsets].mean(),
    }
    for name, value in expected.items():
        np.testing.assert_allclose(scores[name], value, rtol=1e-4, atol=1e-6, err_msg=name)
    if model == "measure_vae":
        total = expected["cross_entropy"] + 0.5 * kl + 3.0 * scores["regularisation"]
    else:  # the reference recipe averages the KL over the 8 dimensions
        total = expected["cross_entropy"] + 0.5 * kl / 8 + 2.0 * scores["adversary"]
    np.testing.assert_allclose(scores["loss"], total, rtol=1e-4)
    np.testing.assert_allclose(codes[:N], mean, atol=1e-5)
    np.testing.assert_allclose(stds[:N], np.exp(log_std), rtol=1e-4)
