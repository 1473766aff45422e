"""Models in processes of their own: kept ready, let go, killed."""

import os
import shutil
import signal
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import psutil
import pytest

from tests.fakes.quick_models import PATCH, QUICK_ENGINE, model_text, patch_png
from tests.fakes.small_platform import wait_for
from tests.outside import ROOT
from traindash.domain.ids import TeamId
from traindash.domain.prediction import ImagePrediction, ModelFile
from traindash.errors import InputError, NotFoundError, StateError
from traindash.platform.predictors import Limits, PredictorEndedError, PredictorProcess
from traindash.platform.ready_models import Predictors
from traindash.platform.routes.workload import BusyError
from traindash.training.runs.predicting import GivenImage, PredictorSpec

ENVIRONMENT = {"PATH": os.defpath, "PYTHONPATH": str(ROOT), "TRAINDASH_OFFLINE": "1"}
PICTURE = GivenImage(content=patch_png())


def spec_of(file: Path, content: bytes | None = None) -> PredictorSpec:
    """Write a model and return how it is run."""
    file.write_bytes(content or model_text())
    return PredictorSpec(trainer=QUICK_ENGINE, file=str(file), task_type="object detection", classes=("box",))


def name_of(number: int) -> ModelFile:
    """Return what a model is called in Team Files."""
    return ModelFile(team_id=TeamId(1), path=f"/experiments/1_Shapes/{number}_YOLO/checkpoints/best.pt")


class Pool:
    """A pool whose clock and memory a test sets."""

    def __init__(self, folder: Path, limits: Limits) -> None:
        self.now = 0.0
        self.free = 64 * 2**30
        self.predictors = Predictors(folder, ENVIRONMENT, limits, clock=lambda: self.now, free_memory=lambda: self.free)

    def ask(self, number: int, spec: PredictorSpec) -> "Future[tuple[ImagePrediction, ...]]":
        """Have a model look at the picture."""
        return self.predictors.predict(name_of(number), spec, [PICTURE])

    def pid(self, number: int) -> int:
        """Return the process of a model that is ready."""
        found = next(one.pid for one in self.predictors.all() if one.model == name_of(number))
        assert found is not None
        return found


@contextmanager
def pool_of(folder: Path, limits: Limits | None = None) -> Iterator[Pool]:
    pool = Pool(folder, limits or Limits())
    pool.predictors.open()
    try:
        yield pool
    finally:
        pool.predictors.close()


def ended(pid: int) -> Callable[[], bool]:
    """Return what says whether a process is gone."""
    return lambda: not psutil.pid_exists(pid) or psutil.Process(pid).status() == psutil.STATUS_ZOMBIE


def test_six_models_answer_at_once_and_all_end_with_the_pool(tmp_path: Path) -> None:
    with pool_of(tmp_path / "pool") as pool:
        specs = [spec_of(tmp_path / f"{n}.pt", model_text(f"class {n}", score=0.5 + n / 20)) for n in range(6)]
        asked = [pool.ask(n, spec) for n, spec in enumerate(specs)]
        found = [future.result()[0] for future in asked]
        assert [one.objects[0].class_name for one in found] == [f"class {n}" for n in range(6)]
        assert {one.objects[0].corners for one in found} == {PATCH}
        assert {(one.width, one.height) for one in found} == {(80, 60)}
        pids = [pool.pid(n) for n in range(6)]
        assert len(set(pids)) == 6
        # Ready is ready: the next answer comes from the same processes
        assert all(pool.ask(n, spec).result()[0].objects for n, spec in enumerate(specs))
        assert [pool.pid(n) for n in range(6)] == pids
        assert {one.images for one in pool.predictors.all()} == {2}
    for pid in pids:
        wait_for(ended(pid), "the process ends with the pool")
    assert not list((tmp_path / "pool").iterdir())


