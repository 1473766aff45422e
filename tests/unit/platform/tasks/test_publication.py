"""From a run folder to Team Files: what is refused, what may be missing, what happens twice."""

import pytest

from tests.fakes.small_platform import SmallPlatform
from traindash.errors import StateError
from traindash.platform.store.task_records import TaskRecord
from traindash.platform.tasks.admission import Admission
from traindash.platform.tasks.ending import failure_output, publish
from traindash.platform.tasks.preparation import prepare
from traindash.training.runs.spec import CompareResult, RunLayout, TrainResult, write_result

EXPERIMENT: dict[str, object] = {"checkpoints": ["checkpoints/best.pt"], "best_checkpoint": "best.pt"}


def finished_run(platform: SmallPlatform) -> tuple[TaskRecord, RunLayout]:
    """Return a task whose trainer wrote a checkpoint and no evaluation."""
    task = Admission(platform.services).submit(platform.body())
    prepare(platform.services, task, platform.services.agents.all()[0])
    run = platform.services.layout.run(task.id)
    checkpoint = run.artifacts / "checkpoints" / "best.pt"
    checkpoint.parent.mkdir(parents=True)
    checkpoint.write_bytes(b"weights")
    write_result(run.result, TrainResult(experiment=EXPERIMENT, has_evaluation=False, problems=("No evaluation.",)))
    return task, run


def data(output: object) -> dict[str, object]:
    """Return the record of the experiment in an output."""
    assert isinstance(output, dict)
    found = output["experiment"]["data"]
    assert isinstance(found, dict)
    return found


def test_an_experiment_without_evaluation(platform: SmallPlatform) -> None:
    task, _ = finished_run(platform)
    published = publish(platform.services, task)
    assert published.problems == ("No evaluation.",)
    record = data(published.output)
    assert record["evaluation_report_id"] is None
    assert record["evaluation_report_link"] is None
    assert "logs" not in record
    assert str(record["project_preview"]).startswith("http://")


def test_doing_it_again_gives_the_same_files(platform: SmallPlatform) -> None:
    task, run = finished_run(platform)
    (run.artifacts / "logs").mkdir()
    (run.artifacts / "logs" / "a.tfevents.1").write_text("x", encoding="utf-8")
    first = data(publish(platform.services, task).output)
    before = [(file.id, file.path, file.hash) for file in platform.services.files.list(task.team_id, "/")]
    second = data(publish(platform.services, task).output)
    after = [(file.id, file.path) for file in platform.services.files.list(task.team_id, "/")]
    assert [(number, path) for number, path, _ in before] == after
    assert {**first, "datetime": ""} == {**second, "datetime": ""}
    assert first["logs"] == {"type": "tensorboard", "link": f"{first['artifacts_dir']}logs/"}


def test_what_the_trainer_wrote_itself_stays(platform: SmallPlatform) -> None:
    task, run = finished_run(platform)
    (run.artifacts / "model_meta.json").write_text('{"own": true}', encoding="utf-8")
    publish(platform.services, task)
    stored = platform.services.files.find(task.team_id, f"/experiments/1_Shapes/{task.id}_YOLO/model_meta.json")
    assert stored is not None
    assert stored.local_path.read_text(encoding="utf-8") == '{"own": true}'


def test_a_project_that_is_gone_does_not_take_the_experiment_with_it(platform: SmallPlatform) -> None:
    task, _ = finished_run(platform)
    with platform.services.database.write() as connection:
        connection.execute("DELETE FROM projects")
    record = data(publish(platform.services, task).output)
    assert record["train_collection_id"] is None
    assert record["project_preview"] == ""


@pytest.mark.parametrize(
    ("experiment", "words"),
    [
        ({"checkpoints": ["checkpoints/other.pt"], "best_checkpoint": "other.pt"}, "checkpoints/other.pt"),
        ({"checkpoints": ["checkpoints/best.pt"], "best_checkpoint": "last.pt"}, r"last\.pt"),
        ({}, "checkpoints that are not there"),
    ],
)
def test_checkpoints_must_be_there(platform: SmallPlatform, experiment: dict[str, object], words: str) -> None:
    task, run = finished_run(platform)
    write_result(run.result, TrainResult(experiment=experiment, has_evaluation=False))
    with pytest.raises(StateError, match=words):
        publish(platform.services, task)
    assert platform.services.files.list(task.team_id, "/") == ()


def test_an_evaluation_must_have_its_report(platform: SmallPlatform) -> None:
    task, run = finished_run(platform)
    write_result(run.result, TrainResult(experiment=EXPERIMENT, has_evaluation=True))
    with pytest.raises(StateError, match="report is not there"):
        publish(platform.services, task)


def test_a_result_of_another_kind(platform: SmallPlatform) -> None:
    task, run = finished_run(platform)
    write_result(run.result, CompareResult(title="x"))
    with pytest.raises(StateError, match="does not fit"):
        publish(platform.services, task)


def test_links_out_of_the_run_folder_are_not_followed(platform: SmallPlatform) -> None:
    task, run = finished_run(platform)
    (run.artifacts / "token").symlink_to(platform.services.layout.database)
    publish(platform.services, task)
    assert platform.services.files.find(task.team_id, f"/experiments/1_Shapes/{task.id}_YOLO/token") is None


def test_a_comparison_that_failed_says_so() -> None:
    general = failure_output("The images differ.")["general"]
    assert isinstance(general, dict)
    assert (general["title"], general["isError"]) == ("The images differ.", True)
