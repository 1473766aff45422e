"""Models that a framework offers to train."""

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class CatalogueModel:
    """A row of a framework's model table.

    Attributes:
        framework: E.g. ``YOLO``.
        name: E.g. ``YOLO26s-det``; unique within the framework.
        task_type: ``object detection`` or ``instance segmentation``.
        columns: Further columns as the framework gives them (``Size (pixels)``, ``mAP``, ``Params (M)``, …). Frameworks
            differ in names and types, so they are shown as they are.
        pretrained: Whether the server can start this model from published weights right now; ``None`` if unknown.
            Where it cannot, training starts from random initialisation.
        note: One sentence a person should know before choosing it; empty when there is none.
    """

    framework: str
    name: str
    task_type: str
    columns: Mapping[str, str | float | None]
    pretrained: bool | None = None
    note: str = ""
