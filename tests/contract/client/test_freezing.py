"""A frozen split on the real platform."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from core.api.client import SuperviselyClient
from core.api.errors import MissingError, RejectedError
from core.domain.ids import CollectionId
from core.domain.plan import RandomSplit
from core.wizard import gather
from core.wizard.freezing import freeze
from tests.contract.client.conftest import WAYS, connected, project_of
from tests.fakes.live_platform import LivePlatform, live_platform


@pytest.fixture(scope="module")
def live(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LivePlatform]:
    """A server with the tiny project: nine images."""
    with live_platform(Path(tmp_path_factory.mktemp("freezing")) / "home") as made:
        yield made


@pytest.fixture(params=WAYS)
def client(live: LivePlatform, request: pytest.FixtureRequest) -> Iterator[SuperviselyClient]:
    """A client of it."""
    with connected(live, request.param) as made:
        yield made


def test_a_frozen_split_is_two_collections_that_share_nothing(client: SuperviselyClient) -> None:
    project = gather.project_facts(client, project_of(client).id)
    frozen = freeze(client, project, RandomSplit(percent=70))
    counts = gather.split_counts(client, gather.project_facts(client, project.project.id), frozen)
    assert counts.both == 0
    assert counts.unused == 0
    assert counts.train + counts.val == project.project.items_count
    assert counts.train >= counts.val > 0

    again = freeze(client, gather.project_facts(client, project.project.id), RandomSplit(percent=70))
    names = gather.project_facts(client, project.project.id).collection_names
    first, second = names[frozen.train_collections[0]], names[again.train_collections[0]]
    assert first != second
    assert second.startswith("train 70 % frozen")
    members = [
        {image.id for image in client.images.list(project_id=project.project.id, collection_id=collection)}
        for collection in (*frozen.val_collections, *again.val_collections)
    ]
    assert members[0] == members[1]


def test_a_name_that_is_taken_is_refused_and_a_removed_collection_is_gone(client: SuperviselyClient) -> None:
    project_id = project_of(client).id
    made = client.collections.add(project_id, "Night shots")
    with pytest.raises(RejectedError, match="Night shots"):
        client.collections.add(project_id, "Night shots")
    client.collections.remove(made.id)
    with pytest.raises(MissingError):
        client.collections.get(CollectionId(made.id))
