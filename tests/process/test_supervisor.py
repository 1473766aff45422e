"""One platform, real processes: every way a task can go."""

import json
import os
import signal
from collections.abc import Mapping
from typing import Any

import pytest

from tests.fakes.small_platform import TRAIN_IMAGES, VAL_IMAGES, SmallPlatform, wait_for
from traindash.domain.ids import AgentId, FileId, TaskId
from traindash.domain.task import ExitCause, TaskStatus
from traindash.platform.tasks.admission import Admission
from traindash.platform.tasks.process import read_identity

REQUIRED = (
    *("experiment_name", "framework_name", "model_name", "task_type", "project_id", "task_id", "model_files"),
    *("model_meta", "checkpoints", "best_checkpoint", "hyperparameters", "artifacts_dir"),
)


def experiment(platform: SmallPlatform, task_id: TaskId) -> dict[str, object]:
    """Return ``meta.output.experiment.data``."""
    kind = platform.task(task_id).output["experiment"]
    assert isinstance(kind, dict)
    data = kind["data"]
    assert isinstance(data, dict)
    return data


def starts(platform: SmallPlatform, task_id: TaskId) -> int:
    """Return how many trainer processes a task has had."""
    file = platform.services.layout.run(task_id).root / "starts.txt"
    return len(file.read_text(encoding="utf-8").splitlines()) if file.exists() else 0


def pid_of(platform: SmallPlatform, task_id: TaskId) -> int:
    """Return the pid of a task's trainer once it is known."""
    return wait_for(lambda: read_identity(platform.services.layout.run(task_id)), "the trainer runs").pid


def test_a_training_from_start_to_experiment(platform: SmallPlatform) -> None:
    task_id = platform.train(epochs=3)
    task = platform.wait_for_status(task_id, TaskStatus.FINISHED)
    data = experiment(platform, task_id)
    assert all(data[key] is not None for key in REQUIRED)
    assert data["experiment_name"] == f"{task_id} Shapes YOLO26n-det"
    assert data["artifacts_dir"] == f"/experiments/1_Shapes/{task_id}_YOLO/"
    assert (data["train_size"], data["val_size"]) == (TRAIN_IMAGES, VAL_IMAGES)
    report_id = data["evaluation_report_id"]
    assert isinstance(report_id, int)
    report = platform.services.files.get(FileId(report_id))
    assert report.path == f"/model-benchmark/1_Shapes/{task_id}_Train YOLO v8 - 26/visualizations/template.vue"
    general = task.output["general"]
    assert isinstance(general, dict)
    assert general["title"] == data["artifacts_dir"]
    assert task.exit_report is not None
    assert (task.exit_report.cause, task.exit_report.exit_code) == (ExitCause.FINISHED, 0)
    assert starts(platform, task_id) == 1
    assert platform.messages(task_id)[-1] == "Finished."


def test_the_files_of_an_experiment(platform: SmallPlatform) -> None:
    options = {"export": {"enable": True, "ONNXRuntime": True, "TensorRT": True}}
    split = {"method": "random", "split": "train", "percent": 70}
    state = platform.state(options=options, experiment_name="my first", train_val_split=split)
    task_id = Admission(platform.services).submit(platform.body(state=state)).id
    platform.supervisor.wake()
    task = platform.wait_for_status(task_id, TaskStatus.FINISHED)
    folder = f"/experiments/1_Shapes/{task_id}_YOLO"
    stored = {file.path.removeprefix(folder + "/"): file for file in platform.services.files.list(task.team_id, folder)}
    assert set(stored) == {
        *("app_state.json", "experiment_info.json", "hyperparameters.yaml", "model_meta.json", "open_app.lnk"),
        *("train_val_split.json", "Model Evaluation Report.lnk", "export/best.onnx", "export/classes.json"),
        *("checkpoints/best.pt", "checkpoints/last.pt"),
    }
    content = {name: file.local_path.read_text("utf-8") for name, file in stored.items() if name.endswith("json")}
    info = json.loads(content["experiment_info.json"])
    extra = {"project_preview", "hyperparameters_id", "has_report", "experiment_report_id"}
    assert info == {key: value for key, value in experiment(platform, task_id).items() if key not in extra}
    assert info["experiment_name"] == "my first"
    state_used = json.loads(content["app_state.json"])
    assert set(state_used) == {"model", "hyperparameters", "options", "train_val_split", "classes", "tags"}
    assert state_used["train_val_split"] == split
    split_used = json.loads(content["train_val_split.json"])
    assert (len(split_used["train"]), len(split_used["val"])) == (6, 3)
    collections = platform.services.images
    assert list(collections.ids(platform.project_id, collections=[info["train_collection_id"]])) == split_used["train"]
    assert list(collections.ids(platform.project_id, collections=[info["val_collection_id"]])) == split_used["val"]
    assert json.loads(content["export/classes.json"]) == {"0": "box", "1": "blob"}
    shapes = {item["title"]: item["shape"] for item in json.loads(content["model_meta.json"])["classes"]}
    assert shapes == {"box": "rectangle", "blob": "rectangle"}
    assert any("TensorRT needs an NVIDIA GPU" in message for message in platform.messages(task_id))


