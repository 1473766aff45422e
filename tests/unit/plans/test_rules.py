"""Each step's rule: what it lets through, and what it says otherwise."""

from dataclasses import replace

import pytest

from tests.unit.plans.facts import AGENTS, MODEL, draft, facts, project
from traindash.domain.ecosystem import AgentStatus
from traindash.domain.ids import AgentId, ProjectId
from traindash.domain.plan import CustomCheckpoint, PretrainedModel
from traindash.domain.project import ProjectMeta
from traindash.plans.facts import ProjectFacts
from traindash.plans.problems import Problem
from traindash.plans.rules import (
    RULES,
    check_benchmark,
    check_classes,
    check_export,
    check_hyperparameters,
    check_launch,
    check_model,
    check_project,
)
from traindash.plans.steps import STEPS
from traindash.ui.wizard.tables import start_note


def only(problems: tuple[Problem, ...]) -> Problem:
    assert len(problems) == 1, problems
    return problems[0]


def with_shapes(*shapes: str) -> ProjectFacts:
    whole = project()
    classes = tuple(replace(item, shape=shape) for item, shape in zip(whole.meta.classes, shapes, strict=False))
    return replace(whole, meta=ProjectMeta(classes=classes))


def test_a_good_draft_has_no_errors_and_one_warning_about_the_empty_class() -> None:
    found = [problem for step in STEPS for problem in RULES[step.id](draft(), facts())]
    assert [(problem.severity, problem.step) for problem in found] == [("warning", "classes")]
    assert "“fig”" in found[0].message


@pytest.mark.parametrize("step", STEPS, ids=lambda step: step.id)
def test_every_problem_belongs_to_its_step_and_says_what_to_do(step: object) -> None:
    bad = draft(
        project_id=ProjectId(99), model=None, classes=("ghost",), hyperparameters="a: [", enable_benchmark=False,
        enable_speedtest=True, export_tensorrt=True, agent_id=AgentId(99), experiment_name="a/b",
    )  # fmt: skip
    spec = next(item for item in STEPS if item is step)
    for problem in RULES[spec.id](bad, facts(project=None if spec.id == "project" else project(), model=None)):
        assert problem.step == spec.id
        assert problem.message.endswith(".")
        assert problem.hint


class TestProject:
    def test_none_is_chosen(self) -> None:
        assert only(check_project(draft(project_id=None), facts(project=None))).severity == "error"

    def test_the_chosen_one_is_gone(self) -> None:
        assert "Project 7 does not exist" in only(check_project(draft(), facts(project=None))).message

    def test_it_has_no_images(self) -> None:
        whole = project()
        empty = replace(whole, project=replace(whole.project, items_count=0))
        assert "has no images" in only(check_project(draft(), facts(project=empty))).message

    def test_it_has_no_classes(self) -> None:
        bare = replace(project(), meta=ProjectMeta(classes=()))
        assert "no object classes" in only(check_project(draft(), facts(project=bare))).message


class TestModel:
    def test_none_is_chosen(self) -> None:
        assert only(check_model(draft(model=None), facts(model=None))).message == "No model is chosen."

    def test_the_server_does_not_have_it(self) -> None:
        assert MODEL.name in only(check_model(draft(), facts(model=None))).message

    def test_a_server_without_a_list_of_models_cannot_vouch_for_a_name(self) -> None:
        assert only(check_model(draft(), facts(model=None, models=()))).severity == "warning"

    def test_the_framework_is_not_there(self) -> None:
        other = draft(model=PretrainedModel(framework="RT-DETRv2", name="S"))
        assert only(check_model(other, facts(model=None))).severity == "error"

    def test_the_checkpoint_is_gone(self) -> None:
        gone = draft(model=CustomCheckpoint(path="/experiments/7_Fruit/31_YOLO/checkpoints/best.pt"))
        assert "best.pt" in only(check_model(gone, facts(model=None))).message

    def test_random_initialisation_is_said_plainly_and_only_then(self) -> None:
        assert "random initialisation" in start_note(MODEL)
        assert start_note(replace(MODEL, starts_random=False)) == ""
        assert start_note(replace(MODEL, starts_random=None)) == ""


