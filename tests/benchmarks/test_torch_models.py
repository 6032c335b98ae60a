"""The PyTorch networks that our speed is compared with are the reference networks: outputs, losses, optimiser steps."""

import dataclasses
import re

import numpy as np
import pytest

from tests.helpers import reference
from vaemusic_jax.config.models import MODELS

torch = pytest.importorskip("torch")

from benchmarks import torch_training  # noqa: E402
from benchmarks.torch_models import AdversarialVAE, Classifier, MeasureVAE  # noqa: E402

TOLERANCE = 1e-5
GRU_TENSORS = {"w_ih": "weight_ih", "w_hh": "weight_hh", "b_ih": "bias_ih", "b_hh": "bias_hh"}


def arrays_of(parity, name):
    with np.load(parity / f"{name}.npz") as file:
        return dict(file)


def state_of(arrays, prefix, module):
    """The stored arrays of a network under torch's names for them."""
    names = [name.removeprefix(prefix + "/") for name in arrays if name.startswith(prefix + "/")]
    return {
        theirs: torch.as_tensor(arrays[f"{prefix}/{name}"])
        for name in names
        for theirs in [torch_name(name)]
        if theirs in module.state_dict() or pytest.fail(f"{name} is {theirs}, which the network has not")
    }


def torch_name(name):
    *path, leaf = name.split("/")
    if leaf in GRU_TENSORS:
        *path, layer = path
        if cell := re.fullmatch(r"cell(\d)", layer):
            return ".".join([*path, f"cell{cell[1]}", GRU_TENSORS[leaf]])
        number = layer[1] if layer.startswith("l") else "0"  # l0, l1_bwd; fwd, bwd
        reverse = "_reverse" if layer.endswith("bwd") else ""
        return ".".join([*path, f"{GRU_TENSORS[leaf]}_l{number}{reverse}"])
    if leaf in ("w", "b"):
        *path, layer = path
        if head := re.fullmatch(r"(mean|log_std)_fc([12])", layer):
            layer = f"{head[1]}.{2 * (int(head[2]) - 1)}"
        return ".".join([*path, layer, {"w": "weight", "b": "bias"}[leaf]])
    return ".".join([*path, leaf, "weight"] if leaf == "embedding" else [*path, leaf])


def whole_names(state):
    """A decoder of cells as one of `nn.GRU`s."""
    return {re.sub(r"cell(\d)\.(\w+)", r"gru\1.\2_l0", name): value for name, value in state.items()}


def close(what, ours, stored):
    assert reference.error(ours.detach(), stored) <= TOLERANCE, what


def measure_vae(arrays, prefix, whole):
    vae = MeasureVAE(
        int(arrays["vocab_size"]),
        arrays[f"{prefix}/encoder/gru/l0_fwd/w_hh"].shape[1],
        arrays[f"{prefix}/encoder/mean_fc2/b"].shape[0],
        relu_logits=True,
        decoder_hidden_size=arrays[f"{prefix}/decoder/out/w"].shape[1],
        whole=whole,
    )
    vae.load_state_dict(state_of(arrays, prefix, vae))
    return vae


def adversarial_vae(arrays, prefix, whole):
    hidden, latent_dim = arrays[f"{prefix}/vae/decoder/z_to_h0/w"].shape
    n_attributes = arrays["attributes"].shape[-1]
    vae = AdversarialVAE(int(arrays["vocab_size"]), hidden, latent_dim, n_attributes)
    state = state_of(arrays, f"{prefix}/vae", vae)
    if whole:
        vae = AdversarialVAE(int(arrays["vocab_size"]), hidden, latent_dim, n_attributes, whole=True)
        state = whole_names(state)
    vae.load_state_dict(state)
    classifier = Classifier(latent_dim, n_attributes)
    classifier.load_state_dict(state_of(arrays, f"{prefix}/cls", classifier))
    return vae, classifier


@pytest.mark.parametrize("whole", [False, True])
@pytest.mark.parametrize("size", ["s0", "s1"])
def test_measure_vae_outputs(parity, size, whole):
    arrays = arrays_of(parity, f"measure_vae_forward_{size}")
    vae, tokens = measure_vae(arrays, "param", whole), torch.as_tensor(arrays["tokens"]).long()
    mean, log_std, z = torch_training.sample(vae.encoder, tokens, torch.as_tensor(arrays["eps"]))
    close("mean", mean, arrays["mean"])
    close("log_std", log_std, arrays["log_std"])
    close("z", z, arrays["z"])
    close("logits_teacher", vae.decoder(z, tokens), arrays["logits_teacher"])
    close("logits_free", vae.decoder(z, None), arrays["logits_free"])