def test_the_same_split_uses_the_same_collections(platform: SmallPlatform) -> None:
    first, second = platform.train(epochs=1), platform.train(epochs=1)
    for task_id in (first, second):
        platform.wait_for_status(task_id, TaskStatus.FINISHED)
    keys = ("train_collection_id", "val_collection_id")
    assert [experiment(platform, first)[key] for key in keys] == [experiment(platform, second)[key] for key in keys]
    names = {item.name for item in platform.services.collections.of_project(platform.project_id)}
    assert {"train_001", "val_001"} <= names
    assert "train_002" not in names
    custom_data = platform.services.projects.get(platform.project_id).custom_data or {}
    entries = custom_data["train_info"]
    assert isinstance(entries, list)
    assert sorted(entry["task_id"] for entry in entries) == [first, second]


def test_without_benchmark_there_is_no_report(platform: SmallPlatform) -> None:
    state = platform.state(options={"model_benchmark": {"enable": False, "speed_test": False}})
    task_id = Admission(platform.services).submit(platform.body(state=state)).id
    platform.supervisor.wake()
    platform.wait_for_status(task_id, TaskStatus.FINISHED)
    data = experiment(platform, task_id)
    assert data["evaluation_report_id"] is None
    assert data["evaluation_metrics"] == {}
    assert data["primary_metric"] is None


def test_a_checkpoint_and_the_same_again(platform: SmallPlatform) -> None:
    first = platform.train(epochs=1)
    platform.wait_for_status(first, TaskStatus.FINISHED)
    for mode, base in (("continue", "best.pt"), ("new", "yolo26n.pt")):
        state: Mapping[str, object] = {"trainTaskId": int(first), "trainMode": mode, "slyProjectId": 1}
        task_id = Admission(platform.services).submit(platform.body(state=state)).id
        platform.supervisor.wake()
        platform.wait_for_status(task_id, TaskStatus.FINISHED)
        assert experiment(platform, task_id)["base_checkpoint"] == base


@pytest.mark.parametrize(
    ("behaviour", "cause", "words"),
    [
        ({"fail_at_epoch": 2, "fail_cause": "bad_data"}, ExitCause.BAD_DATA, "failure in epoch 2"),
        ({"crash": "exception"}, ExitCause.CRASHED, "RuntimeError: the test asked for a crash"),
        ({"crash": "exit"}, ExitCause.CRASHED, "exit code 3"),
        ({"crash": "segfault"}, ExitCause.CRASHED, "SIGSEGV"),
        ({"oom": True}, ExitCause.OUT_OF_MEMORY, "memory"),
        ({"file_size_limit": 1024}, ExitCause.DISK_FULL, "limit on file size"),
        ({"exit_without_result": True}, ExitCause.CRASHED, "without a result"),
    ],
)
def test_a_training_that_goes_wrong(
    platform: SmallPlatform, behaviour: dict[str, Any], cause: ExitCause, words: str
) -> None:
    task_id = platform.train(**behaviour)
    task = platform.wait_for_status(task_id, TaskStatus.ERROR)
    assert task.exit_report is not None
    assert task.exit_report.cause is cause
    assert words in task.exit_report.message
    assert task.exit_report.hint
    assert "experiment" not in task.output
    failure = platform.services.logs.live(platform.services.layout.run(task_id)).failure
    assert failure is not None
    assert (failure.cause, failure.message) == (cause, task.exit_report.message)
    next_one = platform.train(epochs=1)
    platform.wait_for_status(next_one, TaskStatus.FINISHED)


