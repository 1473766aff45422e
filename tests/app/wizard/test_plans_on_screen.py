"""Plans in and out of the wizard, drafts and presets, as a person meets them."""

import json
from dataclasses import replace

import pytest
from streamlit.testing.v1 import AppTest

from tests.app.wizard.stage import Stage, everything_said, links, with_code
from tests.fakes.wizard_client import experiment
from traindash.domain.ids import ProjectId, TaskId
from traindash.domain.plan import PretrainedModel, RandomSplit, TrainingPlan
from traindash.errors import NotFoundError
from traindash.plans.app_state import start_state
from traindash.plans.draft import Origin, SplitDraft, begin_again
from traindash.plans.plan_code import python_script
from traindash.plans.plan_file import read_plan, write_plan
from traindash.ui import connection
from traindash.ui.wizard.again import origin_of

PLAN = TrainingPlan(
    project_id=ProjectId(7),
    model=PretrainedModel(framework="YOLO", name="Pico-det (CPU demo)"),
    classes=("apple",),
    train_val_split=RandomSplit(percent=70),
    hyperparameters="epochs: 3\n",
    export_onnx=True,
)


@pytest.fixture
def trained(stage: Stage) -> Stage:
    """The stage after a training, task 31, that kept its settings."""
    stage.world.experiments = (experiment(),)
    state = start_state(PLAN, stage.world.metas[ProjectId(7)])["guiState"]
    folder = "/experiments/7_Fruit/31_YOLO"
    stage.world.files = {
        f"{folder}/app_state.json": json.dumps(state).encode(),
        f"{folder}/hyperparameters.yaml": b"epochs: 3\nlr0: 0.01\n",
    }
    return stage


def _opened(app: AppTest) -> str:
    """Return the id of the draft in the address."""
    found = app.query_params["draft"]
    return found if isinstance(found, str) else found[0]


@pytest.mark.parametrize("text", [write_plan(PLAN), python_script(PLAN)], ids=["file", "script"])
def test_a_pasted_plan_is_shown_and_then_fills_the_wizard(stage: Stage, text: str) -> None:
    app = stage.open("plan")
    assert app.button(key="plan-apply").disabled
    app.text_area(key="plan-text").set_value(text).run()
    said = everything_said(app)
    for label, value in (
        ("Project", "Fruit and vegetables"),
        ("Classes", "1: apple"),
        ("Split", "random, 70 % train, drawn anew"),
    ):
        assert f"<dt>{label}</dt><dd>{value}</dd>" in said
    assert stage.store.load(_opened(app)).project_id is None
    app.button(key="plan-apply").click().run()
    draft = stage.store.load(_opened(app))
    assert (draft.project_id, draft.classes, draft.export_onnx) == (7, ("apple",), True)
    assert "Ready to start?" in everything_said(app)


def test_a_plan_with_errors_opens_the_step_to_look_at(stage: Stage) -> None:
    app = stage.open("plan")
    app.text_area(key="plan-text").set_value(write_plan(replace(PLAN, classes=("ghost",)))).run()
    assert "None of the classes is in the project" in everything_said(app)
    app.button(key="plan-apply").click().run()
    assert "Which classes to learn?" in everything_said(app)


def test_what_cannot_be_read_names_its_line_and_changes_nothing(stage: Stage) -> None:
    draft = stage.draft()
    app = stage.open("plan", draft=draft.id)
    app.text_area(key="plan-text").set_value("project_id: 7\nmodel: 3").run()
    assert "Line 2: model is 3" in everything_said(app)
    assert app.button(key="plan-apply").disabled
    assert stage.store.load(draft.id) == draft


def test_a_draft_that_says_something_is_left_alone_unless_asked(stage: Stage) -> None:
    draft = stage.draft()
    app = stage.open("plan", draft=draft.id)
    app.text_area(key="plan-text").set_value(write_plan(PLAN)).run()
    assert '<dt>Classes</dt><dd>1: apple<span class="td-detail">now: all</span></dd>' in everything_said(app)
    app.button(key="plan-apply").click().run()
    assert _opened(app) != draft.id
    assert stage.store.load(draft.id) == draft
    app = stage.open("plan", draft=draft.id)
    app.text_area(key="plan-text").set_value(write_plan(PLAN)).run()
    app.button(key="plan-replace").click().run()
    assert stage.store.load(draft.id).classes == ("apple",)


def test_the_first_step_leads_to_it(stage: Stage) -> None:
    assert "Start from a plan" in links(stage.open("project"))


def test_the_review_shows_the_plan_in_three_forms(stage: Stage) -> None:
    draft = stage.draft(lambda draft: replace(draft, classes=("apple",), split=SplitDraft()))
    app = with_code(stage.open("launch", draft=draft.id))
    script, file, command = (item.value for item in app.code)
    assert read_plan(file).classes == ("apple",)
    assert "TrainApi(api).run(" in script
    assert command.startswith("traindash launch plan.yaml --server ")


def test_an_incomplete_plan_has_no_code(stage: Stage) -> None:
    draft = stage.draft(lambda draft: replace(draft, experiment_name="a/b"))
    assert not with_code(stage.open("launch", draft=draft.id)).code


