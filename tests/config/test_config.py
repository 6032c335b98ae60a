"""A configuration means the same however it is written, and an impossible one is refused in one line."""

import itertools
import json
import math
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from tests.helpers import toys
from vaemusic_jax.config import models
from vaemusic_jax.config.models import MODELS
from vaemusic_jax.config.sweep import AXES, SweepConfig, differences, load_config, trials
from vaemusic_jax.config.trial import SHARED, Trial, cohorts, format_attributes, parse_attributes, unused_by
from vaemusic_jax.config.yaml_file import parse_scalar, write_yaml
from vaemusic_jax.errors import UserError
from vaemusic_jax.music.attributes import ATTRIBUTES

BASE: dict[str, Any] = {
    "name": "law",
    "dataset": "irish_folk",
    "model": "measure_vae",
    "attributes": "all",
    "latent_dim": 8,
    "steps": 100,
    "eval_every": 10,
}


def write(folder: Path, text: str) -> Path:
    path = folder / "sweep.yaml"
    path.write_text(text)
    return path


def config_of(**fields: Any) -> SweepConfig:
    return SweepConfig.model_validate(BASE | fields)


def one_or_more(values: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    return values | st.lists(values, min_size=1, max_size=3)


CHOICES = st.permutations(tuple(ATTRIBUTES)).flatmap(lambda names: st.integers(1, 4).map(lambda n: "+".join(names[:n])))
POSITIVE_FLOATS = st.floats(1e-30, 1e6)
AXIS_VALUES: dict[str, st.SearchStrategy[Any]] = {
    "dataset": one_or_more(st.sampled_from(["irish_folk", "bach"])),
    "model": one_or_more(st.sampled_from(["measure_vae", "adversarial_vae"])),
    "recipe": one_or_more(st.sampled_from(["fast", "reference"])),
    "size": one_or_more(st.sampled_from(["small", "published"]) | st.integers(1, 2048)),
    "attributes": one_or_more(CHOICES | st.just("all")),
    "latent_dim": one_or_more(st.integers(4, 256)),
    "data_fraction": one_or_more(st.floats(1e-3, 1)),
    "transpose": one_or_more(st.integers(0, 11)),
    "learning_rate": one_or_more(POSITIVE_FLOATS),
    "beta": one_or_more(st.just(0) | POSITIVE_FLOATS),
    "steering_weight": one_or_more(st.just(0) | POSITIVE_FLOATS),
    "seed": one_or_more(st.integers(0, 2**31 - 1)),
}
GRIDS = st.fixed_dictionaries({}, optional=AXIS_VALUES)
# Grids in which some trials have no attributes, which not every model and no steering can do without.
BASELINES = st.fixed_dictionaries(
    {
        "model": one_or_more(st.just("measure_vae")),
        "attributes": one_or_more(CHOICES | st.sampled_from(["all", "none"])),
        "steering_weight": st.just(0),
    },
    optional={
        name: values for name, values in AXIS_VALUES.items() if name not in ("model", "attributes", "steering_weight")
    },
)


@given(fields=GRIDS | BASELINES, grids=st.lists(BASELINES, max_size=2))
def test_a_configuration_survives_being_written_as_yaml(fields: dict[str, Any], grids: list[dict[str, Any]]) -> None:
    config = config_of(**fields, grids=grids)
    again = SweepConfig.model_validate(yaml.safe_load(config.to_yaml()))
    assert again == config
    assert trials(again) == trials(config)


@given(fields=GRIDS, grids=st.lists(GRIDS | BASELINES, max_size=2))
def test_trials_are_the_union_of_the_products_each_once(fields: dict[str, Any], grids: list[dict[str, Any]]) -> None:
    # Axes that every model uses, so that distinct combinations are distinct trials.
    config = config_of(**fields, grids=grids)
    expected = set()
    for grid in grids or [{}]:
        chosen = (
            {"recipe": "fast", "size": "small", "data_fraction": 1.0, "transpose": 0, "seed": 0}
            | {"precision": "float32", "init_from": "new"}
            | BASE
            | fields
            | grid
        )
        axes = {name: value if isinstance(value, list) else [value] for name, value in chosen.items() if name in AXES}
        for values in itertools.product(*axes.values()):
            combination = dict(zip(axes, values, strict=True))
            size = combination.pop("size")
            presets = {str(name): units for name, units in MODELS[combination["model"]].sizes.items()}
            hidden = presets.get(size, size)
            combination["attributes"] = format_attributes(parse_attributes(combination["attributes"]))
            defaults = models.defaults(combination["model"], combination["recipe"], hidden)
            defaults |= unused_by(combination["model"], combination["attributes"] != "none")
            expected.add(json.dumps(dict(sorted((defaults | combination | {"hidden_size": hidden}).items()))))
    found = [json.dumps(dict(sorted(trial.row().items()))) for trial in trials(config)]
    assert sorted(map(normalised, found)) == sorted(set(map(normalised, expected)))


def normalised(row: str) -> str:
    """Whole numbers and equal floats spelled alike."""
    return json.dumps({key: float(v) if isinstance(v, int | float) else v for key, v in json.loads(row).items()})


@given(st.randoms(use_true_random=False))
def test_a_trials_id_depends_on_its_values_not_on_their_order(random: Any) -> None:
    (trial,) = trials(config_of())
    shuffled = list(trial.model_dump().items())
    random.shuffle(shuffled)
    assert Trial(**dict(shuffled)).id == trial.id


def test_a_trials_id_stays_the_same_from_release_to_release() -> None:
    trial = Trial(
        dataset="irish_folk",
        model="measure_vae",
        recipe="fast",
        hidden_size=128,
        attributes=("note_density", "rhythmic_complexity"),
        latent_dim=32,
        data_fraction=1.0,
        transpose=0,
        steps=1000,
        batch_size=256,
        learning_rate=0.002,
        beta=0.001,
        gamma=1.0,
        delta=10.0,
        adversary_weight=0.0,
        seed=0,
    )
    assert trial.id == "ac907f644d"  # sha256 (6c907f644d) of the sorted, compact JSON of the values above


@pytest.mark.parametrize("field", Trial.model_fields)
def test_every_field_is_part_of_the_id(field: str) -> None:
    (trial,) = trials(config_of())
    other: dict[str, Any] = {
        "dataset": "bach",
        "model": "adversarial_vae",
        "recipe": "reference",
        "attributes": ("note_range",),
        "data_fraction": 0.5,
        "discriminator": "regressor",
        "precision": "bfloat16",
        "init_from": "runs/other",
    }
    changed = other.get(field, getattr(trial, field) + 1 if field not in other else None)
    assert Trial(**(trial.model_dump() | {field: changed})).id != trial.id


def test_the_order_of_attributes_distinguishes_trials() -> None:
    config = config_of(attributes=["note_range+note_density", "note_density+note_range"])
    assert [trial.attributes[0] for trial in trials(config)] == ["note_range", "note_density"]
    assert len({trial.id for trial in trials(config)}) == 2


def test_a_value_the_model_does_not_use_makes_no_second_trial() -> None:
    config = config_of(model=["measure_vae", "adversarial_vae"], gamma=[0.1, 1, 10], delta=[1, 10])
    by_model = [trial.model for trial in trials(config)]
    assert (by_model.count("measure_vae"), by_model.count("adversarial_vae")) == (6, 1)
    config = config_of(model=["measure_vae", "adversarial_vae"], adversary_weight=[0.1, 0.5])
    by_model = [trial.model for trial in trials(config)]
    assert (by_model.count("measure_vae"), by_model.count("adversarial_vae")) == (1, 2)
    config = config_of(attributes=["none", "all"], gamma=[0.1, 1, 10], delta=[1, 10])
    assert [len(trial.attributes) for trial in trials(config)] == [0, *[4] * 6]


@pytest.mark.parametrize("recipe", ["fast", "reference"])
@pytest.mark.parametrize("model", ["measure_vae", "adversarial_vae"])
def test_hyper_parameters_left_out_are_the_recipes_own(model: Any, recipe: Any) -> None:
    (trial,) = trials(config_of(model=model, recipe=recipe))
    own = MODELS[model].recipes[recipe].defaults
    assert {name: getattr(trial, name) for name in own} == own
    assert {"batch_size", "learning_rate", "beta"} < set(own)


@pytest.mark.parametrize(("recipe", "factor"), [("fast", 0.25), ("reference", 1.0)])
def test_the_fast_learning_rate_goes_with_the_inverse_of_the_hidden_size(recipe: Any, factor: float) -> None:
    small, large = trials(config_of(recipe=recipe, size=[128, 512]))
    assert large.learning_rate == factor * small.learning_rate
    (named,) = trials(config_of(recipe=recipe, size=512, learning_rate=0.5))
    assert named.learning_rate == 0.5


@given(fields=GRIDS)
def test_cohorts_partition_the_trials_by_what_their_program_depends_on(fields: dict[str, Any]) -> None:
    all_trials = trials(config_of(**fields))
    groups = cohorts(all_trials)
    assert sorted(t.id for group in groups for t in group.trials) == sorted(t.id for t in all_trials)
    for group in groups:
        assert {tuple(getattr(t, name) for name in SHARED) for t in group.trials} == {
            tuple(getattr(group, name) for name in SHARED)
        }
    assert len({tuple(getattr(group, name) for name in SHARED) for group in groups}) == len(groups)
    assert len({group.id for group in groups}) == len(groups)


def test_trials_that_steer_train_apart_from_those_that_do_not() -> None:
    plain, steered = cohorts(trials(config_of(steering_weight=[0, 0.1, 0.3], seed=[0, 1])))
    assert [trial.steering_weight for trial in plain.trials] == [0, 0]
    assert [trial.steering_weight for trial in steered.trials] == [0.1, 0.1, 0.3, 0.3]
    assert (plain.steers, steered.steers) == (False, True)


def test_an_attribute_that_cannot_be_differentiated_cannot_be_steered(monkeypatch: pytest.MonkeyPatch) -> None:
    toys.register_attribute(monkeypatch)
    fields = {"attributes": "last_onset+note_density", "latent_dim": 8}
    trials(config_of(**fields, steering_weight=0))
    with pytest.raises(ValueError, match=r"steering_weight: 0\.3 .* 'last_onset' has none; use 0") as raised:
        config_of(**fields, steering_weight=0.3)
    assert "\n" not in raised.value.errors()[0]["msg"]  # type: ignore[attr-defined]


def test_discriminators_are_programs_of_their_own_and_measure_vae_has_none() -> None:
    config = config_of(model=["measure_vae", "adversarial_vae"], discriminator=["classifier", "regressor"], seed=[0, 1])
    groups = cohorts(trials(config))
    found = {(group.model, group.discriminator): len(group.trials) for group in groups}
    expected = {("measure_vae", "classifier"): 2, ("adversarial_vae", "classifier"): 2}
    assert found == expected | {("adversarial_vae", "regressor"): 2}


def test_each_precision_is_a_program_of_its_own() -> None:
    groups = cohorts(trials(config_of(precision=["bfloat16", "float32", "tf32"], seed=[0, 1])))
    assert [(group.precision, len(group.trials)) for group in groups] == [("bfloat16", 2), ("float32", 2), ("tf32", 2)]
    assert [trial.precision for trial in trials(config_of())] == ["float32"]


def test_an_override_replaces_a_field_everywhere(tmp_path: Path) -> None:
    grids = [{"model": "adversarial_vae", "latent_dim": 128}, {"steps": 7}]
    path = write(tmp_path, yaml.safe_dump(BASE | {"grids": grids}))
    config = load_config(path, {"latent_dim": (4, 8), "steps": (20,), "out": "elsewhere"})
    assert {(t.model, t.latent_dim, t.steps) for t in trials(config)} == {
        ("measure_vae", 4, 20),
        ("measure_vae", 8, 20),
        ("adversarial_vae", 4, 20),
        ("adversarial_vae", 8, 20),
    }
    assert config.directory == Path("elsewhere")


def test_results_go_to_a_folder_of_the_sweeps_name() -> None:
    assert config_of().directory == Path("runs/law")


def test_exponents_without_a_point_are_numbers(tmp_path: Path) -> None:
    path = write(tmp_path, yaml.safe_dump(BASE) + "learning_rate: [1e-3, 2E-3, 1.5e+0]\nbeta: 1e1\n")
    assert [(t.learning_rate, t.beta) for t in trials(load_config(path))] == [(1e-3, 10), (2e-3, 10), (1.5, 10)]


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("010", 10),
        ("0o17", 15),
        ("0x1F", 31),
        ("-.5e+1", -5.0),
        ("2.", 2.0),
        ("10:00", "10:00"),
        ("1_000", "1_000"),
        ("0x_", "0x_"),
        ("2026-02-30", "2026-02-30"),
        ("yes", "yes"),
        ("True", True),
        ("!!str 7e3", "7e3"),
        ("!!float 7", 7.0),
        ("~", None),
        ("", None),
    ],
)
def test_values_are_as_in_yaml_1_2(text: str, value: Any) -> None:
    found = parse_scalar(text)
    assert (type(found), found) == (type(value), value)


