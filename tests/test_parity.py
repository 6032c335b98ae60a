"""Ours = reference: outputs, losses, gradients and optimiser steps of the original authors' networks, to 1e-5.

`pytest -s tests/test_parity.py` prints the worst relative error of each fixture.
"""

from typing import Any

import chex
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from tests import reference
from vaemusic_jax import losses
from vaemusic_jax.member import Batch, Conditioning, HyperParameters, Program
from vaemusic_jax.models.adversarial_vae import AdversarialVAE, Classifier
from vaemusic_jax.models.measure_vae import MeasureVAE
from vaemusic_jax.recipes import RECIPES
from vaemusic_jax.train import ADAM, Noise, TrainState, adam_update, classifier_losses, encode, update, vae_loss

TOLERANCE = 1e-5


def whole_loss(vae, classifier, program, batch, noise, hp):
    return vae_loss(vae, encode(program, vae, batch, noise), classifier, program, batch, noise, hp)


loss_and_gradient = jax.jit(jax.value_and_grad(whole_loss, has_aux=True), static_argnums=2)
jitted_update = jax.jit(update, static_argnums=0)


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


def hyper_parameters(n_latent, n_attributes, **numbers):
    defaults = {"learning_rate": 1e-4, "beta": 0.001, "gamma": 1.0, "delta": 10.0, "adversary_weight": 0.1}
    values = {name: jnp.float32(value) for name, value in (defaults | numbers).items()}
    return HyperParameters(
        seed=jnp.uint32(0),
        latent_dim=jnp.int32(n_latent),
        attribute_index=jnp.arange(n_attributes),
        n_attributes=jnp.int32(n_attributes),
        n_train=jnp.int32(1),
        transpose=jnp.int32(0),
        conditioning=Conditioning(jnp.zeros(4), jnp.ones(4), jnp.zeros((4, 7))),
        **values,
    )


def measure_vae_of(arrays):
    param = reference.measure_vae(arrays, "param" if "eps" in arrays and arrays["eps"].ndim == 2 else "param_before")
    encoder_hidden = param["encoder"]["l0_fwd"]["w_hh"].shape[0]
    decoder_hidden = param["decoder"]["tick_l0"]["w_hh"].shape[0]
    latent_dim = param["encoder"]["mean_fc2"]["b"].shape[0]
    model = MeasureVAE(
        int(arrays["vocab_size"]), encoder_hidden, latent_dim, relu_logits=True, decoder_hidden_size=decoder_hidden
    )
    return model, param


class ReferenceProgram(Program):
    """A Program whose encoder and decoder differ in width, as the fixtures' do."""

    network: MeasureVAE

    def vae(self):
        return self.network


def measure_vae_program(arrays, batch_size, n_attributes=4):
    model, param = measure_vae_of(arrays)
    program = ReferenceProgram(
        "measure_vae",
        RECIPES["measure_vae", "reference"],
        model.vocab_size,
        model.hidden_size,
        model.latent_dim,
        n_attributes,
        batch_size,
        steps=3,
    )
    object.__setattr__(program, "network", model)
    return program, param


def measure_vae_batch(tokens, attributes):
    """MeasureVAE looks at neither conditions nor classes."""
    return Batch(tokens, attributes, attributes, attributes)


