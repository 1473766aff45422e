"""Rows of a task's log."""

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True, kw_only=True)
class LogRow:
    """One row of a task's log, as ``tasks.log.download`` gives it.

    Attributes:
        message: What it says.
        level: ``debug``, ``info``, ``warning``, ``error`` or another word of the server.
        timestamp: ISO 8601 in UTC as the server wrote it; empty when it wrote none.
        fields: All further keys, e.g. ``event_type``, ``subtask``, ``current``, ``total`` of a progress row.
    """

    message: str
    level: str = "info"
    timestamp: str = ""
    fields: Mapping[str, object] = field(default_factory=dict)
