"""Modules of the ecosystem: the apps that a server can run."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from core.domain.ids import ModuleId


@dataclass(frozen=True, slots=True, kw_only=True)
class AppModule:
    """An app of the ecosystem.

    Attributes:
        slug: Unique path-like name, e.g. ``supervisely-ecosystem/yolo/supervisely_integration/train``.
        name: Title, e.g. ``Train YOLO v8 - 26``.
        categories: Words it is filed under; a training app has ``train`` and ``framework:<name>``.
        files: Key → path of a file in the app's repository, e.g. ``models``, ``hyperparameters``.
    """

    id: ModuleId
    slug: str
    name: str
    categories: tuple[str, ...] = ()
    files: Mapping[str, str] = field(default_factory=dict)

    @property
    def framework(self) -> str | None:
        """Framework that this app trains, ``None`` if it is no training app."""
        prefix = "framework:"
        return next((word.removeprefix(prefix) for word in self.categories if word.startswith(prefix)), None)
