"""PyTorch training with the sizes, recipe, loss weights and data of one of our trials."""

import time
from typing import Any

import numpy as np
import torch

from benchmarks import torch_training
from benchmarks.floor import QUEUED, REPEATS
from benchmarks.members import VOCAB_SIZE
from benchmarks.torch_models import AdversarialVAE, Classifier, MeasureVAE
from vaemusic_jax.config.models import MODELS, PrecisionName
from vaemusic_jax.config.trial import Trial
from vaemusic_jax.data.blocks import Measures
from vaemusic_jax.models.member import Conditioning


def device() -> torch.device:
    """Returns the GPU if there is one, else the CPU."""
    return torch.device("cuda" if torch.cuda.is_available() else "cpu")


def synchronise() -> None:
    """Waits until a GPU has finished its work."""
    if torch.cuda.is_available():
        torch.cuda.synchronize()


def set_precision(precision: PrecisionName) -> None:
    """Sets the precision of inputs of float32 matmuls, also in cuDNN's GRUs; steps ask for bfloat16 themselves."""
    torch.set_float32_matmul_precision("highest" if precision == "float32" else "high")
    torch.backends.cudnn.allow_tf32 = precision != "float32"


def description() -> dict[str, Any]:
    """Returns the facts about PyTorch for a table's header."""
    return {"torch_device": device().type, "torch_threads": torch.get_num_threads()}


def torch_matmul_rate(precision: PrecisionName) -> float:
    """Measures the floating point operations per second that PyTorch reaches in large matmuls, the best of several."""
    set_precision(precision)
    size, best = 1536 if device().type == "cpu" else 8192, 0.0
    dtype = torch.bfloat16 if precision == "bfloat16" else torch.float32
    matrix = torch.randn((size, size), device=device()).to(dtype)
    matrix @ matrix
    for _ in range(2 * REPEATS):
        synchronise()
        started = time.perf_counter()
        for _ in range(QUEUED):
            matrix @ matrix
        synchronise()
        best = max(best, QUEUED * 2 * size**3 / (time.perf_counter() - started))
    return best


class TorchTraining:
    """A trial in training on random batches of measures, which lie on the device as in our training."""

    def __init__(self, trial: Trial, measures: Measures, whole: bool) -> None:
        set_precision(trial.precision)
        self.device, self.half, self.batch_size = device(), trial.precision == "bfloat16", trial.batch_size
        recipe, sizes = MODELS[trial.model].recipes[trial.recipe], (VOCAB_SIZE, trial.hidden_size, trial.latent_dim)
        weights = torch_training.Weights(
            trial.learning_rate, trial.beta, trial.gamma, trial.delta, trial.adversary_weight
        )
        attributes = torch.as_tensor(measures.attributes, device=self.device)
        tokens = torch.as_tensor(measures.tokens, device=self.device).long()
        self.training: torch_training.MeasureVAETraining | torch_training.AdversarialVAETraining
        if trial.model == "measure_vae":
            measure_vae = MeasureVAE(*sizes, recipe.dropout, recipe.relu_logits, whole=whole).to(self.device)
            self.training = torch_training.MeasureVAETraining(measure_vae, recipe, weights, trial.steps)
            self.data = torch_training.Batch(tokens, attributes, attributes)
        else:
            n_attributes = len(trial.attributes)
            vae = AdversarialVAE(*sizes, n_attributes, recipe.own_start_symbol, whole).to(self.device)
            classifier = Classifier(trial.latent_dim, n_attributes).to(self.device)
            self.training = torch_training.AdversarialVAETraining(vae, classifier, recipe, weights, trial.steps)
            told = Conditioning.from_training(np.asarray(measures.attributes))
            edges = torch.as_tensor(told.class_edges, device=self.device)
            classes = (attributes.unsqueeze(-1) > edges).sum(-1)
            conditions = (attributes - attributes.mean(0)) / attributes.std(0)
            self.data = torch_training.Batch(tokens, conditions, classes)
        self.order = self.shuffled()

    def compile(self) -> None:
        """Has PyTorch compile the losses; optimisers are fused as they are."""
        own: Any = self.training
        for name in ("loss", "classifier_loss"):
            if hasattr(own, name):
                setattr(own, name, torch.compile(getattr(own, name)))

    def shuffled(self) -> torch.Tensor:
        return torch.randperm(len(self.data.tokens), device=self.device)

    def run(self, steps: int) -> None:
        """Makes `steps` training steps."""
        for _ in range(steps):
            if len(self.order) < self.batch_size:
                self.order = self.shuffled()
            rows, self.order = self.order[: self.batch_size], self.order[self.batch_size :]
            with torch.autocast(self.device.type, torch.bfloat16, enabled=self.half):
                self.training.step(torch_training.Batch(*(part[rows] for part in self.data)))
        synchronise()


# Operators that compute nothing: they make another view of an array, or room for one.
VIEWS = {
    "aten::alias",
    "aten::as_strided",
    "aten::chunk",
    "aten::detach",
    "aten::empty",
    "aten::empty_like",
    "aten::empty_strided",
    "aten::expand",
    "aten::lift_fresh",
    "aten::narrow",
    "aten::permute",
    "aten::reshape",
    "aten::resize_",
    "aten::select",
    "aten::slice",
    "aten::split",
    "aten::squeeze",
    "aten::t",
    "aten::transpose",
    "aten::unbind",
    "aten::unsafe_split",
    "aten::unsqueeze",
    "aten::view",
    "aten::_unsafe_view",
}


def operators_dispatched(trial: Trial, measures: Measures) -> int:
    """Counts the operators of one training step that compute something, by PyTorch's own profiler.

    On a GPU each is a kernel at least, but for the layers of `nn.GRU`, which cuDNN runs in fewer.
    """
    training = TorchTraining(trial, measures, whole=False)
    training.run(2)
    with torch.profiler.profile(activities=[torch.profiler.ProfilerActivity.CPU]) as profile:
        training.run(1)
    operators = [event for event in profile.events() if event.name.startswith("aten::")]
    inner = [e for e in operators if not any(child.name.startswith("aten::") for child in e.cpu_children)]
    return sum(event.name not in VIEWS for event in inner)
