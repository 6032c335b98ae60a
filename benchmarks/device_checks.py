"""Whether a device computes what it should: the reference's numbers, the same bits again, runs that change device."""

import tempfile
from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from benchmarks import members
from benchmarks.device_case import Case, Setting, Value
from vaemusic_jax.config.models import defaults
from vaemusic_jax.config.trial import Trial, unused_by
from vaemusic_jax.data.blocks import measures_of
from vaemusic_jax.models.member import trained_on
from vaemusic_jax.models.program import program_of
from vaemusic_jax.music.attributes import ATTRIBUTES
from vaemusic_jax.runs.checkpoint import CheckpointStore, Owner
from vaemusic_jax.training.cohort import Ensemble

FIXTURES = Path(__file__).parents[1] / "tests" / "fixtures" / "parity"
THIRD = 20  # steps of each of the three parts of a run that changes devices
MODELS: tuple[members.Model, ...] = ("measure_vae", "adversarial_vae")


def cases() -> Iterator[Case]:
    """Yields the checks, the quickest first."""
    yield Case("parity", 60, parity)
    for model in MODELS:
        yield Case(f"determinism, {model}", 150, partial(determinism, model=model))
    for model in MODELS:
        yield Case(f"resume, {model}", 100, partial(resume, model=model))


def fixture(name: str) -> dict[str, np.ndarray]:
    """Returns the arrays of a fixture of parity."""
    with np.load(FIXTURES / f"{name}.npz") as file:
        return dict(file)


def parity(_: Setting) -> Iterator[Value]:
    """Compares networks and training steps with the reference's numbers, as this device runs them, in float32."""
    from tests.helpers import reference, reference_calls  # here, so that another package of that name costs no more

    here = jax.default_backend()
    for size in ("s0", "s1"):
        arrays = fixture(f"measure_vae_forward_{size}")
        program, params = reference_calls.measure_vae(arrays, "param")
        program = replace(program, platform=here)
        mean, log_std = reference_calls.encode(program, params, jnp.asarray(arrays["tokens"]))
        logits = reference_calls.decode(program, params, arrays["z"], None, jnp.asarray(arrays["tokens"]))
        found = {"mean": mean, "log_std": log_std, "logits_teacher": logits}
        yield worst(f"MeasureVAE, forward, {size}", [(found[name], arrays[name]) for name in found])
        arrays = fixture(f"measure_vae_adam_{size}")
        program, params = reference_calls.measure_vae(arrays, "param_before")
        program, state = replace(program, platform=here), reference_calls.start(params)
        hp = reference_calls.hyper_parameters(program, learning_rate=arrays["lr"])
        for i in range(reference_calls.N_STEPS):
            batch = reference_calls.batch_of(arrays["tokens"][i], arrays["attributes"][i])
            noise = reference_calls.noise_of(arrays["eps"][i])
            state, _ = reference_calls.step(program, state, batch, noise, hp)
        stored = reference.measure_vae(arrays, "param_after")
        yield worst(f"MeasureVAE, three steps, {size}", leaves(state.params["vae"], stored))
    arrays = fixture("adversarial_vae_forward_loss")
    program, params = reference_calls.adversarial_vae(arrays, "param")
    program, tokens = replace(program, platform=here), jnp.asarray(arrays["tokens"])
    logits = reference_calls.decode(program, params, arrays["z"], jnp.asarray(arrays["attributes"]), tokens)
    yield worst("AdversarialVAE, forward", [(jax.nn.log_softmax(logits), arrays["train/logp"])])
    arrays = fixture("adversarial_vae_steps")
    program, params = reference_calls.adversarial_vae(arrays, "param_before")
    program, state = replace(program, platform=here), reference_calls.start(params)
    weights = {"beta": arrays["lambda_kl"], "adversary_weight": arrays["lambda_d"], "learning_rate": arrays["lr"]}
    hp = reference_calls.hyper_parameters(program, **weights)
    for i in range(reference_calls.N_STEPS):
        batch = reference_calls.batch_of(*(arrays[name][i] for name in ("tokens", "attributes", "class_labels")))
        noise = reference_calls.noise_of(arrays["eps_vae_step"][i], arrays["eps_classifier_step"][i])
        state, _ = reference_calls.step(program, state, batch, noise, hp)
    stored = reference.adversarial_vae(arrays, "param_after_plain", program.latent_dim)
    yield worst("AdversarialVAE, three steps", leaves(state.params, stored))


