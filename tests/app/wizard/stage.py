"""A wizard on stage: the real frame and pages, a server of values in memory, a data directory of its own."""

import json
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from streamlit.testing.v1 import AppTest

from tests.fakes.wizard_client import World, client_of
from tests.outside import ROOT
from tests.unit.plans.facts import draft as good_draft
from traindash.plans.draft import DraftStore, WizardDraft
from traindash.ui import connection
from traindash.ui.wizard.plans import PLAN_FORMS

SECONDS = 30


@dataclass(frozen=True, slots=True, kw_only=True)
class Stage:
    """What a test plays with."""

    world: World
    store: DraftStore
    home: Path

    def draft(self, change: Callable[[WizardDraft], WizardDraft] = lambda draft: draft) -> WizardDraft:
        """Store a draft that could be started, after a change."""
        made = self.store.create(connection.EMBEDDED)
        wanted = change(good_draft())
        return self.store.update(made.id, lambda _: replace(wanted, id=made.id, server=made.server))

    def open(self, screen: str, **params: str) -> AppTest:
        """Open a screen in a new tab."""
        app = AppTest.from_file(str(ROOT / "core" / "traindash" / "frame" / "main.py"), default_timeout=SECONDS)
        for name, value in params.items():
            app.query_params[name] = value
        app.switch_page(str(ROOT / "pages" / f"{screen}.py")).run()
        assert not app.exception, app.exception
        return app


def install(world: World, home: Path) -> Stage:
    """Connect the process to a world."""
    connection.install(lambda: client_of(world), home=home)
    return Stage(world=world, store=DraftStore(home / "drafts"), home=home)


def with_code(app: AppTest) -> AppTest:
    """Open what shows the plan as code, as a person does with a click."""
    app.session_state[PLAN_FORMS] = True
    return app.run()


def everything_said(app: AppTest) -> str:
    """Return all text that a person could read."""
    kinds = ("title", "header", "markdown", "caption", "error", "warning", "info", "toast")
    parts = [str(getattr(item, "value", "")) for kind in kinds for item in app.get(kind)]
    bodies = [str(item.proto.body) for item in app.get("html")]
    parts += [body for body in bodies if not body.startswith("<style>")]
    return "\n".join(parts).replace("\\", "")


def links(app: AppTest) -> list[str]:
    """Return the words on all links."""
    return [str(getattr(item, "label", "")) for item in app.get("page_link")]


def component_data(app: AppTest) -> dict[str, Any]:
    """Return what the YAML editor was given."""
    found: list[dict[str, Any]] = [json.loads(item.proto.json or "{}") for item in app.get("bidi_component")]
    return next(data for data in found if data.get("label") == "Hyperparameters")
