"""The methods paragraphs, made of the trials, their recipes and the data sets; every number in them is of the run."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

from vaemusic_jax.config.models import MODELS, Recipe
from vaemusic_jax.config.trial import NEW_WEIGHTS, Trial, hyper_parameter_fields, unused_by
from vaemusic_jax.music.attributes import ATTRIBUTES
from vaemusic_jax.report.latex import escape_latex
from vaemusic_jax.report.paper.words import cite, shown, values_of
from vaemusic_jax.report.weights import number_of_weights
from vaemusic_jax.support.words import count, listed

if TYPE_CHECKING:
    from vaemusic_jax.report.joined_runs import JoinedRuns

_MODEL_SOURCES = {"measure_vae": ("pati2019", "pati2021"), "adversarial_vae": ("kawai2020",)}
_FEEDING = {
    "teacher": "the true previous token in training",
    "coin_per_batch": "in training the true previous tokens or its own, by a coin for each batch",
    "scheduled": "in training the true previous token with a probability that falls with the steps",
}
# The phrases of hyper-parameters; further ones are called by their field.
_PHRASES = {
    "gamma": "the attribute regulariser has weight {}",
    "delta": "the steepness of the attribute regulariser is {}",
    "adversary_weight": "the adversary has weight {}",
    "discriminator": "the adversary is a {}",
    "steering_weight": "the term that makes decoded measures follow the controls has weight {}",
}
MOST_SETTINGS = 4  # of a model and recipe, that have a paragraph each
_NO_SETTING = ("dataset", "attributes", "latent_dim", "seed")
_SAID_APART = ("learning_rate", "beta")


def methods(runs: JoinedRuns) -> Iterator[str]:
    """Yields the paragraphs as LaTeX: music and attributes, training, each model and recipe, what is measured."""
    trials = list(runs.trials.values())
    yield _music(runs, trials)
    yield _training(runs, trials)
    groups: dict[tuple[str, str], list[Trial]] = {}
    for trial in trials:
        groups.setdefault((trial.model, trial.recipe), []).append(trial)
    for (model, recipe), members in groups.items():
        settings = _settings(members)
        for alike in settings if len(settings) <= MOST_SETTINGS else [members]:
            yield _of_model(runs, model, recipe, alike)
    yield _measures(runs)


def _music(runs: JoinedRuns, trials: Sequence[Trial]) -> str:
    grids = []
    for name in runs.datasets:
        if corpus := runs.corpus(name):
            grid = corpus.vocabulary.grid
            grids.append(
                f"\\texttt{{{escape_latex(name)}}} in {grid.metre}, {grid.n_ticks} tokens for {grid.n_beats} beats "
                f"of {grid.ticks_per_beat}, with a vocabulary of {len(corpus.vocabulary)} tokens"
            )
    said = f" Data sets: {'; '.join(grids)}." if grids else ""
    choices = dict.fromkeys(trial.attributes for trial in trials)
    imposed = [listed(ATTRIBUTES[name].words for name in choice) if choice else "none" for choice in choices]
    words = "; or ".join(imposed)
    return (
        "The models are variational autoencoders" + cite("kingma2014") + " of single monophonic measures. A measure is "
        f"a sequence of tokens, each a note onset, a rest, or a hold of what was before.{said} Attributes of a measure "
        f"follow their published definitions{cite('pati2021', 'bryankinns2024')}. Trials impose: {words}."
    )


def _training(runs: JoinedRuns, trials: Sequence[Trial]) -> str:
    steps = values_of(config.eval_every for config in runs.configs)
    configurations = len({trial.model_copy(update={"seed": 0}) for trial in trials})
    seeds = sorted({trial.seed for trial in trials})
    plural = "s" * (len(seeds) > 1)
    return (
        f"There are {count(len(trials), 'trial')} of {count(configurations, 'configuration')}, "
        f"with seed{plural} {values_of(seeds)} for weights, noise and order of measures, on "
        f"{listed(f'{chr(92)}texttt{{{escape_latex(name)}}}' for name in runs.datasets)}. Models are written in "
        f"JAX{cite('jax')} and Flax{cite('flax')}, trained with Adam{cite('kingma2015')} from Optax{cite('optax')} and "
        f"validated every {steps} steps."
    )


def _settings(trials: Sequence[Trial]) -> list[list[Trial]]:
    """Returns the trials of each setting of training."""
    found: dict[tuple[Any, ...], list[Trial]] = {}
    for trial in trials:
        key = tuple(getattr(trial, name) for name in Trial.model_fields if name not in _NO_SETTING)
        found.setdefault(key, []).append(trial)
    return list(found.values())


def _of_model(runs: JoinedRuns, model: str, recipe_name: str, trials: Sequence[Trial]) -> str:
    spec = MODELS[model]
    recipe = spec.recipes[trials[0].recipe]
    sources = cite(*_MODEL_SOURCES[model]) if model in _MODEL_SOURCES else ""
    parts = [
        f"{escape_latex(spec.title)}{sources} was trained by the recipe \\texttt{{{escape_latex(recipe_name)}}} in "
        f"{count(len(trials), 'trial')}: {_values(trials, 'hidden_size')} units per recurrent layer and direction, "
        f"{_values(trials, 'latent_dim')} latent dimensions{_weights(runs, trials)}, {_values(trials, 'steps')} steps "
        f"of {_values(trials, 'batch_size')} measures at a learning rate of {_values(trials, 'learning_rate')}"
        f"{_schedule(recipe, trials)}.",
        f"The Kullback--Leibler term, {'averaged' if recipe.kl_mean_over_dims else 'summed'} over latent dimensions, "
        f"has weight {_values(trials, 'beta')}. The decoder is fed {_FEEDING[recipe.feeding]}.",
    ]
    said = [_phrase(name, used) for name in hyper_parameter_fields() if (used := _used(name, model, trials))]
    if said:
        text = "; ".join(said)
        parts.append(f"{text[0].upper()}{text[1:]}{cite('ganin2015') if 'regressor' in text else ''}.")
    if {trial.data_fraction for trial in trials} != {1.0}:
        parts.append(f"The share of the training tunes is {_values(trials, 'data_fraction')}.")
    if any(trial.transpose for trial in trials):
        parts.append(f"Training measures are moved at random by up to {_values(trials, 'transpose')} semitones.")
    if {trial.precision for trial in trials} != {"float32"}:
        parts.append(f"Networks compute in {_values(trials, 'precision')}, their losses and optimisers in float32.")
    if starts := [trial.init_from for trial in trials if trial.init_from != NEW_WEIGHTS]:
        parts.append(f"{count(len(starts), 'trial')} started from the weights of {values_of(starts)}.")
    if (n := len(_settings(trials))) > 1:
        parts.append(f"These values make {n} settings; the configurations say which go together.")
    if recipe.clip_norm is not None:
        parts.append(f"Gradients are clipped at a global norm of {shown(recipe.clip_norm)}.")
    if recipe.dropout:
        parts.append(f"Dropout between recurrent layers is {shown(recipe.dropout)}.")
    if recipe.relu_logits:
        parts.append("Logits are clipped at zero, as published.")
    return " ".join(parts)


def _values(trials: Sequence[Trial], field: str) -> str:
    return values_of(getattr(trial, field) for trial in trials)


def _used(name: str, model: str, trials: Sequence[Trial]) -> list[Any]:
    """Returns the values of a hyper-parameter in the trials that use it; none where it is 0 in all, or said apart."""
    values = [
        getattr(trial, name)
        for trial in trials
        if name not in unused_by(model, bool(trial.attributes)) and name not in _SAID_APART
    ]
    return values if any(values) else []


def _phrase(name: str, values: Sequence[Any]) -> str:
    phrase = _PHRASES.get(name, f"{escape_latex(name.replace('_', ' '))} is {{}}")
    return phrase.format(values_of(values))


def _schedule(recipe: Recipe, trials: Sequence[Trial]) -> str:
    """Returns a clause on how the learning rate goes: the warm-up takes at most a fifth of all steps."""
    warmups = {min(recipe.warmup_steps, trial.steps // 5) for trial in trials} - {0}
    rises = f"rises over {values_of(warmups)} steps" if warmups else ""
    falls = "falls to zero along a cosine" if recipe.decay else ""
    said = " and ".join(filter(None, (rises, falls)))
    return f", which {said}" if said else ""


def _weights(runs: JoinedRuns, trials: Sequence[Trial]) -> str:
    """Returns a clause on the number of weights of encoder and decoder, empty where it is not known."""
    counts = set()
    for trial in trials:
        corpus = runs.corpus(trial.dataset)
        sizes = (trial.hidden_size, trial.latent_dim, len(corpus.vocabulary), len(trial.attributes)) if corpus else None
        counts.add(number_of_weights(trial.model, *sizes) if sizes else None)
    known = [number for number in counts if number is not None]
    if len(known) < len(counts):
        return ""
    low, high = min(known), max(known)
    return f" ({low:,} weights)" if low == high else f" ({low:,} to {high:,} weights)"


def _measures(runs: JoinedRuns) -> str:
    decoded = {corpus.tokens.shape[0] for name in runs.datasets if (corpus := runs.corpus(name))}
    levels = set()
    for trial in runs.results.loc[runs.results["reconstruction_accuracy"].notna(), "trial"]:
        evaluation = runs.evaluation(trial)
        if evaluation and "control_values" in evaluation.arrays:
            levels.add(evaluation.arrays["control_values"].shape[-1])
            break
    traversed = (
        f" on {values_of(decoded)} test measures, with each control at {values_of(levels)} quantiles of what it is in "
        "training"
        if decoded and levels
        else ""
    )
    return (
        "All measures are of the test split unless they are said to be of another. Decoding is free-running and "
        "greedy, from posterior means. Interpretability is the $R^2$ of an attribute on its most informative latent "
        f"dimension{cite('adel2018', 'pati2021')}. Beside it stand the mutual information gap{cite('chen2018')}, "
        f"separated attribute predictability{cite('kumar2018')} and metrics for attributes that depend on each "
        f"other{cite('watcharasupat2021')}, by estimators of scikit-learn{cite('sklearn')}. What controls do is "
        f"measured by decoding{traversed}: efficiency is the mean rank correlation of a control with its attribute, "
        "reach and side effect are definitions of this project; consistency, restrictiveness and "
        f"linearity{cite('tan2020')}, attribute change{cite('patilerch2021')}, monotonicity and "
        f"smoothness{cite('watcharasupat2022')} follow their authors' code. Intervals in tables and figures are 95\\% "
        f"percentile bootstrap intervals over seeds{cite('efron1979')}, where there is more than one."
    )
