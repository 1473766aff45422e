"""Classes and tags that are removed come back exactly, and what is merged stays whole: told by the official SDK.

On a project that the SDK wrote, with every shape, tags on images and objects, and alpha masks.
"""

from collections.abc import Iterator
from itertools import permutations
from typing import Any
from uuid import uuid4

import pytest

from tests.contract.client.conftest import connected
from tests.contract.sdk.session import SdkSession
from tests.contract.sdk.test_project_round_trip import WRITE
from tests.fakes.live_platform import LivePlatform, live_platform
from traindash.datasets.importing import open_import
from traindash.domain.ids import DatasetId, ProjectId, WorkspaceId
from traindash.domain.project import NameKind
from traindash.projects.merging import NameMerge, merge_names
from traindash.projects.moving import MoveOrder, move_images, remove_images, restore_dataset
from traindash.supervisely.client import SuperviselyClient
from traindash.supervisely.project_edits import CloneParts

pytestmark = pytest.mark.sdk
_ORIGINAL = "Written"

# Everything that the SDK knows of a project, with ids; pixels of alpha masks included.
_SEEN = """
project = arguments["id"]
meta = api.project.get_meta(project)
drawn = {}
for dataset in api.dataset.get_list(project, recursive=True):
    names = {image.id: image.name for image in api.image.get_list(dataset.id)}
    for image in names:
        found = api.annotation.download(image)
        sly.Annotation.from_json(found.annotation, sly.ProjectMeta.from_json(meta))
        drawn[f"{dataset.id}/{names[image]}"] = found.annotation
stats = api.project.get_stats(project)
return [meta, drawn, {part: stats[part] for part in ("objects", "imageTags", "objectTags")},
        api.project.get_settings(project)]
"""


@pytest.fixture(scope="module")
def live(sdk: SdkSession, tmp_path_factory: pytest.TempPathFactory) -> Iterator[LivePlatform]:
    """A server with the project, which tests clone."""
    folder = tmp_path_factory.mktemp("names")
    with live_platform(folder / "home") as server:
        sdk.run(server, WRITE, to=str(folder / "given"))
        services = server.platform.services
        opened = open_import(folder / "given", work=folder / "work")
        services.imports.run(opened.source, services.accounts.home(), name=_ORIGINAL)
        yield server


class Written:
    """A project of its own with all of that."""

    def __init__(self, sdk: SdkSession, live: LivePlatform, client: SuperviselyClient, number: ProjectId) -> None:
        self.sdk, self.live, self.client, self.number = sdk, live, client, number

    def seen(self) -> Any:  # noqa: ANN401 - JSON
        """Everything that the SDK sees of it."""
        return self.sdk.run(self.live, _SEEN, id=self.number)

    def id_of(self, kind: NameKind, name: str) -> int:
        """Return the id of a class or tag."""
        ids = self.client.writing.name_ids(self.number)
        return (ids.classes if kind == "class" else ids.tags)[name]

    def remove(self, kind: NameKind, name: str) -> int:
        """Remove a class or tag and return its id."""
        number = self.id_of(kind, name)
        self.client.project_edits.remove_name(self.number, kind, number)
        return number


@pytest.fixture
def written(sdk: SdkSession, live: LivePlatform) -> Iterator[Written]:
    """The project."""
    with connected(live) as client:
        workspace = WorkspaceId(1)
        source = next(item for item in client.projects.list(workspace) if item.name == _ORIGINAL)
        name = f"Clone {uuid4().hex}"
        state = client.project_edits.clone_state(client.project_edits.clone(source.id, workspace, name, CloneParts()))
        assert state.project_id is not None
        yield Written(sdk, live, client, state.project_id)


@pytest.mark.parametrize("order", tuple(permutations([("class", "rect"), ("tag", "who"), ("class", "soft")])))
def test_classes_and_tags_come_back_exactly_in_any_order(
    written: Written, order: tuple[tuple[NameKind, str], ...]
) -> None:
    before = written.seen()
    removed = [(kind, written.remove(kind, name)) for kind, name in order]
    gone = written.seen()
    assert {item["title"] for item in gone[0]["classes"]} == {item["title"] for item in before[0]["classes"]} - {
        "rect",
        "soft",
    }
    assert "who" not in str(gone[1])
    listed = written.client.project_edits.removed_names(written.number, "class")
    assert {item.name: (item.items_count, item.images_count) for item in listed} == {"rect": (8, 8), "soft": (4, 4)}
    for kind, number in reversed(removed):
        written.client.project_edits.restore_name(written.number, kind, number)
    assert written.seen() == before
    assert written.client.project_edits.removed_names(written.number, "class") == ()