def test_a_trainer_that_somebody_kills(platform: SmallPlatform) -> None:
    task_id = platform.train(hang=True)
    os.kill(pid_of(platform, task_id), signal.SIGKILL)
    task = platform.wait_for_status(task_id, TaskStatus.ERROR)
    assert task.exit_report is not None
    assert task.exit_report.cause in {ExitCause.KILLED, ExitCause.OUT_OF_MEMORY}
    assert task.exit_report.exit_code == -signal.SIGKILL


@pytest.mark.parametrize("ignore", [False, True])
def test_a_stop(platform: SmallPlatform, ignore: bool) -> None:  # noqa: FBT001 - a parameter of the test
    task_id = platform.train(hang=not ignore, ignore_sigterm=ignore, epochs=2000, seconds_per_epoch=0.05)
    platform.wait_for_status(task_id, TaskStatus.STARTED)
    if ignore:
        platform.wait_for_epoch(task_id)
    assert platform.supervisor.request_stop(task_id) is TaskStatus.TERMINATING
    task = platform.wait_for_status(task_id, TaskStatus.STOPPED)
    assert task.exit_report is not None
    assert task.exit_report.cause is ExitCause.STOPPED_BY_USER
    assert "experiment" not in task.output
    assert platform.supervisor.request_stop(task_id) is TaskStatus.STOPPED


def test_a_stop_while_queued(platform: SmallPlatform) -> None:
    busy = [platform.train(hang=True, agent=agent) for agent in (1, 2)]
    for task_id in busy:
        platform.wait_for_status(task_id, TaskStatus.STARTED)
    waiting = platform.train(epochs=1)
    assert platform.supervisor.request_stop(waiting) is TaskStatus.STOPPED
    assert platform.task(waiting).exit_report is not None
    for task_id in busy:
        platform.supervisor.request_stop(task_id)
        platform.wait_for_status(task_id, TaskStatus.STOPPED)
    platform.wait_for_status(platform.train(epochs=1), TaskStatus.FINISHED)
    assert starts(platform, waiting) == 0


def test_an_end_after_the_running_epoch(platform: SmallPlatform) -> None:
    task_id = platform.train(epochs=1000, seconds_per_epoch=0.05)
    platform.wait_for_epoch(task_id)
    platform.services.layout.run(task_id).stop_after_epoch.touch()
    platform.wait_for_status(task_id, TaskStatus.FINISHED)


def test_six_tasks_on_two_agents(platform: SmallPlatform) -> None:
    tasks = [platform.train(epochs=2, seconds_per_epoch=0.1) for _ in range(6)]
    most = 0

    def all_over() -> bool:
        nonlocal most
        busy = [task for task in platform.services.tasks.open_tasks() if not task.waits]
        most = max(most, len(busy))
        assert len({task.agent_id for task in busy}) == len(busy)
        return not platform.services.tasks.open_tasks()

    wait_for(all_over, "all six are over", seconds=60)
    assert most == 2
    assert all(platform.task(task).status is TaskStatus.FINISHED for task in tasks)
    assert {platform.task(task).agent_id for task in tasks} == {AgentId(1), AgentId(2)}
    began = [platform.task(task).started_at or "" for task in tasks]
    assert began == sorted(began)
    assert [starts(platform, task) for task in tasks] == [1] * 6


def test_an_agent_by_name_is_waited_for(platform: SmallPlatform) -> None:
    first = platform.train(hang=True, agent=1)
    platform.wait_for_status(first, TaskStatus.STARTED)
    second = platform.train(epochs=1, agent=1)
    third = platform.train(epochs=1)
    platform.wait_for_status(third, TaskStatus.FINISHED)
    assert platform.task(second).status is TaskStatus.QUEUED
    platform.supervisor.request_stop(first)
    assert platform.wait_for_status(second, TaskStatus.FINISHED).agent_id == 1


