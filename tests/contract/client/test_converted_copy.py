"""A copy of a project with every object as a box, or as a mask: made over the API, read back, and taken by the app."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from tests.contract.client.conftest import connected
from tests.fakes.live_platform import LivePlatform, live_platform
from tests.fakes.real_apps import with_real_apps
from tests.fakes.shapes_project import shapes_project
from traindash.domain.annotation import Annotation, shape_name
from traindash.domain.ids import ProjectId
from traindash.domain.plan import CollectionsSplit, DatasetsSplit, PretrainedModel, TrainingPlan
from traindash.errors import InputError
from traindash.plans.app_rules import CopyShape, copy_need
from traindash.plans.converted_copy import CopyOrder, find_copy, make_copy, origin_of_copy, use_copy
from traindash.plans.draft import DraftId, SplitDraft, new_draft
from traindash.plans.facts import gather
from traindash.plans.lookups import project_facts
from traindash.plans.rules import problems_of
from traindash.supervisely.client import SuperviselyClient


@pytest.fixture
def shapes(tmp_path: Path) -> Iterator["Shapes"]:
    """A server with a project of all shapes."""
    with live_platform(tmp_path / "home") as live, connected(live) as client:
        services = live.platform.services
        number = services.imports.run(shapes_project(tmp_path / "files"), services.accounts.home())
        yield Shapes(live, client, number)


class Shapes:
    """A server, its client, and the project."""

    def __init__(self, live: LivePlatform, client: SuperviselyClient, number: ProjectId) -> None:
        self.live, self.client, self.number = live, client, number

    def order(self, shape: CopyShape) -> CopyOrder:
        """Return the order of a copy with both collections."""
        facts = project_facts(self.client, self.number)
        ids = tuple(item.id for item in facts.collections)
        framework = "RT-DETRv2" if shape == "boxes" else "SparseInst"
        return CopyOrder(project=facts, shape=shape, framework=framework, collections=ids)

    def drawn(self, project_id: ProjectId) -> dict[str, Annotation]:
        """Return what is drawn on each image, by its name."""
        found = {}
        for image in self.client.images.list(project_id=project_id):
            found[image.name] = self.client.annotations.get(image.dataset_id, [image.id])[image.id]
        return found


@pytest.mark.parametrize("shape", ["boxes", "masks"])
def test_a_copy_has_everything_in_the_wanted_shape_and_the_app_takes_it(shapes: Shapes, shape: CopyShape) -> None:
    client, told = shapes.client, list[int]()
    order = shapes.order(shape)
    first = client.images.list(project_id=shapes.number)[0]
    client.transport.write("images.editInfo", {"id": first.id, "meta": {"camera": {"f": 1.8}}})
    copy = make_copy(client, order, told.append)
    made, before = project_facts(client, copy.project_id), order.project
    assert (made.project.name, copy.name) == (order.name, order.name)
    origin = origin_of_copy(made.project)
    assert origin is not None
    assert (origin.project_id, origin.name, origin.shape) == (shapes.number, "All shapes", shape)
    assert told[-1] == copy.images == made.project.items_count == before.project.items_count
    assert set(made.dataset_names.values()) == {"first", "first/inner", "second"}
    kinds = {item.name: item.shape for item in made.meta.classes}
    wanted = (
        dict.fromkeys(("rectangle", "polygon", "bitmap", "any", "line", "graph"), "rectangle")
        if shape == "boxes"
        else {"rectangle": "bitmap", "polygon": "polygon", "bitmap": "bitmap", "any": "bitmap"}
    )
    assert kinds == wanted
    assert copy.left_out == copy.images * (7 - len(wanted))
    original, copied = shapes.drawn(shapes.number), shapes.drawn(copy.project_id)
    for name, annotation in copied.items():
        shapes_of = Counter((label.class_name, shape_name(label.geometry)) for label in annotation.labels)
        assert shapes_of == Counter(wanted.items())
        assert [tag.name for tag in annotation.tags] == [tag.name for tag in original[name].tags]
    counts = {
        made.collection_names[item]: len(client.images.list(project_id=copy.project_id, collection_id=item))
        for item in copy.collections.values()
    }
    assert counts == {"learn": 2, "check": 1}
    twin = next(item for item in client.images.list(project_id=copy.project_id) if item.name == first.name)
    assert client.image_edits.details(copy.project_id, [twin.id])[0].meta == {"camera": {"f": 1.8}}
    # No byte of an image is there a second time.
    assert {image.hash for image in client.images.list(project_id=copy.project_id)} == {
        image.hash for image in client.images.list(project_id=shapes.number)
    }
    with_real_apps(client)
    model = client.ecosystem.models(order.framework)[0]
    plan = TrainingPlan(project_id=copy.project_id, model=PretrainedModel(framework=order.framework, name=model.name))
    facts = gather(client, plan).facts
    assert [problem for problem in problems_of(plan, facts) if problem.severity == "error"] == []
    assert copy_need(facts.project.meta.classes if facts.project else (), model.task_type, facts.app) is None


def test_boxes_of_a_copy_are_those_around_what_was_drawn(shapes: Shapes) -> None:
    copy = make_copy(shapes.client, shapes.order("boxes"))
    (annotation, *_) = shapes.drawn(copy.project_id).values()
    boxes = {label.class_name: label.geometry for label in annotation.labels}
    # On the plane, as the API measures: from the first pixel to behind the last one.
    assert str(boxes["rectangle"]) == "Rectangle(left=2.0, top=3.0, right=21.0, bottom=25.0)"
    assert str(boxes["polygon"]) == str(boxes["bitmap"]) == "Rectangle(left=4.0, top=4.0, right=31.0, bottom=31.0)"
    assert str(boxes["line"]) == "Rectangle(left=5.0, top=6.0, right=21.0, bottom=31.0)"


def test_a_draft_goes_on_with_the_copy_its_classes_and_its_split(shapes: Shapes) -> None:
    order = shapes.order("boxes")
    datasets = {name: number for number, name in order.project.dataset_names.items()}
    split = SplitDraft(
        method="datasets",
        datasets=DatasetsSplit(train_datasets=(datasets["first"],), val_datasets=(datasets["second"],)),
        collections=CollectionsSplit(train_collections=order.collections[:1], val_collections=order.collections[1:]),
    )
    empty = new_draft(DraftId("d"), "here")
    draft = replace(empty, split=split, project_id=shapes.number, classes=("polygon", "point", "line"))
    copy = make_copy(shapes.client, order)
    made = project_facts(shapes.client, copy.project_id)
    moved = use_copy(draft, copy, made.meta)
    assert (moved.project_id, moved.classes) == (copy.project_id, ("polygon", "line"))
    names = made.dataset_names
    assert [names[number] for number in moved.split.datasets.train_datasets] == ["first"]
    assert [names[number] for number in moved.split.datasets.val_datasets] == ["second"]
    learn, check = moved.split.collections.train_collections, moved.split.collections.val_collections
    assert [made.collection_names[number] for number in (*learn, *check)] == ["learn", "check"]


def test_a_copy_that_cannot_be_finished_is_no_project_of_the_workspace(
    shapes: Shapes, monkeypatch: pytest.MonkeyPatch
) -> None:
    client = shapes.client
    workspace = client.projects.get(shapes.number).workspace_id
    names = {project.name for project in client.projects.list(workspace)}

    def broken(*_: object) -> None:
        raise InputError("The disk is full.", "Make room.")

    with monkeypatch.context() as patch:
        patch.setattr(client.writing, "put_annotations", broken)
        with pytest.raises(InputError, match="disk is full"):
            make_copy(client, shapes.order("boxes"))
    assert {project.name for project in client.projects.list(workspace)} == names
    order = shapes.order("boxes")
    first, second = make_copy(client, order), make_copy(client, order)
    assert (first.name, second.name) == (order.name, f"{order.name} 2")
    found = find_copy(client.projects.list(workspace), order)
    assert found is not None
    assert found.id == first.project_id
