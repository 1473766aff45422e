"""The projects of an evaluation: made once, shared where truths are equal, gone with the last evaluation."""

import json
from datetime import timedelta
from pathlib import Path
from typing import Any

from tests.fakes.benchmarked import write_benchmark
from tests.fakes.small_platform import SmallPlatform
from traindash.domain.ids import DatasetId, ImageId, ProjectId
from traindash.platform.store.image_changes import ImageChanges
from traindash.platform.store.task_records import TaskRecord
from traindash.platform.tasks.admission import Admission
from traindash.platform.tasks.ending import publish
from traindash.platform.tasks.evaluated import remove_unneeded
from traindash.platform.tasks.preparation import prepare
from traindash.training.runs.spec import RunLayout, TrainResult, TrainSpec, read_images, read_spec, write_result

EXPERIMENT: dict[str, object] = {"checkpoints": ["checkpoints/best.pt"], "best_checkpoint": "best.pt"}
EMPTY = '{"description": "", "tags": [], "size": {"width": 32, "height": 32}, "objects": []}'


def evaluated_run(platform: SmallPlatform) -> tuple[TaskRecord, RunLayout]:
    """Return a task whose trainer has evaluated its model."""
    task = Admission(platform.services).submit(platform.body())
    prepare(platform.services, task, platform.services.agents.all()[0])
    run = platform.services.layout.run(task.id)
    spec = read_spec(run.spec)
    assert isinstance(spec, TrainSpec)
    checkpoint = run.artifacts / "checkpoints" / "best.pt"
    checkpoint.parent.mkdir(parents=True)
    checkpoint.write_bytes(b"weights")
    write_benchmark(run, spec, list(read_images(run.images)))
    write_result(run.result, TrainResult(experiment=EXPERIMENT, has_evaluation=True))
    return task, run


def published(platform: SmallPlatform) -> tuple[TaskRecord, dict[str, Any]]:
    """Return a task and what ``inference_info.json`` says of its evaluation."""
    task, run = evaluated_run(platform)
    assert publish(platform.services, task).problems == ()
    return task, info_of(run)


def info_of(run: RunLayout) -> dict[str, Any]:
    info: dict[str, Any] = json.loads((run.evaluation / "evaluation" / "inference_info.json").read_bytes())
    return info


def contents(platform: SmallPlatform, project: int) -> list[tuple[str, Any]]:
    """Return name and objects of the images of a project."""
    images = platform.services.images
    rows = images.rows(images.ids(ProjectId(project)))
    drawn = images.annotations([row["id"] for row in rows])
    return [(row["name"], json.loads(drawn[row["id"]])["objects"]) for row in rows]


def copies(platform: SmallPlatform) -> list[int]:
    return [int(copy.id) for copy in platform.services.working_copies.all()]


def image_files(platform: SmallPlatform) -> set[Path]:
    return {path for path in platform.services.layout.images.rglob("*") if path.is_file()}


def test_the_predictions_are_the_objects_of_a_project(platform: SmallPlatform) -> None:
    before = image_files(platform)
    task, run = evaluated_run(platform)
    truth = json.loads((run.evaluation / "evaluation" / "cocoGt.json").read_bytes())
    found = json.loads((run.evaluation / "evaluation" / "cocoDt.json").read_bytes())
    publish(platform.services, task)
    info = info_of(run)
    predicted = [item for _, objects in contents(platform, info["dt_project_id"]) for item in objects]
    assert [item["id"] for item in predicted] == [row["sly_id"] for row in found["annotations"]]
    assert [item["tags"][0]["value"] for item in predicted] == [row["score"] for row in found["annotations"]]
    compared = [item for _, objects in contents(platform, info["gt_project_id"]) for item in objects]
    assert len(compared) == len(truth["annotations"])
    assert {item["geometryType"] for item in compared} == {"rectangle"}  # polygons, too, are compared as boxes
    assert info["source_project_id"] == 1
    assert image_files(platform) == before


def test_a_server_that_dies_in_between_makes_nothing_twice(platform: SmallPlatform) -> None:
    task, run = evaluated_run(platform)
    publish(platform.services, task)
    first, made = info_of(run), copies(platform)
    publish(platform.services, task)
    assert info_of(run) == first
    assert copies(platform) == made == [first["gt_project_id"], first["dt_project_id"]]


def test_equal_truths_are_kept_once_and_stay_as_they_were_compared(platform: SmallPlatform) -> None:
    _, first = published(platform)
    _, second = published(platform)
    assert first["gt_project_id"] == second["gt_project_id"]
    assert first["dt_project_id"] != second["dt_project_id"]
    compared = contents(platform, first["gt_project_id"])
    image = next(row for row in platform.services.images.rows(_val_ids(platform)) if row["name"] == compared[0][0])
    with platform.services.database.write() as connection, ImageChanges(connection) as changes:
        changes.redraw(image["id"], EMPTY)
    _, third = published(platform)
    assert third["gt_project_id"] != first["gt_project_id"]
    assert contents(platform, first["gt_project_id"]) == compared


def _val_ids(platform: SmallPlatform) -> list[ImageId]:
    return list(platform.services.images.ids(ProjectId(1), datasets=[DatasetId(2)]))


def test_projects_go_with_the_last_evaluation_that_needs_them(platform: SmallPlatform) -> None:
    (first_task, first), (second_task, second) = published(platform), published(platform)
    folder = "/model-benchmark/1_Shapes"
    for task, left in ((first_task, {second["gt_project_id"], second["dt_project_id"]}), (second_task, set())):
        for file in platform.services.files.list(task.team_id, folder):
            if file.path.startswith(f"{folder}/{task.id}_"):
                platform.services.files.remove(task.team_id, file.path)
        remove_unneeded(platform.services)  # an evaluation that ends right now may have found them
        assert set(copies(platform)) >= left
        remove_unneeded(platform.services, age=timedelta())
        assert set(copies(platform)) == left
    assert first["gt_project_id"] == second["gt_project_id"]
    assert platform.services.projects.get(ProjectId(1)).items_count > 0