def test_a_model_killed_in_mid_request_is_told_and_starts_anew(tmp_path: Path) -> None:
    pipe = tmp_path / "picture"
    os.mkfifo(pipe)
    with pool_of(tmp_path / "pool") as pool:
        spec = spec_of(tmp_path / "a.pt")
        pool.ask(1, spec).result()
        pid = pool.pid(1)
        caught = pool.predictors.predict(name_of(1), spec, [GivenImage(path=str(pipe))])
        waiting = pool.ask(1, spec)
        with pipe.open("wb"):  # opens when the model's process reads it: it is at work now
            os.kill(pid, signal.SIGKILL)
            with pytest.raises(PredictorEndedError, match="signal 9") as told:
                caught.result()
        assert told.value.exit_code == -9
        assert "Try again" in told.value.hint
        assert waiting.result()[0].objects  # who came after it gets an answer of a new process
        assert pool.pid(1) != pid


def test_a_model_that_kills_its_process_does_so_without_the_others(tmp_path: Path) -> None:
    with pool_of(tmp_path / "pool") as pool:
        deadly, sound = spec_of(tmp_path / "d.pt", model_text(dies=True)), spec_of(tmp_path / "s.pt")
        first, second = pool.ask(1, deadly), pool.ask(2, sound)
        with pytest.raises(PredictorEndedError):
            first.result()
        assert second.result()[0].objects


def test_one_that_takes_too_long_is_ended(tmp_path: Path) -> None:
    pipe = tmp_path / "picture"
    os.mkfifo(pipe)
    process = PredictorProcess(
        spec_of(tmp_path / "a.pt"), tmp_path / "scratch", ENVIRONMENT, Limits(image_seconds=0.05)
    )
    with pytest.raises(PredictorEndedError, match="did not answer within"):
        process.predict([GivenImage(path=str(pipe))])
    assert not process.is_running
    process.close()


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs a file that is always full")
def test_a_disk_that_takes_nothing_is_told_and_the_process_stays(tmp_path: Path) -> None:
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    (scratch / "output.log").symlink_to("/dev/full")  # what the process prints is lost, too
    process = PredictorProcess(spec_of(tmp_path / "a.pt"), scratch, ENVIRONMENT)
    process.start()
    pid = process.pid
    shutil.rmtree(scratch)
    with pytest.raises(InputError, match="No such file or directory"):
        process.predict([PICTURE])
    scratch.mkdir()
    assert process.predict([PICTURE])[0].objects
    assert process.pid == pid
    process.close()


def test_a_file_that_is_no_model_is_refused_and_a_new_one_in_its_place_is_taken(tmp_path: Path) -> None:
    with pool_of(tmp_path / "pool") as pool:
        spec = spec_of(tmp_path / "a.pt", b"no model")
        for _ in range(2):
            with pytest.raises(InputError, match="is no model"):
                pool.ask(1, spec).result()
        assert pool.ask(1, spec_of(tmp_path / "a.pt")).result()[0].objects


def test_pictures_that_cannot_be_used_are_named_and_the_others_answered(tmp_path: Path) -> None:
    process = PredictorProcess(spec_of(tmp_path / "a.pt"), tmp_path / "scratch", ENVIRONMENT)
    given = [PICTURE, GivenImage(content=b"no picture"), replace(PICTURE, drawn_on=(7, 7)), PICTURE]
    found = process.predict(given)
    process.close()
    assert [bool(one.problem) for one in found] == [False, True, True, False]
    assert "80 x 60" in found[2].problem
    assert [len(one.objects) for one in found] == [1, 0, 0, 1]
    assert not (tmp_path / "scratch").exists()


def test_objects_below_the_threshold_are_left_out(tmp_path: Path) -> None:
    process = PredictorProcess(spec_of(tmp_path / "a.pt", model_text(score=0.4)), tmp_path / "s", ENVIRONMENT)
    counts = [len(process.predict([PICTURE], confidence)[0].objects) for confidence in (0.0, 0.4, 0.41)]
    process.close()
    assert counts == [1, 1, 0]


