"""The card of a model: what it is, what it is for, how good it is, and where its music is from.

The format is that of model cards of the Hugging Face Hub: a head in YAML, then Markdown.
"""

from __future__ import annotations

import yaml

from vaemusic_jax.config.models import MODELS
from vaemusic_jax.config.trial import Trial, format_attributes
from vaemusic_jax.data.corpora import CORPORA
from vaemusic_jax.evaluation.corpus_sample import N_TRAVERSED
from vaemusic_jax.metrics.resampling import RESAMPLES
from vaemusic_jax.music.attributes import ATTRIBUTES
from vaemusic_jax.play.model_file import is_rounded
from vaemusic_jax.play.trained_model import TrainedModel
from vaemusic_jax.runs.tune_replicates import LEVEL

_PAPER = "https://arxiv.org/abs/2311.08336"
_COLUMNS = {
    "reconstruction_efficiency": "efficiency",
    "moved": "moved",
    "wrong_way": "wrong way",
    "side_effect": "side effect",
    "interpretability": "interpretability",
}
_INTERVALS = (
    f"Intervals hold {100 * LEVEL:.0f} % and are over the test tunes, which were drawn again with replacement "
    f"{RESAMPLES} times. They say how far a number hangs on which tunes were held out. How far it hangs on the seed of "
    "the training they do not say, since this is one training. A number without an interval is the same in all of "
    "these draws, or undefined in some."
)
#: What is known of where the embedded music is from, in addition to what `data list` says.
_MUSIC21 = (
    "They come with the corpus of music21, whose licence note says in substance: the encodings are distributed with "
    "the permission of the encoders; to the best of its makers' knowledge each piece is out of copyright in the United "
    "States or licensed for use; some encodings may not be used commercially or have other restrictions, which stand "
    "in the files and folders; and the works may not be free where you are."
)
PROVENANCE = {
    "irish_folk": (
        "The tunes are from O'Neill's *Music of Ireland* (Chicago, 1903) and *Ryan's Mammoth Collection* (Boston, "
        "1883), which are in the public domain. Volunteers transcribed them in ABC. Of O'Neill's book these were Chris "
        "Falt, Ted Hastings, Tom Keays, Michael D. Long, Henrik Norbeck, Trish O'Neil, Norbert Paap, Dan G. Petersen, "
        "mvhplank, Bob Safranek, Nick Terhorst, Robert Thorpe, John B. Walsh, Dave Wooldridge, A. Lee Worman, Stephen "
        "Foy, Michael Hogan and John Chambers, who led them, with corrections by Frank Nordberg; of Ryan's book Ray "
        "Davies, Bob Puckette, John B. Walsh and John Chambers. Their names stand in the files. "
        f"{_MUSIC21}"
    ),
    "bach": f"The four-part chorales of J. S. Bach (1685 to 1750) are in the public domain. {_MUSIC21}",
}
PROVENANCE["irish_jigs"] = PROVENANCE["irish_folk"]


