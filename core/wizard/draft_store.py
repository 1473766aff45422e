"""Drafts on disk, so that no refresh, crash or second tab loses anything."""

import secrets
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

from pydantic import TypeAdapter

from core.files import JsonRecords
from core.wizard.draft import DraftId, WizardDraft, new_draft

_ADAPTER: TypeAdapter[WizardDraft] = TypeAdapter(WizardDraft)


class DraftStore:
    """All drafts of this machine.

    Safe for use from several threads. Two tabs on one draft see each other's changes; the last change of a field wins,
    because a change is applied to what is stored, not to what a tab has seen.

    Args:
        folder: Where the files are; made when the first draft is written.
    """

    def __init__(self, folder: Path) -> None:
        self._records = JsonRecords(
            folder=folder, decode=_ADAPTER.validate_json, noun="draft", way_out="Start a new one."
        )

    def create(self, server: str, start: WizardDraft | None = None, *, name: str | None = None) -> WizardDraft:
        """Store a new draft and return it.

        Args:
            server: The server it is for.
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
                series_id=None,
                replaces=None,
            )
        fresh = replace(fresh, name=name)
        return self._records.add(fresh.id, fresh)

    def load(self, draft_id: str) -> WizardDraft:
        """Return a draft.

        Raises:
            NotFoundError: There is no such draft.
            InputError: Its file is damaged.
        """
        return self._records.load(draft_id)

    def update(self, draft_id: DraftId, change: Callable[[WizardDraft], WizardDraft]) -> WizardDraft:
        """Apply a change to the stored draft and return the result.

        Raises:
            NotFoundError: The draft was deleted meanwhile.
            InputError: Its file is damaged.
            StorageError: The disk does not take it.
        """

        def stamped(current: WizardDraft) -> WizardDraft:
            changed = change(current)
            return current if changed == current else replace(changed, changed_at=datetime.now(UTC))

        return self._records.update(draft_id, stamped)

    def drafts(self, server: str) -> tuple[WizardDraft, ...]:
        """Return the readable drafts of a server, last changed first; damaged files are left out and logged."""
        own = (draft for draft in self._records.all() if draft.server == server)
        return tuple(sorted(own, key=lambda draft: draft.changed_at, reverse=True))

    def latest_open(self, server: str) -> WizardDraft | None:
        """Return the draft of a new training that was changed last and not started yet, ``None`` if there is none."""
        return next((draft for draft in self.drafts(server) if not draft.is_started and draft.replaces is None), None)

    def remove(self, draft_id: DraftId) -> None:
        """Delete a draft; one that is gone already is no error. It can be had back with :meth:`restore` for a while.

        Raises:
            StorageError: The disk does not do it.
        """
        self._records.remove(draft_id)

    def restore(self, draft_id: DraftId) -> WizardDraft:
        """Bring a deleted draft back.

        Raises:
            NotFoundError: It is gone for good.
            StorageError: The disk does not do it.
        """
        return self._records.restore(draft_id)