@pytest.mark.parametrize("size", ["s0", "s1"])
def test_measure_vae_forward(parity, size):
    arrays = as_arrays(parity, f"measure_vae_forward_{size}")
    model, param = measure_vae_of(arrays)
    apply = jax.jit(model.apply, static_argnames="method")
    worst, tokens = Worst(f"measure_vae_forward_{size}"), jnp.asarray(arrays["tokens"])
    mean, log_std = apply({"params": param}, tokens, method="encode")
    z = mean + jnp.exp(log_std) * arrays["eps"]
    for name, ours in {"mean": mean, "log_std": log_std, "std": jnp.exp(log_std), "z": z}.items():
        worst.check(name, ours, arrays[name])
    teacher = apply({"params": param}, z, None, tokens, method="decode")
    forced = apply({"params": param}, z, None, tokens, jnp.ones(24, bool), method="decode")
    free = apply({"params": param}, z, method="decode")
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
    program, param = measure_vae_program(arrays, len(tokens))
    noise = Noise(jnp.asarray(arrays["eps"]), jnp.asarray(arrays["eps"]), None, None)
    (total, _), _ = loss_and_gradient(
        param, None, program, measure_vae_batch(tokens, attributes), noise, hyper_parameters(n_latent, 4, gamma=0.0)
    )
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
        program, _ = measure_vae_program(arrays, len(tokens), n_attributes)
        batch = measure_vae_batch(tokens, attributes[:, columns])
        noise = Noise(jnp.asarray(arrays["eps"][:, order]), jnp.asarray(arrays["eps"]), None, None)
        hp = hyper_parameters(n_latent, n_attributes)
        (total, metrics), grads = loss_and_gradient(reorder_latent(param, order), None, program, batch, noise, hp)
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
    program, param = measure_vae_program(arrays, arrays["tokens"].shape[1])
    hp = hyper_parameters(program.latent_dim, 4, learning_rate=arrays["lr"])
    state = TrainState(jnp.int32(0), {"vae": param}, {"vae": ADAM.init(param)})
    for i in range(3):
        batch = measure_vae_batch(jnp.asarray(arrays["tokens"][i]), jnp.asarray(arrays["attributes"][i]))
        noise = Noise(jnp.asarray(arrays["eps"][i]), jnp.asarray(arrays["eps"][i]), None, None)
        state, metrics = jitted_update(program, state, batch, noise, hp)
        names = {"cross_entropy": "cross_entropy", "kl": "kl", "regularisation": "reg_loss", "loss": "total"}
        for ours, theirs in (names | {"reconstruction_accuracy": "accuracy"}).items():
            worst.check(f"step {i} {theirs}", metrics[ours], arrays[f"steps/{theirs}"][i])
    worst.check_tree("param_after", state.params["vae"], reference.measure_vae(arrays, "param_after"))
    worst.report()


def adversarial_parts(arrays, prefix):
    latent_dim = arrays[f"{prefix}/cls/fc1/w"].shape[1]
    param = reference.adversarial_vae(arrays, prefix, latent_dim)
    hidden = param["vae"]["encoder"]["fwd"]["w_hh"].shape[0]
    n_attributes = arrays["attributes"].shape[-1]
    model = AdversarialVAE(int(arrays["vocab_size"]), hidden, latent_dim, n_attributes, own_start_symbol=False)
    return model, param


def adversarial_program(model, batch_size, ordinal):
    recipe = RECIPES["adversarial_vae", "reference"]
    recipe = type(recipe)(**{**vars(recipe), "ordinal_classes": ordinal})
    return Program(
        "adversarial_vae",
        recipe,
        model.vocab_size,
        model.hidden_size,
        model.latent_dim,
        model.n_attributes,
        batch_size,
        steps=3,
    )


def test_adversarial_vae_forward(parity):
    arrays = as_arrays(parity, "adversarial_vae_forward_loss")
    worst = Worst("adversarial_vae_forward_loss (forward)")
    model, param = adversarial_parts(arrays, "param")
    apply = jax.jit(model.apply, static_argnames="method")
    assert int(arrays["start_index"]) == model.vocab_size - 1
    tokens, conditions = jnp.asarray(arrays["tokens"]), jnp.asarray(arrays["attributes"])
    variables = {"params": param["vae"]}
    mean, log_std = apply(variables, tokens, method="encode")
    z = mean + jnp.exp(log_std) * arrays["eps"]
    for name, ours in {"mean": mean, "log_std": log_std, "std": jnp.exp(log_std), "z": z}.items():
        worst.check(name, ours, arrays[name])
    mixed = jnp.asarray(arrays["mixed/teacher"])
    assert mixed.any()
    assert not mixed.all()
    paths: dict[str, list[tuple[Any, Any]]] = {
        "train": [(tokens, None), (tokens, jnp.ones(24, bool))],
        "free": [(None, None), (tokens, jnp.zeros(24, bool))],
        "mixed": [(tokens, mixed)],
    }
    for path, ways in paths.items():
        for fed, teacher in ways:
            logits = apply(variables, z, conditions, fed, teacher, method="decode")
            worst.check(f"{path}/logp", jax.nn.log_softmax(logits), arrays[f"{path}/logp"])
            np.testing.assert_array_equal(jnp.argmax(logits, -1), arrays[f"{path}/argmax"])
            nll = losses.cross_entropy(logits, tokens).mean()
            worst.check(f"{path}/recon_nll", nll, arrays[f"{path}/recon_nll"])
    classifier = Classifier(model.latent_dim, model.n_attributes)
    logits = classifier.apply({"params": param["classifier"]}, z)
    worst.check("cls_prob", jax.nn.sigmoid(logits), arrays["cls_prob"])
    for i, probability in zip(arrays["schedule/iteration"], arrays["schedule/prob"], strict=True):
        worst.check("schedule", losses.teacher_probability(jnp.float32(i)), probability)
    worst.report()


