"""Settings come from the environment, and only there."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from core.settings import load_settings


@pytest.mark.parametrize(("value", "offline"), [(None, False), ("", False), ("0", False), ("1", True), ("true", True)])
def test_offline_is_anything_but_empty_or_zero(value: str | None, *, offline: bool) -> None:
    environment = {} if value is None else {"TRAINDASH_OFFLINE": value}
    assert load_settings(environment).offline is offline


def test_the_data_directory_can_be_named(tmp_path: Path) -> None:
    assert load_settings({"TRAINDASH_HOME": str(tmp_path)}).home == tmp_path
    assert load_settings({}).home.name == "traindash"


def test_the_token_is_not_shown() -> None:
    settings = load_settings({"API_TOKEN": "secret-token", "SERVER_ADDRESS": "https://example.com"})
    assert settings.api_token == "secret-token"  # noqa: S105 - made up
    assert "secret-token" not in repr(settings)


def test_variables_can_be_set_for_an_engine() -> None:
    code = (
        "import os; from core.settings import set_environment; set_environment({'A_B': '1'}); print(os.environ['A_B'])"
    )
    answer = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, env={"PATH": os.defpath}
    )
    assert answer.stdout.strip() == "1"
