"""Planning a series: what varies, the experiments that this makes, one start."""

from dataclasses import replace
from typing import Any, cast

from streamlit.testing.v1 import AppTest

from tests.app.wizard.stage import Stage, everything_said, links
from tests.fakes.wizard_client import World
from traindash.domain.ids import ProjectId, SeriesId
from traindash.domain.plan import CollectionsSplit
from traindash.plans.draft import SplitDraft, WizardDraft
from traindash.plans.series import SeriesChoices, SplitVariation, Vary
from traindash.ui import connection

RATES = (Vary(key="lr0", text="0.001, 0.01"),)


def varied(stage: Stage, **choices: object) -> WizardDraft:
    """Store a draft whose series varies something, on a fixed split."""
    series = replace(SeriesChoices(), **choices)  # type: ignore[arg-type] # tests name fields of the choices
    return stage.draft(lambda draft: replace(draft, split=fixed(stage.world), series=series))


def fixed(world: World) -> SplitDraft:
    """Return a split by the two collections of the project."""
    train, val = (item.id for item in world.collections[ProjectId(7)])
    split = CollectionsSplit(train_collections=(train,), val_collections=(val,))
    return SplitDraft(method="collections", collections=split)


def states(world: World) -> list[dict[str, Any]]:
    """Return what was sent to start tasks."""
    return [cast("dict[str, Any]", request.state)["guiState"] for request in world.started]


def press(app: AppTest, label: str) -> None:
    """Press the first button with a label."""
    next(button for button in app.button if button.label == label).click().run()


def test_the_launch_step_leads_to_the_series(stage: Stage) -> None:
    assert "Plan a series" in links(stage.open("launch", draft=stage.draft().id))


def test_values_become_experiments_and_all_of_them_start_once(stage: Stage) -> None:
    draft = varied(stage, repeats=2)
    app = stage.open("series_plan", draft=draft.id)
    press(app, "Vary a hyperparameter")
    app.selectbox(key=f"{draft.id}-series-key-0").set_value("lr0").run()
    app.text_input(key=f"{draft.id}-series-values-0").set_value("0.001, 1e-2").run()
    said = everything_said(app)
    assert "Fruit and vegetables lr0 0.01, seed 1" in said
    assert "Time not known" in said
    press(app, "Start 4 experiments")
    assert app.query_params["series"] in (draft.id, [draft.id])
    assert stage.store.load(draft.id).series_id == SeriesId(draft.id)
    for _ in range(2):
        connection.starter().round()
    sent = states(stage.world)
    assert [state["experiment_name"] for state in sent] == [
        "Fruit and vegetables lr0 0.001, seed 0",
        "Fruit and vegetables lr0 0.001, seed 1",
        "Fruit and vegetables lr0 0.01, seed 0",
        "Fruit and vegetables lr0 0.01, seed 1",
    ]
    assert all(f"seed: {turn % 2}\n" in state["hyperparameters"] for turn, state in enumerate(sent))
    assert {state["train_val_split"]["method"] for state in sent} == {"collections"}


def test_experiments_can_be_removed_brought_back_and_edited(stage: Stage) -> None:
    draft = varied(stage, vary=RATES, name="Night")
    app = stage.open("series_plan", draft=draft.id)
    press(app, "Remove")  # the row of the hyperparameter comes first
    press(app, "Vary a hyperparameter")
    stage.store.update(draft.id, lambda known: replace(known, series=replace(known.series, vary=RATES)))
    app.run()
    removed = next(button for button in app.button if str(button.key).startswith("series-remove-"))
    removed.click().run()
    assert "Night lr0 0.001" not in everything_said(app)
    assert any(button.label == "Start 1 experiment" for button in app.button)
    press(app, "Bring back 1 removed")
    assert "Night lr0 0.001" in everything_said(app)
    press(app, "Edit")
    name = next(field for field in app.text_input if field.label == "Experiment name")
    name.set_value("Mine <script> 🍎").run()
    agent = next(box for box in app.selectbox if box.label == "Agent")
    agent.set_value(stage.world.agents[1].id).run()
    assert "edited" in everything_said(app)
    press(app, "Start 2 experiments")
    connection.starter().round()
    assert states(stage.world)[0]["experiment_name"] == "Mine <script> 🍎"
    assert stage.world.started[0].agent_id == stage.world.agents[1].id


def test_what_cannot_start_says_why(stage: Stage) -> None:
    draft = varied(stage, vary=(Vary(key="lr0", text="1, [2"),))
    app = stage.open("series_plan", draft=draft.id)
    assert "is no list of values" in everything_said(app)
    assert app.button(key="start-series").disabled
    stage.store.update(draft.id, lambda known: replace(known, series=replace(known.series, vary=RATES, repeats=10)))
    stage.store.update(draft.id, lambda known: replace(known, hyperparameters="a: ["))
    app.run()
    assert "A series begins with a complete training" in everything_said(app)
    assert "Go to the open step" in links(app)


def test_a_random_split_is_shared_unless_the_person_wants_it_otherwise(stage: Stage) -> None:
    draft = stage.draft(lambda draft: replace(draft, series=SeriesChoices(vary=RATES)))
    app = stage.open("series_plan", draft=draft.id)
    assert "dealt once and kept" in everything_said(app)
    own = SeriesChoices(vary=RATES, split=SplitVariation(mode="own"))
    stage.store.update(draft.id, lambda known: replace(known, series=own))
    app.run()
    assert "cannot be compared exactly" in everything_said(app)
    press(app, "Start 2 experiments")
    connection.starter().round()
    assert {state["train_val_split"]["method"] for state in states(stage.world)} == {"random"}


def test_a_started_series_is_not_planned_again(stage: Stage) -> None:
    draft = varied(stage)
    stage.store.update(draft.id, lambda known: replace(known, series_id=SeriesId(known.id)))
    app = stage.open("series_plan", draft=draft.id)
    assert "Started as a series" in everything_said(app)
    assert "Open the series" in links(app)
