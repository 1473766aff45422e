"""Settings come from the environment, and only there."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from traindash.settings import load_settings
from traindash.supervisely.server_settings import server_settings


@pytest.mark.parametrize(("value", "offline"), [(None, False), ("", False), ("0", False), ("1", True), ("true", True)])
def test_offline_is_anything_but_empty_or_zero(value: str | None, *, offline: bool) -> None:
    environment = {} if value is None else {"TRAINDASH_OFFLINE": value}
    assert load_settings(environment).offline is offline


def test_the_data_directory_can_be_named(tmp_path: Path) -> None:
    assert load_settings({"TRAINDASH_HOME": str(tmp_path)}).home == tmp_path
    assert load_settings({}).home.name == "traindash"


def test_the_token_is_not_shown() -> None:
    settings = load_settings({"API_TOKEN": "secret-token", "SERVER_ADDRESS": "https://example.com"})
    assert settings.trainer_environment["API_TOKEN"] == "secret-token"  # noqa: S105 - made up
    assert "secret-token" not in repr(settings)


def test_variables_can_be_set_for_an_engine() -> None:
    code = (
        "import os; from traindash.settings import set_environment; "
        "set_environment({'A_B': '1'}); print(os.environ['A_B'])"
    )
    answer = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, env={"PATH": os.defpath}
    )
    assert answer.stdout.strip() == "1"


@pytest.fixture
def written(tmp_path: Path) -> Path:
    """A working folder and a home folder with what the official SDK reads."""
    (tmp_path / "local.env").write_text('SERVER_ADDRESS="https://local.example"\nTEAM_ID=7\n', encoding="utf-8")
    text = "SERVER_ADDRESS=https://home.example\nAPI_TOKEN=home-token\n"
    (tmp_path / "supervisely.env").write_text(text, encoding="utf-8")
    return tmp_path


def _servers(folder: Path, **environment: str) -> list[tuple[str, str]]:
    found = server_settings(environment, folder=folder, user_home=folder)
    assert all(item.token not in repr(item) for item in found)
    return [(item.address, item.token) for item in found]


def test_the_more_specific_place_wins_for_each_variable(written: Path) -> None:
    assert _servers(written) == [("https://local.example", "home-token"), ("https://home.example", "home-token")]
    assert _servers(written, API_TOKEN="env-token")[0] == ("https://local.example", "env-token")


def test_files_are_left_out_in_production(written: Path) -> None:
    both = {"SERVER_ADDRESS": "https://env.example", "API_TOKEN": "env-token"}
    assert _servers(written, ENV="production") == []
    assert _servers(written, ENV="production", **both) == [("https://env.example", "env-token")]


def test_a_file_that_cannot_be_read_is_left_aside(tmp_path: Path) -> None:
    (tmp_path / "local.env").write_bytes(b"\xff\xfe\x00SERVER")
    (tmp_path / "supervisely.env").mkdir()
    assert _servers(tmp_path) == []
