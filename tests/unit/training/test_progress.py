"""Progress rows are few, and the last one is never missing."""

from pathlib import Path

from traindash.training.runs.events import EventWriter, read_events
from traindash.training.trainers.reporting import Progress


def test_rows_are_throttled_but_the_last_is_written(tmp_path: Path) -> None:
    now = 0.0
    progress = Progress(EventWriter(tmp_path / "events.jsonl"), clock=lambda: now)
    for step in range(1, 101):
        now += 0.01
        progress.report("Steps", step, 100)
    counts = [row["current"] for row in read_events(tmp_path / "events.jsonl").rows]
    assert counts[0] == 1
    assert counts[-1] == 100
    assert len(counts) <= 6
