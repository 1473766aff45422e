"""Experiments: found among the files, read once, and never lost because of a bad neighbour."""

import json
from typing import Any

import httpx
import pytest

from tests.unit.supervisely.scripted import Scripted, refusal
from traindash.domain.ids import TaskId, TeamId, WorkspaceId
from traindash.supervisely.errors import ContractError, MissingError

RECORD: dict[str, Any] = {
    "experiment_name": "9 Fruit Pico",
    "framework_name": "YOLO",
    "model_name": "Pico-det",
    "task_type": "object detection",
    "project_id": 6,
    "task_id": 9,
    "model_files": {},
    "model_meta": "model_meta.json",
    "checkpoints": ["checkpoints/best.pt"],
    "best_checkpoint": "best.pt",
    "hyperparameters": "hyperparameters.yaml",
    "artifacts_dir": "/experiments/6_Fruit/9_YOLO/",
}
FULL = {
    **RECORD,
    "evaluation_report_id": 12,
    "evaluation_metrics": {"mAP": 0.5, "AP75": None, "f1": 1, "note": "x"},
    "primary_metric": "mAP",
    "export": {"ONNXRuntime": "export/best.onnx"},
    "random_initialization": True,
    "new_key_of_a_newer_server": [1],
}


def _server(records: dict[int, Any]) -> Scripted:
    server = Scripted()
    levels = {
        "/experiments/": [{"path": "/experiments/6_F", "isDir": True}, {"id": 1, "path": "/experiments/note.txt"}],
        "/experiments/6_F/": [{"path": f"/experiments/6_F/{number}_YOLO/", "isDir": True} for number in records],
    }
    server.add("file-storage.list", lambda body: httpx.Response(200, json=levels[body["path"]]))

    def content(body: dict[str, Any]) -> httpx.Response:
        number = int(body["path"].split("/")[3].split("_")[0])
        record = records[number]
        return record if isinstance(record, httpx.Response) else httpx.Response(200, json=record)

    server.add("file-storage.download", content)
    return server


def test_folders_are_listed_newest_first() -> None:
    server = _server(dict.fromkeys(range(20, 60), RECORD))
    with server.client() as client:
        folders = client.experiments.folders(TeamId(1))
    assert [folder.task_id for folder in folders] == list(range(59, 19, -1))
    assert server.methods().count("file-storage.list") == 2


def test_folders_say_what_is_in_them() -> None:
    with _server({9: RECORD, 11: RECORD}).client() as client:
        newest, oldest = client.experiments.folders(TeamId(1))
    assert (newest.task_id, newest.framework, newest.project_name) == (TaskId(11), "YOLO", "F")
    assert oldest.path == "/experiments/6_F/9_YOLO"


def test_a_server_that_leaves_folders_out_of_a_level_is_asked_for_all_files() -> None:
    server = Scripted()
    rows = [{"id": 5, "path": "/experiments/6_F/9_YOLO/checkpoints/best.pt"}]
    server.add("file-storage.list", lambda body: httpx.Response(200, json=rows if body["recursive"] else []))
    with server.client() as client:
        assert [folder.path for folder in client.experiments.folders(TeamId(1))] == ["/experiments/6_F/9_YOLO"]


@pytest.mark.parametrize(
    ("record", "said"),
    [
        ({name: value for name, value in RECORD.items() if name != "model_name"}, "read: model_name is missing"),
        (httpx.Response(200, content=b"{"), "read: it is not JSON"),
        (refusal(404, "gone"), "gone"),
    ],
)
def test_a_record_that_cannot_be_read_is_told(record: Any, said: str) -> None:  # noqa: ANN401 - JSON or a response
    with _server({9: record}).client() as client, pytest.raises((ContractError, MissingError), match=said):
        client.experiments.of_folder(TeamId(1), "/experiments/6_F/9_YOLO")


def test_outputs_of_tasks_are_asked_for_by_id_and_bad_ones_are_passed_over() -> None:
    server = Scripted()
    bad = {name: value for name, value in RECORD.items() if name != "model_name"}
    outputs: list[Any] = [{"experiment": {"data": RECORD}}, {"experiment": {"data": bad}}, None, {"general": {}}]
    rows = [{"id": 9 + place, "status": "finished", "meta": {"output": o}} for place, o in enumerate(outputs)]
    server.add("tasks.list", {"total": 4, "perPage": 200, "pagesCount": 1, "entities": rows})
    with server.client() as client:
        found = client.experiments.of_tasks(WorkspaceId(2), [TaskId(number) for number in range(9, 13)])
    assert [info.task_id for info in found] == [9]
    ((_, body),) = server.calls
    assert body["filter"] == [{"field": "id", "operator": "in", "value": [9, 10, 11, 12]}]


def test_the_record_of_a_task_comes_from_its_output() -> None:
    server = Scripted()
    output = {"experiment": {"data": FULL}, "general": {"title": "x"}}
    server.add("tasks.info", {"id": 9, "status": "finished", "meta": {"output": output}})
    with server.client() as client:
        experiment = client.experiments.of_task(TaskId(9))
    assert experiment is not None
    assert experiment.evaluation_metrics == {"mAP": 0.5, "f1": 1.0}
    assert (experiment.evaluation_report_id, experiment.random_initialization) == (12, True)
    assert experiment.export == {"ONNXRuntime": "export/best.onnx"}


@pytest.mark.parametrize("key", sorted(RECORD))
def test_each_of_the_twelve_keys_is_needed_and_named(key: str) -> None:
    server = Scripted()
    data = {name: value for name, value in RECORD.items() if name != key}
    server.add("tasks.info", {"id": 9, "status": "finished", "meta": {"output": {"experiment": {"data": data}}}})
    with server.client() as client, pytest.raises(ContractError) as caught:
        client.experiments.of_task(TaskId(9))
    assert caught.value.field == key


@pytest.mark.parametrize("output", [{}, {"experiment": None}, {"experiment": {}}, {"experiment": {"data": None}}])
def test_a_task_without_a_record_has_no_experiment(output: dict[str, Any]) -> None:
    server = Scripted()
    server.add("tasks.info", {"id": 9, "status": "started", "meta": {"output": output}})
    with server.client() as client:
        assert client.experiments.of_task(TaskId(9)) is None


def test_the_record_of_a_folder() -> None:
    server = Scripted()
    server.add("file-storage.download", httpx.Response(200, content=json.dumps(RECORD)))
    with server.client() as client:
        assert client.experiments.of_folder(TeamId(1), "/experiments/6_Fruit/9_YOLO/").task_id == 9
    assert server.calls[0][1]["path"] == "/experiments/6_Fruit/9_YOLO/experiment_info.json"