class TestClasses:
    def test_an_emptied_list_is_an_error(self) -> None:
        assert only(check_classes(draft(classes=()), facts())).message == "No class is chosen."

    def test_a_class_that_the_project_lost_is_left_out_and_said(self) -> None:
        found = check_classes(draft(classes=("apple", "ghost")), facts())
        assert only(found).severity == "warning"
        assert "left out: “ghost”" in found[0].message

    def test_only_classes_that_the_project_lost_are_an_error(self) -> None:
        assert only(check_classes(draft(classes=("ghost",)), facts())).severity == "error"

    def test_only_empty_classes_are_an_error(self) -> None:
        assert only(check_classes(draft(classes=("fig",)), facts())).severity == "error"

    def test_unsuitable_shapes_without_conversion_are_an_error(self) -> None:
        found = only(check_classes(draft(classes=("apple", "lemon"), convert_class_shapes=False), facts()))
        assert found.severity == "error"
        assert "“lemon”" in found.message
        assert "“apple”" not in found.message

    def test_the_same_shapes_with_conversion_are_fine(self) -> None:
        assert check_classes(draft(classes=("apple", "lemon")), facts()) == ()

    def test_a_shape_that_cannot_be_converted_warns_beside_others(self) -> None:
        found = only(check_classes(draft(classes=("apple", "lemon")), facts(project=with_shapes("point", "polygon"))))
        assert found.severity == "warning"
        assert "“apple”" in found.message

    def test_only_shapes_that_cannot_be_converted_are_an_error(self) -> None:
        found = only(check_classes(draft(classes=("apple",)), facts(project=with_shapes("point"))))
        assert found.severity == "error"

    def test_key_points_are_trained_only_where_they_are_chosen(self) -> None:
        poses = facts(project=with_shapes("rectangle", "graph"))
        assert "Key points are not trained: “lemon”" in check_classes(draft(classes=None), poses)[-1].message
        assert check_classes(draft(classes=("apple",)), poses) == ()
        found = only(check_classes(draft(classes=("apple", "lemon")), poses))
        assert (found.severity, "boxes around key points" in found.message) == ("warning", True)
        assert check_classes(draft(classes=None), facts(project=with_shapes("graph"))) == ()

    def test_rectangles_serve_segmentation_after_conversion_only(self) -> None:
        segmentation = replace(MODEL, task_type="instance segmentation")
        chosen = draft(classes=("apple",))
        assert check_classes(chosen, facts(model=segmentation)) == ()
        assert check_classes(replace(chosen, convert_class_shapes=False), facts(model=segmentation)) != ()


class TestHyperparameters:
    def test_defaults_need_no_check(self) -> None:
        assert check_hyperparameters(draft(hyperparameters=None), facts()) == ()

    @pytest.mark.parametrize("text", ["epochs: [1", "just words", "", "- a\n- b", "seed: 1\nseed: 2", "\tepochs: 3"])
    def test_text_that_cannot_be_used_is_an_error(self, text: str) -> None:
        assert only(check_hyperparameters(draft(hyperparameters=text), facts())).severity == "error"

    def test_a_number_that_yaml_reads_as_text_is_an_error_where_a_number_is_needed(self) -> None:
        found = only(check_hyperparameters(draft(hyperparameters="lr0: 1e-3"), facts()))
        assert found.severity == "error"
        assert "1.0e-3" in found.hint

    def test_it_is_an_error_where_nobody_knows_what_is_needed_too(self) -> None:
        other = replace(MODEL, framework="Nobody's")
        found = only(check_hyperparameters(draft(hyperparameters="lr0: 1e-3"), facts(model=other)))
        assert found.severity == "error"


class TestBenchmarkAndExport:
    def test_a_speed_test_without_evaluation_switches_it_on(self) -> None:
        found = check_benchmark(draft(enable_benchmark=False, enable_speedtest=True), facts())
        assert "switches it on" in only(found).message

    def test_no_evaluation_is_a_warning(self) -> None:
        assert only(check_benchmark(draft(enable_benchmark=False), facts())).severity == "warning"

    def test_tensorrt_without_gpu_is_a_warning(self) -> None:
        assert only(check_export(draft(export_tensorrt=True), facts())).severity == "warning"

    def test_tensorrt_with_gpu_is_fine(self) -> None:
        with_gpu = (replace(AGENTS[0], is_gpu=True),)
        assert check_export(draft(export_tensorrt=True), facts(agents=with_gpu)) == ()


class TestLaunch:
    def test_no_agent_at_all(self) -> None:
        assert only(check_launch(draft(), facts(agents=()))).message == "No agent is connected."

    def test_the_chosen_agent_is_offline(self) -> None:
        agents = (replace(AGENTS[0], status=AgentStatus.WAITING), AGENTS[1])
        found = only(check_launch(draft(agent_id=AGENTS[0].id), facts(agents=agents)))
        assert found.message == f"Agent “{AGENTS[0].name}” is offline."

    def test_the_chosen_agent_is_gone(self) -> None:
        assert only(check_launch(draft(agent_id=AgentId(99)), facts())).severity == "error"

    @pytest.mark.parametrize("name", ["a/b", "a\\b", "x" * 256])
    def test_a_name_that_cannot_be_a_folder(self, name: str) -> None:
        assert only(check_launch(draft(experiment_name=name), facts())).severity == "error"
