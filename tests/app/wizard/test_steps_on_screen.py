"""Each step of the wizard as a person meets it."""

from dataclasses import replace

import pytest
from streamlit.testing.v1 import AppTest
from streamlit.testing.v1.element_tree import NumberInput

from tests.app.wizard.stage import Stage, component_data, everything_said
from tests.fakes.wizard_client import experiment
from traindash.domain.ids import DatasetId, ProjectId
from traindash.domain.plan import CustomCheckpoint, DatasetsSplit, PretrainedModel
from traindash.plans.draft import SplitDraft, split_draft
from traindash.plans.problems import Step
from traindash.plans.steps import STEPS


def test_choosing_a_project_opens_the_next_step(stage: Stage) -> None:
    app = stage.open("project")
    assert app.button(key="next").disabled
    assert "No project is chosen." in everything_said(app)
    app.button(key="choose-project-7").click().run()
    draft = stage.store.load(app.query_params["draft"])
    assert draft.project_id == ProjectId(7)
    assert draft.split.method == "tags"
    assert not app.button(key="next").disabled
    assert [metric.value for metric in app.metric] == ["20", "60", "4", "2"]
    assert "plum" in everything_said(app)


def test_next_confirms_the_step_and_goes_on(stage: Stage) -> None:
    draft = stage.draft()
    app = stage.open("project", draft=draft.id)
    app.button(key="next").click().run()
    assert "Which model to start from?" in everything_said(app)
    assert stage.store.load(draft.id).seen == ("project",)


def test_two_quick_edits_are_both_kept(stage: Stage) -> None:
    draft = stage.draft()
    app = stage.open("project", draft=draft.id)
    for value in (False, True, False):
        app.toggle(key=f"{draft.id}-cache").set_value(value).run()
        assert stage.store.load(draft.id).cache_project is value
        assert app.toggle(key=f"{draft.id}-cache").value is value


def test_without_projects_it_says_so_and_looks_again(stage: Stage) -> None:
    stage.world.projects.clear()
    app = stage.open("project")
    assert "no image project yet" in everything_said(app)


def test_a_cpu_server_recommends_the_small_model_and_says_random(stage: Stage) -> None:
    draft = stage.draft(lambda draft: replace(draft, model=None))
    app = stage.open("model", draft=draft.id)
    assert "Every model starts from random initialisation here" in everything_said(app)
    app.button(key="use-it").click().run()
    assert stage.store.load(draft.id).model == PretrainedModel(framework="YOLO", name="Pico-det (CPU demo)")
    assert app.button(key="use-it").disabled


def test_figures_are_shown_as_given(stage: Stage) -> None:
    app = stage.open("model", draft=stage.draft().id)
    table = app.dataframe[0].value
    assert list(table.columns) == ["Model", "Size (pixels)", "mAP", "params (M)", "FLOPs (B)"]
    assert table.loc[table["Model"] == "YOLO26n-det", "mAP"].item() == 40.9
    assert not table["Model"].str.endswith("-seg").any()


def test_own_checkpoints_are_offered(stage: Stage) -> None:
    stage.world.experiments = (experiment(),)
    path = "/experiments/7_Fruit/31_YOLO/checkpoints/best.pt"
    draft = stage.draft(lambda draft: replace(draft, model=CustomCheckpoint(path=path)))
    app = stage.open("model", draft=draft.id)
    table = app.dataframe[0].value
    assert list(table["Checkpoint"]) == ["best.pt", "last.pt"]
    assert table["mAP"][0] == 0.684
    assert table["mAP"].isna()[1]
    assert not app.button(key="next").disabled


def test_an_emptied_class_list_stops_the_wizard(stage: Stage) -> None:
    draft = stage.draft()
    app = stage.open("classes", draft=draft.id)
    app.button(key="classes-None").click().run()
    assert app.button(key="next").disabled
    assert "No class is chosen." in everything_said(app)
    app.button(key="classes-With objects").click().run()
    assert stage.store.load(draft.id).classes == ("apple", "lemon", "plum")
    assert not app.button(key="next").disabled


