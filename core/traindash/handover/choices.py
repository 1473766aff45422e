"""The models that people chose, as files of the team: every dashboard on the server sees them, and nobody loses one.

``/chosen models/<project id>_<project name>/v<version>-<unique>.json``. Files are only added. Who chooses at the same
moment as somebody else gets the next version: file ids of a server grow, so both know who was first.
"""

import secrets
from collections.abc import Sequence
from dataclasses import replace
from io import BytesIO
from pathlib import PurePosixPath

import msgspec

from traindash.domain.experiment import TeamFile
from traindash.domain.handover import ChosenModel
from traindash.domain.ids import ProjectId, TeamId
from traindash.errors import InputError, NotFoundError
from traindash.files import to_json
from traindash.formatting import count
from traindash.language import gettext as _
from traindash.supervisely.client import SuperviselyClient

ROOT = "/chosen models"
LONGEST_WHY, LONGEST_WHO = 2000, 120
_TRIES = 20
_decoder = msgspec.json.Decoder(ChosenModel)


def choices_of(client: SuperviselyClient, team: TeamId, project: ProjectId) -> tuple[ChosenModel, ...]:
    """Return the chosen models of a project, the newest first; files that cannot be read are passed over."""
    found = (_read(client, team, file) for file in _files(client, team, project))
    return tuple(sorted((one for one in found if one is not None), key=lambda one: -one.version))


def keep_choice(client: SuperviselyClient, team: TeamId, choice: ChosenModel) -> ChosenModel:
    """Write a choice down, and return it with the version that it got.

    Raises:
        InputError: It says nothing of who or why, or too much.
        ApiError: The server did not take it.
    """
    who = _clean(choice.who, _("The name is empty."), LONGEST_WHO)
    clean = replace(choice, who=who, why=_clean(choice.why, _("The reason is empty."), LONGEST_WHY))
    project = clean.project_id
    version = max((_version(file) for file in _files(client, team, project)), default=0) + 1
    for _turn in range(_TRIES):
        numbered = replace(clean, version=version)
        path = f"{_folder(clean)}/v{version}-{secrets.token_hex(4)}.json"
        content = to_json(numbered)
        client.files.upload(team, path, BytesIO(content), len(content))
        known = _files(client, team, project)
        rivals = [file for file in known if _version(file) == version]
        if min(rivals, key=lambda file: file.id).path == path:
            return numbered
        client.files.remove(team, [file for file in rivals if file.path == path])
        version = max(map(_version, known)) + 1
    raise InputError(_("Many people are choosing models of this project right now."), _("Choose again in a moment."))


def _files(client: SuperviselyClient, team: TeamId, project: ProjectId) -> Sequence[TeamFile]:
    # By the id alone: a project may have another name by now
    folders = [path for path in client.files.folders(team, ROOT) if PurePosixPath(path).name.startswith(f"{project}_")]
    files = [file for folder in folders for file in client.files.list(team, folder + "/", recursive=False)]
    return [file for file in files if _version(file)]


def _version(file: TeamFile) -> int:
    number = PurePosixPath(file.path).name.partition("-")[0].removeprefix("v")
    return int(number) if number.isascii() and number.isdecimal() else 0


def _read(client: SuperviselyClient, team: TeamId, file: TeamFile) -> ChosenModel | None:
    try:
        return _decoder.decode(client.files.read(team, file.path))
    except (msgspec.MsgspecError, NotFoundError):
        return None


def _folder(choice: ChosenModel) -> str:
    return f"{ROOT}/{choice.project_id}_{choice.project_name.replace('/', '_')}"


def _clean(text: str, is_empty: str, longest: int) -> str:
    clean = text.strip()
    if not clean:
        raise InputError(is_empty, _("Whoever reads this later needs it."))
    if len(clean) > longest:
        msg = _("“{text}…” has {count} characters; {most} is the most.")
        raise InputError(msg.format(text=clean[:20], count=count(len(clean)), most=count(longest)), _("Shorten it."))
    return clean
