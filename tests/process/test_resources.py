"""What a running task uses is in its log."""

from core.domain.task import TaskStatus
from core.local_platform.tasks.process import read_identity
from core.local_platform.tasks.resources import ResourceMeter
from core.runs.events import read_events
from tests.fakes.small_platform import SmallPlatform, wait_for


def test_processor_and_memory_of_a_hanging_trainer(platform: SmallPlatform) -> None:
    task_id = platform.train(hang=True)
    run = platform.parts.layout.run(task_id)
    identity = wait_for(lambda: read_identity(run), "the trainer runs")
    wait_for(lambda: platform.parts.logs.live(run).phase == "training", "the trainer hangs")
    meter = ResourceMeter(every=0.0)

    def rows() -> list[dict[str, object]] | None:
        meter.look(run, identity)
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
    meter.look(run, identity)  # the process is gone
    assert len(read_events(run.platform_events).rows) == before
