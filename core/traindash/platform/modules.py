"""The ecosystem of this server: a training app and a serving app per framework, and the app that compares models."""

import importlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from importlib.util import find_spec
from sqlite3 import Row
from typing import Literal, TypeAlias

from traindash.domain.ecosystem import MissingEngine
from traindash.domain.ids import ModuleId
from traindash.errors import NotFoundError
from traindash.frameworks.registry import FRAMEWORKS
from traindash.frameworks.spec import Framework
from traindash.platform.store.database import Database, now_text

COMPARE_SLUG = "supervisely-ecosystem/model-benchmark/compare_models"
COMPARE_APP_NAME = "Model Benchmark: compare models"
# File key → path, as in the app repositories of the ecosystem.
TRAIN_FILES: Mapping[str, str] = {
    "models": "supervisely_integration/models.json",
    "hyperparams": "supervisely_integration/train/hyperparameters.yaml",
}


Purpose: TypeAlias = Literal["train", "serve", "compare"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Module:
    """An app of the ecosystem."""

    id: ModuleId
    slug: str
    name: str
    created_at: str
    purpose: Purpose
    framework: Framework | None = None  # whose models it trains or serves; `None` for the comparison
    knows_keys: bool = True  # it takes no hyperparameters but those of the framework's reference
    missing: MissingEngine | None = None  # what its engine needs and is not installed

    @property
    def categories(self) -> tuple[str, ...]:
        """Words it is filed under."""
        if self.framework is None:
            return ("neural network", "images", "evaluate models")
        # Clients find an app by the last two (docs/supervisely-api.md 3.1 and 13.1).
        return ("neural network", "images", self.purpose, f"framework:{self.framework.name}")

    @property
    def files(self) -> Mapping[str, str]:
        """File key → path of the files that clients may read."""
        return TRAIN_FILES if self.purpose == "train" else {}


def _missing_engine(framework: Framework) -> MissingEngine | None:
    """Return what a framework's engine needs and is not installed; nothing is imported for it."""
    importlib.invalidate_caches()  # it may have been installed since this server was started
    absent = [name for name in framework.needs if find_spec(name) is None]
    if not absent:
        return None
    names = " and ".join(f"“{name}”" for name in absent)
    return MissingEngine(
        message=f"{framework.name} cannot be trained on this machine yet: {names} is not installed.",
        hint=framework.install_hint,
    )


def _serve_slug(framework: Framework) -> str:
    """Return the slug of a framework's serving app, which lies beside the training app."""
    return f"{framework.slug.removesuffix('/train')}/serve"


class Modules:
    """The apps, with ids that the database keeps: they stay the same from start to start.

    ``is_real`` is false where a trainer of tests runs every training: it takes all keys and needs no engine.
    """

    def __init__(self, database: Database, *, is_real: bool = True) -> None:
        self._database = database
        self._is_real = is_real
        # Frameworks that servers alone train have no app here.
        self._frameworks = {item.slug: item for item in FRAMEWORKS.values() if item.trainer is not None}
        self._served = {_serve_slug(item): item for item in self._frameworks.values()}

    def ensure(self) -> None:
        """Give every app an id."""
        now = now_text()
        first, *others = self._frameworks
        # Ids are never given anew: tasks and plans of earlier starts name them. In the order in which apps came to be,
        # so that a new data directory has the ids of an old one.
        with self._database.write() as connection:
            connection.executemany(
                "INSERT OR IGNORE INTO modules (slug, created_at) VALUES (?, ?)",
                [(slug, now) for slug in (first, COMPARE_SLUG, *others, *self._served)],
            )

    def all(self) -> tuple[Module, ...]:
        """Return the apps, by id; apps of frameworks that were taken out are left out."""
        with self._database.read() as connection:
            rows = connection.execute("SELECT id, slug, created_at FROM modules ORDER BY id").fetchall()
        found = (self._module(row) for row in rows)
        return tuple(module for module in found if module is not None)

    def _module(self, row: Row) -> Module | None:
        """Return an app, ``None`` of a framework that was taken out: it keeps its id, for the tasks that it ran."""
        slug: str = row["slug"]
        framework = self._frameworks.get(slug) or self._served.get(slug)
        if framework is None and slug != COMPARE_SLUG:
            return None
        purpose: Purpose = "compare" if framework is None else "serve" if slug in self._served else "train"
        match purpose, framework:
            case "train", Framework():
                name = framework.app_name
            case "serve", Framework():
                name = f"Serve {framework.app_name.removeprefix('Train ')}"
            case _:
                name = COMPARE_APP_NAME
        return Module(
            id=row["id"],
            slug=slug,
            name=name,
            created_at=row["created_at"],
            purpose=purpose,
            framework=framework,
            knows_keys=self._is_real,
            missing=_missing_engine(framework) if framework and self._is_real else None,
        )

    def inner(self, slug: str) -> ModuleId:
        """Return the id of what runs tasks and is no app of the ecosystem: every task needs a module."""
        with self._database.write() as connection:
            connection.execute("INSERT OR IGNORE INTO modules (slug, created_at) VALUES (?, ?)", (slug, now_text()))
            row = connection.execute("SELECT id FROM modules WHERE slug = ?", (slug,)).fetchone()
        return ModuleId(row["id"])

    def get(self, module_id: ModuleId) -> Module:
        """Return an app, which must exist (else :class:`NotFoundError`)."""
        return self._first(lambda module: module.id == module_id, str(module_id))

    def by_slug(self, slug: str) -> Module:
        """Return an app, which must exist (else :class:`NotFoundError`)."""
        return self._first(lambda module: module.slug == slug, repr(slug))

    def _first(self, matches: Callable[[Module], bool], wanted: str) -> Module:
        for module in self.all():
            if matches(module):
                return module
        raise NotFoundError(f"There is no app {wanted} in the ecosystem.", "Ask ecosystem.list for what there is.")
