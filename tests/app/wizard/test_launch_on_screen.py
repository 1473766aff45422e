"""The last step: what is sent, once, and what happens when it is refused."""

from dataclasses import replace
from typing import Any, cast

from tests.app.wizard.stage import Stage, everything_said, links, with_code
from tests.outside import ROOT
from traindash.domain.app_state import StartRequest
from traindash.domain.ecosystem import AgentStatus
from traindash.domain.ids import ProjectId, TaskId
from traindash.supervisely.errors import ForbiddenError, RejectedError


def _split(request: StartRequest) -> dict[str, Any]:
    return cast("dict[str, Any]", cast("dict[str, Any]", request.state)["guiState"]["train_val_split"])


def test_start_sends_one_request_and_opens_the_task(stage: Stage) -> None:
    draft = stage.draft(lambda draft: replace(draft, classes=("apple",), export_onnx=True))
    app = stage.open("launch", draft=draft.id)
    assert app.button(key="start-training").label == "Start training"
    app.button(key="start-training").click().run()
    assert stage.store.load(draft.id).task_id == TaskId(41)
    assert len(stage.world.started) == 1
    state = cast("dict[str, Any]", stage.world.started[0].state)
    assert state["slyProjectId"] == 7
    assert state["guiState"]["classes"] == ["apple"]
    assert state["guiState"]["options"]["export"]["ONNXRuntime"] is True
    assert app.query_params["task"] == "41"


def test_a_refused_start_keeps_the_draft_and_can_be_repeated(stage: Stage) -> None:
    stage.world.start_refusal = RejectedError("The agent is full.", "Wait for a task to end.", method="tasks.run.app")
    draft = stage.draft()
    app = stage.open("launch", draft=draft.id)
    app.button(key="start-training").click().run()
    assert "The agent is full." in everything_said(app)
    assert stage.store.load(draft.id).task_id is None
    stage.world.start_refusal = None
    app.button(key="start-training").click().run()
    assert stage.store.load(draft.id).task_id is not None


def test_a_random_split_is_frozen_at_the_start_unless_a_person_says_no(stage: Stage) -> None:
    frozen = stage.draft()
    app = stage.open("split", draft=frozen.id)
    assert "Later experiments can use the same images" in everything_said(app)
    app.button(key=f"{frozen.id}-split-draw").click().run()
    assert stage.store.load(frozen.id).split.random.seed == 1
    stage.open("launch", draft=frozen.id).button(key="start-training").click().run()

    drawn_anew = stage.draft()
    app = stage.open("split", draft=drawn_anew.id)
    app.toggle(key=f"{drawn_anew.id}-split-freeze").set_value(False).run()
    assert "Every run draws its own split" in everything_said(app)
    stage.open("launch", draft=drawn_anew.id).button(key="start-training").click().run()

    kept, drawn = (_split(request) for request in stage.world.started)
    names = {item.id: item.name for item in stage.world.collections[ProjectId(7)]}
    assert kept["method"] == "collections"
    assert [names[item] for item in (*kept["train_collections"], *kept["val_collections"])] == [
        "train 80 % frozen",
        "val 20 % frozen",
    ]
    assert drawn == {"method": "random", "split": "train", "percent": 80}


def test_a_user_who_may_not_keep_a_split_is_told_the_way_out(stage: Stage) -> None:
    stage.world.collections_refusal = ForbiddenError(
        "This user may not do that.", "Ask an admin.", method="entities-collections.add", status=403
    )
    draft = stage.draft()
    app = stage.open("launch", draft=draft.id)
    app.button(key="start-training").click().run()
    said = everything_said(app)
    assert "The split cannot be frozen" in said
    assert "Switch “Freeze this split” off" in said
    assert not stage.world.started


def test_a_script_can_name_a_split_that_is_frozen_now(stage: Stage) -> None:
    draft = stage.draft()
    app = with_code(stage.open("launch", draft=draft.id))
    assert "# TrainApi knows only a random split" in app.code[0].value
    app.button(key="freeze-now").click().run()
    assert "CollectionsSplit(train_collections=[" in app.code[0].value
    assert stage.store.load(draft.id).split.method == "collections"


def test_problems_are_listed_with_their_step_and_switch_the_button_off(stage: Stage) -> None:
    draft = stage.draft(lambda draft: replace(draft, experiment_name="a/b"))
    stage.world.agents = tuple(replace(agent, status=AgentStatus.WAITING) for agent in stage.world.agents)
    app = stage.open("launch", draft=draft.id)
    said = everything_said(app)
    assert "No agent is connected." in said
    assert "contains a slash" in said
    assert "“fig”" in said
    assert app.button(key="start-training").disabled
    assert "Go to “Classes”" in links(app)


def test_the_documented_default_name_is_shown(stage: Stage) -> None:
    app = stage.open("launch", draft=stage.draft().id)
    assert "<task id> Fruit and vegetables Pico-det (CPU demo)" in everything_said(app)


def test_agent_and_name_go_into_the_request(stage: Stage) -> None:
    draft = stage.draft()
    app = stage.open("launch", draft=draft.id)
    agent = stage.world.agents[1]
    app.selectbox(key=f"{draft.id}-agent").set_value(agent.id).run()
    app.text_input(key=f"{draft.id}-name").set_value("  My first  ").run()
    app.toggle(key=f"{draft.id}-autostart").set_value(False).run()
    app.button(key="start-training").click().run()
    request = stage.world.started[0]
    gui = cast("dict[str, Any]", request.state)["guiState"]
    assert (request.agent_id, gui["experiment_name"], gui["start_training"]) == (agent.id, "My first", False)


def test_a_started_draft_cannot_be_changed_but_copied(stage: Stage) -> None:
    draft = stage.draft(lambda draft: replace(draft, task_id=TaskId(9)))
    app = stage.open("split", draft=draft.id)
    assert "Started as task 9" in everything_said(app)
    assert not app.slider
    next(button for button in app.button if button.label.startswith("New training with")).click().run()
    copied = stage.store.load(app.query_params["draft"])
    assert copied.id != draft.id
    assert (copied.task_id, copied.project_id) == (None, draft.project_id)


def test_a_late_second_click_ends_on_the_task_too(stage: Stage) -> None:
    draft = stage.draft()
    app = stage.open("launch", draft=draft.id)
    app.button(key="start-training").click().run()
    app.query_params.clear()
    app.query_params["draft"] = draft.id
    app.switch_page(str(ROOT / "pages" / "launch.py")).run()
    assert app.query_params["task"] in ("41", ["41"])
    assert "draft" not in app.query_params
    assert len(stage.world.started) == 1


def test_after_a_start_new_training_begins_afresh(stage: Stage) -> None:
    draft = stage.draft()
    app = stage.open("launch", draft=draft.id)
    app.button(key="start-training").click().run()
    app = stage.open("project")
    assert "No project is chosen." in everything_said(app)
    assert app.query_params["draft"] not in (draft.id, [draft.id])
