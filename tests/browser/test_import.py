"""Bringing data in, in a real browser: a first look, doubts, refusals, and masks that are learned as masks."""

import json
import re
import time
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from tests.browser.widgets import PATIENCE, expect_heading, expect_text, next_step, press, settle
from tests.browser.workshop import SIDE, archive, bring_in, choose, leave_speed_out, walk_to_measures
from tests.lemons import write_lemons
from tests.server import DashboardProcess
from traindash.domain.experiment import ExperimentInfo
from traindash.domain.task import TaskStatus
from traindash.supervisely.client import SuperviselyClient, connect

pytestmark = [pytest.mark.browser, pytest.mark.slow]
TRAINING_SECONDS = 240.0


@pytest.fixture(scope="module")
def dashboard(tmp_path_factory: pytest.TempPathFactory) -> Iterator[DashboardProcess]:
    """A dashboard that the tests of this file share."""
    with DashboardProcess(home=tmp_path_factory.mktemp("import") / "home") as process:
        yield process


def masks(folder: Path) -> Path:
    """Pack the lemons project as Supervisely exports it: bitmap masks of two classes."""
    path = folder / "lemons.zip"
    with zipfile.ZipFile(path, "w") as packed:
        lemons = write_lemons(folder / "lemons")
        for file in sorted(lemons.rglob("*")):
            if file.is_file():
                packed.write(file, Path("lemons") / file.relative_to(lemons))
    return path


def trained(page: Page, client: SuperviselyClient) -> tuple[ExperimentInfo, list[str], dict[str, Any]]:
    """Wait for the end of the newest training; return its experiment, the classes it learned and its settings."""
    team = client.teams.list()[0].id
    workspace = client.workspaces.list(team)[0].id
    deadline = time.monotonic() + TRAINING_SECONDS
    task = client.tasks.list(workspace)[0]
    while not task.status.is_terminal and time.monotonic() < deadline:
        page.wait_for_timeout(500)
        task = client.tasks.get(task.id)
    assert task.status is TaskStatus.FINISHED, task
    experiment = client.experiments.of_task(task.id)
    assert experiment is not None
    state = json.loads(client.files.read(team, f"{experiment.artifacts_dir}/app_state.json"))
    learned = json.loads(client.files.read(team, f"{experiment.artifacts_dir}/model_meta.json"))
    return experiment, [item["title"] for item in learned["classes"]], state


def test_masks_that_were_brought_in_are_learned_as_masks(
    dashboard: DashboardProcess, page: Page, tmp_path: Path
) -> None:
    bring_in(page, dashboard.url, masks(tmp_path), "Supervisely")
    press(page, "Train on this project")
    walk_to_measures(page, epochs=1)
    leave_speed_out(page)
    next_step(page, "Which formats to export?")
    next_step(page, "Ready to start?")
    press(page, "Start training")
    page.wait_for_url("**task=**", timeout=PATIENCE)
    with connect(dashboard.url, dashboard.token) as client:
        experiment, learned, state = trained(page, client)
        assert experiment.model_name.endswith("-seg (CPU demo)")  # proposed, for the objects have outlines
        assert (experiment.task_type, learned) == ("instance segmentation", ["kiwi", "lemon"])
        assert state["train_val_split"]["method"] == "collections"  # the wizard freezes a random split


def doubtful(folder: Path) -> Path:
    """Add COCO annotations without categories to the YOLO archive."""
    path = archive(folder)
    with zipfile.ZipFile(path, "a") as packed:
        image = {"id": 1, "file_name": "00.png", "width": SIDE, "height": SIDE}
        packed.writestr("workshop/coco.json", json.dumps({"images": [image], "annotations": []}))
    return path


def test_a_first_look_shows_what_is_brought_in_and_can_be_overruled(
    dashboard: DashboardProcess, page: Page, tmp_path: Path
) -> None:
    choose(page, dashboard.url, archive(tmp_path))
    expect_heading(page, "First look at “workshop.zip”")
    expect_text(page, "YOLO layout.")
    expect_text(page, "of 13 found, 1 left out")
    expect_text(page, "1 without objects")
    expect(page.get_by_role("img", name="00.png with 2 objects")).to_be_visible(timeout=PATIENCE)
    expect_heading(page, "Left out")
    press(page, "Read it otherwise")
    page.get_by_text("Pascal VOC", exact=True).click()
    settle(page)
    expect_text(page, "Pascal VOC layout, as you chose.")
    expect_text(page, "workshop is not in Pascal VOC layout; it looks like YOLO.")
    expect(page.get_by_role("button", name="Bring it in")).to_have_count(0)
    page.get_by_text("YOLO, as recognised", exact=True).click()
    settle(page)
    expect(page.get_by_role("button", name="Bring it in")).to_be_enabled(timeout=PATIENCE)


def test_in_doubt_each_way_says_what_it_would_give(dashboard: DashboardProcess, page: Page, tmp_path: Path) -> None:
    choose(page, dashboard.url, doubtful(tmp_path))
    expect_text(page, "These data can be read in several ways.")
    expect_text(page, "12 images with 24 objects.")
    expect_text(page, "It cannot be read so:")
    # What can be read is chosen first, though the other one is likelier.
    expect(page.get_by_role("radio", name="YOLO")).to_be_checked()
    page.get_by_text("COCO", exact=True).click()
    settle(page)
    expect(page.get_by_role("alert")).to_contain_text("categories", timeout=PATIENCE)
    expect(page.get_by_role("button", name="Bring it in")).to_have_count(0)


def test_after_one_archive_the_menu_leads_to_the_next(dashboard: DashboardProcess, page: Page, tmp_path: Path) -> None:
    bring_in(page, dashboard.url, archive(tmp_path), "YOLO")
    press(page, "Bring data in")
    expect(page).to_have_url(f"{dashboard.url}/import_data", timeout=PATIENCE)
    second = (tmp_path / "workshop.zip").rename(tmp_path / "second.zip")
    page.locator("input[type=file]").set_input_files(second)
    expect_heading(page, "First look at “second.zip”")


def test_images_alone_lead_on_to_labelling(dashboard: DashboardProcess, page: Page, tmp_path: Path) -> None:
    bare = tmp_path / "holiday.zip"
    with zipfile.ZipFile(archive(tmp_path)) as labelled, zipfile.ZipFile(bare, "w") as packed:
        for name in ("00.png", "01.png"):
            packed.writestr(f"holiday/{name}", labelled.read(f"workshop/images/{name}"))
    choose(page, dashboard.url, bare)
    expect_text(page, "2 images without annotations")
    press(page, "Bring it in")
    expect_heading(page, "“holiday” is a project now")
    expect(page.get_by_role("button", name="Train on this project")).to_have_count(0)
    press(page, "Label images")
    expect_heading(page, "Label images")
    expect(page).to_have_url(re.compile(r"/label\?project=\d+$"))


def test_a_refusal_leads_on(dashboard: DashboardProcess, page: Page, tmp_path: Path) -> None:
    path = tmp_path / "cars.zip"
    with zipfile.ZipFile(path, "w") as packed:
        numbers = "0.00 0 -1.58 587.01 173.33 614.12 200.12 1.65 1.67 3.64 -0.65 1.71 46.70 -1.59"
        packed.writestr("label_2/000001.txt", f"Car {numbers}\n")
    choose(page, dashboard.url, path)
    expect_heading(page, "“cars.zip” was not brought in")
    expect_text(page, "looks like KITTI")
    expect_text(page, "Export it as COCO")
    press(page, "Choose other data")
    expect_heading(page, "What a folder looks like")
    expect_text(page, "cars.zip: failed")