SCALARS = (
    st.text(st.characters(exclude_categories=["Cs"]))
    | st.text("0123456789abcdefox+-.:_eE~ yn", max_size=8)
    | st.integers(-(2**200), 2**200)
    | st.floats(allow_nan=False)
    | st.booleans()
    | st.none()
)


@given(st.dictionaries(st.text("abc_", min_size=1), SCALARS | st.lists(SCALARS, max_size=3), max_size=3))
def test_what_is_written_is_read_again_with_its_type(value: dict[str, Any]) -> None:
    again = parse_scalar(write_yaml(value))
    assert repr(again) == repr(value)


@given(st.from_regex(r"[A-Za-z0-9][A-Za-z0-9._-]*", fullmatch=True) | st.sampled_from(["7e3", "010", "0x1F", "null"]))
def test_whatever_may_be_a_name_makes_a_readable_run(name: str) -> None:
    assert parse_scalar(config_of(name=name).to_yaml())["name"] == name


def test_differences_name_field_old_and_new_but_not_the_place() -> None:
    old, new = config_of(out="a"), config_of(out="b", latent_dim=[8, 16], beta=0.5, grids=[{"seed": 1}])
    assert differences(old, old) == differences(old, config_of(out="b")) == []
    assert sorted(differences(old, new)) == [
        "beta: nothing -> 0.5",
        'grids: nothing -> [{"seed": 1}]',
        "latent_dim: 8 -> [8, 16]",
    ]


