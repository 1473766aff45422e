"""What a training starts from, and that it is said."""

import zipfile
from pathlib import Path
from typing import Any

import pytest

from tests.training.run_folders import PICO, train_spec
from traindash.domain.task import ExitCause
from traindash.frameworks.registry import FRAMEWORKS
from traindash.training.runs.events import EventWriter, read_events
from traindash.training.trainers.checkpoint_files import TORCH
from traindash.training.trainers.entry import RunError
from traindash.training.trainers.weights import StartingPoint, custom_checkpoint, find_start

YOLO = FRAMEWORKS["YOLO"]


def write_checkpoint(path: Path) -> Path:
    """Write a file that has the form of a torch checkpoint."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("archive/data.pkl", b"x" * 1000)
    return path


def fetch_complete(_url: str, path: Path) -> None:
    write_checkpoint(path)


def fetch_half(_url: str, path: Path) -> None:
    write_checkpoint(path)
    path.write_bytes(path.read_bytes()[:500])


def fetch_nothing(_url: str, _path: Path) -> None:
    message = "timed out"
    raise TimeoutError(message)


def start_of(tmp_path: Path, **how: object) -> tuple[StartingPoint, str]:
    """Find a starting point; returns it and the log."""
    model = str(how.pop("model", "YOLO11s-det"))
    events = EventWriter(tmp_path / "events.jsonl")
    given: Any = {"fetch": None, "checkpoints": TORCH, **how}
    start = find_start(train_spec(tmp_path, model_name=model), YOLO, events, **given)
    return start, " ".join(str(row["message"]) for row in read_events(tmp_path / "events.jsonl").rows)


def test_weights_on_this_machine_are_used(tmp_path: Path) -> None:
    path = write_checkpoint(tmp_path / "weights" / "yolo11s.pt")
    start, _ = start_of(tmp_path)
    assert start.source == str(path)
    assert not start.is_random
    assert start.base_checkpoint == "yolo11s.pt"
    assert start.base_checkpoint_link is not None


def test_offline_without_weights_is_random_and_says_so(tmp_path: Path) -> None:
    start, log = start_of(tmp_path)
    assert start.is_random
    assert start.source == "yolo11s.yaml"
    assert "random initialisation" in start.base_checkpoint
    assert start.base_checkpoint_link is None
    assert "offline" in log
    assert "random initialisation" in log
    assert "put yolo11s.pt into the folder “weights” of the data directory" in log


def test_weights_are_downloaded_once(tmp_path: Path) -> None:
    start, _ = start_of(tmp_path, fetch=fetch_complete)
    assert not start.is_random
    assert TORCH.is_complete(tmp_path / "weights" / "yolo11s.pt")
    again, _ = start_of(tmp_path, fetch=fetch_nothing)
    assert again == start


@pytest.mark.parametrize("fetch", [fetch_half, fetch_nothing])
def test_a_download_that_fails_leaves_nothing_behind(tmp_path: Path, fetch: object) -> None:
    start, log = start_of(tmp_path, fetch=fetch)
    assert start.is_random
    assert "yolo11s.pt" in log
    assert not list((tmp_path / "weights").glob("*.p*"))


def test_damaged_weights_are_not_used(tmp_path: Path) -> None:
    path = write_checkpoint(tmp_path / "weights" / "yolo11s.pt")
    path.write_bytes(path.read_bytes()[:-20])
    assert start_of(tmp_path)[0].is_random


def test_our_own_model_is_random_without_any_download(tmp_path: Path) -> None:
    start, log = start_of(tmp_path, model=PICO, fetch=fetch_nothing)
    assert start.is_random
    assert start.source.endswith("pico.yaml")
    assert "no published weights" in log


def test_random_initialisation_can_be_asked_for(tmp_path: Path) -> None:
    write_checkpoint(tmp_path / "weights" / "yolo11s.pt")
    start, log = start_of(tmp_path, wants_random=True)
    assert start.is_random
    assert "as the hyperparameters ask" in log


def test_a_custom_checkpoint_is_used(tmp_path: Path) -> None:
    path = write_checkpoint(tmp_path / "checkpoints" / "last.pt")
    spec = train_spec(tmp_path, custom_weights=str(path), base_checkpoint="last.pt")
    start = find_start(spec, YOLO, EventWriter(tmp_path / "events.jsonl"), fetch=None, checkpoints=TORCH)
    assert (start.source, start.is_random, start.base_checkpoint) == (str(path), False, "last.pt")


@pytest.mark.parametrize("name", ["best.onnx", "best.engine"])
def test_an_exported_model_stands_for_its_checkpoint(tmp_path: Path, name: str) -> None:
    path = write_checkpoint(tmp_path / "checkpoints" / "best.pt")
    assert custom_checkpoint(tmp_path / "export" / name, TORCH) == path


@pytest.mark.parametrize("name", ["export/best.onnx", "checkpoints/gone.pt", "checkpoints/broken.pt"])
def test_what_cannot_be_trained_on_is_refused(tmp_path: Path, name: str) -> None:
    (tmp_path / "checkpoints").mkdir()
    (tmp_path / "checkpoints" / "broken.pt").write_bytes(b"PK nothing")
    with pytest.raises(RunError) as caught:
        custom_checkpoint(tmp_path / name, TORCH)
    assert caught.value.cause is ExitCause.BAD_INPUT
    assert Path(name).name in caught.value.message
