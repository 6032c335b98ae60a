"""Ours = reference: outputs, losses, gradients and optimiser steps of reference networks, to 1e-5.

The references are clean-room PyTorch networks, whose numbers are in `tests/fixtures/parity`, and, where their numbers
are at hand, the original authors' networks. `pytest -n 0 -s` prints the worst relative error of each fixture.
"""

from typing import Any

import chex
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from tests.helpers import reference
from tests.helpers import reference_calls as calls
from vaemusic_jax.config.models import MODELS
from vaemusic_jax.models import losses
from vaemusic_jax.models.program import Program
from vaemusic_jax.training.step import ADAM, adam_update

TOLERANCE = 1e-5


class Worst:
    """Collects the errors of one fixture; asserts each, remembers the largest."""

    def __init__(self, fixture):
        self.fixture, self.largest = fixture, 0.0

    def check(self, what, ours, stored):
        error = reference.error(ours, stored)
        assert error <= TOLERANCE, f"{self.fixture} {what}: relative error {error:.2e}"
        self.largest = max(self.largest, error)

    def check_tree(self, what, ours, stored):
        chex.assert_trees_all_equal_structs(ours, stored)
        paths = jax.tree_util.tree_flatten_with_path(stored)[0]
        for (path, theirs), mine in zip(paths, jax.tree.leaves(ours), strict=True):
            self.check(f"{what} {jax.tree_util.keystr(path)}", mine, theirs)

    def report(self):
        print(f"\n{self.fixture}: worst relative error {self.largest:.1e}")


def as_arrays(parity, name):
    with np.load(parity / f"{name}.npz") as file:
        return dict(file)


@pytest.mark.parametrize("size", ["s0", "s1"])
def test_measure_vae_forward(parity, size):
    arrays = as_arrays(parity, f"measure_vae_forward_{size}")
    program, params = calls.measure_vae(arrays, "param")
    worst, tokens = Worst(f"measure_vae_forward_{size}"), jnp.asarray(arrays["tokens"])
    mean, log_std = calls.encode(program, params, tokens)
    z = mean + jnp.exp(log_std) * arrays["eps"]
    for name, ours in {"mean": mean, "log_std": log_std, "std": jnp.exp(log_std), "z": z}.items():
        worst.check(name, ours, arrays[name])
    teacher = calls.decode(program, params, z, None, tokens)
    forced = calls.decode(program, params, z, None, tokens, jnp.ones(24, bool))
    free = calls.decode(program, params, z)
    worst.check("logits_teacher", teacher, arrays["logits_teacher"])
    worst.check("logits_teacher, tick by tick", forced, arrays["logits_teacher"])
    worst.check("logits_free", free, arrays["logits_free"])
    np.testing.assert_array_equal(jnp.argmax(teacher, -1), arrays["argmax_teacher"])
    np.testing.assert_array_equal(jnp.argmax(free, -1), arrays["samples_free"])
    assert (arrays["argmax_teacher"] != arrays["samples_free"]).any()
    worst.report()