def leaves(ours: Any, stored: Any) -> list[tuple[Any, Any]]:
    """Returns the arrays of two trees in pairs."""
    return list(zip(jax.tree.leaves(ours), jax.tree.leaves(stored), strict=True))


def worst(what: str, pairs: list[tuple[Any, Any]]) -> Value:
    """Returns the largest error of ours against the reference's over pairs of arrays."""
    from tests.helpers import reference

    return Value(what, max(reference.error(ours, stored) for ours, stored in pairs), "worst relative error")


def determinism(setting: Setting, model: members.Model) -> Iterator[Value]:
    """Trains a cohort twice, each time compiled anew, and counts the arrays that are not the same bit for bit."""
    own = [members.trial(model, setting.hidden_size, setting.latent_dim, setting.batch_size, seed) for seed in range(7)]
    ends = []
    for _ in range(2):
        jax.clear_caches()
        cohort = members.Cohort(tuple(own), members.random_measures())
        cohort.run(100)
        ends.append(cohort.ensemble.to_host(cohort.state))
    yield different("two runs of 100 steps, 7 members, each compiled anew", *ends)


def different(what: str, first: Any, second: Any) -> Value:
    """Counts arrays of two trees that differ in a bit."""
    pairs = leaves(first, second)
    n = sum(np.asarray(one).tobytes() != np.asarray(other).tobytes() for one, other in pairs)
    return Value(what, n, f"of {len(pairs)} arrays differ")


def resume(setting: Setting, model: str) -> Iterator[Value]:
    """Carries a run from the CPU to the device and back by checkpoints; beside it, what one device makes alone."""
    here = jax.default_backend()
    owner = Owner(trials(setting, model), setting.dataset.vocabulary, setting.dataset.digest)
    on = {platform: ensemble(setting, owner, platform) for platform in dict.fromkeys(("cpu", here))}
    alone = {platform: trained(owner, [own]) for platform, own in on.items()}
    yield different(f"{here} with checkpoints, and without", alone[here], trained(owner, [on[here]] * 3))
    yield apart(f"{here} from the first step to the last, and the CPU", alone[here], alone["cpu"])
    back = trained(owner, [on["cpu"], on[here], on["cpu"]])
    yield apart(f"the CPU, {here} and the CPU again, and the CPU", back, alone["cpu"])


def trials(setting: Setting, model: str) -> tuple[Trial, ...]:
    """Returns two trials of different sizes on the data set."""
    values = defaults(model, "fast", setting.hidden_size) | unused_by(model) | {"batch_size": setting.batch_size}
    return tuple(
        Trial(
            dataset=setting.dataset.name,
            model=model,
            recipe="fast",
            hidden_size=setting.hidden_size,
            attributes=tuple(ATTRIBUTES),
            latent_dim=latent_dim,
            data_fraction=1.0,
            transpose=0,
            steps=3 * THIRD,
            seed=0,
            **values,
        )
        for latent_dim in (4, setting.latent_dim)
    )


def ensemble(setting: Setting, owner: Owner, platform: str) -> Ensemble:
    """Returns the members of a run on the devices of one platform."""
    measures, vocabulary = measures_of(setting.dataset.train), owner.vocabulary
    program = program_of(owner.trials, len(vocabulary), vocabulary.midi, vocabulary.metre, platform)
    attributes = np.asarray(measures.attributes)
    members = [trained_on(trial, program.n_attributes, attributes) for trial in owner.trials]
    return Ensemble(program, members, measures, jax.local_devices(backend=platform))


def trained(owner: Owner, parts: list[Ensemble]) -> Any:
    """Trains on one after the other, with a checkpoint on the disk after each, and returns the weights."""
    steps, arrays = 3 * THIRD // len(parts), None
    with tempfile.TemporaryDirectory() as folder:
        for i, own in enumerate(parts):
            state = own.run(own.start() if arrays is None else own.from_host(arrays), steps)
            store = CheckpointStore(Path(folder) / str(i))
            store.save(steps * (i + 1), own.to_host(state), owner)
            arrays = store.arrays()
    return arrays["state"]["train"]["params"] if arrays else None


def apart(what: str, first: Any, second: Any) -> Value:
    """Returns the largest difference of two trees of weights."""
    distance = max(float(np.abs(np.asarray(one) - np.asarray(other)).max()) for one, other in leaves(first, second))
    return Value(what, distance, "largest difference of a weight")
