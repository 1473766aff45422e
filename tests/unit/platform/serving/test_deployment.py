"""A served model with a process that is an object: requests in turn, stop, death, letting go."""

import threading
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from tests.fakes.small_platform import wait_for
from traindash.domain.ids import TaskId
from traindash.domain.prediction import ImagePrediction, Timing, VideoFacts
from traindash.domain.task import ExitCause, ExitReport
from traindash.errors import AppError, InputError, StateError
from traindash.frameworks.registry import framework
from traindash.platform.routes.workload import BusyError
from traindash.platform.serving import requests as requests_module
from traindash.platform.serving.answers import AskedImage
from traindash.platform.serving.deployment import Deployment, WorkerDiedError
from traindash.platform.serving.models import ServedModel
from traindash.platform.serving.requests import MOST_PENDING, InferenceRequest, Requests, Stage
from traindash.training.runs.predicting import GivenImage, PredictorSpec

KILLED = ExitReport(cause=ExitCause.KILLED, message="The process ended by signal 9.", exit_code=-9)
IMAGE = AskedImage(given=GivenImage(content=b"picture"), name="lemon.jpg")
MODEL = ServedModel(
    spec=PredictorSpec(trainer="yolo", file=str(Path("/models/best.pt")), task_type="object detection", classes=()),
    framework=framework("YOLO"),
    model_name="Pico-det (CPU demo)",
    title="Lemons",
    path="/experiments/1_A/1_YOLO/checkpoints/best.pt",
)


@dataclass
class Process:
    """A model that finds nothing, and can be held, broken and killed."""

    classes: tuple[str, ...] = ("lemon",)
    pid: int = 7
    killed: ExitReport | None = None
    is_closed: bool = False
    go_on: threading.Event = field(default_factory=threading.Event)
    asked: int = 0

    def predict(self, images: Sequence[GivenImage]) -> Sequence[ImagePrediction]:
        self.asked += 1
        self.go_on.wait(10)
        if self.killed is not None:
            raise WorkerDiedError(self.killed)
        broken = [image.content == b"broken" for image in images]
        return [ImagePrediction(width=4, height=3, problem="It is cut off." if bad else "") for bad in broken]

    def video(self, path: Path) -> VideoFacts:
        raise InputError(f"{path.name} is no video.")

    def time_batch(self, images: Sequence[GivenImage], size: int) -> Timing:
        return Timing(preprocess=0, inference=float(len(images) * size), postprocess=0)

    def memory(self) -> int:
        return 0 if self.is_closed else 5

    def death(self) -> ExitReport | None:
        return self.killed

    def close(self) -> None:
        self.is_closed = True
        self.go_on.set()


class Opened(list[Process]):
    """Opens processes, which go on at once unless ``held``."""

    held = False

    def __call__(self, model: ServedModel) -> Process:
        del model
        process = Process()
        if not self.held:
            process.go_on.set()
        self.append(process)
        return process


@pytest.fixture
def opened() -> Opened:
    return Opened()


@pytest.fixture
def deployment(opened: Opened) -> Iterator[Deployment]:
    made = Deployment(TaskId(1), opened, MODEL)
    yield made
    made.close(StateError("over"))


def ask(deployment: Deployment, *images: AskedImage) -> InferenceRequest:
    """Ask for images, one after the other."""

    def work(request: InferenceRequest) -> None:
        request.begin(len(images))
        for image in images:
            request.check()
            deployment.predict([image])
            request.add([{"name": image.name}])

    return deployment.request(work)


def over(request: InferenceRequest) -> None:
    wait_for(lambda: request.stage.is_over, "the request is over")


def test_a_request_gives_out_what_was_found_and_ends(deployment: Deployment) -> None:
    request = ask(deployment, IMAGE, IMAGE)
    over(request)
    told = request.popped_json()
    assert told["pending_results"] == [{"name": "lemon.jpg"}, {"name": "lemon.jpg"}]
    assert (told["stage"], told["finished"], told["is_inferring"]) == ("Finished", True, False)
    assert told["progress"] == {
        "message": "Finished",
        "status": "Finished",
        "current": 2,
        "total": 2,
        "is_size": False,
    }
    assert request.popped_json()["pending_results"] == []
    assert deployment.figures.as_json()["requests"] == 1
    assert deployment.figures.as_json()["images"] == 2


def test_requests_are_worked_on_in_the_order_they_came_in_by_one_process(
    deployment: Deployment, opened: Opened
) -> None:
    opened.held = True
    first, second = ask(deployment, IMAGE), ask(deployment, IMAGE)
    wait_for(lambda: bool(opened) and opened[0].asked == 1, "the first is looked at")
    assert (first.stage, second.stage) == (Stage.INFERENCE, Stage.PREPARING)
    opened[0].go_on.set()
    over(second)
    assert first.stage is Stage.FINISHED
    assert len(opened) == 1


