"""Where a custom checkpoint comes from: the experiment that made it."""

from dataclasses import dataclass
from pathlib import PurePosixPath

from core.api.client import SuperviselyClient
from core.api.errors import ContractError, MissingError
from core.domain.experiment import ExperimentInfo
from core.domain.ids import TeamId
from core.errors import InputError, NotFoundError

_FOLDERS = {".pt": "checkpoints", ".pth": "checkpoints", ".onnx": "export", ".engine": "export"}
"""Kind of file → folder of an experiment that holds it (contract section 7.1)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckpointOrigin:
    """A checkpoint with the experiment that made it.

    Attributes:
        file_name: Bare file name, as ``params.state`` wants it.
        experiment: The experiment's record.
    """

    file_name: str
    experiment: ExperimentInfo


def split_checkpoint_path(path: str) -> tuple[str, str]:
    """Return artifacts directory and bare file name of a checkpoint, by the official SDK's rules.

    Args:
        path: Path in Team Files; a leading slash may be missing.

    Raises:
        InputError: The path is not one of a checkpoint of an experiment.
    """
    absolute = path if path.startswith("/") else f"/{path}"
    folder = _FOLDERS.get(PurePosixPath(absolute).suffix)
    if folder is None:
        msg = f"{path} is not a checkpoint: its name must end with .pt, .pth, .onnx or .engine."
        raise InputError(msg, "Choose a checkpoint of an experiment.")
    parts = absolute.split(f"/{folder}/")
    if not absolute.startswith("/experiments/") or len(parts) != 2 or "/" in parts[1]:  # noqa: PLR2004 - before, after
        msg = f"{path} is not a checkpoint of an experiment."
        hint = f"Its path reads like /experiments/55_My project/456_YOLO/{folder}/{PurePosixPath(absolute).name}."
        raise InputError(msg, hint)
    return parts[0], parts[1]


def find_checkpoint(client: SuperviselyClient, team_id: TeamId, path: str) -> CheckpointOrigin:
    """Look a checkpoint up: in the project's team first, then in the other teams.

    Raises:
        InputError: The path is not one of a checkpoint of an experiment.
        NotFoundError: No team has the file, or its experiment has no readable record.
    """
    folder, file_name = split_checkpoint_path(path)
    absolute = path if path.startswith("/") else f"/{path}"
    team = _team_with(client, team_id, absolute)
    if team is None:
        msg = f"The checkpoint {path} does not exist in Team Files."
        raise NotFoundError(msg, "Choose another checkpoint.")
    try:
        return CheckpointOrigin(file_name=file_name, experiment=client.experiments.of_folder(team, folder))
    except (MissingError, ContractError) as error:
        msg = f"The experiment of {path} has no readable record: {error.message}"
        raise NotFoundError(msg, "Choose a checkpoint of another experiment.") from error


def _team_with(client: SuperviselyClient, first: TeamId, path: str) -> TeamId | None:
    if client.files.find(first, path) is not None:
        return first
    others = (team.id for team in client.teams.list() if team.id != first)
    return next((team for team in others if client.files.find(team, path) is not None), None)
