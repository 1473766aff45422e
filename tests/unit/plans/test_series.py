"""From a plan and what varies to experiments."""

from dataclasses import replace
from math import prod

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from tests.unit.plans.plans import custom, plans
from tests.unit.plans.world import PLAN
from traindash.domain.ids import AgentId, CollectionId
from traindash.domain.plan import (
    CollectionsSplit,
    CustomCheckpoint,
    ModelChoice,
    PretrainedModel,
    RandomSplit,
    TrainingPlan,
)
from traindash.errors import InputError
from traindash.plans.hyperparameters import read_text
from traindash.plans.series import (
    LONGEST_NAME,
    MOST_EXPERIMENTS,
    ExperimentChange,
    SeriesChoices,
    SeriesPlan,
    SplitVariation,
    Vary,
    all_experiments,
    experiments,
)

TEXT = "epochs: 5\nlr0: 0.01\nseed: 7\n"
OTHER = PretrainedModel(framework="YOLO", name="Other-det")
SPLIT = CollectionsSplit(train_collections=(CollectionId(1),), val_collections=(CollectionId(2),))
BASE = replace(PLAN, hyperparameters=TEXT)


def text_of(model: ModelChoice) -> str:
    """Every model trains with the same text."""
    del model
    return TEXT


def values_of(plan: TrainingPlan) -> dict[str, object]:
    """Return the hyperparameters of a plan."""
    return dict(read_text(plan.hyperparameters or "").values)


def planned(base: TrainingPlan = BASE, **choices: object) -> list[TrainingPlan]:
    """Return the plans that choices make of a base."""
    series = SeriesPlan(base=base, choices=replace(SeriesChoices(), **choices))  # type: ignore[arg-type] # named fields
    return [item.plan for item in experiments(series, text_of)]


_values = st.lists(st.integers(0, 50) | st.floats(0, 1), min_size=1, max_size=3, unique=True).map(
    lambda values: ", ".join(map(repr, values))
)
_choices = st.builds(
    SeriesChoices,
    name=st.text(max_size=90),
    models=st.lists(custom | st.sampled_from([PLAN.model, OTHER]), max_size=2, unique=True).map(tuple),
    vary=st.lists(st.sampled_from(["lr0", "batch", "a/b"]), max_size=2, unique=True).flatmap(
        lambda keys: st.tuples(*(st.builds(Vary, key=st.just(key), text=_values) for key in keys))
    ),
    split=st.builds(
        SplitVariation,
        mode=st.sampled_from(["shared", "several", "own"]),
        percents=st.lists(st.integers(1, 99), max_size=2, unique=True).map(tuple),
        draws=st.integers(1, 2),
    ),
    repeats=st.integers(1, 3),
    agents=st.lists(st.integers(1, 3).map(AgentId), max_size=2, unique=True).map(tuple),
)


def _number_of(choices: SeriesChoices, *, is_random: bool) -> int:
    """Return how many experiments the choices make."""
    splits = max(len(choices.split.percents), 1) * choices.split.draws
    return prod(
        [
            max(len(choices.models), 1),
            *(len(item.text.split(", ")) for item in choices.vary),
            splits if is_random and choices.split.mode == "several" else 1,
            choices.repeats,
        ]
    )


@given(plans, _choices)
def test_as_many_as_the_product_all_different_with_unique_short_names(
    base: TrainingPlan, choices: SeriesChoices
) -> None:
    base = replace(base, hyperparameters=TEXT)
    is_random = isinstance(base.train_val_split, RandomSplit)
    number = _number_of(choices, is_random=is_random)
    assume(number <= MOST_EXPERIMENTS)
    made = experiments(SeriesPlan(base=base, choices=choices), text_of)
    assert len(made) == number
    assert len({item.key for item in made}) == len(made)
    names = [item.plan.experiment_name or "" for item in made]
    assert len({name.casefold() for name in names}) == len(names)
    assert all(0 < len(name) <= LONGEST_NAME and name.isprintable() and not {*"/\\"} & {*name} for name in names)
    settings = {(item.plan.model, item.plan.hyperparameters, item.plan.train_val_split) for item in made}
    assert len(settings) == len(made)
    assert all(item.plan.autostart for item in made)
    if is_random and choices.split.mode == "shared":
        assert len({item.plan.train_val_split for item in made}) == 1
    of_its_own = ("model", "hyperparameters", "experiment_name", "agent_id", "train_val_split")
    same = {name: getattr(base, name) for name in of_its_own}
    assert {replace(item.plan, **same) for item in made} == {replace(base, autostart=True)}
    if not is_random:
        assert {item.plan.train_val_split for item in made} == {base.train_val_split}


