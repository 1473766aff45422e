"""Addresses that the SDK builds and people open: they lead to the project's page, whatever part of it they name."""

from urllib.parse import urlsplit

import pytest

from tests.contract.sdk.session import SdkSession
from tests.fakes.live_platform import LivePlatform

pytestmark = pytest.mark.sdk

_URLS = """
from supervisely.project.project import Dataset, Project
project = api.project.get_info_by_id(arguments["id"])
dataset = api.dataset.get_list(project.id)[0]
image = api.image.get_list(dataset.id)[0]
return [
    api.project.url(project.id),
    project.url,
    Project.get_url(project.id),
    Dataset.get_url(project.id, dataset.id),
    f"projects/{project.id}/stats/datasets",
    f"projects/{project.id}",
    api.image.url(project.team_id, project.workspace_id, project.id, dataset.id, image.id),
]
"""


def test_addresses_of_the_sdk_show_the_project(sdk: SdkSession, server: LivePlatform) -> None:
    number = 1
    for url in sdk.run(server, _URLS, id=number):
        path = urlsplit(url).path  # some begin with the address that an earlier test has left in the SDK's environment
        answer = server.http.get(path if path.startswith("/") else f"/{path}", follow_redirects=False)
        assert (answer.status_code, answer.headers.get("location")) == (302, f"/project?project={number}"), url