# What is written after BASE (or instead of a line of it), and the whole message after the file's name.
NO_NAME = "is not a usable name; use up to 100 letters, digits, '.', '_' and '-', a letter or digit first"
REFUSED: list[tuple[dict[str, Any], str]] = [
    ({"latent_dim": 3}, "latent_dim: 3 is smaller than the 4 regularised attributes of 'all'; use at least 4"),
    (
        {"latent_dim": [1, 2], "attributes": ["note_range", "note_range+note_density"]},
        "latent_dim: 1 is smaller than the 2 regularised attributes of 'note_range+note_density'; use at least 2",
    ),
    (
        {"latent_dim": 1, "attributes": "note_range", "model": "adversarial_vae"},
        "latent_dim: 1 leaves adversarial_vae's discriminator no hidden unit; use at least 2",
    ),
    (
        {"attributes": "note_density+tempo"},
        "attributes: 'tempo' is no attribute; join some of rhythmic_complexity, note_range, note_density, "
        "average_interval_jump with '+', or write 'all' or 'none' alone",
    ),
    (
        {"attributes": "none+note_range"},
        "attributes: 'none' is no attribute; join some of rhythmic_complexity, note_range, note_density, "
        "average_interval_jump with '+', or write 'all' or 'none' alone",
    ),
    (
        {"attributes": ["all", "none"], "model": ["measure_vae", "adversarial_vae"]},
        "attributes: 'none' leaves adversarial_vae no adversary to train; choose attributes, or give each model an "
        "entry of its own in grids",
    ),
    (
        {"attributes": ["none", "all"], "steering_weight": [0, 0.3]},
        "steering_weight: 0.3 needs attributes to steer, and there are none with attributes: none; use 0, or give none "
        "an entry of its own in grids",
    ),
    (
        {"attributes": "note_range+note_range"},
        "attributes: 'note_range+note_range' names an attribute twice; name each once",
    ),
    ({"attributes": 4}, "attributes: 4 should be a valid string"),
    (
        {"attributes": "note_density+note_rnge"},
        "attributes: 'note_rnge' is no attribute (did you mean note_range?); join some of "
        "rhythmic_complexity, note_range, note_density, average_interval_jump with '+', or write 'all' or 'none' alone",
    ),
    ({"latent_dims": 3}, "latent_dims: no such field (did you mean latent_dim?)"),
    ({"grids": [{}, {"sede": 1}]}, "grids[1].sede: no such field (did you mean seed?)"),
    ({"grids": [{"latent_dim": [8, 0]}]}, "grids[0].latent_dim: 0 should be greater than 0"),
    ({"grids": 3}, "grids: 3 should be a list"),
    ({"steps": "many"}, 'steps: "many" should be a valid integer'),
    ({"steps": 10.5}, "steps: 10.5 should be a valid integer"),
    ({"steps": True}, "steps: true should be a valid integer"),
    ({"steps": []}, "steps: [] holds no value; give at least one"),
    ({"steps": None}, "steps: missing; give one value or a list of values"),
    ({"steps": 0, "eval_every": 0}, "steps: 0 should be greater than 0; eval_every: 0 should be greater than 0"),
    ({"model": "vae"}, "model: \"vae\" should be 'measure_vae' or 'adversarial_vae'"),
    ({"recipe": "slow"}, "recipe: \"slow\" should be 'fast' or 'reference'"),
    ({"size": "huge"}, 'size: "huge" should be small, published or a positive number of hidden units'),
    ({"size": [128, -1]}, "size: -1 should be small, published or a positive number of hidden units"),
    ({"beta": math.nan}, "beta: NaN should be a finite number"),
    ({"beta": -0.5}, "beta: -0.5 should be greater than or equal to 0"),
    ({"delta": 0}, "delta: 0 should be greater than 0"),
    ({"data_fraction": 1.5}, "data_fraction: 1.5 should be less than or equal to 1"),
    ({"transpose": 12}, "transpose: 12 should be less than or equal to 11"),
    ({"transpose": [0, -1]}, "transpose: -1 should be greater than or equal to 0"),
    ({"transpose": 0.5}, "transpose: 0.5 should be a valid integer"),
    ({"steps": 3_000_000_000}, "steps: 3000000000 should be less than or equal to 2147483647"),
    (
        {"steps": 20_000_000, "batch_size": 128},
        "steps: 20,000,000 times a batch_size of 128 are more than the 2,147,483,647 measures that can be counted; "
        "use fewer",
    ),
    ({"eval_every": 2**31}, "eval_every: 2147483648 should be less than or equal to 2147483647"),
    ({"size": 2**31}, "size: 2147483648 should be small, published or a positive number of hidden units"),
    (
        {"learning_rate": 1e39},
        "learning_rate: 1e+39 is beyond the numbers of 32 bits; use 0 where it may be, or 1.2e-38 to 3.4e38",
    ),
    (
        {"beta": 1e-45},
        "beta: 1e-45 is beyond the numbers of 32 bits; use 0 where it may be, or 1.2e-38 to 3.4e38",
    ),
    (
        {"seed": list(range(400)), "latent_dim": list(range(4, 404))},
        "grids: one stands for 160,000 trials; use at most 100,000",
    ),
    ({"out": "a\0b"}, 'out: "a\\u0000b" should be the path of a folder'),
    ({"seed": 2**31}, "seed: 2147483648 should be less than 2147483648"),
    ({"name": "../up"}, f"name: '../up' {NO_NAME}"),
    ({"dataset": ""}, f"dataset: '' {NO_NAME}"),
]