@given(plans, _choices)
def test_an_experiment_keeps_its_key_when_others_go_or_names_change(base: TrainingPlan, choices: SeriesChoices) -> None:
    assume(_number_of(choices, is_random=isinstance(base.train_val_split, RandomSplit)) <= MOST_EXPERIMENTS)
    series = SeriesPlan(base=replace(base, hyperparameters=TEXT), choices=choices)
    before = [item.key for item in experiments(series, text_of)]
    fewer = replace(choices, removed=(before[0],), name="Another name")
    assert [item.key for item in experiments(replace(series, choices=fewer), text_of)] == before[1:]
    assert [item.key for item in all_experiments(replace(series, choices=fewer), text_of)] == before


def test_values_go_into_the_text_and_into_the_name() -> None:
    made = planned(vary=(Vary(key="lr0", text="0.001, 0.1"), Vary(key="batch", text="4, 8")), name="Night")
    assert [plan.experiment_name for plan in made] == [
        "Night lr0 0.001, batch 4",
        "Night lr0 0.001, batch 8",
        "Night lr0 0.1, batch 4",
        "Night lr0 0.1, batch 8",
    ]
    assert [values_of(plan) for plan in made] == [
        {"epochs": 5, "lr0": lr0, "seed": 7, "batch": batch} for lr0 in (0.001, 0.1) for batch in (4, 8)
    ]


def test_values_can_go_together() -> None:
    made = planned(vary=(Vary(key="lr0", text="0.001, 0.1"), Vary(key="batch", text="4, 8")), combine="list")
    assert [plan.experiment_name for plan in made] == ["lr0 0.001, batch 4", "lr0 0.1, batch 8"]
    with pytest.raises(InputError, match="equally many: lr0 has 2, batch has 1"):
        planned(vary=(Vary(key="lr0", text="0.001, 0.1"), Vary(key="batch", text="4")), combine="list")


def test_a_long_name_loses_whole_parts_and_no_half_of_a_list() -> None:
    long = "a_key_with_a_name_as_long_as_some_have"
    made = planned(vary=(Vary(key=long, text="0.1, 0.2"), Vary(key="eval_spatial_size", text="[64, 64]")))
    assert [plan.experiment_name for plan in made] == [f"{long} 0.1", f"{long} 0.2"]


def test_seeds_begin_with_the_one_of_the_plan() -> None:
    made = planned(repeats=3)
    assert [values_of(plan)["seed"] for plan in made] == [7, 8, 9]
    assert [plan.experiment_name for plan in made] == ["seed 7", "seed 8", "seed 9"]
    with pytest.raises(InputError, match="seed varies twice"):
        planned(repeats=2, vary=(Vary(key="seed", text="1, 2"),))
    with pytest.raises(InputError, match="“lr0” varies twice"):
        planned(vary=(Vary(key="lr0", text="1"), Vary(key="lr0", text="2")))


def test_nothing_varies_makes_the_plan_itself_and_rows_without_values_do_not_count() -> None:
    made = planned(replace(PLAN, experiment_name="Mine"), vary=(Vary(), Vary(key="lr0"), Vary(text="3")))
    assert made == [replace(PLAN, experiment_name="Mine", train_val_split=RandomSplit(seed=0))]
    assert made[0].hyperparameters is None


def test_agents_take_turns_and_a_removed_one_takes_none() -> None:
    agents = (AgentId(3), AgentId(4))
    choices = SeriesChoices(vary=(Vary(key="lr0", text="1, 2, 3, 4"),), agents=agents)
    keys = [item.key for item in experiments(SeriesPlan(base=BASE, choices=choices), text_of)]
    made = experiments(
        SeriesPlan(
            base=BASE,
            choices=replace(choices, removed=(keys[1],), changes={keys[3]: ExperimentChange(agent_id=AgentId(3))}),
        ),
        text_of,
    )
    assert [item.plan.agent_id for item in made] == [3, 4, 3]
    assert [plan.agent_id for plan in planned(repeats=2)] == [None, None]


def test_edits_stay_with_their_experiment() -> None:
    choices = SeriesChoices(vary=(Vary(key="lr0", text="1, 2, 3"),))
    keys = [item.key for item in experiments(SeriesPlan(base=BASE, choices=choices), text_of)]
    changes = {
        keys[1]: ExperimentChange(name=" lr0 1 ", hyperparameters="epochs: 9\n"),
        "gone": ExperimentChange(name="x"),
    }
    more = replace(choices, vary=(Vary(key="lr0", text="2, 1, 5"),), changes=changes)
    made = [item.plan for item in experiments(SeriesPlan(base=BASE, choices=more), text_of)]
    assert [plan.experiment_name for plan in made] == ["lr0 1", "lr0 1 (2)", "lr0 5"]
    assert made[0].hyperparameters == "epochs: 9\n"


