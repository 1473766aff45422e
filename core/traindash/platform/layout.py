"""Where things lie in the data directory."""

from dataclasses import dataclass
from pathlib import Path

from traindash.domain.ids import TaskId
from traindash.training.runs.spec import RunLayout


@dataclass(frozen=True, slots=True)
class HomeLayout:
    """Paths of one data directory.

    Attributes:
        root: The directory, absolute.
    """

    root: Path

    @property
    def database(self) -> Path:
        """State of the platform, SQLite."""
        return self.root / "platform.db"

    @property
    def token(self) -> Path:
        """The API token, one line, readable by its owner only."""
        return self.root / "token"

    @property
    def lock(self) -> Path:
        """Locked while a server uses this directory."""
        return self.root / "server.lock"

    @property
    def images(self) -> Path:
        """Images of all projects, named by the SHA-256 of their content; never changed once written."""
        return self.root / "projects" / "images"

    @property
    def previews(self) -> Path:
        """Thumbnails; can be deleted at any time."""
        return self.root / "cache" / "previews"

    @property
    def team_files(self) -> Path:
        """One folder per team id with the files of that team under their own names."""
        return self.root / "team_files"

    @property
    def runs(self) -> Path:
        """One run folder per task."""
        return self.root / "runs"

    @property
    def weights(self) -> Path:
        """Published weights of frameworks, kept between runs."""
        return self.root / "weights"

    @property
    def incoming(self) -> Path:
        """Files that are being received; emptied when the server starts."""
        return self.root / "incoming"

    @property
    def imports(self) -> Path:
        """Where versions before the table of jobs kept imports, a JSON file each; taken into it and removed."""
        return self.root / "imports"

    @property
    def dry_runs(self) -> Path:
        """The same for dry runs."""
        return self.root / "dry_runs"

    @property
    def webhook(self) -> Path:
        """Address and secret of the webhook, JSON, readable by its owner only."""
        return self.root / "webhook.json"

    def run(self, task_id: TaskId) -> RunLayout:
        """Return the layout of a task's run folder."""
        return RunLayout(self.runs / str(task_id))

    def folders(self) -> tuple[Path, ...]:
        """Return the folders that must exist while the server runs."""
        return (
            self.root,
            self.images,
            self.previews,
            self.team_files,
            self.runs,
            self.weights,
            self.incoming,
        )
