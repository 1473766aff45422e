"""Drafts on disk: one JSON file each, written in one step, so that no refresh, crash or second tab loses anything."""

import contextlib
import logging
import re
import secrets
import threading
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

from pydantic import TypeAdapter, ValidationError

from core.errors import InputError, NotFoundError, StorageError
from core.wizard.draft import DraftId, WizardDraft, new_draft

_ADAPTER: TypeAdapter[WizardDraft] = TypeAdapter(WizardDraft)
_ID = re.compile(r"[a-z0-9]{6,32}")
_REMOVED = ".deleted"
_KEPT_REMOVED = 20
_log = logging.getLogger(__name__)


class DraftStore:
    """All drafts of this machine.

    Safe for use from several threads. Two tabs on one draft see each other's changes; the last change of a field wins,
    because a change is applied to what is stored, not to what a tab has seen.

    Args:
        folder: Where the files are; made when the first draft is written.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._lock = threading.Lock()

    def create(self, server: str, start: WizardDraft | None = None, *, name: str | None = None) -> WizardDraft:
        """Store a new draft and return it.

        Args:
            server: Address of the server it is for.
            start: A draft whose choices the new one begins with; "again with changes".
            name: A person's name for it.
        """
        fresh = new_draft(DraftId(secrets.token_hex(5)), server)
        if start is not None:
            fresh = replace(
                start,
                id=fresh.id,
                server=server,
                created_at=fresh.created_at,
                changed_at=fresh.changed_at,
                task_id=None,
            )
        fresh = replace(fresh, name=name)
        with self._lock:
            self._write(fresh)
        return fresh

    def load(self, draft_id: str) -> WizardDraft:
        """Return a draft.

        Raises:
            NotFoundError: There is no such draft.
            InputError: Its file is damaged.
        """
        path = self._path(draft_id)
        try:
            return _ADAPTER.validate_json(path.read_bytes())
        except FileNotFoundError as error:
            msg = f"There is no draft “{draft_id}” on this machine."
            raise NotFoundError(msg, "Start a new one.") from error
        except ValidationError as error:
            _log.warning("Draft file %s cannot be read: %s", path, error)
            msg = f"The file of draft “{draft_id}” is damaged and cannot be read."
            hint = f"Start a new one. The damaged file stays where it is: {path}"
            raise InputError(msg, hint) from error
        except OSError as error:
            raise _storage_error(path, error) from error

    def update(self, draft_id: DraftId, change: Callable[[WizardDraft], WizardDraft]) -> WizardDraft:
        """Apply a change to the stored draft and return the result.

        Raises:
            NotFoundError: The draft was deleted meanwhile.
            InputError: Its file is damaged.
            StorageError: The disk does not take it.
        """
        with self._lock:
            current = self.load(draft_id)
            changed = change(current)
            if changed == current:
                return current
            stamped = replace(changed, changed_at=datetime.now(UTC))
            self._write(stamped)
            return stamped

    def drafts(self, server: str) -> tuple[WizardDraft, ...]:
        """Return the readable drafts of a server, last changed first; damaged files are left out and logged."""
        found: list[WizardDraft] = []
        for path in self._folder.glob("*.json") if self._folder.is_dir() else ():
            try:
                found.append(self.load(path.stem))
            except (InputError, NotFoundError):
                continue
        return tuple(sorted((d for d in found if d.server == server), key=lambda d: d.changed_at, reverse=True))

    def latest_open(self, server: str) -> WizardDraft | None:
        """Return the draft that was changed last and not started yet, ``None`` if there is none."""
        return next((draft for draft in self.drafts(server) if draft.task_id is None), None)

    def remove(self, draft_id: DraftId) -> None:
        """Delete a draft; one that is gone already is no error. It can be had back with :meth:`restore` for a while.

        Raises:
            StorageError: The disk does not do it.
        """
        path = self._path(draft_id)
        with self._lock:
            try:
                path.replace(_removed(path))
                for old in sorted(self._folder.glob(f"*{_REMOVED}"), key=_age)[_KEPT_REMOVED:]:
                    old.unlink(missing_ok=True)
            except FileNotFoundError:
                return
            except OSError as error:
                raise _storage_error(path, error) from error

    def restore(self, draft_id: DraftId) -> WizardDraft:
        """Bring a deleted draft back.

        Raises:
            NotFoundError: It is gone for good.
            StorageError: The disk does not do it.
        """
        path = self._path(draft_id)
        with self._lock:
            try:
                _removed(path).replace(path)
            except FileNotFoundError as error:
                msg = "The deleted draft is gone for good."
                raise NotFoundError(msg, "Start a new one.") from error
            except OSError as error:
                raise _storage_error(path, error) from error
            return self.load(draft_id)

    def _path(self, draft_id: str) -> Path:
        if not _ID.fullmatch(draft_id):
            msg = f"“{draft_id}” is not the id of a draft."
            raise NotFoundError(msg, "Start a new one.")
        return self._folder / f"{draft_id}.json"

    def _write(self, draft: WizardDraft) -> None:
        path = self._path(draft.id)
        partial = path.with_name(f"{path.name}.{secrets.token_hex(4)}.partial")
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
            partial.write_bytes(_ADAPTER.dump_json(draft, indent=2))
            partial.replace(path)
        except OSError as error:
            with contextlib.suppress(OSError):
                partial.unlink(missing_ok=True)
            raise _storage_error(path, error) from error


def _removed(path: Path) -> Path:
    return path.with_suffix(_REMOVED)


def _age(path: Path) -> float:
    return -path.stat().st_mtime


def _storage_error(path: Path, error: OSError) -> StorageError:
    msg = f"The draft file {path} cannot be used: {error.strerror or error}."
    return StorageError(msg, "Check free space and permissions of the data directory, then try again.")
