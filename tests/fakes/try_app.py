"""The dashboard with three small models of the quick engine: ``streamlit run tests/fakes/try_app.py``.

Models find bright patches: “box” surely, “lid” less surely; the third file is no model.
"""

import sys
from pathlib import Path

import streamlit as st

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from tests.fakes.quick_dashboard import FRAME, MIDDLEWARE, QuickDashboard
from tests.fakes.quick_models import QUICK_ENGINE, add_experiment, model_text
from tests.fakes.small_platform import tiny_project
from traindash.platform.services import Services


def _fill(services: Services, scratch: Path) -> None:
    services.imports.run(tiny_project(scratch / "project", "Shapes"), services.accounts.home())
    add_experiment(services, scratch, 11, model_text("box", score=0.9))
    add_experiment(services, scratch, 12, model_text("lid", score=0.4))
    add_experiment(services, scratch, 13, b"no model")


_dashboard = QuickDashboard(QUICK_ENGINE, _fill)
app = st.App(FRAME, lifespan=_dashboard.lifespan, routes=_dashboard.routes(), middleware=MIDDLEWARE)
