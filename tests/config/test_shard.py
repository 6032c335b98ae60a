"""The parts of a sweep are its trials, each once, and about equally much work; what is no part is refused."""

from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from vaemusic_jax.config.shard import relative_cost
from vaemusic_jax.config.sweep import SweepConfig, load_config, trials
from vaemusic_jax.config.trial import Trial, cohorts
from vaemusic_jax.errors import UserError
from vaemusic_jax.runs.directory import RunDirectory

BASE: dict[str, Any] = {
    "name": "law",
    "dataset": "irish_folk",
    "model": ["measure_vae", "adversarial_vae"],
    "attributes": "all",
    "latent_dim": [16, 4, 8, 32],
    "steps": 100,
    "eval_every": 10,
}


def config_of(**fields: Any) -> SweepConfig:
    return SweepConfig.model_validate(BASE | fields)


def parts(count: int, **fields: Any) -> list[tuple[Trial, ...]]:
    return [trials(config_of(shard=f"{i}/{count}", **fields)) for i in range(1, count + 1)]


SWEEPS = st.fixed_dictionaries(
    {
        "latent_dim": st.lists(st.integers(4, 256), min_size=1, max_size=8, unique=True),
        "size": st.lists(st.integers(8, 1024), min_size=1, max_size=3, unique=True),
        "steps": st.lists(st.integers(1, 5000), min_size=1, max_size=3, unique=True),
    }
)


@given(fields=SWEEPS, data=st.data())
def test_every_trial_is_in_exactly_one_part_and_each_part_is_about_equally_much_work(
    fields: dict[str, Any], data: st.DataObject
) -> None:
    every = trials(config_of(**fields))
    count = data.draw(st.integers(1, len(every)), label="count")
    found = parts(count, **fields)
    assert sorted(trial.id for part in found for trial in part) == sorted(trial.id for trial in every)
    costs = [sum(relative_cost(trial) for trial in part) for part in found]
    for part, cost in zip(found, costs, strict=True):
        assert part
        assert [every.index(trial) for trial in part] == sorted(every.index(trial) for trial in part)
        assert len(part) == 1 or cost <= sum(costs) / count + max(relative_cost(trial) for trial in every)


def test_neighbouring_latent_sizes_of_a_cohort_stay_together() -> None:
    assert [[(t.model, t.latent_dim) for t in part] for part in parts(4)] == [
        [("measure_vae", 4), ("measure_vae", 8)],
        [("measure_vae", 16)],
        [("measure_vae", 32), ("adversarial_vae", 4), ("adversarial_vae", 8)],
        [("adversarial_vae", 16), ("adversarial_vae", 32)],
    ]


def test_a_trial_that_costs_as_much_as_many_is_a_part_of_its_own() -> None:
    """MeasureVAE has six GRU layers of hidden_size by hidden_size, so twice the size is four times the work."""
    found = parts(2, model="measure_vae", latent_dim=4, size=[64, 65, 66, 67, 128])
    assert [[t.hidden_size for t in part] for part in found] == [[64, 65, 66, 67], [128]]


@pytest.mark.parametrize(
    ("name", "values"),
    [("steps", (100, 101, 102, 303)), ("batch_size", (10, 11, 12, 33)), ("latent_dim", (4, 5, 6, 256))],
)
def test_steps_batches_and_large_latent_sizes_count_as_work(name: str, values: tuple[int, ...]) -> None:
    found = parts(2, **({"model": "measure_vae", "latent_dim": 4, "size": 8} | {name: list(values)}))
    assert [tuple(getattr(t, name) for t in part) for part in found] == [values[:3], values[3:]]


def test_parts_of_the_papers_sweep_are_few_programs_of_equal_work() -> None:
    path = Path(__file__).parents[2] / "configs" / "paper.yaml"
    found = [trials(load_config(path, {"shard": f"{i}/16"})) for i in range(1, 17)]
    costs = [sum(relative_cost(trial) for trial in part) for part in found]
    assert sum(map(len, found)) == 112
    assert max(costs) <= 1.15 * sum(costs) / 16
    assert max(len(cohorts(part)) for part in found) <= 2


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (text, f'shard: "{text}" is no part; write I/N with I from 1 to N, such as 2/4 for the second of four')
        for text in ("0/4", "5/4", "a/b", "1/0", "1/-1", "1", "1/2/3", "", " 1/2")
    ]
    + [("1/9", "shard: 1/9 asks for more parts than there are trials; use at most 8")],
)
def test_what_is_no_part_is_refused_in_one_line(tmp_path: Path, text: str, message: str) -> None:
    path = tmp_path / "sweep.yaml"
    path.write_text(yaml.safe_dump(BASE))
    with pytest.raises(UserError) as refused:
        load_config(path, {"shard": text})
    assert str(refused.value).replace("--shard", "shard") == f"{path}: {message}"


def test_each_part_has_a_run_directory_of_its_own() -> None:
    assert config_of(shard="2/4").directory == Path("runs/law-shard-2-of-4")
    assert config_of(shard="02/4").directory == Path("runs/law-shard-2-of-4")
    assert config_of(shard="2/4", out="elsewhere").directory == Path("elsewhere")


def test_another_part_in_the_same_folder_is_refused(tmp_path: Path) -> None:
    def start(**fields: Any) -> RunDirectory:
        config = config_of(**fields)
        return RunDirectory.open(tmp_path / "run", config, trials(config), cohorts(trials(config)))

    start(shard="1/4").close()
    assert RunDirectory.read(tmp_path / "run").trials == trials(config_of(shard="1/4"))
    for other, shown in (("2/4", '"2/4"'), ("1/3", '"1/3"'), (None, "nothing")):
        with pytest.raises(UserError, match=f'differs in shard: "1/4" -> {shown}; choose another --out'):
            start(shard=other)
    start(shard="1/4").close()
