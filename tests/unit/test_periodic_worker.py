"""Rounds of a thread: at once, when woken, after an error, and none after the end."""

import threading

from traindash.periodic_worker import PeriodicWorker

PATIENCE = 10.0


def test_the_first_round_comes_at_once_and_the_next_when_woken() -> None:
    done = threading.Semaphore(0)

    def work() -> None:
        done.release()

    worker = PeriodicWorker("test", work, retry=3600)
    worker.start()
    assert done.acquire(timeout=PATIENCE)
    worker.wake()
    assert done.acquire(timeout=PATIENCE)
    worker.close()
    assert not done.acquire(blocking=False)


def test_a_round_that_names_a_pause_is_followed_by_itself() -> None:
    done = threading.Semaphore(0)

    def work() -> float:
        done.release()
        return 0.001

    worker = PeriodicWorker("test", work, retry=3600)
    worker.start()
    assert all(done.acquire(timeout=PATIENCE) for _ in range(3))
    worker.close()


def test_a_round_that_fails_is_tried_again() -> None:
    done = threading.Semaphore(0)
    left = [ValueError("first"), ValueError("second")]

    def work() -> None:
        if left:
            raise left.pop()
        done.release()

    worker = PeriodicWorker("test", work, retry=0.001)
    worker.start()
    assert done.acquire(timeout=PATIENCE)
    worker.close()


def test_a_wake_during_a_round_is_not_lost() -> None:
    begun, go_on, done = threading.Event(), threading.Event(), threading.Semaphore(0)

    def work() -> None:
        begun.set()
        go_on.wait(PATIENCE)
        done.release()

    worker = PeriodicWorker("test", work, retry=3600)
    worker.start()
    assert begun.wait(PATIENCE)
    worker.wake()
    go_on.set()
    assert done.acquire(timeout=PATIENCE)
    assert done.acquire(timeout=PATIENCE)
    worker.close()


def test_a_long_round_is_told_of_the_end_and_waited_for() -> None:
    begun, ended = threading.Event(), threading.Event()

    def work() -> None:
        begun.set()
        while not worker.is_closing:
            ended.wait(0.001)
        ended.set()

    worker = PeriodicWorker("test", work, retry=3600)
    worker.start()
    assert begun.wait(PATIENCE)
    worker.close()
    worker.close()
    assert ended.is_set()


def test_it_may_begin_anew_after_its_end() -> None:
    done = threading.Semaphore(0)
    worker = PeriodicWorker("test", done.release, retry=3600)
    for _ in range(2):
        worker.start()
        assert done.acquire(timeout=PATIENCE)
        worker.close()
