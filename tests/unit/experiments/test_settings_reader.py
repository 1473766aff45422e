"""Hyperparameters: read for those that are looked at, once, equal ones parsed once."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.fakes.in_memory import connect_in_memory
from tests.fakes.server import FakeServer, add_experiment
from traindash.domain.experiment import ExperimentInfo
from traindash.domain.ids import TeamId
from traindash.experiments.record_cache import RecordCache, Settings, SettingsReader, folder_of
from traindash.supervisely.client import SuperviselyClient

TEAM = TeamId(1)
PATIENCE = 20.0


@pytest.fixture
def server() -> FakeServer:
    fake = FakeServer()
    for number in range(1, 6):
        add_experiment(fake, number, f"E{number}")
    return fake


@pytest.fixture
def client(server: FakeServer) -> Iterator[SuperviselyClient]:
    with connect_in_memory(server.app()) as opened:
        yield opened


def _read(reader: SettingsReader, info: ExperimentInfo) -> Settings | None:
    return reader.known().get(folder_of(info))


def _infos(client: SuperviselyClient) -> list[ExperimentInfo]:
    return [client.experiments.of_folder(TEAM, folder.path) for folder in client.experiments.folders(TEAM)]


def test_they_are_read_once_and_kept(server: FakeServer, client: SuperviselyClient, tmp_path: Path) -> None:
    infos = _infos(client)
    reader = SettingsReader(client, TEAM, RecordCache(tmp_path / "cache.db"))
    assert _read(reader, infos[0]) is None
    reader.want(infos[:2])
    reader.wait(PATIENCE)
    assert reader.waiting() == 0
    assert _read(reader, infos[0]) == {"epochs": 10, "lr0": 0.005, "mosaic": 0.0}
    assert _read(reader, infos[4]) is None
    assert reader.names() == ("epochs", "lr0", "mosaic")
    server.calls.clear()
    again = SettingsReader(client, TEAM, RecordCache(tmp_path / "cache.db"))
    again.want(infos[:2])
    again.wait(PATIENCE)
    assert _read(again, infos[1]) == _read(reader, infos[1])
    assert server.calls == []


def test_nested_ones_get_dotted_names_and_missing_or_damaged_ones_are_empty(
    server: FakeServer, client: SuperviselyClient, tmp_path: Path
) -> None:
    folder = "/experiments/55_Still life/"
    server.files[f"{folder}1_YOLO/hyperparameters.yaml"] = b"train: {lr: 0.1, nms: true}\nnames: [a, b]\n"
    server.files[f"{folder}2_YOLO/hyperparameters.yaml"] = b"[1, 2"
    del server.files[f"{folder}3_YOLO/hyperparameters.yaml"]
    infos = {int(info.task_id): info for info in _infos(client)}
    reader = SettingsReader(client, TEAM, RecordCache(tmp_path / "cache.db"))
    reader.want(list(infos.values()))
    reader.wait(PATIENCE)
    assert _read(reader, infos[1]) == {"train.lr": 0.1, "train.nms": True, "names": ["a", "b"]}
    assert _read(reader, infos[2]) == {}
    assert _read(reader, infos[3]) == {}


def test_a_server_that_fails_is_named_and_can_be_asked_again(
    server: FakeServer, client: SuperviselyClient, tmp_path: Path
) -> None:
    infos = _infos(client)
    reader = SettingsReader(client, TEAM, RecordCache(tmp_path / "cache.db"))
    server.broken.add("file-storage.download")
    reader.want(infos)
    reader.wait(PATIENCE)
    assert str(reader.error or "") != ""
    server.broken.clear()
    reader.want(infos)
    reader.wait(PATIENCE)
    assert str(reader.error or "") == ""
    assert _read(reader, infos[3])