@pytest.mark.parametrize("size", ["s0", "s1"])
def test_measure_vae_losses_and_gradients(parity, size):
    arrays = as_arrays(parity, f"measure_vae_loss_{size}")
    worst = Worst(f"measure_vae_loss_{size}")
    tokens, attributes = jnp.asarray(arrays["tokens"]), jnp.asarray(arrays["attributes"])
    n_latent = arrays["eps"].shape[1]
    logits = arrays["logits_teacher"]
    worst.check("cross_entropy", losses.cross_entropy(logits, tokens).mean(), arrays["cross_entropy"])
    kl = losses.kl_divergence(arrays["mean"], arrays["log_std"]).sum(-1).mean()
    worst.check("kl", kl, arrays["kl"])
    worst.check("accuracy", (logits.argmax(-1) == arrays["tokens"]).mean(), arrays["accuracy"])
    weight = jnp.ones(len(tokens))
    for delta, gamma, terms in zip(*(arrays[f"extra/reg_{name}"] for name in ("delta", "gamma", "terms")), strict=True):
        ours = gamma * losses.attribute_regularisation(jnp.asarray(arrays["z"][:, :4]), attributes, delta, weight)
        worst.check("reg_terms", ours, terms)
    program, params = calls.measure_vae(arrays, "param")
    hp = calls.hyper_parameters(program, gamma=0.0)
    total, _, _ = calls.loss_and_gradient(program, params, calls.batch_of(tokens, attributes), arrays["eps"], hp)
    worst.check("noreg/total", total, arrays["noreg/total"])
    for n_attributes in (1, 2, 4):
        name = f"reg{n_attributes}"
        columns, dims = arrays[f"{name}/attr_index"], arrays[f"{name}/latent_dim"]
        ours = losses.attribute_regularisation(
            jnp.asarray(arrays["z"][:, dims]), attributes[:, columns], jnp.float32(10.0), weight
        )
        worst.check(f"{name}/reg_loss", ours.sum(), arrays[f"{name}/reg_loss"])
        if f"{name}/grad/decoder/out/b" not in arrays:
            continue
        # Ours ties attribute k to dimension k: reorder the latent dimensions, and the stored gradients with them.
        order = np.concatenate([dims, np.setdiff1d(np.arange(n_latent), dims)])
        program, params = calls.measure_vae(arrays, "param", n_attributes)
        batch, hp = calls.batch_of(tokens, attributes[:, columns]), calls.hyper_parameters(program)
        params = {"vae": reorder_latent(params["vae"], order)}
        total, metrics, grads = calls.loss_and_gradient(program, params, batch, arrays["eps"][:, order], hp)
        worst.check(f"{name}/total", total, arrays[f"{name}/total"])
        worst.check(f"{name}/reg_loss", metrics["regularisation"], arrays[f"{name}/reg_loss"])
        worst.check_tree(f"{name}/grad", grads, reorder_latent(reference.measure_vae(arrays, f"{name}/grad"), order))
    worst.report()


def reorder_latent(param, order):
    param = jax.tree.map(lambda leaf: leaf, param)
    for head in ("mean_fc2", "log_std_fc2"):
        weights = param["encoder"][head]
        param["encoder"][head] = {"w": weights["w"][:, order], "b": weights["b"][order]}
    weights = param["decoder"]["z_to_beat_h0"]
    param["decoder"]["z_to_beat_h0"] = {"w": weights["w"][order], "b": weights["b"]}
    return param


@pytest.mark.parametrize("size", ["s0", "s1"])
def test_measure_vae_three_adam_steps(parity, size):
    arrays = as_arrays(parity, f"measure_vae_adam_{size}")
    worst = Worst(f"measure_vae_adam_{size}")
    program, params = calls.measure_vae(arrays, "param_before")
    hp, state = calls.hyper_parameters(program, learning_rate=arrays["lr"]), calls.start(params)
    for i in range(3):
        batch = calls.batch_of(arrays["tokens"][i], arrays["attributes"][i])
        state, metrics = calls.step(program, state, batch, calls.noise_of(arrays["eps"][i]), hp)
        names = {"cross_entropy": "cross_entropy", "kl": "kl", "regularisation": "reg_loss", "loss": "total"}
        for ours, theirs in (names | {"reconstruction_accuracy": "accuracy"}).items():
            worst.check(f"step {i} {theirs}", metrics[ours], arrays[f"steps/{theirs}"][i])
    worst.check_tree("param_after", state.params["vae"], reference.measure_vae(arrays, "param_after"))
    worst.report()


def test_adversarial_vae_forward(parity):
    arrays = as_arrays(parity, "adversarial_vae_forward_loss")
    worst = Worst("adversarial_vae_forward_loss (forward)")
    program, params = calls.adversarial_vae(arrays, "param")
    assert int(arrays["start_index"]) == program.vocab_size - 1
    tokens, conditions = jnp.asarray(arrays["tokens"]), jnp.asarray(arrays["attributes"])
    mean, log_std = calls.encode(program, params, tokens)
    z = mean + jnp.exp(log_std) * arrays["eps"]
    for name, ours in {"mean": mean, "log_std": log_std, "std": jnp.exp(log_std), "z": z}.items():
        worst.check(name, ours, arrays[name])
    mixed = jnp.asarray(arrays["mixed/teacher"])
    assert mixed.any()
    assert not mixed.all()
    paths: dict[str, list[tuple[Any, ...]]] = {
        "train": [(tokens,), (tokens, jnp.ones(24, bool))],
        "free": [(), (tokens, jnp.zeros(24, bool))],
        "mixed": [(tokens, mixed)],
    }
    for path, ways in paths.items():
        for fed in ways:
            logits = calls.decode(program, params, z, conditions, *fed)
            worst.check(f"{path}/logp", jax.nn.log_softmax(logits), arrays[f"{path}/logp"])
            np.testing.assert_array_equal(jnp.argmax(logits, -1), arrays[f"{path}/argmax"])
            nll = losses.cross_entropy(logits, tokens).mean()
            worst.check(f"{path}/recon_nll", nll, arrays[f"{path}/recon_nll"])
    worst.check("cls_prob", jax.nn.sigmoid(calls.classify(program, params, z)), arrays["cls_prob"])
    for i, probability in zip(arrays["schedule/iteration"], arrays["schedule/prob"], strict=True):
        worst.check("schedule", losses.teacher_probability(jnp.float32(i)), probability)
    worst.report()