def test_who_is_idle_goes_first_when_there_are_too_many(tmp_path: Path) -> None:
    with pool_of(tmp_path / "pool", Limits(most_models=2)) as pool:
        specs = [spec_of(tmp_path / f"{n}.pt") for n in range(3)]
        for n in (0, 1, 2):
            pool.now = float(n)
            pool.ask(n, specs[n]).result()
        assert {one.model for one in pool.predictors.all()} == {name_of(1), name_of(2)}


def test_what_nobody_asks_any_more_is_let_go(tmp_path: Path) -> None:
    with pool_of(tmp_path / "pool", Limits(idle_seconds=100)) as pool:
        pool.ask(1, spec_of(tmp_path / "a.pt")).result()
        pool.now = 99.0
        pool.predictors.let_idle_go()
        assert len(pool.predictors.all()) == 1
        pool.now = 100.0
        pool.predictors.let_idle_go()
        assert not pool.predictors.all()


def children() -> set[int]:
    return {child.pid for child in psutil.Process().children()}


def test_the_next_model_of_an_engine_takes_a_process_that_has_it_already(tmp_path: Path) -> None:
    others = children()  # this process may have some of other tests
    with pool_of(tmp_path / "pool") as pool:
        pool.ask(1, spec_of(tmp_path / "a.pt")).result()
        waiting = children() - others - {pool.pid(1)}
        assert len(waiting) == 1
        assert pool.ask(2, spec_of(tmp_path / "b.pt", model_text("lid"))).result()[0].objects[0].class_name == "lid"
        assert pool.pid(2) in waiting
        (spare,) = children() - others - {pool.pid(1), pool.pid(2)}
        # One that ended meanwhile is no loss
        os.kill(spare, signal.SIGKILL)
        wait_for(ended(spare), "the spare process ends")
        assert pool.ask(3, spec_of(tmp_path / "c.pt")).result()[0].objects
        for number in (1, 2, 3):
            pool.predictors.release(name_of(number))
        assert not children() - others, "none waits where no model of the engine is ready"


def test_memory_that_is_needed_is_given_back(tmp_path: Path) -> None:
    with pool_of(tmp_path / "pool") as pool:
        pool.ask(1, spec_of(tmp_path / "a.pt")).result()
        pool.free = 2**20
        pool.predictors.let_idle_go()
        assert not pool.predictors.all()
        with pytest.raises(StateError, match="MB are free"):
            pool.ask(2, spec_of(tmp_path / "b.pt"))


def test_requests_beyond_what_may_wait_are_sent_away(tmp_path: Path) -> None:
    pipe = tmp_path / "picture"
    os.mkfifo(pipe)
    with pool_of(tmp_path / "pool", Limits(most_waiting=2)) as pool:
        spec = spec_of(tmp_path / "a.pt")
        held = pool.predictors.predict(name_of(1), spec, [GivenImage(path=str(pipe))])
        pool.ask(1, spec)
        with pytest.raises(BusyError):
            pool.ask(1, spec)
        pool.predictors.release(name_of(1))
        with pytest.raises(PredictorEndedError, match="let go"):
            held.result()
        with pytest.raises(NotFoundError):
            pool.predictors.release(name_of(1))


def test_where_all_places_are_taken_by_models_at_work_another_one_waits(tmp_path: Path) -> None:
    pipe = tmp_path / "picture"
    os.mkfifo(pipe)
    with pool_of(tmp_path / "pool", Limits(most_models=1)) as pool:
        pool.predictors.predict(name_of(1), spec_of(tmp_path / "a.pt"), [GivenImage(path=str(pipe))])
        other = spec_of(tmp_path / "b.pt")
        with pytest.raises(BusyError):
            pool.ask(2, other)


def test_many_threads_may_ask_one_process(tmp_path: Path) -> None:
    process = PredictorProcess(spec_of(tmp_path / "a.pt"), tmp_path / "scratch", ENVIRONMENT)
    found: list[int] = []
    threads = [threading.Thread(target=lambda: found.append(len(process.predict([PICTURE])))) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    process.close()
    assert found == [1] * 8
    with pytest.raises(PredictorEndedError, match="let go"):
        process.predict([PICTURE])
