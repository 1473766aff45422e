"""The wheel: one name at the top of site-packages, and a dashboard that starts from any folder."""

import subprocess
import sys
import urllib.request
import zipfile
from pathlib import Path

import pytest

from tests.outside import ROOT
from tests.server import DashboardProcess


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder that holds what the wheel puts into site-packages."""
    folder = tmp_path_factory.mktemp("wheel")
    command = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(folder)]
    subprocess.run(command, cwd=ROOT, check=True, capture_output=True)
    (wheel,) = folder.glob("*.whl")
    site = folder / "site-packages"
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(site)
    return site


def test_nothing_but_the_package_stands_at_the_top(installed: Path) -> None:
    tops = {path.name for path in installed.iterdir() if path.suffix != ".dist-info"}
    assert tops == {"traindash"}


def test_every_file_of_the_package_is_in_it(installed: Path) -> None:
    command = ["git", "ls-files", "core/traindash"]
    listed = subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True).stdout.split("\n")
    missing = [name for name in filter(None, listed) if not (installed / Path(name).relative_to("core")).is_file()]
    assert missing == []


def test_the_installed_dashboard_serves_from_another_folder(installed: Path, tmp_path: Path) -> None:
    script = installed / "traindash" / "dashboard" / "app.py"
    environment = {"PYTHONPATH": str(installed)}
    with DashboardProcess(home=tmp_path / "home", environment=environment, script=script) as server:
        with urllib.request.urlopen(f"{server.url}/project", timeout=30) as page:  # noqa: S310 - our own address
            assert page.status == 200
            assert page.headers["X-Content-Type-Options"] == "nosniff"
        command = [sys.executable, "-m", "traindash.cli", "env", "--port", str(server.port)]
        told = subprocess.run(
            command,
            cwd=tmp_path,
            env={"PYTHONPATH": str(installed), "TRAINDASH_HOME": str(server.home)},
            capture_output=True,
            text=True,
            check=True,
        )
    assert f"SERVER_ADDRESS={server.url}" in told.stdout.replace('"', "").replace("localhost", "127.0.0.1")