@pytest.mark.parametrize(("fields", "message"), REFUSED, ids=[message.split(";")[0] for _, message in REFUSED])
def test_an_impossible_configuration_is_refused_with_field_value_and_remedy(
    tmp_path: Path, fields: dict[str, Any], message: str
) -> None:
    path = write(tmp_path, yaml.safe_dump(BASE | fields))
    with pytest.raises(UserError) as refused:
        load_config(path)
    assert str(refused.value) == f"{path}: {message}"


def test_a_refused_override_is_named_as_on_the_command_line(tmp_path: Path) -> None:
    path = write(tmp_path, yaml.safe_dump(BASE))
    with pytest.raises(UserError, match=r"sweep.yaml: --learning-rate: -1.0 should be greater than 0$"):
        load_config(path, {"learning_rate": (-1.0,)})


# Nine lists, each of ten times the one before.
BOMB = "\n".join(["a0: &a0 [1]", *(f"a{i}: &a{i} [{','.join([f'*a{i - 1}'] * 10)}]" for i in range(1, 10))])


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("steps: 1\nsteps: 2\n", "{path}, line 2: steps is given twice"),
        ("name: [x\n", "{path}, line 2: expected ',' or ']', but got '<stream end>'"),
        ("1: x\n", "{path}, line 1: 1 is no field name"),
        ("just words", "{path}: holds 'just words'; write one 'field: value' a line"),
        ("", "{path}: holds None; write one 'field: value' a line"),
        ("name: \udcff", "{path}: is no UTF-8 text"),
        ("name: !!int foo", "{path}, line 1: 'foo' is no int"),
        ("name: !!timestamp foo", "{path}, line 1: could not determine a constructor for the tag"),
        (f"steps: {'9' * 5000}", "{path}, line 1: a number of 5000 characters; use at most 300"),
        ("steps: &a [*a]", "{path}, line 1: contains itself"),
        (f"steps: {'[' * 3000}", "{path}, line 1: is nested more than 20 deep"),
        ("name: a\0b", "{path}: unacceptable character #x0000"),
        (BOMB, "{path}, line 6: stands for more than 100,000 values"),
    ],
)
def test_a_file_that_is_no_configuration_is_refused_in_one_line(tmp_path: Path, text: str, message: str) -> None:
    path = tmp_path / "sweep.yaml"
    path.write_bytes(text.encode(errors="surrogateescape"))
    with pytest.raises(UserError) as refused:
        load_config(path)
    assert str(refused.value).startswith(message.format(path=path))
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize("name", ["absent.yaml", "."])
def test_a_missing_file_is_refused_with_its_path(tmp_path: Path, name: str) -> None:
    with pytest.raises(UserError, match="give the path of a YAML configuration") as refused:
        load_config(tmp_path / name)
    assert str(refused.value).startswith(f"{tmp_path / name}: ")
