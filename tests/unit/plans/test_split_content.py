"""What both sides of a split hold, asked of a server that does not count it: few requests, and nothing that blocks."""

from typing import Any

import pytest

from tests.unit.plans.world import PLAN, class_counts, world
from tests.unit.supervisely.scripted import Scripted, page, refusal
from traindash.domain.ids import CollectionId, DatasetId
from traindash.domain.plan import CollectionsSplit, DatasetsSplit, TagsSplit, TrainingPlan, TrainValSplit
from traindash.plans.facts import split_content
from traindash.plans.lookups import project_facts
from traindash.plans.rules import check

BY_DATASETS = DatasetsSplit(train_datasets=(DatasetId(31),), val_datasets=(DatasetId(32),))
BY_COLLECTIONS = CollectionsSplit(train_collections=(CollectionId(51),), val_collections=(CollectionId(52),))
TAGGED = TagsSplit(train_tag="train", val_tag="val", untagged_action="train")
# dataset, or collection, of each image: the second one of 31 has a copy in 32, and the third one no hash
IMAGES: list[dict[str, Any]] = [
    {"id": 1, "name": "a.png", "datasetId": 31, "hash": "A", "tags": [{"name": "train"}]},
    {"id": 2, "name": "b.png", "datasetId": 31, "hash": "B", "tags": []},
    {"id": 3, "name": "c.png", "datasetId": 31, "hash": "", "tags": [{"name": "train"}]},
    {"id": 4, "name": "d.png", "datasetId": 32, "hash": "B", "tags": [{"name": "val"}]},
    {"id": 5, "name": "e.png", "datasetId": 32, "hash": "", "tags": [{"name": "val"}]},
]
OF_COLLECTION = {51: {1, 2, 3, 5}, 52: {4, 5}}


def supervisely(images: int = 50) -> Scripted:
    """Return a server that lists images and counts objects per dataset, as Supervisely does."""
    server = world()
    project = {"id": 6, "name": "Fruit", "workspaceId": 2, "teamId": 1, "type": "images", "itemsCount": images}
    server.answers.pop("projects.info")
    server.add("projects.info", project)
    stats = class_counts(car=5, leaf=5)
    here, both = [{"id": 31, "count": 5}], [{"id": 31, "count": 4}, {"id": 32, "count": 1}]
    stats["objects"]["items"][0]["datasets"] = here
    stats["objects"]["items"][1]["datasets"] = both
    stats["imageTags"]["items"].append({"tagMeta": {"name": "val"}, "total": 2})
    server.answers.pop("projects.stats")
    server.add("projects.stats", stats)

    def listed(body: dict[str, Any]) -> dict[str, Any]:
        wanted = body.get("datasetId")
        found = [row for row in IMAGES if wanted in {None, row["datasetId"]}]
        if filters := body.get("filters"):
            found = [row for row in found if row["id"] in OF_COLLECTION[filters[0]["data"]["collectionId"]]]
        return page(found)

    server.add("images.list", listed)
    return server


def messages(server: Scripted, split: TrainValSplit) -> list[str]:
    plan = TrainingPlan(project_id=PLAN.project_id, model=PLAN.model, train_val_split=split)
    return [problem.message for problem in check(server.client(), plan) if problem.step == "split"]


COPIES = "1 image is on both sides as identical copies, e.g. b.png and d.png."


@pytest.mark.parametrize("split", [BY_DATASETS, BY_COLLECTIONS, TAGGED])
def test_copies_on_both_sides_are_found_by_their_hash(split: TrainValSplit) -> None:
    assert COPIES in messages(supervisely(), split)


def test_classes_are_counted_per_dataset() -> None:
    assert "“car” has no objects for validation." in messages(supervisely(), BY_DATASETS)
    turned = DatasetsSplit(train_datasets=BY_DATASETS.val_datasets, val_datasets=BY_DATASETS.train_datasets)
    assert "“car” has no objects for training." in messages(supervisely(), turned)


def test_a_large_project_is_not_listed() -> None:
    server = supervisely(5_001)
    content = split_content(server.client(), project_facts(server.client(), PLAN.project_id), BY_DATASETS)
    assert content is not None
    assert content.shared_contents is None
    assert content.classes is not None
    assert content.classes["car"].train_objects == 5
    assert "images.list" not in server.methods()


def test_a_server_that_refuses_keeps_nothing_from_its_start() -> None:
    server = supervisely()
    server.answers.pop("images.list")
    server.add("images.list", refusal(403, "no"))
    assert not any("copies" in message for message in messages(server, BY_DATASETS))