def test_conversion_off_names_the_classes_that_do_not_fit(stage: Stage) -> None:
    draft = stage.draft()
    app = stage.open("classes", draft=draft.id)
    app.toggle(key=f"{draft.id}-convert").set_value(False).run()
    assert "“lemon” (polygon) cannot be used as drawn" in everything_said(app)
    assert app.button(key="next").disabled


def test_the_split_shows_real_counts_for_each_method(stage: Stage) -> None:
    draft = stage.draft()
    app = stage.open("split", draft=draft.id)
    assert [metric.value for metric in app.metric] == ["16", "4", "0"]
    app.slider(key=f"{draft.id}-split-percent-train").set_value(50).run()
    assert [metric.value for metric in app.metric] == ["10", "10", "0"]
    assert "Half of the images" in everything_said(app)
    for method, wanted in (("datasets", "No dataset is chosen"), ("tags", "A tag is missing.")):
        app.segmented_control(key=f"{draft.id}-split-method").set_value(method).run()
        assert wanted in everything_said(app)
        assert app.button(key="next").disabled
    app.selectbox(key=f"{draft.id}-split-train-tag").set_value("train").run()
    app.selectbox(key=f"{draft.id}-split-val-tag").set_value("val").run()
    assert [metric.value for metric in app.metric] == ["14", "4", "2"]
    app.segmented_control(key=f"{draft.id}-split-method").set_value("random").run()
    assert stage.store.load(draft.id).split.random.percent == 50


def test_what_each_class_has_on_both_sides_is_a_table_whose_names_are_data() -> None:
    def page() -> None:
        from traindash.domain.plan import SideCounts  # noqa: PLC0415 - the script stands alone
        from traindash.ui.wizard.split import _draw_counts  # noqa: PLC0415

        counts = SideCounts(train_images=12, train_objects=1234, val_images=3, val_objects=0)
        _draw_counts([("<b>red</b>", counts)])

    (table,) = (item.proto.body for item in AppTest.from_function(page).run().get("html"))
    assert "&lt;b&gt;red&lt;/b&gt;" in table
    assert '<td data-sort="1234">1,234</td>' in table
    assert "cx-sortable" in table


@pytest.mark.parametrize("things", ["datasets", "collections"])
def test_each_side_keeps_what_is_chosen_for_it(stage: Stage, things: str) -> None:
    draft = stage.draft()
    app = stage.open("split", draft=draft.id)
    app.segmented_control(key=f"{draft.id}-split-method").set_value(things).run()
    first, second = (app.multiselect(key=f"{draft.id}-split-{side}-{things}") for side in ("train", "val"))
    known = stage.world.datasets[ProjectId(7)] if things == "datasets" else stage.world.collections[ProjectId(7)]
    first.set_value([known[0].id]).run()
    app.multiselect(key=f"{draft.id}-split-val-{things}").set_value([known[1].id]).run()
    kept = getattr(stage.store.load(draft.id).split, things)
    assert getattr(kept, f"train_{things}") == (known[0].id,)
    assert getattr(kept, f"val_{things}") == (known[1].id,)
    assert second.label == f"{things.capitalize()} for validation"
    # of datasets some images are shown, each with its name in words
    assert ("an image for training" in everything_said(app)) is (things == "datasets")


def test_an_empty_side_stops_the_wizard(stage: Stage) -> None:
    stage.world.datasets[ProjectId(7)] = tuple(
        replace(item, items_count=0) if item.id == DatasetId(72) else item
        for item in stage.world.datasets[ProjectId(7)]
    )
    split = split_draft(DatasetsSplit(train_datasets=(DatasetId(71),), val_datasets=(DatasetId(72),)))
    app = stage.open("split", draft=stage.draft(lambda draft: replace(draft, split=split)).id)
    assert "There are no images for validation." in everything_said(app)
    assert app.button(key="next").disabled


