"""The panels of five real training apps, with their own files, take what is sent, with the classes that were said.

What a rule says of a plan is true in both directions: with no error the panel starts with exactly the chosen classes,
and an error names something that the panel would drop, or not begin with.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.contract.client.conftest import connected
from tests.contract.sdk.session import SdkSession
from tests.fakes.live_platform import LivePlatform, live_platform
from tests.fakes.real_apps import FOLDER, FRAMEWORKS, app_options, models, with_real_apps
from tests.fakes.shapes_project import GEOMETRIES, shapes_project
from traindash.domain.ids import ProjectId
from traindash.domain.plan import PretrainedModel, TrainingPlan
from traindash.plans.app_rules import CopyShape
from traindash.plans.app_state import start_state
from traindash.plans.converted_copy import CopyOrder, make_copy
from traindash.plans.facts import gather
from traindash.plans.lookups import project_facts
from traindash.plans.rules import problems_of
from traindash.supervisely.client import SuperviselyClient

pytestmark = pytest.mark.sdk

PANEL = """
import os
os.environ.update(arguments["environment"])
from supervisely.nn.training.gui.gui import TrainGUI
gui = TrainGUI(arguments["framework"], arguments["models"], arguments["defaults"], arguments["options"])
"""
LOAD = """
for _ in range(arguments["times"]):
    gui.load_from_app_state(arguments["state"])
parameters = gui.hyperparameters_selector
return {
    "started": gui._start_training,
    "model": gui.model_selector.get_model_name(),
    "classes": sorted(gui.classes_selector.get_selected_classes()),
    "onnx": parameters.get_export_onnx_checkbox_value(),
    "tensorrt": parameters.get_export_tensorrt_checkbox_value(),
}
"""
# Two steps of load_from_app_state without its clicks, which lock a panel for the next state: a panel takes seconds.
TRY = """
found = []
for state in arguments["states"]:
    gui.classes_selector.convert_class_shapes_checkbox.uncheck()
    model = gui._init_model(state["model"], {}, click_cb=False)
    begins = gui._init_classes(state["classes"], state["options"], click_cb=False)
    found.append([bool(model and begins), sorted(gui.classes_selector.get_selected_classes())])
return found
"""

CHOICES: tuple[tuple[str, ...] | None, ...] = (
    None,
    *((shape,) for shape in GEOMETRIES),
    ("rectangle", "polygon"),
    ("polygon", "bitmap"),
    ("rectangle", "line"),
)


@pytest.fixture(scope="module")
def shapes(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[LivePlatform, ProjectId]]:
    """A server with a project of all shapes."""
    with live_platform(tmp_path_factory.mktemp("shapes") / "home") as live:
        services = live.platform.services
        scratch = Path(tmp_path_factory.mktemp("scratch"))
        yield live, services.imports.run(shapes_project(scratch), services.accounts.home())


def _models_of(framework: str) -> list[str]:
    """Return one model for each task of a framework."""
    first: dict[str, str] = {}
    for row in models(framework):
        meta = row["meta"]
        first.setdefault(meta["task_type"], row.get("model_name") or meta["model_name"])
    return list(first.values())


def _judged(client: SuperviselyClient, plan: TrainingPlan) -> tuple[list[str], dict[str, Any], list[str]]:
    """Return the errors of a plan, what its start sends, and the classes that it says."""
    found = gather(client, plan)
    errors = [problem.message for problem in problems_of(plan, found.facts) if problem.severity == "error"]
    state: Any = start_state(plan, found.project.meta, found.origin, found.facts.app)["guiState"]
    return errors, state, sorted(state["classes"])


def _panel(sdk: SdkSession, server: LivePlatform, plan: TrainingPlan, code: str, **arguments: object) -> Any:  # noqa: ANN401 - JSON
    """Run code with the panel of a plan's framework on its project."""
    assert isinstance(plan.model, PretrainedModel)
    framework = plan.model.framework
    environment = {
        "SERVER_ADDRESS": server.url,
        "API_TOKEN": server.platform.token,
        "PROJECT_ID": str(plan.project_id),
        "APP_NAME": "Train",
    }
    return sdk.run(
        server,
        PANEL + code,
        framework=framework,
        models=models(framework),
        defaults=(FOLDER / framework / "hyperparameters.yaml").read_text(encoding="utf-8"),
        options=app_options(framework),
        environment=environment,
        **arguments,
    )


