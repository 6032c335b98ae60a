"""Runs and files as a stranger might make them, from honest ones."""

import io
import shutil
import zipfile
from pathlib import Path

import numpy as np

from vaemusic_jax.config.trial import Trial, cohorts, parse_attributes
from vaemusic_jax.runs.directory import RunDirectory


def with_dataset(run: Path, to: Path, name: str) -> Path:
    """Copies a run and gives its data set another name in every table, with ids that fit, as an attacker would."""
    shutil.copytree(run, to)
    honest = RunDirectory.read(run)
    renamed = [
        Trial.model_construct(**trial.model_dump() | {"dataset": name, "attributes": trial.attributes})
        for trial in honest.trials
    ]
    assert all(parse_attributes("+".join(trial.attributes)) for trial in renamed)
    of = dict(zip((trial.id for trial in honest.trials), renamed, strict=True))
    rows = [
        {"trial": trial.id, **trial.row(), "cohort": group.id, "status": honest.status()[old]}
        for group in cohorts(honest.trials)
        for old, trial in ((member.id, of[member.id]) for member in group.trials)
    ]
    import pandas as pd
    import yaml

    pd.DataFrame(rows).to_csv(to / "trials.csv", index=False)
    config = yaml.safe_load((to / "config.yaml").read_text())
    (to / "config.yaml").write_text(yaml.safe_dump(config | {"dataset": name}))
    return to


def bomb(path: Path, claimed: int, real: int) -> None:
    """Replaces a file of arrays by one whose header claims so many bytes, while the file holds others."""
    header = io.BytesIO()
    np.lib.format.write_array_header_1_0(header, {"descr": "|u1", "fortran_order": False, "shape": (claimed,)})
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("reconstruction.npy", header.getvalue() + bytes(real))