def test_bad_yaml_names_its_line_and_can_be_reset(stage: Stage) -> None:
    draft = stage.draft(lambda draft: replace(draft, hyperparameters="epochs: 20\nbatch: [1\nlr0: 1\n"))
    app = stage.open("hyperparameters", draft=draft.id)
    assert component_data(app)["lines"]["wrong"] == [2]
    assert "Line 2 of the hyperparameters is not valid YAML" in everything_said(app)
    assert app.button(key="next").disabled
    app.button(key="reset-yaml").click().run()
    assert component_data(app)["lines"]["wrong"] == []
    assert component_data(app)["text"].startswith("# General")
    assert stage.store.load(draft.id).hyperparameters is None
    assert app.button(key="reset-yaml").disabled


def test_changed_hyperparameters_are_listed(stage: Stage) -> None:
    text = "epochs: 3\nimgsz: 160\nbatch: 8\nlr0: 0.002\nmosaic: 0.5\n"
    app = stage.open("hyperparameters", draft=stage.draft(lambda draft: replace(draft, hyperparameters=text)).id)
    table = app.dataframe[0].value
    assert table.to_dict("records") == [
        {"Changed from default": "epochs", "Value": "3", "Default": "20"},
        {"Changed from default": "mosaic", "Value": "0.5", "Default": "–"},
    ]


def test_fields_and_text_of_the_hyperparameters_are_in_step(stage: Stage) -> None:
    draft = stage.draft()
    app = stage.open("hyperparameters", draft=draft.id)

    def field(role: str) -> NumberInput:
        return app.number_input(key=f"{draft.id}-field-{role}")

    field("length").set_value(7).run()
    assert "epochs: 7  # passes over the training images" in (stage.store.load(draft.id).hyperparameters or "")
    text = "epochs: 3\nimgsz: [320, 320]\nlr0: 0.0001\n"
    stage.store.update(draft.id, lambda current: replace(current, hyperparameters=text))
    app.run()
    assert [field(role).value for role in ("length", "image_size", "learning_rate")] == [3, 320, 0.0001]
    field("image_size").set_value(640).run()
    assert "imgsz: [640, 640]" in component_data(app)["text"]
    stage.store.update(draft.id, lambda current: replace(current, hyperparameters="epochs: 3\nim"))
    app.run()  # in the middle of a word
    assert field("length").disabled
    assert field("image_size").value == 640


def test_the_speed_test_needs_the_evaluation(stage: Stage) -> None:
    draft = stage.draft()
    app = stage.open("benchmark", draft=draft.id)
    assert app.toggle(key=f"{draft.id}-speedtest").value  # a new draft measures it; a plan that is silent does not
    app.toggle(key=f"{draft.id}-benchmark").set_value(False).run()
    assert app.toggle(key=f"{draft.id}-speedtest").disabled
    assert not stage.store.load(draft.id).enable_speedtest
    assert not app.button(key="next").disabled


def test_tensorrt_is_explained_where_there_is_no_gpu(stage: Stage) -> None:
    draft = stage.draft()
    app = stage.open("export", draft=draft.id)
    assert app.toggle(key=f"{draft.id}-tensorrt").disabled
    assert "Not available: it is made on an NVIDIA GPU" in everything_said(app)


def test_tensorrt_can_be_chosen_where_there_is_one(stage: Stage) -> None:
    stage.world.agents = tuple(replace(agent, is_gpu=True) for agent in stage.world.agents)
    draft = stage.draft()
    app = stage.open("export", draft=draft.id)
    app.toggle(key=f"{draft.id}-tensorrt").set_value(True).run()
    assert stage.store.load(draft.id).export_tensorrt


@pytest.mark.parametrize("step", [spec.id for spec in STEPS if spec.id != "project"])
def test_a_step_that_is_not_open_says_what_comes_first(stage: Stage, step: Step) -> None:
    app = stage.open(step)
    assert "comes after “Project”" in everything_said(app)
    assert "Choose the project to train on." in everything_said(app)


@pytest.mark.parametrize("step", [spec.id for spec in STEPS])
def test_every_step_draws_a_good_draft_without_an_error(stage: Stage, step: Step) -> None:
    draft = stage.draft(lambda draft: replace(draft, classes=("apple", "plum"), split=SplitDraft()))
    app = stage.open(step, draft=draft.id)
    assert not app.error
    assert "New training" in everything_said(app)
