"""What a training app takes of a plan, by its own files: the client reads them, the rules and the state follow them."""

from dataclasses import replace

import pytest

from tests.fakes.real_apps import FRAMEWORKS, real_ecosystem
from tests.unit.plans.facts import MODEL, draft, facts
from traindash.domain.ecosystem import EVERY_EXPORT, EVERY_SPLIT, AppOptions
from traindash.domain.ids import ProjectId
from traindash.domain.plan import CustomCheckpoint, PretrainedModel, RandomSplit, TrainingPlan
from traindash.domain.project import ObjectClass, Project, ProjectMeta, TagMeta
from traindash.plans.app_rules import ClassUse, class_use, copy_need, is_evaluation_copy
from traindash.plans.app_state import start_state
from traindash.plans.rules import check_benchmark, check_export, check_launch, check_model
from traindash.plans.split_rules import check_split

DETECTOR = AppOptions(task_types=frozenset({"object detection"}), takes_exports=False, needs_gpu=True)
META = ProjectMeta(
    classes=(ObjectClass(name="car", shape="rectangle"), ObjectClass(name="lake", shape="polygon")),
    tags=(TagMeta(name="train"), TagMeta(name="val")),
)


@pytest.mark.parametrize("framework", FRAMEWORKS)
def test_the_files_of_the_apps_say_what_they_take(framework: str) -> None:
    ecosystem = real_ecosystem()
    module = ecosystem.train_module(framework)
    found = ecosystem.options(module, ecosystem.models_of(module))
    tasks = {
        "YOLO": {"object detection", "instance segmentation"},
        "RT-DETRv2": {"object detection"},
        "DEIM": {"object detection"},
        "SparseInst": {"instance segmentation"},
        "MaskDINO": {"semantic segmentation"},
    }
    assert found.licence in {"AGPL-3.0", "Apache-2.0", "MIT"}
    assert replace(found, licence="") == AppOptions(
        task_types=frozenset(tasks[framework]),
        exports=frozenset() if framework == "MaskDINO" else EVERY_EXPORT,
        split_methods=EVERY_SPLIT,
        takes_exports=False,
        needs_gpu=True,
    )


def test_shapes_that_an_app_has_no_model_for_are_hidden_and_others_block_it() -> None:
    both = AppOptions(task_types=frozenset({"object detection", "instance segmentation"}))
    uses = {
        shape: class_use(shape, "instance segmentation", both) for shape in ("bitmap", "polygon", "rectangle", "any")
    }
    assert uses == {
        "bitmap": ClassUse.READY,
        "polygon": ClassUse.CONVERTED,
        "rectangle": ClassUse.BLOCKING,
        "any": ClassUse.HIDDEN,
    }
    assert class_use("line", "object detection", AppOptions()) is ClassUse.CONVERTED  # ours looks at each object
    need = copy_need(META.classes, "object detection", DETECTOR)
    assert need is not None
    assert (need.shape, need.classes, need.hopeless) == ("boxes", ("lake",), ())
    assert copy_need(META.classes, "object detection", both) is None
    assert copy_need((ObjectClass(name="spot", shape="point"),), "object detection", DETECTOR) is None


def test_an_exported_model_is_no_start_for_an_app_that_looks_among_checkpoints() -> None:
    exported = draft(model=CustomCheckpoint(path="/experiments/1_a/2_YOLO/export/best.onnx"))
    (problem,) = check_model(exported, facts(app=DETECTOR))
    assert problem.severity == "error"
    assert "best.onnx" in problem.message
    assert check_model(exported, facts()) == ()
    own = draft(model=CustomCheckpoint(path="/experiments/1_a/2_YOLO/checkpoints/best.pt"))
    assert check_model(own, facts(app=DETECTOR)) == ()
    (problem,) = check_model(own, facts(app=replace(DETECTOR, takes_checkpoints=False)))
    assert problem.severity == "error"


def test_what_an_app_does_not_have_is_told_in_its_step() -> None:
    bare = replace(DETECTOR, exports=frozenset({"ONNX"}), has_benchmark=False, split_methods=frozenset({"datasets"}))
    known = facts(app=bare)
    (export,) = check_export(draft(export_onnx=True), known)
    assert "makes ONNX, but takes no setting for it" in export.message
    (benchmark,) = check_benchmark(draft(enable_benchmark=True), known)
    assert "makes no evaluation" in benchmark.message
    assert any("offers no split by" in problem.message for problem in check_split(draft(), known))
    assert any("needs a GPU" in problem.message for problem in check_launch(draft(), known))


def test_a_state_has_no_switch_that_the_panel_lacks_and_tags_where_it_wants_some() -> None:
    plan = TrainingPlan(
        project_id=ProjectId(1),
        model=PretrainedModel(framework=MODEL.framework, name="x"),
        train_val_split=RandomSplit(),
        export_onnx=True,
    )

    def state(app: AppOptions) -> dict[str, object]:
        found = start_state(plan, META, None, app)["guiState"]
        assert isinstance(found, dict)
        return found

    assert state(AppOptions())["options"]["export"]["ONNXRuntime"] is True  # type: ignore[index]
    bare = state(replace(DETECTOR, exports=frozenset({"ONNX"}), wants_tags=True))
    assert "export" not in bare["options"]  # type: ignore[operator]
    assert bare["tags"] == ["train", "val"]


def test_copies_that_apps_made_are_known_by_name_and_description() -> None:
    project = Project(id=ProjectId(1), name="[detection]: A", workspace_id=1, team_id=1)  # type: ignore[arg-type]
    assert not is_evaluation_copy(project)
    assert is_evaluation_copy(replace(project, description="Converted ground truth project for trainig session: '7'."))
