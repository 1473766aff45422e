"""Fixtures of the wizard's pages."""

from pathlib import Path

import pytest
import streamlit as st

from tests.app.wizard.stage import Stage, install
from tests.fakes.wizard_client import small_world


@pytest.fixture
def stage(tmp_path: Path) -> Stage:
    """A server with one project, and no drafts."""
    st.cache_data.clear()
    return install(small_world(images=20), tmp_path)