@pytest.mark.parametrize("labels", ["plain", "ordinal"])
def test_adversarial_vae_losses_and_gradients(parity, labels):
    arrays = as_arrays(parity, "adversarial_vae_forward_loss")
    worst = Worst(f"adversarial_vae_forward_loss ({labels})")
    model, param = adversarial_parts(arrays, "param")
    program = adversarial_program(model, len(arrays["tokens"]), labels == "ordinal")
    conditions, classes = jnp.asarray(arrays["attributes"]), jnp.asarray(arrays["class_labels"])
    batch = Batch(jnp.asarray(arrays["tokens"]), conditions, conditions, classes)
    eps = jnp.asarray(arrays["eps"])
    hp = hyper_parameters(
        model.latent_dim, model.n_attributes, beta=arrays["lambda_kl"], adversary_weight=arrays["lambda_d"]
    )
    (total, metrics), grads = loss_and_gradient(
        param["vae"], param["classifier"], program, batch, Noise(eps, eps, None, None), hp
    )
    worst.check("total", total, arrays[f"total_{labels}"])
    worst.check("gen_loss", metrics["adversary"], arrays[f"gen_loss_{labels}"])
    worst.check("kl_mean", metrics["kl"] / model.latent_dim, arrays["kl_mean"])
    worst.check("recon_nll", metrics["cross_entropy"], arrays["train/recon_nll"])
    worst.check("accuracy", metrics["reconstruction_accuracy"], arrays["train/accuracy"])
    stored = reference.adversarial_vae(arrays, f"grad_{labels}", model.latent_dim)
    worst.check_tree("grad/vae", grads, stored["vae"])
    z = jnp.asarray(arrays["z"])
    loss, grads = jax.jit(jax.value_and_grad(lambda p: classifier_losses(p, program, z, batch, hp)[0]))(
        param["classifier"]
    )
    worst.check("cls_loss", loss, arrays[f"cls_loss_{labels}"])
    worst.check_tree("grad/cls", grads, stored["classifier"])
    worst.report()


@pytest.mark.parametrize("labels", ["plain", "ordinal"])
def test_adversarial_vae_three_alternating_steps(parity, labels):
    arrays = as_arrays(parity, "adversarial_vae_steps")
    worst = Worst(f"adversarial_vae_steps ({labels})")
    model, param = adversarial_parts(arrays, "param_before")
    program = adversarial_program(model, arrays["tokens"].shape[1], labels == "ordinal")
    assert program.recipe.clip_norm == float(arrays["clip_norm"])
    hp = hyper_parameters(
        model.latent_dim,
        model.n_attributes,
        beta=arrays["lambda_kl"],
        adversary_weight=arrays["lambda_d"],
        learning_rate=arrays["lr"],
    )
    state = TrainState(jnp.int32(0), param, {name: ADAM.init(tree) for name, tree in param.items()})
    for i in range(3):
        tokens, conditions, classes = (
            jnp.asarray(arrays[name][i]) for name in ("tokens", "attributes", "class_labels")
        )
        noise = Noise(jnp.asarray(arrays["eps_vae_step"][i]), jnp.asarray(arrays["eps_classifier_step"][i]), None, None)
        state, metrics = jitted_update(program, state, Batch(tokens, conditions, conditions, classes), noise, hp)
        metrics["kl"] = metrics["kl"] / model.latent_dim
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
            worst.check(f"step {i} {theirs}", metrics[ours], arrays[f"steps_{labels}/{theirs}"][i])
    stored = reference.adversarial_vae(arrays, f"param_after_{labels}", model.latent_dim)
    worst.check_tree("param_after", state.params, stored)
    worst.report()


def test_clipping_scales_the_whole_network_at_once():
    program = adversarial_program(AdversarialVAE(3, 2, 2, 1, False), 1, False)
    grads = {"a": jnp.array([3.0, 0.0]), "b": jnp.array([[4.0]])}
    params = jax.tree.map(jnp.zeros_like, grads)
    _, optimiser, norm = adam_update(program, params, grads, ADAM.init(params), jnp.float32(0.1))
    assert float(norm) == 5.0
    # first moment = 0.1 * clipped gradient, and 3 / 5 = 0.6
    np.testing.assert_allclose(optimiser.mu["a"][0], 0.06, rtol=1e-5)
