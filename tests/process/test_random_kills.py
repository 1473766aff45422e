"""Whatever dies whenever: no task is lost, started twice or ended wrongly."""

import itertools
import os
import random
import signal
import threading
from dataclasses import dataclass, field

from tests.fakes.small_platform import SmallPlatform, wait_for
from tests.process.conftest import PlatformProcess
from tests.process.test_supervisor import experiment, starts
from traindash.domain.ids import AgentId, FileId, TaskId
from traindash.domain.task import ExitCause, TaskStatus
from traindash.platform.store.task_records import TaskRecord
from traindash.platform.tasks.process import poll, read_identity
from traindash.training.runs.events import read_events

ROUNDS = 50
SEED_VARIABLE = "TRAINDASH_TEST_SEED"
KILLED = {ExitCause.KILLED, ExitCause.OUT_OF_MEMORY, ExitCause.LOST}


@dataclass
class Chaos:
    """What was done to which task.

    Attributes:
        stopped: A stop was asked for and accepted.
        killed: The trainer got SIGKILL.
    """

    desk: SmallPlatform
    other: PlatformProcess
    dice: random.Random
    tasks: list[TaskId] = field(default_factory=list)
    stopped: set[TaskId] = field(default_factory=set)
    killed: set[TaskId] = field(default_factory=set)
    counts: dict[str, int] = field(default_factory=dict)

    def round(self) -> None:
        """Top the queue up, wait a moment, do something bad."""
        while len(self.desk.services.tasks.open_tasks()) < 4:
            agent = self.dice.choice([None, None, 1, 2])
            seconds = self.dice.choice([0.0, 0.05, 0.2])
            task = self.desk.train(agent=agent, epochs=self.dice.randint(1, 3), seconds_per_epoch=seconds)
            self.tasks.append(task)
        threading.Event().wait(self.dice.uniform(0.0, 0.3))
        action = self.dice.choices(
            [self.kill_platform, self.kill_platform_twice, self.kill_trainer, self.stop], [5, 2, 3, 2]
        )[0]
        self.counts[action.__name__] = self.counts.get(action.__name__, 0) + 1
        action()

    def kill_platform(self) -> None:
        """Kill it and start another."""
        self.other.kill()
        self.other.start()

    def kill_platform_twice(self) -> None:
        """Kill it again somewhere in its start."""
        self.other.kill()
        self.other.begin()
        threading.Event().wait(self.dice.uniform(0.0, 0.1))
        self.other.kill()
        self.other.start()

    def kill_trainer(self) -> None:
        """Kill one of the trainers that run, if any does."""
        running = [task.id for task in self.desk.services.tasks.open_tasks() if task.status is TaskStatus.STARTED]
        self.dice.shuffle(running)
        for task_id in running:
            identity = read_identity(self.desk.services.layout.run(task_id))
            if identity is not None and poll(identity) is None:
                self.killed.add(task_id)
                os.kill(identity.pid, signal.SIGKILL)
                return

    def stop(self) -> None:
        """Ask for the stop of any task."""
        open_tasks = self.desk.services.tasks.open_tasks()
        task_id = self.dice.choice(open_tasks).id if open_tasks else self.tasks[-1]
        if self.desk.supervisor.request_stop(task_id) in {TaskStatus.TERMINATING, TaskStatus.STOPPED}:
            self.stopped.add(task_id)


def test_nothing_is_lost(desk: SmallPlatform, other: PlatformProcess) -> None:
    seed = int(os.environ.get(SEED_VARIABLE) or random.SystemRandom().randrange(2**32))  # noqa: TID251 - to repeat a run
    print(f"{ROUNDS} rounds, {SEED_VARIABLE}={seed}")  # noqa: T201 - pytest shows it when the test fails
    chaos = Chaos(desk, other, random.Random(seed))  # noqa: S311 - dice, not secrets
    other.start()
    for _ in range(ROUNDS):
        chaos.round()
    wait_for(lambda: not desk.services.tasks.open_tasks(), "all tasks are over", seconds=120)
    records = [desk.task(task_id) for task_id in chaos.tasks]
    for record in records:
        check_end(chaos, record)
    check_experiments(desk, records)
    check_agents(desk, records)
    print(chaos.counts, {status.value: sum(r.status is status for r in records) for status in TaskStatus})  # noqa: T201


def check_end(chaos: Chaos, record: TaskRecord) -> None:
    """Check that a task ended as what was done to it allows."""
    what = f"task {record.id}: {record.status}, {record.exit_report}"
    was_stopped, was_killed = record.id in chaos.stopped, record.id in chaos.killed
    allowed = {TaskStatus.FINISHED}
    allowed |= {TaskStatus.ERROR} if was_killed else set()
    allowed |= {TaskStatus.STOPPED} if was_stopped else set()
    assert record.status in allowed, what
    assert record.exit_report is not None, what
    if record.status is TaskStatus.ERROR:
        assert record.exit_report.cause in KILLED, what
    if record.status is TaskStatus.STOPPED:
        assert record.exit_report.cause is ExitCause.STOPPED_BY_USER, what
    assert starts(chaos.desk, record.id) <= 1, what
    assert record.started_at or record.status is not TaskStatus.FINISHED, what


def check_experiments(desk: SmallPlatform, records: list[TaskRecord]) -> None:
    """Check that exactly the finished tasks left an experiment, and a complete one."""
    finished = {int(record.id) for record in records if record.status is TaskStatus.FINISHED}
    team_id = records[0].team_id
    found = [file for file in desk.services.files.list(team_id, "/experiments") if file.name == "experiment_info.json"]
    assert {int(file.path.split("/")[3].split("_")[0]) for file in found} == finished
    for record in records:
        if record.status is not TaskStatus.FINISHED:
            assert "experiment" not in record.output
            continue
        data = experiment(desk, record.id)
        report_id = data["evaluation_report_id"]
        assert isinstance(report_id, int)
        assert desk.services.files.get(FileId(report_id)).local_path.is_file()
        checkpoint = desk.services.files.find(team_id, f"{data['artifacts_dir']}checkpoints/best.pt")
        assert checkpoint is not None
        assert checkpoint.local_path.stat().st_size == checkpoint.size


def check_agents(desk: SmallPlatform, records: list[TaskRecord]) -> None:
    """Check that no agent ever ran two trainers at once, by the first and last rows that they wrote."""
    for agent in (AgentId(1), AgentId(2)):
        spans = []
        for record in records:
            rows = read_events(desk.services.layout.run(record.id).events).rows
            if record.agent_id == agent and rows:
                spans.append((str(rows[0]["timestamp"]), str(rows[-1]["timestamp"]), record.id))
        spans.sort()
        for (_, end, before), (begin, _, after) in itertools.pairwise(spans):
            assert end <= begin, f"agent {agent} ran task {before} and task {after} at once"
