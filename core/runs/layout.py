"""Where things lie in a run folder."""

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class RunLayout:
    """Paths of one run folder.

    Attributes:
        root: The folder, absolute; named after the task id.
    """

    root: Path

    @property
    def spec(self) -> Path:
        """What to do, a :data:`core.runs.spec.RunSpec` as JSON. Written once, before the process starts."""
        return self.root / "spec.json"

    @property
    def images(self) -> Path:
        """The images of a training, one :class:`core.runs.spec.RunImage` as JSON a line."""
        return self.root / "inputs" / "images.jsonl"

    @property
    def events(self) -> Path:
        """What happened, one event a line, appended by the trainer only. See :mod:`core.runs.events`."""
        return self.root / "events.jsonl"

    @property
    def platform_events(self) -> Path:
        """The same for what the platform has to say of the task (queued, started, uploaded); it alone appends."""
        return self.root / "platform_events.jsonl"

    @property
    def output(self) -> Path:
        """Standard output and error of the process, raw text; read for the cause when it dies."""
        return self.root / "output.log"

    @property
    def process(self) -> Path:
        """Identity of the process (pid and start time), written by the platform right after the start."""
        return self.root / "process.json"

    @property
    def result(self) -> Path:
        """What came out, a :data:`core.runs.spec.RunResult` as JSON. It exists only if everything worked."""
        return self.root / "result.json"

    @property
    def stop_after_epoch(self) -> Path:
        """An empty file that asks the trainer to end well after the running epoch."""
        return self.root / "stop_after_epoch"

    @property
    def work(self) -> Path:
        """Scratch space of the trainer: converted labels, framework folders. Deleted after a good end."""
        return self.root / "work"

    @property
    def resume_checkpoint(self) -> Path:
        """From here another run can go on.

        The trainer writes it in one step after each epoch that is not the last one, with what belongs to it beside it,
        and removes it when no epoch is left.
        """
        return self.work / "training" / "weights" / "resume.pt"

    @property
    def artifacts(self) -> Path:
        """Becomes the experiment's artifacts directory in Team Files, file by file."""
        return self.root / "artifacts"

    @property
    def evaluation(self) -> Path:
        """Becomes the evaluation directory (or, for a comparison, the comparison directory) in Team Files."""
        return self.root / "evaluation"
