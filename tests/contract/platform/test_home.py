"""The data directory: first start, second server, what a script needs."""

import json
import os
import stat
from collections.abc import Iterator
from contextlib import closing
from functools import partial
from pathlib import Path

import pytest

from tests.fakes import FAKE_TRAINER
from tests.fakes.small_platform import HARDWARE, tiny_project
from traindash.domain.ids import ProjectId
from traindash.errors import NotFoundError, StateError, StorageError
from traindash.platform.agents import Hardware, Memory
from traindash.platform.app import SAMPLE_PROJECT_NAME, LocalPlatform, Options
from traindash.platform.command_line import script_environment
from traindash.platform.store.project_import import ProjectRows

ADDRESS = "http://127.0.0.1:8501"


def _platform(home: Path, *, hardware: Hardware = HARDWARE, with_sample: bool = False) -> LocalPlatform:
    options = Options(hardware=hardware, with_sample=with_sample)
    return LocalPlatform(home, address=ADDRESS, environment={}, trainer=FAKE_TRAINER, options=options)


def _cards(count: int) -> tuple[Memory, ...]:
    return (Memory(name="Card", total=8, available=5),) * count


@pytest.fixture
def home(tmp_path: Path) -> Iterator[Path]:
    """A data directory with the tiny project."""
    platform = _platform(tmp_path / "home")
    with closing(platform):
        platform.open()
        platform.services.imports.run(tiny_project(tmp_path / "tiny", "Shapes"), platform.services.accounts.home())
        yield tmp_path / "home"


def test_the_token_is_kept_and_private(tmp_path: Path) -> None:
    tokens = []
    for _ in range(2):
        platform = _platform(tmp_path / "home")
        with closing(platform):
            platform.open()
            tokens.append(platform.token)
    file = tmp_path / "home" / "token"
    assert tokens[0] == tokens[1] == file.read_text().strip()
    assert len(tokens[0]) >= 48
    assert stat.S_IMODE(file.stat().st_mode) == 0o600


def test_a_token_others_can_read_is_closed_again(tmp_path: Path) -> None:
    file = tmp_path / "home" / "token"
    file.parent.mkdir()
    file.write_text("chosen\n")
    file.chmod(0o644)
    platform = _platform(tmp_path / "home")
    with closing(platform):
        platform.open()
        assert platform.token == "chosen"  # noqa: S105 - of this test
    assert stat.S_IMODE(file.stat().st_mode) == 0o600


def test_a_second_server_is_refused_and_told_why(home: Path) -> None:
    second = _platform(home)
    with pytest.raises(StateError, match=f"process {os.getpid()}"):
        second.open()
    second.close()


def test_the_next_server_may_have_it(tmp_path: Path) -> None:
    for _ in range(3):
        platform = _platform(tmp_path / "home")
        platform.open()
        platform.close()
        platform.close()  # again does nothing


def test_an_open_that_fails_leaves_no_lock(tmp_path: Path) -> None:
    (tmp_path / "home").mkdir()
    (tmp_path / "home" / "platform.db").write_text("this is no database, and long enough to look like a broken one" * 9)
    for _ in range(2):
        with pytest.raises(StorageError, match=r"platform\.db"):
            _platform(tmp_path / "home").open()


