"""Each dialog of the project page does what it says, on the real platform over a socket."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
import streamlit as st
from streamlit.testing.v1 import AppTest

from tests.app.results.test_german_pages import speaking_german, texts_of
from tests.app.wizard.stage import everything_said
from tests.fakes.live_platform import live_platform
from tests.fakes.shapes_project import shapes_project
from tests.left_in_english import left_in_english
from tests.outside import ROOT
from traindash.domain.ids import ProjectId, SeriesId
from traindash.domain.plan import DatasetsSplit, PretrainedModel, TrainingPlan
from traindash.plans.draft import SplitDraft, WizardDraft
from traindash.plans.series import Experiment
from traindash.supervisely.client import SuperviselyClient, connect
from traindash.tasks.series_record import new_series
from traindash.ui import connection, lookups
from traindash.ui.projects.work import WORK, work_key
from traindash.ui.wizard.project import dataset_tree

SECONDS = 60


class Screen:
    """The page of the project, in one tab."""

    def __init__(self, client: SuperviselyClient, number: ProjectId) -> None:
        self.client, self.number = client, number
        self.app = AppTest.from_file(str(ROOT / "core" / "traindash" / "frame" / "main.py"), default_timeout=SECONDS)
        self.app.query_params["of"] = str(number)
        self.app.run()
        self.app.switch_page(str(ROOT / "pages" / "manage.py")).run()
        assert not self.app.exception, self.app.exception

    @property
    def said(self) -> str:
        """Everything that can be read."""
        return everything_said(self.app)

    def show(self, section: str) -> None:
        """Open a part of the page."""
        self.app.session_state[f"manage-section-{self.number}"] = section
        self.run()

    def choose(self, table: str, row: int) -> None:
        """Choose a row of a table."""
        self.app.session_state[f"{table}-{self.number}"] = {"selection": {"rows": [row], "columns": [], "cells": []}}
        self.run()

    def press(self, key: str) -> None:
        """Press a button, and wait for what it begins."""
        self.app.button(key=key).click()
        self.run()
        WORK.wait(work_key(self.number), SECONDS)
        self.run()

    def run(self) -> None:
        """Draw the page anew."""
        self.app.run()
        assert not self.app.exception, self.app.exception

    def draft(self, **changes: object) -> WizardDraft:
        """Store a draft on the project."""
        store = connection.drafts()
        made = store.create(connection.EMBEDDED)
        return store.update(made.id, lambda draft: replace(draft, project_id=self.number, **changes))  # type: ignore[arg-type]

    def classes(self) -> dict[str, int]:
        """Class → objects, as the server has them."""
        return {item.name: item.objects for item in self.client.projects.statistics(self.number).classes}

    def datasets(self) -> dict[str, int]:
        """Dataset → own images, as the server has them."""
        return {item.name: item.items_count for item in self.client.datasets.list(self.number)}


@pytest.fixture
def screen(tmp_path: Path) -> Iterator[Screen]:
    """The page, on a server with the project of all shapes."""
    st.cache_data.clear()
    st.cache_resource.clear()
    with live_platform(tmp_path / "home") as live:
        services = live.platform.services
        number = services.imports.run(shapes_project(tmp_path / "files"), services.accounts.home())
        with connect(live.url, live.platform.token) as client:
            connection.install(lambda: client, home=tmp_path / "dashboard")
            yield Screen(client, number)


def test_a_renamed_class_takes_its_drafts_along(screen: Screen) -> None:
    draft = screen.draft(classes=("rectangle", "polygon"))
    names = [item.name for item in screen.client.projects.meta(screen.number).classes]
    screen.choose("names-class", names.index("rectangle"))
    screen.press("ask-edit-class")
    assert "9 objects on 9 images follow." in screen.said.replace("Objects", "objects")
    number = screen.client.writing.name_ids(screen.number).classes["rectangle"]
    screen.app.text_input(key=f"class-{number}-name").set_value("polygon")
    screen.app.button(key="dialog-yes").click()
    screen.run()
    assert "There is a class called “polygon” already." in screen.said
    screen.app.text_input(key=f"class-{number}-name").set_value("box")
    screen.press("dialog-yes")
    assert screen.classes()["box"] == 9
    assert connection.drafts().load(draft.id).classes == ("box", "polygon")


def test_a_button_that_was_drawn_before_a_class_was_renamed_is_about_this_class(screen: Screen) -> None:
    classes = screen.client.projects.meta(screen.number).classes
    place, item = next((place, item) for place, item in enumerate(classes) if item.name == "rectangle")
    screen.choose("names-class", place)
    assert item.id is not None
    screen.client.project_edits.edit_class(item.id, "box", item.color, None)
    lookups.forget_project(screen.number)
    screen.press("ask-delete-class")
    assert screen.app.button(key="dialog-yes").label == "Delete with 9 objects"
    screen.press("dialog-yes")
    assert "box" not in screen.classes()


def test_a_class_is_merged_only_where_its_objects_fit(screen: Screen) -> None:
    names = [item.name for item in screen.client.projects.meta(screen.number).classes]
    screen.choose("names-class", names.index("polygon"))
    screen.press("ask-merge-class")
    assert "become “any”, then the class “polygon” goes" in screen.said
    screen.press("dialog-yes")
    assert "polygon" not in screen.classes()
    assert screen.classes()["any"] == 18


def test_a_class_goes_with_as_many_objects_as_the_dialog_says(screen: Screen) -> None:
    screen.draft(classes=("rectangle",), name="Nightly")
    names = [item.name for item in screen.client.projects.meta(screen.number).classes]
    screen.choose("names-class", names.index("rectangle"))
    screen.press("ask-delete-class")
    assert screen.app.button(key="dialog-yes").label == "Delete with 9 objects"
    assert "Used by 1 draft: “Nightly”" in screen.said
    screen.press("dialog-no")
    assert "rectangle" in screen.classes()
    screen.press("ask-delete-class")
    screen.press("dialog-yes")
    assert "rectangle" not in screen.classes()
    assert "Class “rectangle” is deleted." in screen.said
    assert "9 objects on 9 images, can be brought back until" in screen.said
    screen.press("undo-0")
    assert screen.classes()["rectangle"] == 9
    assert [item.name for item in screen.client.projects.meta(screen.number).classes] == names
    assert "Deleted (1)" not in screen.said


def test_classes_and_tags_are_added(screen: Screen) -> None:
    screen.press("ask-add-class")
    screen.press("dialog-yes")
    assert "The class needs a name." in screen.said
    screen.app.text_input(key="new-class-name").set_value("crate")
    screen.press("dialog-yes")
    screen.show("Tags")
    screen.press("ask-add-tag")
    screen.app.text_input(key="new-tag-name").set_value("blurred")
    screen.app.text_input(key="new-tag-values").set_value("day, night")
    screen.press("dialog-yes")
    assert "Choose “one of a list”, or empty the field." in screen.said
    screen.app.selectbox(key="new-tag-kind").set_value("oneof_string")
    screen.press("dialog-yes")
    meta = screen.client.projects.meta(screen.number)
    assert (meta.classes[-1].name, meta.tags[-1].name) == ("crate", "blurred")
    assert meta.tags[-1].values == ("day", "night")


def test_a_deleted_dataset_comes_back_from_the_notice_and_from_the_list(screen: Screen) -> None:
    before = screen.datasets()
    screen.show("Datasets")
    screen.choose("datasets", 0)
    screen.press("ask-delete-dataset")
    assert "with 6 images and 1 dataset inside goes from the project" in screen.said
    screen.press("dialog-yes")
    assert screen.datasets() == {"second": 3}
    assert "Dataset “first” is deleted (6 images)." in screen.said
    # What moved up into its row is not chosen in its stead.
    assert screen.app.button(key="ask-delete-dataset").disabled
    screen.press("undo-0")
    assert screen.datasets() == before
    screen.choose("datasets", 0)
    screen.press("ask-delete-dataset")
    screen.press("dialog-yes")
    screen.press("dismiss-0")
    assert "6 images, can be brought back until" in screen.said
    (restore,) = (button.key for button in screen.app.button if (button.key or "").startswith("restore-"))
    assert restore is not None
    screen.press(restore)
    assert screen.datasets() == before


def test_datasets_are_made_renamed_moved_merged_and_split(screen: Screen) -> None:
    second = next(item for item in screen.client.datasets.list(screen.number) if item.name == "second")
    split = SplitDraft(method="datasets", datasets=DatasetsSplit(train_datasets=(), val_datasets=(second.id,)))
    draft = screen.draft(split=split)
    screen.show("Datasets")
    screen.press("ask-add-dataset")
    screen.app.text_input(key="dataset-name").set_value("third")
    screen.press("dialog-yes")
    screen.choose("datasets", 2)
    screen.press("ask-place-dataset")
    screen.press("dialog-yes")
    rows = [item.id for item, _ in dataset_tree(screen.client.datasets.list(screen.number))]
    screen.choose("datasets", rows.index(second.id))
    screen.press("ask-split-dataset")
    screen.app.text_input(key="split-name").set_value("a bit")
    screen.press("dialog-yes")
    assert screen.datasets()["a bit"] == 1
    rows = [item.id for item, _ in dataset_tree(screen.client.datasets.list(screen.number))]
    screen.choose("datasets", rows.index(second.id))
    screen.press("ask-merge-dataset")
    screen.press("dialog-yes")
    left = screen.datasets()
    assert "second" not in left
    assert sum(left.values()) == 9
    assert connection.drafts().load(draft.id).split.datasets.val_datasets != (second.id,)


def test_chosen_images_are_tagged_moved_and_removed_with_a_way_back(screen: Screen) -> None:
    screen.show("Images")
    images = screen.client.images.list(project_id=screen.number)
    for image in images[:2]:
        screen.app.checkbox(key=f"tick-0-{image.id}").check()
        screen.run()
    assert "2 images chosen" in screen.said
    screen.press("ask-tag-images")
    screen.app.selectbox(key="images-tag").set_value("val")
    screen.press("dialog-yes")
    tagged = screen.client.images.get(screen.number, [image.id for image in images[:2]])
    assert all("val" in {tag.name for tag in image.tags} for image in tagged)
    screen.press("ask-remove-images")
    assert "2 images** with 14 objects go from the project" in screen.said
    screen.press("dialog-yes")
    assert len(screen.client.images.list(project_id=screen.number)) == len(images) - 2
    assert "2 images removed." in screen.said
    screen.press("undo-0")
    assert len(screen.client.images.list(project_id=screen.number)) == len(images)
    screen.press("images-all")
    screen.press("ask-move-images")
    screen.app.selectbox(key="images-target").set_value(0)
    screen.run()
    screen.app.text_input(key="images-new-name").set_value("everything")
    screen.press("dialog-yes")
    assert screen.datasets()["everything"] == len(images)


def test_the_project_is_renamed_cloned_deleted_and_brought_back(screen: Screen) -> None:
    screen.press("ask-rename")
    screen.app.text_input(key="project-name").set_value("Market")
    screen.app.text_area(key="project-description").set_value("From the square")
    screen.press("dialog-yes")
    assert "From the square" in screen.said
    screen.press("ask-clone")
    screen.press("dialog-yes")
    project = screen.client.projects.get(screen.number)
    names = {item.name: item.items_count for item in screen.client.projects.list(project.workspace_id)}
    assert names["Market copy"] == project.items_count
    original = screen.app.query_params["of"]
    screen.press("open-0")
    assert screen.app.query_params["of"] != original
    assert "Market copy" in screen.said
    screen.app.query_params["of"] = str(screen.number)
    screen.run()
    screen.press("ask-delete")
    assert "goes from every list" in screen.said
    screen.press("dialog-yes")
    assert "“Market” is deleted and can be brought back until" in screen.said
    screen.press("undo-0")
    assert "From the square" in screen.said


def test_what_was_renamed_elsewhere_is_offered_by_its_new_name(screen: Screen) -> None:
    model = PretrainedModel(framework="YOLO", name="YOLO26n-det")
    draft = screen.draft(classes=("rectangle", "polygon"), model=model)
    number = screen.client.writing.name_ids(screen.number).classes["rectangle"]
    screen.client.project_edits.edit_class(number, "box", "#112233")
    st.cache_data.clear()
    st.cache_resource.clear()
    screen.app.query_params.clear()
    screen.app.query_params["draft"] = draft.id
    screen.app.switch_page(str(ROOT / "pages" / "classes.py"))
    screen.run()
    assert "“rectangle” is called “box” in this project now." in screen.said
    screen.app.button(key="use-new-names").click()
    screen.run()
    assert connection.drafts().load(draft.id).classes == ("box", "polygon")
    screen.app.switch_page(str(ROOT / "pages" / "plan.py"))
    screen.run()
    plan = f"project_id: {screen.number}\nmodel: YOLO/YOLO26n-det\nclasses: [rectangle, line]\n"
    screen.app.text_area(key="plan-text").set_value(plan)
    screen.run()
    assert "“rectangle” is called “box” in this project now." in screen.said
    assert "box, line" in screen.said
    screen.app.toggle(key="plan-new-names").set_value(False)
    screen.run()
    assert "box, line" not in screen.said


def test_an_edit_of_what_somebody_else_renamed_is_refused(screen: Screen) -> None:
    names = [item.name for item in screen.client.projects.meta(screen.number).classes]
    screen.choose("names-class", names.index("rectangle"))
    screen.press("ask-edit-class")
    number = screen.client.writing.name_ids(screen.number).classes["rectangle"]
    screen.client.project_edits.edit_class(number, "crate", "#112233")
    screen.app.text_input(key=f"class-{number}-name").set_value("box")
    screen.app.button(key="dialog-yes").click()
    screen.run()
    assert "crate" in screen.classes()
    assert "box" not in screen.classes()


def test_series_that_wait_follow_a_new_name(screen: Screen) -> None:
    plan = TrainingPlan(
        project_id=screen.number,
        model=PretrainedModel(framework="YOLO", name="YOLO26n-det"),
        classes=("rectangle",),
    )
    experiment = Experiment(key="a", plan=plan)
    series = new_series(SeriesId("abcdefgh"), connection.EMBEDDED, "Night", (experiment,))
    connection.series().add(series.id, series)
    names = [item.name for item in screen.client.projects.meta(screen.number).classes]
    screen.choose("names-class", names.index("rectangle"))
    screen.press("ask-edit-class")
    number = screen.client.writing.name_ids(screen.number).classes["rectangle"]
    screen.app.text_input(key=f"class-{number}-name").set_value("box")
    screen.press("dialog-yes")
    assert connection.series().load(series.id).members[0].plan.classes == ("box",)


def test_the_page_and_its_dialogs_are_wholly_german(screen: Screen) -> None:
    with speaking_german():
        german = Screen(screen.client, screen.number)
        read = texts_of(german.app)
        for section, table, dialogs in (
            ("Classes", "names-class", ("add-class", "edit-class", "merge-class", "delete-class")),
            ("Tags", "names-tag", ("add-tag", "edit-tag", "merge-tag", "delete-tag")),
            ("Datasets", "datasets", ("add-dataset", "rename-dataset", "place-dataset", "merge-dataset")),
            ("Datasets", "datasets", ("split-dataset", "delete-dataset")),
            ("Images", "", ("move-images", "copy-images", "tag-images", "remove-images")),
        ):
            german.show(section)
            if table:
                german.choose(table, 0)
            else:
                german.press("images-all")
            for dialog in dialogs:
                german.press(f"ask-{dialog}")
                read += texts_of(german.app)
                german.press("dialog-no")
        for dialog in ("rename", "clone", "delete"):
            german.press(f"ask-{dialog}")
            read += texts_of(german.app)
            german.press("dialog-no")
    assert "Klasse hinzufügen" in read
    assert "Projekt löschen" in read
    assert left_in_english(text for text in read if not text.startswith("//")) == []  # those are comments of scripts