def test_differences_to_the_training_it_began_with_are_shown(stage: Stage) -> None:
    origin = Origin(task_id=TaskId(31), title="31 <script> Fruit", plan=PLAN)
    draft = stage.draft(lambda draft: begin_again(draft, origin))
    app = stage.open("hyperparameters", draft=draft.id)
    assert "no difference yet" in everything_said(app)
    stage.store.update(draft.id, lambda draft: replace(draft, hyperparameters="epochs: 9\n", classes=None))
    said = everything_said(app.run())
    assert "2 differences: **Classes** 1: apple → all; **epochs** 3 → 9" in said


def test_drafts_are_listed_renamed_copied_deleted_and_had_back(stage: Stage) -> None:
    draft = stage.draft()
    app = stage.open("drafts")
    assert "Fruit and vegetables, Pico-det (CPU demo)" in everything_said(app)
    app.text_input(key=f"name-{draft.id}").set_value("  <b>mine</b>\n ").run()
    assert stage.store.load(draft.id).name == "<b>mine</b>"
    app.button(key=f"copy-{draft.id}").click().run()
    assert "<b>mine</b>, copy" in [item.name for item in stage.store.drafts(draft.server)]
    app.button(key=f"delete-{draft.id}").click().run()
    assert draft.id not in [item.id for item in stage.store.drafts(draft.server)]
    app.button(key="draft-undo").click().run()
    assert stage.store.load(draft.id).name == "<b>mine</b>"
    app.text_input(key="draft-search").set_value("nothing like it").run()
    assert "No draft fits the search." in everything_said(app)


def test_an_opened_draft_goes_on_where_it_was_left(stage: Stage) -> None:
    draft = stage.draft(lambda draft: replace(draft, seen=("project", "model", "classes")))
    app = stage.open("drafts")
    app.button(key=f"open-{draft.id}").click().run()
    assert "Which images train, which validate?" in everything_said(app)


def test_presets_fill_the_text_and_can_be_taken_back(stage: Stage) -> None:
    draft = stage.draft(lambda draft: replace(draft, hyperparameters="epochs: 7\n"))
    app = stage.open("hyperparameters", draft=draft.id)
    app.segmented_control(key=f"{draft.id}-preset").set_value("Quick look").run()
    assert "epochs: 8" in (stage.store.load(draft.id).hyperparameters or "")
    app.button(key="yaml-undo").click().run()
    assert stage.store.load(draft.id).hyperparameters == "epochs: 7\n"
    app.text_input(key=f"{draft.id}-preset-name").set_value("seven").run()
    app.button(key="save-preset").click().run()
    assert "seven" in app.segmented_control(key=f"{draft.id}-preset").options
    assert app.segmented_control(key=f"{draft.id}-preset").value == "seven"
    app.button(key="delete-preset-0").click().run()
    assert "seven" not in app.segmented_control(key=f"{draft.id}-preset").options


def test_a_fix_is_one_click(stage: Stage) -> None:
    draft = stage.draft(lambda draft: replace(draft, hyperparameters="lr0: 1e-3 # slow\nepoch: 3\n"))
    app = stage.open("hyperparameters", draft=draft.id)
    assert "Line 1: lr0 is “1e-3”" in everything_said(app)
    app.button(key="fix-0").click().run()
    assert stage.store.load(draft.id).hyperparameters == "lr0: 1.0e-3 # slow\nepoch: 3\n"
    app.button(key="fix-0").click().run()
    assert stage.store.load(draft.id).hyperparameters == "lr0: 1.0e-3 # slow\nepochs: 3\n"


def test_an_experiment_fills_the_wizard(trained: Stage) -> None:
    app = trained.open("plan")
    app.segmented_control(key="plan-source").set_value("Earlier experiment").run()
    app.selectbox(key="plan-experiment").select_index(0).run()
    app.button(key="plan-apply").click().run()
    draft = trained.store.load(_opened(app))
    assert (draft.project_id, draft.classes, draft.split.random.percent) == (7, ("apple",), 70)


def test_a_training_is_the_origin_of_a_change(trained: Stage) -> None:
    origin = origin_of(TaskId(31))
    assert (origin.task_id, origin.title, origin.plan) == (31, "31 Fruit Pico", PLAN)
    with pytest.raises(NotFoundError, match="settings of task 32 are not known"):
        origin_of(TaskId(32))
    trained.world.files.clear()
    connection.forget_answers()
    with pytest.raises(NotFoundError, match="kept no settings"):
        origin_of(TaskId(31))


def test_hyperparameters_are_compared_with_an_experiment_and_taken_over(trained: Stage) -> None:
    draft = trained.draft(lambda draft: replace(draft, hyperparameters="epochs: 9\nseed: 1\n"))
    app = trained.open("hyperparameters", draft=draft.id)
    app.selectbox(key=f"{draft.id}-compare-with").set_value(TaskId(31)).run()
    assert app.dataframe[0].value.to_dict("records") == [
        {"Hyperparameter": "epochs", "Value": "9", "31 Fruit Pico": "3"},
        {"Hyperparameter": "seed", "Value": "1", "31 Fruit Pico": "–"},
        {"Hyperparameter": "lr0", "Value": "–", "31 Fruit Pico": "0.01"},
    ]
    app.button(key="take-over").click().run()
    assert trained.store.load(draft.id).hyperparameters == "epochs: 3\nlr0: 0.01\n"