def _counts(seen: Any) -> Any:  # noqa: ANN401 - JSON
    rows = [(part, item) for part, counted in seen[2].items() for item in counted["items"]]
    return {(part, (item.get("tagMeta") or item["objectClass"])["name"]): item["total"] for part, item in rows}


def test_what_comes_back_in_the_order_in_which_it_went_has_everything(written: Written) -> None:
    def content(seen: Any) -> Any:  # noqa: ANN401 - JSON
        return {
            name: (
                sorted(repr({**item, "tags": sorted(map(repr, item["tags"]))}) for item in drawn["objects"]),
                sorted(map(repr, drawn["tags"])),
            )
            for name, drawn in seen[1].items()
        }

    before = written.seen()
    order: tuple[tuple[NameKind, str], ...] = (("class", "rect"), ("tag", "who"), ("tag", "count"))
    removed = [(kind, written.remove(kind, name)) for kind, name in order]
    for kind, number in removed:
        written.client.project_edits.restore_name(written.number, kind, number)
    after = written.seen()
    assert content(after) == content(before)
    assert _counts(after) == _counts(before)


def test_a_taken_name_gets_a_number_and_twice_is_once(written: Written) -> None:
    client, number = written.client, written.remove("class", "rect")
    client.project_edits.add_to_meta(written.number, {"classes": [{"title": "rect", "shape": "polygon"}]})
    for _ in range(2):
        assert client.project_edits.restore_name(written.number, "class", number) == "rect (2)"
    assert written.id_of("class", "rect (2)") == number
    stats = {item.name: item.objects for item in client.projects.statistics(written.number).classes}
    assert (stats["rect"], stats["rect (2)"]) == (0, 8)
    # A tag for this class alone is for it again, under its new name.
    (count,) = (item for item in written.seen()[0]["tags"] if item["name"] == "count")
    assert count["classes"] == ["rect (2)"]


def test_objects_come_back_on_images_that_were_moved_or_removed_meanwhile(written: Written) -> None:
    client = written.client
    before = client.projects.statistics(written.number)
    rect, who = written.remove("class", "rect"), written.remove("tag", "who")
    first, second, *_ = client.datasets.list(written.number)
    images = client.images.list(dataset_id=first.id)
    move_images(
        client, MoveOrder(project_id=written.number, images=tuple(item.id for item in images), dataset_id=second.id)
    )
    some = client.images.list(dataset_id=second.id)
    removed = remove_images(client, written.number, [item.id for item in some[:2]])
    client.project_edits.restore_name(written.number, "class", rect)
    client.project_edits.restore_name(written.number, "tag", who)
    for dataset in removed.datasets:
        restore_dataset(client, DatasetId(dataset))
    after = client.projects.statistics(written.number)
    assert {item.name: item.objects for item in after.classes} == {item.name: item.objects for item in before.classes}
    assert (after.image_tags, after.object_tags) == (before.image_tags, before.object_tags)
    written.seen()


@pytest.mark.parametrize(("kind", "source", "target"), [("class", "soft", "ünï/any"), ("class", "poly", "ünï/any")])
def test_a_class_is_merged_on_images_with_alpha_masks(
    written: Written, kind: NameKind, source: str, target: str
) -> None:
    def drawn(seen: Any) -> list[str]:  # noqa: ANN401 - JSON
        objects = [item for each in seen[1].values() for item in each["objects"]]
        own = {"id", "classId", "shape", "createdAt", "updatedAt", "labelerLogin", "tags"}
        return sorted(
            repr({key: value for key, value in sorted(item.items()) if key not in own})
            + repr(sorted((tag["name"], repr(tag["value"])) for tag in item["tags"]))
            for item in objects
        )

    before = written.seen()
    for each in before[1].values():
        for item in each["objects"]:
            item["classTitle"] = target if item["classTitle"] == source else item["classTitle"]
    order = NameMerge(
        project_id=written.number, kind=kind, source_id=written.id_of(kind, source), source=source, target=target
    )
    merge_names(written.client, order)
    after = drawn(written.seen())
    assert after == drawn(before)


def test_a_tag_is_merged_on_images_with_alpha_masks(written: Written) -> None:
    client = written.client
    client.project_edits.add_to_meta(written.number, {"tags": [{"name": "whose", "value_type": "any_string"}]})
    before = client.projects.statistics(written.number)
    merge_names(
        client,
        NameMerge(
            project_id=written.number, kind="tag", source_id=written.id_of("tag", "who"), source="who", target="whose"
        ),
    )
    after = client.projects.statistics(written.number)
    assert after.image_tags["whose"] == before.image_tags["who"]
    assert after.object_tags["whose"] == before.object_tags["who"]
    assert "who" not in after.image_tags
    assert sum(item.objects for item in after.classes) == sum(item.objects for item in before.classes)
