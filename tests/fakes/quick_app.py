"""The dashboard with trainings that take a moment: ``streamlit run tests/fakes/quick_app.py``.

It has the sample project; the trainer computes nothing.
"""

import sys
from pathlib import Path

import streamlit as st

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from tests.fakes import FAKE_TRAINER
from tests.fakes.quick_dashboard import FRAME, MIDDLEWARE, QuickDashboard

_dashboard = QuickDashboard(FAKE_TRAINER)
app = st.App(FRAME, lifespan=_dashboard.lifespan, routes=_dashboard.routes(), middleware=MIDDLEWARE)
