"""The wizard with apps that take less than ours: what they leave out is said, what they lack is not asked."""

from dataclasses import replace

import streamlit as st
from streamlit.testing.v1 import AppTest

from tests.app.wizard.stage import Stage, everything_said
from tests.fakes.wizard_client import add_project
from traindash.domain.ecosystem import AppOptions, MissingEngine
from traindash.domain.ids import ProjectId
from traindash.domain.plan import PretrainedModel

DETECTOR = AppOptions(task_types=frozenset({"object detection"}), takes_exports=False, needs_gpu=True)


def _buttons(app: AppTest) -> list[str]:
    return [button.label.replace("\\", "") for button in app.button]


def test_classes_that_an_app_passes_over_are_said_with_the_copy_that_it_takes(stage: Stage) -> None:
    stage.world.app = DETECTOR
    draft = stage.draft(lambda item: replace(item, classes=("apple", "lemon")))
    app = stage.open("classes", draft=draft.id)
    said = everything_said(app)
    assert "does not list “lemon” (polygon) and would train without them, conversion or not." in said
    assert "**A copy with boxes** lets YOLO learn “lemon”." in said
    assert "Make “Fruit and vegetables (boxes for YOLO)”" in _buttons(app)
    assert app.button(key="next").disabled


def test_a_copy_that_is_there_already_is_used(stage: Stage) -> None:
    stage.world.app = DETECTOR
    known = ProjectId(31)
    add_project(stage.world, known, "Fruit and vegetables (boxes for YOLO)", 20)
    boxes = tuple(replace(item, shape="rectangle") for item in stage.world.metas[known].classes)
    stage.world.metas[known] = replace(stage.world.metas[known], classes=boxes)
    draft = stage.draft(lambda item: replace(item, classes=("apple", "lemon")))
    app = stage.open("classes", draft=draft.id)
    app.button(key="use-copy").click().run()
    moved = stage.store.load(draft.id)
    assert (moved.project_id, moved.classes) == (known, ("apple", "lemon"))
    assert "does not list" not in everything_said(app)


def test_what_an_app_lacks_is_not_asked(stage: Stage) -> None:
    stage.world.app = replace(
        DETECTOR, exports=frozenset(), has_benchmark=False, split_methods=frozenset({"collections"})
    )
    draft = stage.draft(lambda item: replace(item, classes=("apple",), export_onnx=True))
    for screen, words in (
        ("export", "The training app of YOLO exports to no other format."),
        ("benchmark", "The training app of YOLO makes no evaluation."),
    ):
        app = stage.open(screen, draft=draft.id)
        assert words in everything_said(app)
        assert [item for item in app.toggle if item.key and draft.id in item.key] == []
    app = stage.open("export", draft=draft.id)
    app.button(key="export-off").click().run()
    assert not stage.store.load(draft.id).export_onnx


def test_no_model_is_proposed_for_a_cpu_whose_app_needs_a_gpu(stage: Stage) -> None:
    draft = stage.draft()
    assert "The agents have no GPU." in everything_said(stage.open("model", draft=draft.id))
    stage.world.app = DETECTOR
    st.cache_data.clear()
    assert "The agents have no GPU." not in everything_said(stage.open("model", draft=draft.id))


def test_names_of_a_framework_that_nobody_described_are_guessed_and_that_is_said(stage: Stage) -> None:
    known = stage.world.models[0]
    stage.world.models = (*stage.world.models, replace(known, framework="Detectron9", name="D9-S"))
    model = PretrainedModel(framework="Detectron9", name="D9-S")
    text = "train:\n  batch_size: 4\n  max_iter: 900\n"
    draft = stage.draft(lambda item: replace(item, model=model, hyperparameters=text))
    said = everything_said(stage.open("hyperparameters", draft=draft.id))
    assert "This framework is not described here, so values are not checked." in said
    assert "a guess takes “train.batch_size” as" in said
    assert "No name tells more, so" in said
    # Nothing is said of a framework that is described
    assert "a guess takes" not in everything_said(stage.open("hyperparameters", draft=stage.draft().id))


def test_copies_that_training_apps_left_are_folded_away(stage: Stage) -> None:
    left = ProjectId(40)
    add_project(stage.world, left, "[detection]: Fruit and vegetables", 9)
    stage.world.projects[left] = replace(
        stage.world.projects[left], description="Converted ground truth project for trainig session: '5'. …"
    )
    add_project(stage.world, ProjectId(41), "[detection]: my own name", 9)
    app = stage.open("project", draft=stage.draft().id)
    (folded,) = [item for item in app.expander if "made to evaluate with" in item.label]
    assert folded.label == "1 copy that training apps made to evaluate with"
    assert [button.key for button in folded.button] == ["choose-project-40"]
    assert "my own name" in everything_said(app)


def test_an_address_that_names_a_project_opens_it_in_a_draft_once(stage: Stage) -> None:
    add_project(stage.world, ProjectId(9), "Batch 9", 12)
    begun = stage.draft()
    for _ in range(2):
        app = stage.open("project", project="9")
        assert not app.exception
        assert "project" not in app.query_params
    drafts = [draft for draft in stage.store.drafts(begun.server) if draft.id != begun.id]
    assert [draft.project_id for draft in drafts] == [ProjectId(9)]
    assert stage.store.load(begun.id).project_id == begun.project_id
    assert "Project 77 does not exist on this server." in everything_said(stage.open("project", project="77"))


def test_an_engine_that_is_not_installed_is_said_with_how_to_get_it(stage: Stage) -> None:
    missing = MissingEngine(message="YOLO cannot be trained on this machine yet.", hint="Add it with: pip.")
    stage.world.app = AppOptions(missing=missing)
    app = stage.open("model", draft=stage.draft(lambda item: replace(item, model=None)).id)
    said = everything_said(app)
    assert "YOLO cannot be trained on this machine yet. Add it with: pip." in said
    assert "is the smallest" not in said  # nothing is recommended that cannot be trained
    app = stage.open("model", draft=stage.draft().id)
    assert app.button(key="next").disabled