DETR = PretrainedModel(framework="RT-DETRv2", name="RT-DETRv2-S")
SERVER_ONLY = PretrainedModel(framework="SparseInst", name="SparseInst R-50")
TEXTS: dict[ModelChoice, str] = {
    OTHER: TEXT,
    DETR: "epoches: 5\neval_spatial_size: [640, 640]\noptimizer: {type: AdamW, lr: 0.0001}\n",
    SERVER_ONLY: "n_iterations: 100\nbase_lr: 0.1\n",
}


def across(model: ModelChoice, *models: ModelChoice, **choices: object) -> dict[str, dict[str, object]]:
    """Return name of the experiment → its hyperparameters, in a series of models with texts of their own."""
    wanted = replace(SeriesChoices(), models=(model, *models), **choices)  # type: ignore[arg-type] # named fields
    base = replace(PLAN, model=model, hyperparameters=TEXTS[model])
    made = experiments(SeriesPlan(base=base, choices=wanted), TEXTS.__getitem__)
    return {item.plan.experiment_name or "": values_of(item.plan) for item in made}


def test_a_value_goes_to_the_key_with_the_same_role_in_another_framework() -> None:
    vary = (Vary(key="lr0", text="0.001"), Vary(key="imgsz", text="96"))
    made = across(OTHER, DETR, vary=vary, repeats=2)
    assert made["Other-det, lr0 0.001, imgsz 96, seed 8"] == {"epochs": 5, "lr0": 0.001, "seed": 8, "imgsz": 96}
    name = "RT-DETRv2-S, lr 0.001, eval_spatial_size [96, 96], seed 1"
    assert made[name] == {
        "epoches": 5,
        "eval_spatial_size": [96, 96],
        "optimizer.type": "AdamW",
        "optimizer.lr": 0.001,
        "seed": 1,
    }
    assert across(DETR, OTHER, vary=(Vary(key="eval_spatial_size", text="[96, 64]"),))["Other-det, imgsz 96"] == {
        "epochs": 5,
        "lr0": 0.01,
        "seed": 7,
        "imgsz": 96,
    }
    with pytest.raises(InputError, match="“mosaic” is no hyperparameter of RT-DETRv2, and"):
        across(OTHER, DETR, vary=(Vary(key="mosaic", text="0, 1"),))


def test_repetitions_without_a_seed_have_the_same_settings_and_names_of_their_own() -> None:
    made = across(SERVER_ONLY, repeats=2)
    assert made == {f"repetition {turn}": {"n_iterations": 100, "base_lr": 0.1} for turn in (1, 2)}


def test_random_splits_are_drawn_with_a_seed_unless_each_run_has_its_own() -> None:
    choices = SeriesChoices(split=SplitVariation(mode="several", percents=(70, 80), draws=2), repeats=2)
    made = experiments(SeriesPlan(base=BASE, choices=choices), text_of)
    splits = list(dict.fromkeys(item.plan.train_val_split for item in made))
    assert splits == [RandomSplit(percent=share, seed=seed) for share in (70, 80) for seed in (0, 1)]
    assert made[0].plan.experiment_name == "seed 7, 70 % no 1"
    fixed = experiments(SeriesPlan(base=replace(BASE, train_val_split=SPLIT), choices=choices), text_of)
    assert [item.plan.train_val_split for item in fixed] == [SPLIT, SPLIT]

    frozen = replace(BASE, train_val_split=RandomSplit(percent=60, seed=5))
    for way, expected in (
        (SplitVariation(mode="shared"), RandomSplit(percent=60, seed=5)),
        (SplitVariation(mode="own"), RandomSplit(percent=60)),
    ):
        found = experiments(SeriesPlan(base=frozen, choices=SeriesChoices(split=way)), text_of)
        assert [item.plan.train_val_split for item in found] == [expected]


def test_too_many_are_refused_with_the_number() -> None:
    with pytest.raises(InputError, match="200 experiments"):
        planned(vary=(Vary(key="lr0", text=", ".join(map(str, range(20)))),), repeats=10)


def test_checkpoints_have_short_names() -> None:
    own = CustomCheckpoint(path="/experiments/6_Fruit/456_YOLO/checkpoints/best.pt")
    assert [plan.experiment_name for plan in planned(models=(PLAN.model, own))] == ["Pico-det", "456_YOLO best"]
