"""A model labels images on the real platform, and a person goes through the labels."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import msgspec
import numpy as np
import pytest

from tests.contract.client.conftest import connected
from tests.fakes.live_platform import LivePlatform, live_platform
from tests.fakes.quick_models import PATCH, QUICK_ENGINE, add_experiment, model_text, patch_png
from tests.fakes.small_platform import wait_for
from traindash.datasets.geometry import decode_mask, encode_mask
from traindash.datasets.source import ProjectSource, SourceDataset, SourceImage
from traindash.domain.annotation import Annotation, Bitmap, Label, Rectangle
from traindash.domain.ids import ImageId, ProjectId, TaskId
from traindash.domain.labelling import MODEL_TAG, LabelOrder, ReviewCounts
from traindash.domain.prediction import FoundObject, ImagePrediction, ModelFile
from traindash.domain.project import ObjectClass, ProjectMeta
from traindash.domain.task import Task, TaskStatus
from traindash.errors import InputError, NotFoundError
from traindash.platform.tasks.labelling import draw_labels
from traindash.platform.trained_models import predictor_spec
from traindash.projects.labelling import Review
from traindash.projects.moving import add_copies, project_of_copies
from traindash.supervisely.client import SuperviselyClient
from traindash.supervisely.errors import MissingError, RejectedError
from traindash.training.runs.spec import LabelSpec

SIZE = (80, 60)
BOX = Rectangle(left=PATCH[0], top=PATCH[1], right=PATCH[2] - 1, bottom=PATCH[3] - 1)


@pytest.fixture(scope="module")
def quick(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LivePlatform]:
    """A server whose models find what is bright."""
    with live_platform(tmp_path_factory.mktemp("label") / "home", working=True, trainer=QUICK_ENGINE) as live:
        yield live


@pytest.fixture
def client(quick: LivePlatform) -> Iterator[SuperviselyClient]:
    with connected(quick) as made:
        yield made


@pytest.fixture
def model(quick: LivePlatform, tmp_path: Path) -> ModelFile:
    return add_experiment(quick.platform.services, tmp_path / "model", 31, model_text("lid", score=0.6))


@pytest.fixture
def project(quick: LivePlatform, tmp_path: Path, request: pytest.FixtureRequest) -> ProjectId:
    """Five images with something bright, one without, and one that a person has labelled."""
    services = quick.platform.services
    images = []
    for number in range(7):
        path = tmp_path / f"p{number}.png"
        box = (0, 0, 1, 1) if number == 5 else (PATCH[0], PATCH[1], PATCH[2], PATCH[3] + number % 3)
        path.write_bytes(patch_png(SIZE, box))
        labels = (Label(class_name="box", geometry=BOX),) if number == 6 else ()
        annotation = Annotation(width=SIZE[0], height=SIZE[1], labels=labels)
        images.append(SourceImage(name=path.name, path=path, annotation=annotation))
    dark = tmp_path / "p5.png"
    dark.write_bytes(patch_png(SIZE, (200, 200, 201, 201)))
    meta = ProjectMeta(classes=(ObjectClass(name="box", shape="rectangle"), ObjectClass(name="blob", shape="polygon")))
    datasets = (
        SourceDataset(name="a", parent=None, images=tuple(images[:4])),
        SourceDataset(name="b", parent=None, images=tuple(images[4:])),
    )
    source = ProjectSource(name=request.node.name, meta=meta, datasets=datasets, collections=())
    return services.imports.run(source, services.accounts.home())


def labelled(client: SuperviselyClient, order: LabelOrder) -> TaskId:
    task_id = client.labelling.start(order)

    def look() -> Task | None:
        task = client.tasks.get(task_id)
        return task if task.status.is_terminal else None

    task = wait_for(look, "the labelling is over")
    assert task.status is TaskStatus.FINISHED, task.exit_report
    return task_id


def order_of(project: ProjectId, model: ModelFile, *, only_unlabelled: bool = True) -> LabelOrder:
    return LabelOrder(project_id=project, model=model, name="Fruit v1", only_unlabelled=only_unlabelled)


def counts(client: SuperviselyClient, project: ProjectId, task: TaskId) -> ReviewCounts:
    """Return the counts as another person would read them now; nothing may be missing."""
    found = Review(client, project, task).counts()
    assert found.missing == 0
    return found


def test_a_task_adds_what_it_finds_and_touches_nothing(
    client: SuperviselyClient, project: ProjectId, model: ModelFile
) -> None:
    before = {image.id: image for image in client.images.list(project_id=project)}
    task = labelled(client, order_of(project, model))
    found = counts(client, project, task)
    assert (found.made, found.open, found.images) == (5, 5, 6), "the labelled image was left alone"
    after = {image.id: image for image in client.images.list(project_id=project)}
    person = next(image for image in before.values() if image.labels_count)
    assert after[person.id] == person
    label = next(iter(Review(client, project, task).open_labels()))
    assert label.confidence == pytest.approx(0.6)
    drawn = client.annotations.get(after[label.image_id].dataset_id, [label.image_id])[label.image_id].labels[0]
    assert {tag.name: tag.value for tag in drawn.tags}[MODEL_TAG] == f"#{task} Fruit v1"
    assert drawn.extra["nnCreated"] is True
    output = client.tasks.get(task).output or {}
    assert output["labelling"] == {"data": {"project_id": project, "images": 6, "made": 5, "model": "Fruit v1"}}
    client.image_edits.remove([image.id for image in after.values() if not image.labels_count])
    with pytest.raises(RejectedError, match="no unlabelled image"):
        client.labelling.start(order_of(project, model))


def test_every_label_is_accounted_for_and_every_decision_can_be_taken_back(
    client: SuperviselyClient, project: ProjectId, model: ModelFile
) -> None:
    task = labelled(client, order_of(project, model, only_unlabelled=False))
    review = Review(client, project, task)
    begin = review.counts()
    assert (begin.made, begin.open, begin.images) == (6, 6, 7)
    first, second, third, fourth, fifth, sixth = review.open_labels()
    review.accept(first.id)
    review.reject(second.id)
    review.change(third.id, third.class_name, Rectangle(left=1, top=2, right=30, bottom=40))
    review.change(fourth.id, "box", None)
    review.change(fifth.id, fifth.class_name, fifth.box)  # as it was: accepted
    review.add(sixth.image_id, "blob", Rectangle(left=0, top=0, right=9, bottom=9))
    review.finish(sixth.image_id)
    wanted = ReviewCounts(made=6, open=0, accepted=3, changed=2, rejected=1, added=1, images=7, reviewed=6, empty=1)
    assert review.counts() == counts(client, project, task) == wanted
    kept = {label.id: label for one in Review(client, project, task).images.values() for label in one.labels}
    assert kept[third.id].box == Rectangle(left=1, top=2, right=30, bottom=40)
    assert [label.class_name for label in kept.values() if label.word == "added"] == ["blob"]
    while review.can_undo:
        review.undo()
        assert review.counts() == counts(client, project, task)
    assert review.counts() == begin
    restored = {label.id: label for label in Review(client, project, task).open_labels()}
    assert {label.id: (label.class_name, label.box) for label in (first, second, third, fourth)} == {
        number: (restored[number].class_name, restored[number].box)
        for number in (first.id, second.id, third.id, fourth.id)
    }
    with pytest.raises(InputError, match="Nothing was decided"):
        review.undo()


def test_what_nobody_reviewed_can_go_and_come_back(
    client: SuperviselyClient, project: ProjectId, model: ModelFile
) -> None:
    task = labelled(client, order_of(project, model))
    review = Review(client, project, task)
    review.accept(review.open_labels()[0].id)
    assert review.remove_open() == 4
    assert counts(client, project, task).rejected == 4
    review.undo()
    assert counts(client, project, task).open == 4
    client.figures.remove([review.open_labels()[0].id])
    assert Review(client, project, task).counts().missing == 1, "what another program removed is told"


def test_two_models_label_the_same_images_without_meeting(
    client: SuperviselyClient, project: ProjectId, model: ModelFile, quick: LivePlatform, tmp_path: Path
) -> None:
    other = add_experiment(quick.platform.services, tmp_path / "other", 32, model_text("box", score=0.9))
    first = labelled(client, order_of(project, model))
    second = labelled(client, order_of(project, other, only_unlabelled=False))
    review = Review(client, project, second)
    review.reject(review.open_labels()[0].id)
    assert (counts(client, project, first).made, counts(client, project, first).rejected) == (5, 0)
    assert (counts(client, project, second).made, counts(client, project, second).rejected) == (6, 1)


def test_reviewed_images_become_a_project_to_train_on(
    client: SuperviselyClient, project: ProjectId, model: ModelFile
) -> None:
    task = labelled(client, order_of(project, model))
    review = Review(client, project, task)
    images = tuple(label.image_id for label in review.open_labels()[:3])
    for image in images:
        review.finish(image)
    made = project_of_copies(client, project, "Reviewed", images, keeps_labels=True)
    copies = client.images.list(project_id=made.id)
    assert [image.labels_count for image in copies] == [1, 1, 1]
    # Later ones join them; those that are there stay
    more = tuple(label.image_id for label in review.open_labels()[:1])
    review.finish(more[0])
    assert add_copies(client, project, made.id, (*images, *more)) == 1
    assert [image.labels_count for image in client.images.list(project_id=made.id)] == [1, 1, 1, 1]
    bare = project_of_copies(client, project, "Reviewed", images, keeps_labels=False)
    assert bare.name == "Reviewed (2)" or bare.name != made.name
    assert [image.labels_count for image in client.images.list(project_id=bare.id)] == [0, 0, 0]
    with pytest.raises(NotFoundError, match="has labels of task"):
        Review(client, bare.id, task)


def test_what_cannot_be_is_refused(client: SuperviselyClient, project: ProjectId, model: ModelFile) -> None:
    with pytest.raises(MissingError):
        client.labelling.start(order_of(ProjectId(9999), model))
    with pytest.raises(MissingError):
        client.labelling.start(order_of(project, ModelFile(team_id=model.team_id, path="/nowhere/checkpoints/best.pt")))
    task = labelled(client, order_of(project, model))
    review = Review(client, project, task)
    label = review.open_labels()[0]
    review.change(label.id, "blob", None)
    (turned,) = (one for one in review.images[label.image_id].labels if one.class_name == "blob")
    assert (turned.shape, turned.box) == ("polygon", label.box)
    with pytest.raises(InputError, match="Objects of “lid” have the shape “box”, and this one is a “polygon”"):
        review.change(turned.id, "lid", None)
    with pytest.raises(InputError, match="no class"):
        review.add(ImageId(label.image_id), "nothing", label.box)


def pixels_of(review: Review, label_id: int) -> int:
    """Return how many pixels a mask has, as a review has it."""
    bitmap = review.label(label_id).content["bitmap"]
    return int(decode_mask(Bitmap(origin=tuple(bitmap["origin"]), data=bitmap["data"])).sum())


def find_again(quick: LivePlatform, task_id: TaskId, found: Sequence[ImagePrediction]) -> None:
    """Let a task that is over have found something else."""
    file = quick.platform.services.layout.run(task_id).found
    wait_for(lambda: not file.exists(), "the run folder is tidied up")
    file.write_bytes(b"".join(msgspec.json.encode(one) + b"\n" for one in found))


def test_a_server_that_dies_while_it_draws_goes_on_where_it_was(
    client: SuperviselyClient, project: ProjectId, model: ModelFile, quick: LivePlatform
) -> None:
    services = quick.platform.services
    task_id = labelled(client, order_of(project, model))
    before = {image.id: image.labels_count for image in client.images.list(project_id=project)}
    task = services.tasks.get(task_id)
    spec = LabelSpec(
        task_id=task_id,
        project_id=project,
        model=predictor_spec(services, model),
        name="Fruit v1",
        confidence=0.05,
    )
    one = FoundObject(class_name="lid", corners=(1.0, 2.0, 30.0, 40.0), score=0.5)
    again = [ImagePrediction(width=SIZE[0], height=SIZE[1], objects=(one, one), image_id=image) for image in before]
    gone = ImagePrediction(width=SIZE[0], height=SIZE[1], objects=(one,), image_id=ImageId(10**6))
    find_again(quick, task_id, (*again, gone))
    person = next(image for image, labels in before.items() if labels and image == max(before))
    output = draw_labels(services, task, spec, ("lid",))
    after = {image.id: image.labels_count for image in client.images.list(project_id=project)}
    assert after == {**before, person: before[person] + 2}, "only what has no mark of the task yet is drawn on"
    assert output["labelling"] == {"data": {"project_id": project, "images": 7, "made": 7, "model": "Fruit v1"}}


@pytest.fixture
def masks(client: SuperviselyClient, project: ProjectId, model: ModelFile, quick: LivePlatform) -> Review:
    """A review of four objects that a model of segmentation has found on the image that a person has labelled."""
    services = quick.platform.services
    task_id = labelled(client, order_of(project, model))
    person = next(image for image in client.images.list(project_id=project) if image.labels_count and not image.tags)
    spec = LabelSpec(
        task_id=task_id,
        project_id=project,
        model=replace(predictor_spec(services, model), task_type="instance segmentation"),
        name="Masks",
        confidence=0.05,
    )
    mask = np.zeros((12, 9), dtype=np.bool_)
    mask[2:, 1:7] = True
    found = [
        FoundObject(class_name=name, corners=(5.0, 6.0, 14.0, 18.0), score=0.5, mask=encode_mask(mask, (5, 6)))
        for name in ("pixels", "other pixels", "box", "blob")
    ]
    line = ImagePrediction(width=SIZE[0], height=SIZE[1], objects=tuple(found), image_id=person.id)
    find_again(quick, task_id, (line,))
    draw_labels(services, services.tasks.get(task_id), spec, ("pixels", "other pixels"))
    return Review(client, project, task_id)


def test_masks_are_drawn_as_their_classes_want_them_and_change_their_class(
    client: SuperviselyClient, masks: Review
) -> None:
    labels = {label.class_name: label for label in masks.open_labels() if label.class_name != "lid"}
    assert {name: label.shape for name, label in labels.items()} == {
        "pixels": "bitmap",
        "other pixels": "bitmap",
        "box": "rectangle",
        "blob": "polygon",
    }
    inside = Rectangle(left=6, top=8, right=11, bottom=17)
    assert labels["box"].box == labels["pixels"].box == labels["blob"].box == inside
    image = masks.images[labels["pixels"].image_id].image
    masks.change(labels["pixels"].id, "other pixels", None)
    drawn = client.annotations.get(image.dataset_id, [image.id])[image.id].labels
    changed = [label for label in drawn if label.class_name == "other pixels"]
    assert len(changed) == 2
    assert {isinstance(label.geometry, Bitmap) for label in changed} == {True}
    masks.undo()
    assert len([one for one in masks.images[image.id].labels if one.class_name == "other pixels"]) == 1


def test_a_person_changes_outlines_of_masks_and_polygons(client: SuperviselyClient, masks: Review) -> None:
    labels = {label.class_name: label for label in masks.open_labels() if label.class_name != "lid"}
    project, task_id, image = masks.project_id, masks.task_id, labels["pixels"].image_id
    for name in ("pixels", "blob"):
        with pytest.raises(InputError, match="has no box that could be changed"):
            masks.change(labels[name].id, name, BOX)
    (square,) = labels["pixels"].borders
    assert sorted(square) == [(6.0, 8.0), (6.0, 18.0), (12.0, 8.0), (12.0, 18.0)]
    # A person pulls a corner out of it, and cuts a hole
    hole = ((7.0, 10.0), (9.0, 10.0), (9.0, 12.0), (7.0, 12.0))
    masks.change(labels["pixels"].id, "pixels", (tuple((16.0, y) if x == 12 else (x, y) for x, y in square), hole))
    assert pixels_of(Review(client, project, task_id), labels["pixels"].id) == 100 - 4
    assert masks.label(labels["pixels"].id).box == Rectangle(left=6, top=8, right=15, bottom=17)
    assert len(masks.label(labels["pixels"].id).borders) == 2
    (outline,) = labels["blob"].borders
    masks.change(labels["blob"].id, "blob", (tuple((x, 20.0) if y == 18 else (x, y) for x, y in outline),))
    assert masks.label(labels["blob"].id).box == Rectangle(left=6, top=8, right=11, bottom=19)
    assert masks.counts().changed == 2
    again = Review(client, project, task_id)
    assert [(one.id, one.box, one.borders) for one in again.images[image].labels] == [
        (one.id, one.box, one.borders) for one in masks.images[image].labels
    ]
    with pytest.raises(InputError, match="Nothing is left inside"):
        masks.change(labels["pixels"].id, "pixels", (((1.0, 1.0), (3.0, 1.0), (2.0, 1.0)),))
    masks.add(image, "pixels", BOX)
    (added,) = (one for one in masks.images[image].labels if one.word == "added")
    assert (added.shape, added.box) == ("bitmap", BOX)
    for _ in range(3):
        masks.undo()
    assert pixels_of(Review(client, project, task_id), labels["pixels"].id) == 60
    assert masks.label(labels["blob"].id).borders == labels["blob"].borders