@pytest.mark.parametrize("framework", FRAMEWORKS)
def test_a_panel_takes_the_said_classes_or_an_error_was_told(
    sdk: SdkSession, shapes: tuple[LivePlatform, ProjectId], framework: str
) -> None:
    server, project_id = shapes
    with connected(server) as client:
        with_real_apps(client)
        plans = [
            TrainingPlan(
                project_id=project_id,
                model=PretrainedModel(framework=framework, name=name),
                classes=classes,
                convert_class_shapes=convert,
            )
            for name in _models_of(framework)
            for classes in CHOICES
            for convert in (True, False)
        ]
        judged = [_judged(client, plan) for plan in plans]
    tried = _panel(sdk, server, plans[0], TRY, states=[state for _, state, _ in judged])
    good = 0
    for plan, (errors, _, said), (begins, classes) in zip(plans, judged, tried, strict=True):
        trains_as_said = begins and classes == said
        assert trains_as_said is not bool(errors), (
            plan.model,
            plan.classes,
            plan.convert_class_shapes,
            errors,
            classes,
        )
        good += trains_as_said
    assert 0 < good < len(plans)


@pytest.mark.parametrize("framework", FRAMEWORKS)
def test_a_whole_plan_starts_and_exports_are_left_out_where_the_panel_has_no_switch(
    sdk: SdkSession, shapes: tuple[LivePlatform, ProjectId], framework: str
) -> None:
    server, project_id = shapes
    name = _models_of(framework)[-1]
    is_detector = framework in {"RT-DETRv2", "DEIM"}
    plan = TrainingPlan(
        project_id=project_id,
        model=PretrainedModel(framework=framework, name=name),
        classes=("rectangle",) if is_detector else ("polygon", "bitmap"),
        export_onnx=True,
    )
    with connected(server) as client:
        facts = gather(with_real_apps(client), plan).facts
        problems = problems_of(plan, facts)
        errors, state, said = _judged(client, plan)
    # Twice: an app that waits gets its state once more with the command that starts it.
    loaded = _panel(sdk, server, plan, LOAD, state=state, times=2)
    has_export = framework != "MaskDINO"
    assert errors == []
    assert any(problem.step == "export" for problem in problems) is not has_export
    assert loaded == {"started": True, "model": name, "classes": said, "onnx": has_export, "tensorrt": False}


@pytest.mark.parametrize(("framework", "shape"), [("RT-DETRv2", "boxes"), ("SparseInst", "masks")])
def test_a_converted_copy_is_trained_with_all_of_its_classes(
    sdk: SdkSession, shapes: tuple[LivePlatform, ProjectId], framework: str, shape: CopyShape
) -> None:
    server, project_id = shapes
    with connected(server) as client:
        order = CopyOrder(project=project_facts(client, project_id), shape=shape, framework=framework)
        copy = make_copy(with_real_apps(client), order)
        model = PretrainedModel(framework=framework, name=_models_of(framework)[0])
        plan = TrainingPlan(project_id=copy.project_id, model=model)
        errors, state, said = _judged(client, plan)
        assert errors == []
    loaded = _panel(sdk, server, plan, LOAD, state=state, times=1)
    every = {
        "boxes": ["any", "bitmap", "graph", "line", "polygon", "rectangle"],
        "masks": ["any", "bitmap", "polygon", "rectangle"],
    }
    assert (loaded["started"], loaded["classes"]) == (True, said)
    assert said == every[shape]
