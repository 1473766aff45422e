"""Labels that a model has made, reviewed by a person: read, accepted, changed, rejected, counted, taken back.

All of it stands on the images themselves (:mod:`traindash.domain.labelling`), so a review goes on in another tab, on
another day, by another person, and in any other client of the server. Every decision is one object: others on the image
are not touched.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, TypeAlias

from traindash.datasets.contours import Outline
from traindash.datasets.geometry import tight_bounds
from traindash.domain.annotation import Rectangle
from traindash.domain.ids import DatasetId, ImageId, ProjectId, TaskId
from traindash.domain.labelling import (
    MODEL_TAG,
    REVIEW_TAG,
    REVIEWED_TAG,
    RUN_TAG,
    WORDS,
    ReviewCounts,
    RunOnImage,
    Word,
    read_run,
    task_of,
)
from traindash.domain.prediction import CONFIDENCE_TAG
from traindash.domain.project import Image, ObjectClass
from traindash.errors import InputError, NotFoundError
from traindash.formatting import shape_word
from traindash.language import N_
from traindash.language import gettext as _
from traindash.projects.label_places import PLACES, borders_of, box_json, outlined_json, place_of, read_geometry
from traindash.supervisely.client import SuperviselyClient
from traindash.supervisely.figures import Figure
from traindash.supervisely.project_writing import NameIds

_READ_AT_ONCE = 100
_NO_BOX = N_("An object of the shape “{shape}” has no box that could be changed here.")
_NO_OUTLINE = N_("An object of the shape “{shape}” has no outline that could be changed here.")
_OUTLINED = frozenset({"polygon", "bitmap"})  # shapes whose outline a person changes here
_DRAWN = _OUTLINED | {"rectangle"}  # shapes that a new object may have
Undo: TypeAlias = Callable[[SuperviselyClient], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class ReviewedLabel:
    """An object on an image of a labelling task."""

    id: int
    image_id: ImageId
    class_name: str
    shape: str
    box: Rectangle
    borders: tuple[Outline, ...] = ()  # of an outline or a mask, by positions; one within another is a hole
    confidence: float | None = None  # `None` of what no model made
    word: Word | None = None  # what a person said; `None` for nothing yet
    is_made: bool = False  # by the task in question
    content: Mapping[str, Any]  # as the server has it

    @property
    def is_open(self) -> bool:
        """Whether it waits for a person."""
        return self.is_made and self.word is None

    @property
    def has_box(self) -> bool:
        """Whether its box can be changed here."""
        return self.shape == "rectangle"

    @property
    def has_outline(self) -> bool:
        """Whether its outline can be changed here."""
        return self.shape in _OUTLINED


@dataclass(frozen=True, slots=True, kw_only=True)
class ImageUnderReview:
    """An image that a labelling task has looked at."""

    image: Image
    run: RunOnImage
    is_reviewed: bool
    labels: tuple[ReviewedLabel, ...]


class Review:
    """The labels of one task as they are on the server, changed with every decision.

    Raises:
        NotFoundError: No image has a mark of the task.
    """

    def __init__(self, client: SuperviselyClient, project_id: ProjectId, task_id: TaskId) -> None:
        self._client = client
        self.project_id, self.task_id = project_id, task_id
        self.classes: tuple[ObjectClass, ...] = client.projects.meta(project_id).classes
        self._ids: NameIds = client.writing.name_ids(project_id)
        self._names = {number: name for name, number in self._ids.classes.items()}
        self._tags = {number: name for name, number in self._ids.tags.items()}
        self.images: dict[ImageId, ImageUnderReview] = {}
        self._undo: list[tuple[ImageId, int | None, Undo]] = []
        self._read()

    def counts(self) -> ReviewCounts:
        """Return where all labels are."""
        labels = [label for one in self.images.values() for label in one.labels]
        made = [label for label in labels if label.is_made]
        return ReviewCounts(
            made=sum(one.run.made for one in self.images.values()),
            open=sum(label.is_open for label in made),
            accepted=sum(label.word == "accepted" for label in made),
            changed=sum(label.word == "changed" for label in made),
            rejected=sum(one.run.rejected for one in self.images.values()),
            added=sum(label.word == "added" for label in labels),
            images=len(self.images),
            reviewed=sum(one.is_reviewed for one in self.images.values()),
            empty=sum(not one.run.made and not one.is_reviewed for one in self.images.values()),
        )

    def open_labels(self) -> tuple[ReviewedLabel, ...]:
        """Return the labels that wait for a person."""
        return tuple(label for one in self.images.values() for label in one.labels if label.is_open)

    def label(self, label_id: int) -> ReviewedLabel:
        """Return a label.

        Raises:
            NotFoundError: It is gone.
        """
        found = next((label for one in self.images.values() for label in one.labels if label.id == label_id), None)
        if found is None:
            raise NotFoundError(_("This label is gone."), _("Read the labels again."))
        return found

    @property
    def can_undo(self) -> bool:
        """Whether a decision of this sitting can be taken back."""
        return bool(self._undo)

    def accept(self, label_id: int) -> None:
        """Say that a label is right."""
        label = self.label(label_id)
        before, after = self._tag_rows(label.content), self._with_word(label, "accepted")
        self._client.figures.edit(label.id, {"tags": after})
        self._put(replace(label, word="accepted", content={**label.content, "tags": after}))
        undo = self._back(label, lambda client: client.figures.edit(label.id, {"tags": before}))
        self._decided(label.image_id, label.id, undo)

    def reject(self, label_id: int) -> None:
        """Take a label away; the image remembers that there was one more."""
        label = self.label(label_id)
        self._client.figures.remove([label.id])
        self._take(label)
        if label.is_made:
            self._count_rejected(label.image_id, 1)

        def back(client: SuperviselyClient) -> None:
            client.figures.restore([label.id])
            if label.is_made:
                self._count_rejected(label.image_id, -1)
            self._put(label)

        self._decided(label.image_id, label.id, back)

    def change(self, label_id: int, class_name: str, place: Rectangle | Sequence[Outline] | None) -> None:
        """Give a label another class, another box or outlines (by positions), or both.

        Raises:
            InputError: The class does not exist or has another shape, or the label has no such place; or nothing is
                inside of the outlines.
        """
        label = self.label(label_id)
        if class_name == label.class_name and place in (None, label.box, label.borders):
            self.accept(label_id)
            return
        shape = self._check_class(class_name, label.shape)
        geometry = self._new_geometry(label, shape, place)
        word: Word = "changed" if label.is_made else label.word or "changed"
        tags = self._with_word(label, word)
        own = {key: value for key, value in label.content.items() if key not in PLACES}
        class_id = self._ids.classes[class_name]
        content = {**own, "classId": class_id, "geometryType": shape, "tags": tags, **geometry}
        changed = _placed(replace(label, class_name=class_name, shape=shape, word=word, content=content))
        if class_name == label.class_name:
            self._redraw(label, changed, geometry)
        else:
            self._replace(label, changed, geometry)

    def add(self, image_id: ImageId, class_name: str, box: Rectangle) -> None:
        """Draw an object that the model has missed.

        Raises:
            InputError: The class does not exist, or takes no boxes.
        """
        shape = self._check_class(class_name, "rectangle")
        tags = [{"tagId": self._ids.tags[REVIEW_TAG], "value": "added"}]
        image = self.images[image_id].image
        geometry = box_json(shape, box, (image.width, image.height))
        content = {"classId": self._ids.classes[class_name], "geometryType": shape, "geometry": geometry, "tags": tags}
        made = self._client.figures.add(image_id, content)
        label = _placed(
            ReviewedLabel(
                id=made,
                image_id=image_id,
                class_name=class_name,
                shape=shape,
                box=box,
                word="added",
                content={**content, **geometry},
            )
        )
        self._put(label)

        def back(client: SuperviselyClient) -> None:
            client.figures.remove([made])
            self._take(label)

        self._decided(image_id, None, back)

    def finish(self, image_id: ImageId) -> None:
        """Say that all is right on an image: what is open is accepted, and a person is through with it."""
        steps = len(self._undo)
        for label in self.images[image_id].labels:
            if label.is_open:
                self.accept(label.id)
        if not self.images[image_id].is_reviewed:
            self._set_reviewed(image_id, is_reviewed=True)
            self._undo.append((image_id, None, lambda _client: self._set_reviewed(image_id, is_reviewed=False)))
        parts = self._undo[steps:]
        del self._undo[steps:]

        def back(client: SuperviselyClient) -> None:
            for _image, _label, part in reversed(parts):
                part(client)

        if parts:
            self._undo.append((image_id, parts[0][1], back))

    def undo(self) -> tuple[ImageId, int | None]:
        """Take the last decision back; returns its image and its label, ``None`` for a decision on the image.

        Raises:
            InputError: There is none.
        """
        if not self._undo:
            raise InputError(_("Nothing was decided in this sitting that could be taken back."))
        image_id, label_id, back = self._undo.pop()
        back(self._client)
        return image_id, label_id

    def remove_open(self) -> int:
        """Take all labels away that nobody has said anything about; returns how many. Counted as rejected."""
        waiting = self.open_labels()
        self._client.figures.remove([label.id for label in waiting])
        for image_id, one in self.images.items():
            if number := sum(label.is_open for label in one.labels):
                self._count_rejected(image_id, number)
                self.images[image_id] = replace(
                    self.images[image_id], labels=tuple(label for label in one.labels if not label.is_open)
                )
        self._undo.append((next(iter(self.images)), None, lambda client: self._restore(client, waiting)))
        return len(waiting)

    def _new_geometry(
        self, label: ReviewedLabel, shape: str, place: Rectangle | Sequence[Outline] | None
    ) -> Mapping[str, Any]:
        image = self.images[label.image_id].image
        size = image.width, image.height
        match place:
            case None:
                return place_of(label.content) if shape == label.shape else box_json(shape, label.box, size)
            case Rectangle():
                _refuse_unless(label, _NO_BOX, is_possible=label.has_box)
                return box_json(shape, place, size)
            case _:
                _refuse_unless(label, _NO_OUTLINE, is_possible=label.has_outline)
                return outlined_json(shape, place, size)

    def _redraw(self, label: ReviewedLabel, changed: ReviewedLabel, geometry: Mapping[str, Any]) -> None:
        """Change an object where it is."""
        before = {
            "tags": self._tag_rows(label.content),
            "geometry": place_of(label.content),
            "nnUpdated": bool(label.content.get("nnUpdated")),
        }
        after = {"geometry": geometry, "tags": changed.content["tags"], "nnUpdated": label.is_made}
        self._client.figures.edit(label.id, after)
        self._put(changed)
        undo = self._back(label, lambda client: client.figures.edit(label.id, before))
        self._decided(label.image_id, label.id, undo)

    def _replace(self, label: ReviewedLabel, changed: ReviewedLabel, geometry: Mapping[str, Any]) -> None:
        """Put an object of another class in the place of one: no server changes the class of an object."""
        new = {
            "classId": changed.content["classId"],
            "geometryType": changed.shape,
            "geometry": geometry,
            "tags": changed.content["tags"],
            "nnCreated": label.is_made,
            "nnUpdated": label.is_made,
        }
        made = self._client.figures.add(label.image_id, new)
        self._client.figures.remove([label.id])
        self._take(label)
        placed = replace(changed, id=made)
        self._put(placed)

        def back(client: SuperviselyClient) -> None:
            client.figures.restore([label.id])
            client.figures.remove([made])
            self._take(placed)
            self._put(label)

        self._decided(label.image_id, label.id, back)

    def _restore(self, client: SuperviselyClient, labels: Sequence[ReviewedLabel]) -> None:
        client.figures.restore([label.id for label in labels])
        for label in labels:
            self._put(label)
        for image_id in {label.image_id for label in labels}:
            self._count_rejected(image_id, -sum(label.image_id == image_id for label in labels))

    def _decided(self, image_id: ImageId, label_id: int | None, back: Undo) -> None:
        """Remember how a decision is taken back; an image whose last open label it was is reviewed."""
        one = self.images[image_id]
        ends = label_id is not None and not one.is_reviewed and not any(label.is_open for label in one.labels)
        if not ends:
            self._undo.append((image_id, label_id, back))
            return
        self._set_reviewed(image_id, is_reviewed=True)

        def both(client: SuperviselyClient) -> None:
            self._set_reviewed(image_id, is_reviewed=False)
            back(client)

        self._undo.append((image_id, label_id, both))

    def _back(self, label: ReviewedLabel, write: Undo) -> Undo:
        def back(client: SuperviselyClient) -> None:
            write(client)
            self._put(label)

        return back

    def _set_reviewed(self, image_id: ImageId, *, is_reviewed: bool) -> None:
        tag = self._ids.tags[REVIEWED_TAG]
        if is_reviewed:
            self._client.image_edits.add_tag(tag, [image_id])
        else:
            self._client.image_edits.remove_tag(tag, [image_id])
        self.images[image_id] = replace(self.images[image_id], is_reviewed=is_reviewed)

    def _count_rejected(self, image_id: ImageId, more: int) -> None:
        one = self.images[image_id]
        run = replace(one.run, rejected=max(0, one.run.rejected + more))
        for tag in self._client.image_edits.tags_on(self.project_id, [image_id]):
            said = read_run(tag.value) if tag.tag_id == self._ids.tags[RUN_TAG] else None
            if said is not None and said.task_id == self.task_id:
                self._client.image_edits.set_tag_value(tag, run.text)
        self.images[image_id] = replace(one, run=run)

    def _put(self, label: ReviewedLabel) -> None:
        one = self.images[label.image_id]
        known = [other.id for other in one.labels]
        if label.id in known:
            labels = tuple(label if other.id == label.id else other for other in one.labels)
        else:
            labels = (*one.labels, label)
        self.images[label.image_id] = replace(one, labels=labels)

    def _take(self, label: ReviewedLabel) -> None:
        one = self.images[label.image_id]
        self.images[label.image_id] = replace(one, labels=tuple(other for other in one.labels if other.id != label.id))

    def _check_class(self, name: str, shape: str) -> str:
        """Return the shape that a new object of a class has."""
        found = next((item for item in self.classes if item.name == name), None)
        if found is None:
            raise InputError(_("The project has no class “{name}”.").format(name=name), _("Choose one of its classes."))
        if found.shape in {"any", shape}:
            return shape
        if shape == "rectangle" and found.shape in _DRAWN:
            return found.shape
        raise InputError(
            _("Objects of “{name}” have the shape “{shape}”, and this one is a “{other}”.").format(
                name=name, shape=shape_word(found.shape), other=shape_word(shape)
            ),
            _("Choose another class."),
        )

    def _tag_rows(self, content: Mapping[str, Any]) -> list[dict[str, Any]]:
        return [{"tagId": tag["tagId"], "value": tag.get("value")} for tag in content.get("tags") or ()]

    def _with_word(self, label: ReviewedLabel, word: Word) -> list[dict[str, Any]]:
        own = self._ids.tags[REVIEW_TAG]
        return [*(tag for tag in self._tag_rows(label.content) if tag["tagId"] != own), {"tagId": own, "value": word}]

    def _read(self) -> None:
        marked: dict[ImageId, tuple[Image, RunOnImage]] = {}
        for image in self._client.images.list(project_id=self.project_id):
            for tag in image.tags:
                run = read_run(tag.value) if tag.name == RUN_TAG else None
                if run is not None and run.task_id == self.task_id:
                    marked[image.id] = image, run
        if not marked:
            msg = _("No image of this project has labels of task {task}.").format(task=self.task_id)
            raise NotFoundError(msg, _("Open the task to see what became of it."))
        labels: dict[ImageId, list[ReviewedLabel]] = {image_id: [] for image_id in marked}
        by_dataset: dict[DatasetId, list[ImageId]] = {}
        for image, _run in marked.values():
            by_dataset.setdefault(image.dataset_id, []).append(image.id)
        for dataset, ids in by_dataset.items():
            for start in range(0, len(ids), _READ_AT_ONCE):
                for figure in self._client.figures.on_images(dataset, ids[start : start + _READ_AT_ONCE]):
                    if (label := self._label_of(figure)) is not None:
                        labels[figure.image_id].append(label)
        self.images = {
            image_id: ImageUnderReview(
                image=image,
                run=run,
                is_reviewed=any(tag.name == REVIEWED_TAG for tag in image.tags),
                labels=tuple(labels[image_id]),
            )
            for image_id, (image, run) in marked.items()
        }

    def _label_of(self, figure: Figure) -> ReviewedLabel | None:
        """Return an object as it is shown; ``None`` for one that has no place on an image."""
        tags = {self._tags.get(tag.tag_id, ""): tag.value for tag in figure.tags}
        geometry = read_geometry(figure.content)
        box = None if geometry is None else tight_bounds(geometry)
        if geometry is None or box is None:
            return None
        said, score = tags.get(REVIEW_TAG), tags.get(CONFIDENCE_TAG)
        return ReviewedLabel(
            id=figure.id,
            image_id=figure.image_id,
            class_name=self._names.get(figure.class_id, str(figure.class_id)),
            shape=figure.shape,
            box=box,
            borders=borders_of(geometry),
            confidence=float(score) if isinstance(score, int | float) else None,
            word=next((word for word in WORDS if word == said), None),
            is_made=task_of(tags.get(MODEL_TAG)) == self.task_id,
            content=figure.content,
        )


def _placed(label: ReviewedLabel) -> ReviewedLabel:
    """Return a label with box and borders as its content says them."""
    geometry = read_geometry(label.content)
    box = None if geometry is None else tight_bounds(geometry)
    return label if geometry is None or box is None else replace(label, box=box, borders=borders_of(geometry))


def _refuse_unless(label: ReviewedLabel, refusal: str, *, is_possible: bool) -> None:
    if not is_possible:
        msg = _(refusal).format(shape=shape_word(label.shape))
        raise InputError(msg, _("Accept or reject it, or draw it anew in the labeling tool of the server."))
