"""Chosen models are kept with the files of the team."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest

from tests.fakes.live_platform import LivePlatform
from tests.unit.handover.test_onnx_file import CHOICE
from traindash.domain.ids import ProjectId, TeamId
from traindash.errors import InputError
from traindash.handover.choices import choices_of, keep_choice
from traindash.supervisely.client import SuperviselyClient

TEAM = TeamId(1)


def test_choices_get_versions_and_come_back(client: SuperviselyClient) -> None:
    mine = replace(CHOICE, project_name="Fruit / veg ü")
    first, second = keep_choice(client, TEAM, mine), keep_choice(client, TEAM, replace(mine, why="  better  "))
    assert (first.version, second.version) == (1, 2)
    assert choices_of(client, TEAM, CHOICE.project_id) == (replace(mine, version=2, why="better"), first)
    assert choices_of(client, TEAM, ProjectId(11)) == (), "the project with 1 and another digit is another one"


def test_those_who_choose_at_once_get_different_versions(client: SuperviselyClient) -> None:
    wanted = [replace(CHOICE, project_id=ProjectId(5), who=f"P{number}") for number in range(6)]
    with ThreadPoolExecutor(6) as pool:
        made = list(pool.map(lambda choice: keep_choice(client, TEAM, choice), wanted))
    assert len({choice.version for choice in made}) == 6
    kept = choices_of(client, TEAM, ProjectId(5))
    assert {(one.version, one.who) for one in kept} == {(one.version, one.who) for one in made}


def test_a_choice_without_a_reason_is_refused(client: SuperviselyClient) -> None:
    with pytest.raises(InputError, match="The reason is empty"):
        keep_choice(client, TEAM, replace(CHOICE, why=" "))


def test_a_damaged_choice_hides_no_other(client: SuperviselyClient, server: LivePlatform) -> None:
    kept = keep_choice(client, TEAM, replace(CHOICE, project_id=ProjectId(8)))
    folder = "/chosen models/8_Fruit"
    server.http.post(
        "/public/api/v3/file-storage.upload", params={"teamId": 1, "path": f"{folder}/v2-x.json"}, content=b"{"
    )
    assert choices_of(client, TEAM, ProjectId(8)) == (kept,)
    assert keep_choice(client, TEAM, replace(CHOICE, project_id=ProjectId(8))).version == 3
