"""One tree of errors that people see.

AppError
├── InputError            something a person gave is not usable
├── NotFoundError         a named thing does not exist
├── StateError            the thing exists but cannot do this now
├── StorageError          disk, database, permissions
└── traindash.supervisely.errors.ApiError and its kinds (connection, 401, 404, …)

Each carries what happened and the next step. They are raised where the cause is known and caught at two edges only:
``core/traindash/ui/errors.py`` (screen text) and the platform's exception handler
(``{"error", "details": {"message"}}``).
"""

import re
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import msgspec

from traindash.language import gettext as _


class AppError(Exception):
    """Base of all errors whose text is meant for a person.

    The message says what happened, to what, in one sentence without codes or blame; the hint is the next step, empty
    when there is none.
    """

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint

    def __str__(self) -> str:
        """Return message and hint as one text."""
        return f"{self.message} {self.hint}".strip()


class InputError(AppError):
    """A value, file or plan that a person gave cannot be used."""


class NotFoundError(AppError):
    """A thing named by id, name or path does not exist."""


class StateError(AppError):
    """The thing exists but is in a state that does not allow this."""


class StorageError(AppError):
    """The data directory, its database or the disk does not work."""


# What files are called in messages: as people know them, not as this machine does.

_PACKAGES = re.compile(r"(?:[A-Za-z]:|(?<![\w/]))[/\\][^\s'\"]*[/\\](?:site|dist)-packages[/\\]")
_END = r"(?=[/\\]|[^\w.-]|\.(?:\s|$)|$)"  # a dot may go on with the name, or end a sentence
# What stands between the data directory and the name that a person has given.
_OURS = (
    r"(?:[/\\]team_files[/\\]\d+(?=[/\\])"
    r"|[/\\]incoming[/\\][\w.-]+(?:[/\\](?:unpacked|received|unused|sample)(?![\w.-]))?[/\\]?"
    r"|[/\\]runs[/\\]\d+[/\\]?"
    r"|[/\\])?"
)


def reason_of(error: OSError) -> str:
    """Return what the operating system says, with the last part of the name that it was asked for."""
    said = error.strerror or str(error) or _("input or output failed")
    name = Path(error.filename).name if isinstance(error.filename, str | Path) else ""
    return f"{said} ({name})" if name else said


def without_folders(text: str, data: Path) -> str:
    """Return a message without folders of this machine: files have their own names, or those in Team Files.

    ``data`` is the data directory, an absolute path. The home folder becomes ``~``.
    """
    if "/" not in text and "\\" not in text:
        return text
    text = _PACKAGES.sub("", text)
    # A root of one or two parts would be found in what has nothing to do with it.
    if len(data.parts) > 1:
        text = _inside(str(data)).sub(lambda found: "" if found[0] != str(data) else _("the data directory"), text)
    home = Path.home()
    return re.sub(f"(?<![\\w/]){re.escape(str(home))}{_END}", "~", text) if len(home.parts) > 1 else text


@lru_cache(maxsize=8)
def _inside(data: str) -> re.Pattern[str]:
    return re.compile(rf"(?<![\w/]){re.escape(data)}{_END}{_OURS}")


# Where and why JSON does not have the expected form, read from what msgspec says.

_SAID = r"(?s)(?P<what>.*?)(?: - at `\$(?P<place>.*)`)?"
_MISSING = r"Object missing required field `(.+)`"
_UNKNOWN = r"Object contains unknown field `(.+)`"
_STEP = r"\.([^.\[]+)|\[([^\]]*)\]"


@dataclass(frozen=True, slots=True, kw_only=True)
class ValidationIssue:
    """The first thing that does not fit."""

    # keys, and indices as digits, from the outside in; `...` stands for a key that msgspec does not tell
    path: tuple[str, ...]
    kind: str  # what is wrong with it
    reason: str  # the same for people, without its place, e.g. `expected int, got str`

    @property
    def field(self) -> str:
        """The place as one text, e.g. ``entities.0.id``; ``body`` for the whole."""
        return ".".join(self.path) or "body"

    def __str__(self) -> str:
        """Return place and reason, to go on a sentence with."""
        return f"{self.field} {self.reason}" if self.kind == "missing" else f"{self.field}: {self.reason}"


def issue_of(error: msgspec.ValidationError) -> ValidationIssue:
    """Return what a failed check found; with msgspec it is always one thing."""
    said = re.fullmatch(_SAID, str(error))
    what, place = (said["what"], said["place"] or "") if said else (str(error), "")
    path = tuple(key or index for key, index in re.findall(_STEP, place))
    # msgspec (0.23) gives no parts of what it found, only the sentence.
    if missing := re.fullmatch(_MISSING, what):
        return ValidationIssue(path=(*path, missing[1]), kind="missing", reason=_("is missing"))
    if unknown := re.fullmatch(_UNKNOWN, what):
        return ValidationIssue(path=(*path, unknown[1]), kind="unknown", reason=_("is not known"))
    return ValidationIssue(path=path, kind="value", reason=f"{what[:1].lower()}{what[1:]}".replace("`", ""))
