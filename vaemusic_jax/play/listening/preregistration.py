"""The preregistration of a listening test, made from its design before anybody listens."""

from __future__ import annotations

from collections import Counter
from string import Template

from vaemusic_jax.music.attributes import ATTRIBUTES
from vaemusic_jax.play.listening.design import CATCH, PRACTICE, REAL, STEPS, Design
from vaemusic_jax.play.listening.exclusions import LATE, RULES
from vaemusic_jax.play.listening.pairs import MATCHED
from vaemusic_jax.play.one_file_page import LISTENING

_ARMS = {
    "knob": "a control that is a dimension of the code (the knob of a MeasureVAE)",
    "told": "a control whose value the decoder is told (an AdversarialVAE)",
    "real": "pairs of real measures, the ceiling",
}


def preregistration(design: Design) -> str:
    """Returns the text, in Markdown. What only the experimenter knows is left open, in brackets."""
    words = [ATTRIBUTES[name].words for name in design.attributes]
    kinds = Counter(item.kind for item, _ in design.trials(1))
    main = [item for item in design.items if item.kind == "main"]
    sources = "\n".join(f"- {name}: {_ARMS[source['arm']]}." for name, source in design.sources.items())
    matched = "\n".join(
        f"- {ATTRIBUTES[name].words}: {sum(bool(item.matched) for item in main if item.attribute == name)} of "
        f"{sum(item.attribute == name for item in main)} pairs have equal {ATTRIBUTES[other].words}."
        for name, other in MATCHED.items()
        if name in design.attributes
    )
    rules = "\n".join(f"{number}. {rule.text}." for number, rule in enumerate(RULES, 1))
    template = Template((LISTENING / "preregistration.md").read_text(encoding="utf-8"))
    return template.substitute(
        study=design.study,
        seed=design.seed,
        attributes=_listed(words),
        sources=sources,
        n_cells=len(design.cells),
        n_pairs=len(main),
        steps=_listed([str(step) for step in STEPS]),
        real=REAL,
        matched=matched,
        n_main=kinds["main"],
        n_practice=PRACTICE,
        n_catch=CATCH,
        rated=_rated(kinds["rating"]),
        minutes=f"{design.minutes:.0f}",
        n_groups=len(design.groups),
        rules=rules,
        late=LATE,
    )


def _listed(words: list[str]) -> str:
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} and {words[-1]}"


def _rated(n: int) -> str:
    return f", and rates {n} single measures from 1 to 7 at the end" if n else ""