def test_a_stopped_request_ends_before_its_next_image(deployment: Deployment, opened: Opened) -> None:
    opened.held = True
    request = ask(deployment, IMAGE, IMAGE, IMAGE)
    wait_for(lambda: bool(opened) and opened[0].asked == 1, "it is looked at")
    request.stop()
    opened[0].go_on.set()
    over(request)
    assert request.stage is Stage.CANCELLED
    assert opened[0].asked == 1


def test_a_broken_image_is_named_and_the_model_goes_on(deployment: Deployment) -> None:
    broken = AskedImage(given=GivenImage(content=b"broken"), name="torn.jpg")
    request = ask(deployment, broken)
    over(request)
    told = request.as_json()
    assert told["exception"]["type"] == "InputError"
    assert "torn.jpg" in told["exception"]["message"]
    assert deployment.figures.failed == 1
    again = ask(deployment, IMAGE)
    over(again)
    assert again.stage is Stage.FINISHED


def test_a_killed_process_ends_all_requests_with_its_reason(deployment: Deployment, opened: Opened) -> None:
    opened.held = True
    first, second = ask(deployment, IMAGE), ask(deployment, IMAGE)
    wait_for(lambda: bool(opened) and opened[0].asked == 1, "it is looked at")
    opened[0].killed = KILLED
    opened[0].go_on.set()
    over(first)
    over(second)
    for request in (first, second):
        assert isinstance(request.error, WorkerDiedError)
        assert KILLED.message in str(request.error)
    assert deployment.death == KILLED
    assert not deployment.is_deployed
    with pytest.raises(WorkerDiedError):
        ask(deployment, IMAGE)


def test_a_process_that_is_killed_while_nobody_asks_is_noticed(deployment: Deployment, opened: Opened) -> None:
    over(ask(deployment, IMAGE))
    opened[0].killed = KILLED
    deployment.look()
    assert deployment.death == KILLED


def test_a_process_that_is_let_go_comes_back_with_the_next_request(deployment: Deployment, opened: Opened) -> None:
    over(ask(deployment, IMAGE))
    assert deployment.freeze()
    assert opened[0].is_closed
    assert (deployment.is_loaded, deployment.is_deployed, deployment.memory()) == (False, True, 0)
    over(ask(deployment, IMAGE))
    assert len(opened) == 2


def test_a_process_that_nobody_asks_is_let_go(opened: Opened) -> None:
    deployment = Deployment(TaskId(1), opened, MODEL, patience=0.0)
    over(ask(deployment, IMAGE))
    wait_for(lambda: deployment.idle_seconds > 0, "it rests")
    deployment.look()
    assert opened[0].is_closed
    assert deployment.is_deployed
    deployment.close(StateError("over"))


def test_a_process_in_use_is_not_let_go(deployment: Deployment, opened: Opened) -> None:
    opened.held = True
    request = ask(deployment, IMAGE)
    wait_for(lambda: bool(opened) and opened[0].asked == 1, "it is looked at")
    assert not deployment.freeze()
    opened[0].go_on.set()
    over(request)


def test_another_model_takes_the_place_of_the_first(deployment: Deployment, opened: Opened) -> None:
    over(ask(deployment, IMAGE))
    assert deployment.deploy(MODEL).result(10) == ("lemon",)
    assert [process.is_closed for process in opened] == [True, False]


def test_a_model_that_cannot_be_loaded_leaves_none() -> None:
    def refuse(model: ServedModel) -> Process:
        raise InputError(f"{model.name} is no model.")

    deployment = Deployment(TaskId(1), refuse)
    with pytest.raises(InputError, match=r"best\.pt is no model"):
        deployment.deploy(MODEL).result(10)
    with pytest.raises(StateError, match="No model is deployed"):
        ask(deployment, IMAGE)
    deployment.close(StateError("over"))


def test_a_task_that_is_stopped_tells_whoever_waits(opened: Opened) -> None:
    deployment = Deployment(TaskId(1), opened, MODEL)
    opened.held = True
    request = ask(deployment, IMAGE)
    wait_for(lambda: bool(opened) and opened[0].asked == 1, "it is looked at")
    deployment.close(StateError("Stopped by you."))
    assert request.as_json()["exception"]["message"] == "Stopped by you."
    assert opened[0].is_closed
    with pytest.raises(StateError):
        ask(deployment, IMAGE)


def test_a_request_pauses_while_nobody_fetches() -> None:
    request = InferenceRequest()
    request.begin(MOST_PENDING + 1)
    request.add([{}] * (MOST_PENDING - 1))
    ended = threading.Thread(target=lambda: request.add([{}]))
    ended.start()
    wait_for(lambda: bool(request.as_json()["paused"]), "it pauses")
    assert len(request.pop()) == MOST_PENDING
    ended.join(10)
    assert not ended.is_alive()


def test_no_more_than_so_many_requests_wait() -> None:
    requests = Requests()
    taken = [requests.new() for _ in range(requests_module.MOST_WAITING)]
    with pytest.raises(BusyError):
        requests.new()
    taken[0].end()
    assert requests.new().id not in {request.id for request in taken}


def test_a_request_that_is_forgotten_is_told_as_such() -> None:
    with pytest.raises(AppError, match="no such inference request"):
        Requests().get("0")