def test_adversarial_vae_losses_and_gradients(parity):
    arrays = as_arrays(parity, "adversarial_vae_forward_loss")
    worst = Worst("adversarial_vae_forward_loss (losses)")
    program, params = calls.adversarial_vae(arrays, "param")
    batch = calls.batch_of(arrays["tokens"], arrays["attributes"], arrays["class_labels"])
    hp = calls.hyper_parameters(program, beta=arrays["lambda_kl"], adversary_weight=arrays["lambda_d"])
    total, metrics, grads = calls.loss_and_gradient(program, params, batch, arrays["eps"], hp)
    worst.check("total", total, arrays["total_plain"])
    worst.check("gen_loss", metrics["adversary"], arrays["gen_loss_plain"])
    worst.check("kl_mean", metrics["kl"] / program.latent_dim, arrays["kl_mean"])
    worst.check("recon_nll", metrics["cross_entropy"], arrays["train/recon_nll"])
    worst.check("accuracy", metrics["reconstruction_accuracy"], arrays["train/accuracy"])
    stored = reference.adversarial_vae(arrays, "grad_plain", program.latent_dim)
    worst.check_tree("grad/vae", grads, stored["vae"])
    loss, grads = calls.classifier_loss_and_gradient(program, params, jnp.asarray(arrays["z"]), batch, hp)
    worst.check("cls_loss", loss, arrays["cls_loss_plain"])
    worst.check_tree("grad/cls", grads, stored["classifier"])
    worst.report()


def test_adversarial_vae_three_alternating_steps(parity):
    arrays = as_arrays(parity, "adversarial_vae_steps")
    worst = Worst("adversarial_vae_steps")
    program, params = calls.adversarial_vae(arrays, "param_before")
    assert program.recipe.clip_norm == float(arrays["clip_norm"])
    weights = {"beta": arrays["lambda_kl"], "adversary_weight": arrays["lambda_d"], "learning_rate": arrays["lr"]}
    hp, state = calls.hyper_parameters(program, **weights), calls.start(params)
    for i in range(3):
        batch = calls.batch_of(*(arrays[name][i] for name in ("tokens", "attributes", "class_labels")))
        noise = calls.noise_of(arrays["eps_vae_step"][i], arrays["eps_classifier_step"][i])
        state, metrics = calls.step(program, state, batch, noise, hp)
        metrics["kl"] = metrics["kl"] / program.latent_dim
        names = {
            "classifier_loss": "classifier_loss",
            "adversary": "generator_loss",
            "cross_entropy": "recon_nll",
            "kl": "kl_mean",
            "loss": "total",
            "reconstruction_accuracy": "accuracy",
            "classifier_gradient_norm": "classifier_grad_norm",
            "gradient_norm": "vae_grad_norm",
        }
        for ours, theirs in names.items():
            worst.check(f"step {i} {theirs}", metrics[ours], arrays[f"steps_plain/{theirs}"][i])
    stored = reference.adversarial_vae(arrays, "param_after_plain", program.latent_dim)
    worst.check_tree("param_after", state.params, stored)
    worst.report()


def test_clipping_scales_the_whole_network_at_once():
    program = Program("adversarial_vae", MODELS["adversarial_vae"].recipes["reference"], 3, 2, 2, 1, 1, 3, "classifier")
    grads = {"a": jnp.array([3.0, 0.0]), "b": jnp.array([[4.0]])}
    params = jax.tree.map(jnp.zeros_like, grads)
    _, optimiser, norm = adam_update(program, params, grads, ADAM.init(params), jnp.float32(0.1))
    assert float(norm) == 5.0
    # first moment = 0.1 * clipped gradient, and 3 / 5 = 0.6
    np.testing.assert_allclose(optimiser.mu["a"][0], 0.06, rtol=1e-5)