def test_the_start_button(platform: SmallPlatform) -> None:
    admission = Admission(platform.services)
    task_id = admission.submit(platform.body(state=platform.state(start_training=False))).id
    platform.supervisor.wake()
    platform.wait_for_status(task_id, TaskStatus.STARTED)
    platform.wait_for_status(platform.train(epochs=1), TaskStatus.FINISHED)
    assert starts(platform, task_id) == 0
    admission.release(task_id)
    platform.supervisor.wake()
    platform.wait_for_status(task_id, TaskStatus.FINISHED)
    assert starts(platform, task_id) == 1


def test_a_stop_instead_of_the_start_button(platform: SmallPlatform) -> None:
    task_id = Admission(platform.services).submit(platform.body(state=platform.state(start_training=False))).id
    platform.supervisor.wake()
    platform.wait_for_status(task_id, TaskStatus.STARTED)
    platform.supervisor.request_stop(task_id)
    platform.wait_for_status(task_id, TaskStatus.STOPPED)


def test_a_run_folder_that_cannot_be_made_ends_only_its_task(platform: SmallPlatform) -> None:
    busy = [platform.train(hang=True, agent=agent) for agent in (1, 2)]
    for task_id in busy:
        platform.wait_for_status(task_id, TaskStatus.STARTED)
    broken, good = platform.train(epochs=1), platform.train(epochs=1)
    root = platform.services.layout.run(broken).root
    (root / "platform_events.jsonl").unlink()
    root.rmdir()
    root.write_text("a file where a folder should be", encoding="utf-8")
    for task_id in busy:
        platform.supervisor.request_stop(task_id)
    task = platform.wait_for_status(broken, TaskStatus.ERROR)
    assert task.exit_report is not None
    assert task.exit_report.cause is ExitCause.CRASHED
    assert "preparing the task" in task.exit_report.message
    platform.wait_for_status(good, TaskStatus.FINISHED)


def test_a_project_that_goes_while_the_task_waits(platform: SmallPlatform) -> None:
    busy = [platform.train(hang=True, agent=agent) for agent in (1, 2)]
    waiting = platform.train(epochs=1)
    for task_id in busy:
        platform.wait_for_status(task_id, TaskStatus.STARTED)
    with platform.services.database.write() as connection:
        connection.execute("DELETE FROM projects")
    for task_id in busy:
        platform.supervisor.request_stop(task_id)
    task = platform.wait_for_status(waiting, TaskStatus.ERROR)
    assert task.exit_report is not None
    assert task.exit_report.cause is ExitCause.BAD_INPUT
    assert "no project 1" in task.exit_report.message


def test_results_that_cannot_be_saved(platform: SmallPlatform) -> None:
    folder = platform.services.layout.team_files / "1"
    folder.write_text("a file where the team's folder should be", encoding="utf-8")
    task_id = platform.train(epochs=1)
    task = platform.wait_for_status(task_id, TaskStatus.ERROR)
    assert task.exit_report is not None
    assert "experiment" not in task.output
    assert platform.services.layout.run(task_id).result.is_file()
    folder.unlink()
    platform.wait_for_status(platform.train(epochs=1), TaskStatus.FINISHED)


def test_a_comparison(platform: SmallPlatform) -> None:
    trained = [platform.train(epochs=1) for _ in range(2)]
    for task_id in trained:
        platform.wait_for_status(task_id, TaskStatus.FINISHED)
    folders = [f"/model-benchmark/1_Shapes/{task_id}_Train YOLO v8 - 26" for task_id in trained]
    module = next(item for item in platform.services.modules.all() if item.framework is None)
    body = {**platform.body(state={"eval_dirs": folders}), "moduleId": int(module.id)}
    task_id = Admission(platform.services).submit(body).id
    platform.supervisor.wake()
    task = platform.wait_for_status(task_id, TaskStatus.FINISHED, seconds=60)
    general = task.output["general"]
    assert isinstance(general, dict)
    report_id = int(str(general["titleUrl"]).removeprefix("/model-benchmark?id="))
    report = platform.services.files.get(FileId(report_id))
    assert report.path.startswith("/model-comparison/1_Shapes/")
    assert report.name == "template.vue"