def card_of(model: TrainedModel, name: str) -> str:
    """Returns the card of a model as Markdown.

    Args:
        model: the model, with its scores in `about.scores`.
        name: its name, such as `irish-measure-32@1`.
    """
    trial, about, title = model.trial, model.about, MODELS[model.trial.model].title
    head = {
        "library_name": "vaemusic-jax",
        "license": "apache-2.0",
        "pipeline_tag": "other",
        "tags": ["music", "variational-autoencoder", "symbolic-music", "controllable-generation"],
        "datasets": [trial.dataset],
        "model-index": [
            {
                "name": name,
                "results": [
                    {
                        "task": {"type": "reconstruction", "name": "reconstruction of held-out measures"},
                        "dataset": {"type": trial.dataset, "name": trial.dataset},
                        "metrics": [
                            {"type": metric, "value": round(about.scores[metric], 4)}
                            for metric in ("reconstruction_accuracy", "measure_accuracy")
                            if metric in about.scores
                        ],
                    }
                ],
            }
        ],
    }
    controls = format_attributes(trial.attributes)
    how = "is told attribute values" if model.told else "has one latent dimension for each attribute"
    return f"""---
{yaml.safe_dump(head, sort_keys=False, allow_unicode=True)}---

# {name}

{title} for single monophonic measures in {model.vocabulary.metre}, of {trial.latent_dim} dimensions. It {how}, which
are its controls: {controls}.

    import vaemusic_jax
    model = vaemusic_jax.load("{name}")
    tokens = model.aim(note_density=0.4).tokens

## Uses and limits

It encodes, varies and makes single measures for study, teaching and play. It knows nothing of phrases, harmony or form;
its pitches are those of its corpus; and what a control moves besides its own attribute stands in the table below.
It can repeat measures of its training tunes: of the held-out measures,
{_percent(about.scores.get("seen_in_training"))} occur in the training tunes too.

## Training

It was trained on {about.dataset["name"]} ({about.dataset["reading"]}; digest {about.dataset["digest"]}), split by tune,
with {trial.steps:,} steps of {trial.batch_size} measures, hidden size {trial.hidden_size}, recipe `{trial.recipe}`,
seed {trial.seed}, learning rate {trial.learning_rate:g}, beta {trial.beta:g}, steering weight
{trial.steering_weight:g},
transposition by up to {trial.transpose} semitones{_precision(trial)}. {_versions(model)}

## Evaluation

{_weights(model)} These are the numbers of the weights in the file, on the test tunes.
{_INTERVALS * bool(about.intervals)}

{_scores(model)}

Of the controls, each set to nine levels in at most {N_TRAVERSED} test measures:

{_controls(model)}

## Provenance

{PROVENANCE.get(trial.dataset, _terms(trial.dataset))}

The models and their study: {_PAPER}.
"""


def _precision(trial: Trial) -> str:
    """Returns the end of a sentence on how a model was trained, if it was not in float32."""
    return "" if trial.precision == "float32" else f", with networks in {trial.precision}"


def _terms(dataset: str) -> str:
    if dataset in CORPORA:
        return f"{CORPORA[dataset].what}: {CORPORA[dataset].licence}."
    return "The music is the user's own; nothing is known here of its source and terms."


def _percent(share: float | None) -> str:
    return "an unknown share" if share is None else f"{100 * share:.0f} %"


def _versions(model: TrainedModel) -> str:
    versions = ", ".join(f"{name} {version}" for name, version in sorted(model.about.versions.items()))
    return f"Versions: {versions}." if versions else ""


def _weights(model: TrainedModel) -> str:
    if is_rounded(model.params):
        return "The weights were rounded to float16 before anything was measured."
    return "The weights are in float32, as they were trained."


def _scores(model: TrainedModel) -> str:
    scores, intervals = model.about.scores, model.about.intervals
    rows = {
        "tokens right": "reconstruction_accuracy",
        "the commonest token of each tick, always": "tick_baseline",
        "whole measures right": "measure_accuracy",
        "tokens right, measures that do not occur in training": "unseen_accuracy",
    }
    lines = [
        f"| {words} | {scores[name]:.4f} | {_ends(intervals.get(name), 4)} |"
        for words, name in rows.items()
        if name in scores
    ]
    return "\n".join(["| share of | value | 95 % interval |", "|---|---|---|", *lines])


def _controls(model: TrainedModel) -> str:
    """Returns the table of what each control does, with one column for each metric that there is."""
    scores = model.about.scores
    names = [name for name in _COLUMNS if any(f"{name}.{own}" in scores for own in model.trial.attributes)]
    if model.told:  # its code is not meant to tell attributes
        names = [name for name in names if name != "interpretability"]
    lines = ["| control | " + " | ".join(_COLUMNS[name] for name in names) + " |", "|---" * (len(names) + 1) + "|"]
    for own in model.trial.attributes:
        cells = " | ".join(_with_interval(model, f"{name}.{own}") for name in names)
        lines.append(f"| {ATTRIBUTES[own].words} | {cells} |")
    return "\n".join(lines)


def _with_interval(model: TrainedModel, name: str) -> str:
    """Returns a score with its interval, as far as they are known, such as `0.89 (0.87 to 0.91)`."""
    if (value := model.about.scores.get(name)) is None:
        return ""
    ends = _ends(model.about.intervals.get(name), 2)
    return f"{value:.2f} ({ends})" if ends else f"{value:.2f}"


def _ends(interval: tuple[float, float] | None, digits: int) -> str:
    """Returns an interval in words; nothing where there is none, or where every resample gives the same."""
    if interval is None or interval[0] == interval[1]:
        return ""
    return f"{interval[0]:.{digits}f} to {interval[1]:.{digits}f}"
