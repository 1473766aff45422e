"""The project step with many projects and many images."""

import json
from dataclasses import replace
from typing import Any

from streamlit.testing.v1 import AppTest

from tests.app.wizard.stage import Stage, everything_said
from tests.fakes.wizard_client import add_project
from traindash.domain.ids import DatasetId, ProjectId
from traindash.domain.project import Dataset


def test_many_projects_can_be_searched_and_ordered(stage: Stage) -> None:
    for number in range(20, 26):
        add_project(stage.world, ProjectId(number), f"Batch {number}", number)
    draft = stage.draft(lambda item: replace(item, project_id=None))
    app = stage.open("project", draft=draft.id)
    said = everything_said(app)
    assert "Batch 25" in said
    app.text_input(key="project-search").set_value("23").run()
    said = everything_said(app)
    assert "Batch 23" in said
    assert "Batch 25" not in said
    app.text_input(key="project-search").set_value("nothing").run()
    assert "No project is called “nothing”" in everything_said(app)
    app.text_input(key="project-search").set_value("").run()
    app.selectbox(key="project-order").set_value("Most images first").run()
    buttons = [button.key for button in app.button if (button.key or "").startswith("choose-project-")]
    assert buttons[:2] == ["choose-project-25", "choose-project-24"]


def test_all_images_are_shown_page_by_page_and_by_dataset(stage: Stage) -> None:
    draft = stage.draft()
    app = stage.open("project", draft=draft.id)
    app.toggle(key=f"all-images-{draft.project_id}").set_value(True).run()
    assert not app.exception
    options = app.selectbox(key=f"all-images-{draft.project_id}-dataset").options
    assert [option.strip() for option in options] == [
        "All datasets (20 images)",
        "orchard (15 images)",
        "market (5 images)",
    ]
    assert len(_rows(app)) == 20
    app.selectbox(key=f"all-images-{draft.project_id}-dataset").select_index(2).run()
    assert len(_rows(app)) == 5
    (first, *_) = names = [row["name"] for row in _rows(app)]
    app.text_input(key=f"all-images-{draft.project_id}-name").set_value(first.upper()).run()
    assert [row["name"] for row in _rows(app)] == [name for name in names if first in name]
    app.text_input(key=f"all-images-{draft.project_id}-name").set_value("no such image").run()
    assert "No image fits" in everything_said(app)
    app.toggle(key=f"distributions-{draft.project_id}").set_value(True).run()
    assert not app.exception
    assert "Objects per class" in everything_said(app)


def test_datasets_are_a_tree_with_the_images_inside(stage: Stage) -> None:
    project = ProjectId(7)
    market = DatasetId(72)
    stall = Dataset(id=DatasetId(73), name="stall", project_id=project, items_count=4, parent_id=market)
    box = Dataset(id=DatasetId(74), name="box", project_id=project, items_count=2, parent_id=stall.id)
    stage.world.datasets[project] = (*stage.world.datasets[project], stall, box)
    app = stage.open("project", draft=stage.draft().id)
    assert "4 datasets" in [expander.label for expander in app.expander]
    assert not app.dataframe  # the code of tables is 1.2 MB, which waits until it is opened
    app.session_state["folded-datasets"] = True
    (table,) = app.run().dataframe
    rows = table.value.values.tolist()
    assert [[str(name).strip(), own, below] for name, own, below in rows] == [
        ["orchard", 15, 15],
        ["market", 5, 11],
        ["stall", 4, 6],
        ["box", 2, 2],
    ]


def _rows(app: AppTest) -> list[dict[str, Any]]:
    """Return the images that the gallery was given."""
    found = [json.loads(item.proto.json or "{}") for item in app.get("bidi_component")]
    rows: list[dict[str, Any]] = next(data["rows"] for data in found if "grid" in data)
    return rows


def test_data_can_be_brought_in_from_here(stage: Stage) -> None:
    app = stage.open("project", draft=stage.draft().id)
    assert "Bring data in" in [str(getattr(item, "label", "")) for item in app.get("page_link")]


def test_a_server_that_brings_nothing_back_is_not_said_to(stage: Stage) -> None:
    app = stage.open("manage", of="7")
    app.session_state["manage-section-7"] = "Datasets"
    app.session_state["datasets-7"] = {"selection": {"rows": [0], "columns": [], "cells": []}}
    app.run()
    app.button(key="ask-delete-dataset").click().run()
    assert not app.exception
    said = everything_said(app)
    assert "orchard** with 15 images goes from the project." in said
    assert "The server keeps it in its own trash." in said
    assert "30 days" not in said
