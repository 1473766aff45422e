"""What a running task uses is in its log."""

from collections.abc import Mapping
from pathlib import Path

from tests.fakes.small_platform import SmallPlatform, small_platform, wait_for
from tests.process.conftest import ENVIRONMENT, end_trainers
from traindash.domain.ids import AgentId, TaskId
from traindash.domain.task import TaskStatus
from traindash.platform.agents import Hardware, Memory
from traindash.platform.tasks.process import ResourceMeter, read_identity
from traindash.training.runs.events import EventWriter, read_events
from traindash.training.runs.spec import TrainSpec, read_spec

GIB = 2**30
CARDS = tuple(Memory(name=f"Card {n}", total=24 * GIB, available=(20 - n) * GIB, busy_percent=30.0 + n) for n in (0, 1))


def test_processor_and_memory_of_a_hanging_trainer(platform: SmallPlatform) -> None:
    task_id = platform.train(hang=True)
    run = platform.services.layout.run(task_id)
    identity = wait_for(lambda: read_identity(run), "the trainer runs")
    wait_for(lambda: platform.services.logs.live(run).phase == "training", "the trainer hangs")
    meter = ResourceMeter(every=0.0)

    def rows() -> list[dict[str, object]] | None:
        meter.look(EventWriter(run.platform_events), identity)
        found = [row for row in read_events(run.platform_events).rows if row.get("event_type") == "EventType.RESOURCES"]
        return found if len(found) > 2 else None

    last = wait_for(rows, "rows")[-1]
    memory, cpu = last["memory_bytes"], last["cpu_percent"]
    assert isinstance(memory, int)
    assert memory > 1_000_000
    assert isinstance(cpu, float)
    assert 0 <= cpu < 50
    platform.supervisor.request_stop(task_id)
    platform.wait_for_status(task_id, TaskStatus.STOPPED)
    before = len(read_events(run.platform_events).rows)
    meter.look(EventWriter(run.platform_events), identity)  # the process is gone
    assert len(read_events(run.platform_events).rows) == before


def test_each_gpu_has_an_agent_whose_tasks_train_on_it_and_tell_its_use(tmp_path: Path) -> None:
    hardware = Hardware(list_gpus=lambda: CARDS, cores=2)
    with small_platform(tmp_path / "home", ENVIRONMENT, supervise=True, hardware=hardware) as platform:
        assert [agent.device for agent in platform.services.agents.all()] == ["0", "1"]
        tasks = [platform.train(agent=number, hang=True) for number in (1, 2)]
        for card, task_id in enumerate(tasks):
            use = platform.services.agents.gpu_use(AgentId(card + 1))
            assert use == (30.0 + card, (4 + card) * GIB)
            device, told = _device_and_use(platform, task_id, use)
            assert device == str(card)
            assert (told["gpu_percent"], told["gpu_memory_bytes"]) == use
        for task_id in tasks:
            platform.supervisor.request_stop(task_id)
            platform.wait_for_status(task_id, TaskStatus.STOPPED)
        end_trainers(platform)


def _device_and_use(
    platform: SmallPlatform, task_id: TaskId, use: tuple[float, int]
) -> tuple[str, Mapping[str, object]]:
    """Return what a task trains on, and the first row about its use."""
    run, meter = platform.services.layout.run(task_id), ResourceMeter(every=0.0)
    identity = wait_for(lambda: read_identity(run), "the trainer runs")

    def row() -> Mapping[str, object] | None:
        meter.look(EventWriter(run.platform_events), identity, lambda: use)
        found = read_events(run.platform_events).rows
        return next((item for item in found if item.get("event_type") == "EventType.RESOURCES"), None)

    told = wait_for(row, "a row of what it uses")
    spec = read_spec(run.spec)
    assert isinstance(spec, TrainSpec)
    return spec.device, told