def test_a_place_that_cannot_be_written(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(StorageError, match="cannot be used"):
        _platform(tmp_path / "file" / "home").open()


def test_the_platform_has_no_token_before_it_is_open(tmp_path: Path) -> None:
    platform = _platform(tmp_path / "home")
    with closing(platform), pytest.raises(StateError):
        _ = platform.token


def test_what_a_script_needs(home: Path) -> None:
    environment = script_environment(home, address=ADDRESS + "/")
    assert environment == {
        "SERVER_ADDRESS": ADDRESS,
        "API_TOKEN": (home / "token").read_text().strip(),
        "TEAM_ID": "1",
        "WORKSPACE_ID": "1",
        "PROJECT_ID": "1",
        "AGENT_IDS": "[1, 2]",
        "TRAIN_DATASET_ID": "1",
        "VAL_DATASET_ID": "2",
    }
    assert script_environment(home, address=ADDRESS, project="Shapes") == {**environment, "SERVER_ADDRESS": ADDRESS}
    assert script_environment(home, address=ADDRESS, project="1")["PROJECT_ID"] == "1"
    for unknown in ("99", "Nothing"):
        with pytest.raises(NotFoundError, match=unknown):
            script_environment(home, address=ADDRESS, project=unknown)


def test_a_script_needs_a_started_directory(tmp_path: Path) -> None:
    with pytest.raises(NotFoundError, match="data directory"):
        script_environment(tmp_path, address=ADDRESS)
    assert list(tmp_path.iterdir()) == []


def test_one_core_is_one_agent_that_scripts_name_twice(tmp_path: Path) -> None:
    platform = _platform(tmp_path / "home", hardware=Hardware(list_gpus=tuple, cores=1))
    with closing(platform):
        platform.open()
        platform.services.imports.run(tiny_project(tmp_path / "tiny", "Shapes"), platform.services.accounts.home())
        assert len(platform.services.agents.all()) == 1
    agents = json.loads(script_environment(tmp_path / "home", address=ADDRESS)["AGENT_IDS"])
    assert agents == [1, 1]


def test_agents_follow_the_machine(tmp_path: Path) -> None:
    seen = []
    for count in (0, 3, 1):
        platform = _platform(tmp_path / "home", hardware=Hardware(list_gpus=partial(_cards, count), cores=2))
        with closing(platform):
            platform.open()
            agents = platform.services.agents.all()
            seen.append([(agent.name, agent.status.value, agent.device, agent.is_gpu) for agent in agents])
    assert seen == [
        [("local-1", "running", "cpu", False), ("local-2", "running", "cpu", False)],
        [(f"local-{number}", "running", str(number - 1), True) for number in (1, 2, 3)],
        [
            ("local-1", "running", "0", True),
            ("local-2", "waiting", "1", True),
            ("local-3", "waiting", "2", True),
        ],
    ]


def test_the_sample_project_is_there_at_once_and_imported_once(tmp_path: Path) -> None:
    first = _platform(tmp_path / "home", with_sample=True)
    with closing(first):
        first.open()
        project = first.services.projects.get(ProjectId(1))
        assert (project.name, project.items_count, project.datasets_count) == (SAMPLE_PROJECT_NAME, 200, 3)
        assert "No photographs" in project.description
        names = [collection.name for collection in first.services.collections.of_project(project.id)]
        assert names == ["train", "val"]
        assert not list(first.services.layout.incoming.iterdir())
        assert script_environment(tmp_path / "home", address=ADDRESS)["PROJECT_ID"] == "1"
    again = _platform(tmp_path / "home", with_sample=True)
    with closing(again):
        again.open()
        with pytest.raises(NotFoundError):
            again.services.projects.get(ProjectId(2))


def test_a_start_that_ends_before_the_sample_project_is_complete_leaves_it_to_the_next(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def cut_off(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(ProjectRows, "insert_collections", cut_off)
        with pytest.raises(KeyboardInterrupt):
            _platform(tmp_path / "home", with_sample=True).open()
    second = _platform(tmp_path / "home", with_sample=True)
    with closing(second):
        second.open()
        assert second.services.projects.get(ProjectId(1)).items_count == 200


def test_a_data_directory_that_had_the_sample_project_is_left_as_it_is(tmp_path: Path) -> None:
    for number in range(2):
        platform = _platform(tmp_path / "home", with_sample=True)
        with closing(platform):
            platform.open()
            if number == 0:  # as a person who wants none of it
                platform.services.project_edits.edit(1, {"name": "Mine"})
            assert platform.services.projects.get(ProjectId(1)).name == "Mine"
            with pytest.raises(NotFoundError):
                platform.services.projects.get(ProjectId(2))