@pytest.mark.parametrize("whole", [False, True])
@pytest.mark.parametrize("size", ["s0", "s1"])
def test_measure_vae_steps(parity, size, whole):
    arrays = arrays_of(parity, f"measure_vae_adam_{size}")
    vae = measure_vae(arrays, "param_before", whole)
    recipe = dataclasses.replace(MODELS["measure_vae"].recipes["reference"], feeding="teacher")
    weights = torch_training.Weights(float(arrays["lr"]), beta=0.001, gamma=1.0, delta=10.0)
    training = torch_training.MeasureVAETraining(vae, recipe, weights, steps=3)
    for i in range(3):
        tokens, attributes, eps = (torch.as_tensor(arrays[name][i]) for name in ("tokens", "attributes", "eps"))
        metrics = training.step(torch_training.Batch(tokens.long(), attributes, attributes), eps)
        names = {"cross_entropy": "cross_entropy", "kl": "kl", "regularisation": "reg_loss", "loss": "total"}
        for ours, theirs in (names | {"accuracy": "accuracy"}).items():
            close(f"step {i} {theirs}", metrics[ours], arrays[f"steps/{theirs}"][i])
    for name, stored in state_of(arrays, "param_after", vae).items():
        close(name, vae.state_dict()[name], stored)


@pytest.mark.parametrize("whole", [False, True])
def test_adversarial_vae_outputs(parity, whole):
    arrays = arrays_of(parity, "adversarial_vae_forward_loss")
    vae, classifier = adversarial_vae(arrays, "param", whole)
    tokens, conditions = torch.as_tensor(arrays["tokens"]).long(), torch.as_tensor(arrays["attributes"])
    z = torch_training.sample(vae.encoder, tokens, torch.as_tensor(arrays["eps"]))[2]
    close("z", z, arrays["z"])
    close("cls_prob", classifier(z).sigmoid(), arrays["cls_prob"])
    paths = {"train": [True] * 24} if whole else {"train": [True] * 24, "free": [False] * 24}
    if not whole:
        paths["mixed"] = arrays["mixed/teacher"].tolist()
    for path, teacher in paths.items():
        close(path, vae.decoder(z, conditions, tokens, teacher).log_softmax(-1), arrays[f"{path}/logp"])
    for i, probability in zip(arrays["schedule/iteration"], arrays["schedule/prob"], strict=True):
        assert torch_training.teacher_probability(int(i)) == pytest.approx(float(probability), rel=TOLERANCE)


@pytest.mark.parametrize("whole", [False, True])
def test_adversarial_vae_steps(parity, whole):
    arrays = arrays_of(parity, "adversarial_vae_steps")
    vae, classifier = adversarial_vae(arrays, "param_before", whole)
    recipe = MODELS["adversarial_vae"].recipes["reference"]
    recipe = dataclasses.replace(recipe, feeding="teacher")
    weights = torch_training.Weights(
        float(arrays["lr"]), beta=float(arrays["lambda_kl"]), adversary=float(arrays["lambda_d"])
    )
    training = torch_training.AdversarialVAETraining(vae, classifier, recipe, weights, steps=3)
    for i in range(3):
        tokens, attributes, classes, eps_classifier, eps = (
            torch.as_tensor(arrays[name][i])
            for name in ("tokens", "attributes", "class_labels", "eps_classifier_step", "eps_vae_step")
        )
        batch = torch_training.Batch(tokens.long(), attributes, classes.long())
        metrics = training.step(batch, eps_classifier, eps)
        names = {
            "classifier_loss": "classifier_loss",
            "adversary": "generator_loss",
            "cross_entropy": "recon_nll",
            "kl": "kl_mean",
            "loss": "total",
            "accuracy": "accuracy",
            "classifier_gradient_norm": "classifier_grad_norm",
            "gradient_norm": "vae_grad_norm",
        }
        for ours, theirs in names.items():
            close(f"step {i} {theirs}", metrics[ours], arrays[f"steps_plain/{theirs}"][i])
    after = state_of(arrays, "param_after_plain/vae", adversarial_vae(arrays, "param_before", False)[0])
    for name, stored in (whole_names(after) if whole else after).items():
        close(name, vae.state_dict()[name], stored)
    for name, stored in state_of(arrays, "param_after_plain/cls", classifier).items():
        close(name, classifier.state_dict()[name], stored)


@pytest.mark.parametrize("model", ["measure_vae", "adversarial_vae"])
def test_operations_of_the_floor_are_those_that_pytorch_counts(model):
    """PyTorch also multiplies one-hot and embedded tokens and what is the same at several ticks, hence some more."""
    from torch.utils.flop_counter import FlopCounterMode

    from benchmarks import members
    from benchmarks.torch_side import TorchTraining
    from vaemusic_jax.models.program import program_of
    from vaemusic_jax.training.estimate import step_operations

    trial = members.trial(model, hidden_size=256, latent_dim=128, batch_size=4)
    theirs = TorchTraining(trial, members.random_measures(), whole=True)
    with FlopCounterMode(display=False) as counter:
        theirs.run(1)
    assert 1.0 < counter.get_total_flops() / step_operations(program_of((trial,), members.VOCAB_SIZE)) < 1.25
