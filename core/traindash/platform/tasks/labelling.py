"""Tasks in which a model labels images: taking one in, its run folder, and drawing what it found.

Nothing that is on an image is touched: objects are added, each with its confidence and the model that made it, and the
image gets a tag that counts them. Image by image this is one transaction, so a server that dies in the middle goes on
where it was.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

import msgspec

from traindash.datasets.annotation_json import meta_to_json
from traindash.datasets.contours import MASK_TOLERANCE, trace
from traindash.datasets.geometry import corners_of, decode_mask, encode_mask, fill, tight_bounds
from traindash.datasets.shape_fit import DETECTION
from traindash.domain.annotation import Annotation, Bitmap, Geometry, Label, Polygon, Rectangle, Tag
from traindash.domain.app_state import StartParams, StartRequest
from traindash.domain.ids import ImageId, ProjectId, TaskId
from traindash.domain.labelling import MODEL_TAG, RUN_TAG, TAGS, LabelOrder, RunOnImage, model_text, read_run
from traindash.domain.plan import Side
from traindash.domain.prediction import FoundObject, ImagePrediction
from traindash.domain.project import ObjectClass, ProjectMeta, class_color
from traindash.errors import InputError, StateError
from traindash.platform.agents import LocalAgent
from traindash.platform.services import Services
from traindash.platform.store.task_records import NewTask, TaskRecord
from traindash.platform.trained_models import predictor_spec
from traindash.training.runs.spec import LabelSpec, RunLayout, read_found, write_images, write_spec

APP_NAME = "Label images with a model"
_AT_ONCE = 50
_SIDE: tuple[Side, ...] = ("val",)  # the list of images of a run wants one; nobody looks at it here
_OUTPUT = "labelling"  # kind of the task's output


def labelling_task(services: Services, order: LabelOrder) -> NewTask:
    """Return the task that an order stands for; nothing is taken in.

    Raises:
        NotFoundError: There is no such project or file.
        InputError: Nothing here can run the model, the project has no image for it, or a tag of the project stands in
            the way; says which.
        StateError: No agent is connected.
    """
    row = services.projects.row(order.project_id)
    predictor_spec(services, order.model)
    _check_tags(services, order.project_id)
    if not any(True for _ in _images(services, order)):
        kind = "unlabelled image" if order.only_unlabelled else "image"
        raise InputError(f"The project “{row['name']}” has no {kind}.", "Choose another project, or all images.")
    settings: dict[str, object] = {"order": msgspec.to_builtins(order)}
    # the name of a project of copies says by what it is labelled
    by = "" if order.name in row["name"] else f" with {order.name}"
    request = StartRequest(
        workspace_id=row["workspace_id"],
        description=f"Label “{row['name']}”{by}"[:255],
        params=StartParams(state={"slyProjectId": int(order.project_id), "labelling": settings["order"]}),
    )
    return NewTask(
        request=request,
        team_id=row["team_id"],
        user_id=services.accounts.home().user_id,
        module_id=services.modules.inner("traindash/label-images"),
        project_id=order.project_id,
        kind="label",
        app_name=APP_NAME,
        settings=settings,
    )


def _order_of(task: TaskRecord) -> LabelOrder:
    """Return what a task was asked to label."""
    return msgspec.convert(task.settings["order"], LabelOrder)


def prepare_labelling(services: Services, task: TaskRecord, agent: LocalAgent, run: RunLayout) -> LabelSpec:
    """Write the run folder of a task.

    Raises:
        AppError: The task cannot be done any more, e.g. because the model is gone.
    """
    order = _order_of(task)
    spec = LabelSpec(
        task_id=task.id,
        project_id=order.project_id,
        model=replace(predictor_spec(services, order.model), threads=max(1, agent.threads)),
        name=order.name,
        confidence=order.confidence,
        class_confidence=dict(order.classes),
    )
    count = write_images(run.images, services.images.of_run(dict.fromkeys(_images(services, order), _SIDE)))
    if not count:
        raise StateError("The project has no image left for this task.", "Start another one.")
    # Last: a folder with a spec is complete.
    write_spec(run.spec, spec)
    return spec


def _images(services: Services, order: LabelOrder) -> Iterator[ImageId]:
    for row in services.images.known(services.images.ids(order.project_id)):
        if not (order.only_unlabelled and row["labels_count"]):
            yield ImageId(row["id"])


def draw_labels(services: Services, task: TaskRecord, spec: LabelSpec, classes: Sequence[str]) -> Mapping[str, object]:
    """Draw what a finished run found on the images of its project; returns the task's output.

    ``classes`` are those that the model knows; the project gets the ones that it lacks.

    Images that are gone meanwhile are passed over; those that have the mark of this task already are done.

    Raises:
        AppError: The project is gone, or its meta does not take the tags any more.
    """
    run = services.layout.run(task.id)
    meta = _with_what_is_needed(services, spec, classes)
    shapes = {item.name: item.shape for item in meta.classes}
    made = images = 0
    batch: list[ImagePrediction] = []
    for found in read_found(run.found):
        batch.append(found)
        if len(batch) == _AT_ONCE:
            made, images = _add(made, images, _draw(services, spec, batch, shapes))
            batch = []
    made, images = _add(made, images, _draw(services, spec, batch, shapes))
    data = {"project_id": int(spec.project_id), "images": images, "made": made, "model": spec.name}
    return {_OUTPUT: {"data": data}}


def _add(made: int, images: int, more: tuple[int, int]) -> tuple[int, int]:
    return made + more[0], images + more[1]


def _draw(
    services: Services, spec: LabelSpec, batch: Sequence[ImagePrediction], shapes: Mapping[str, str]
) -> tuple[int, int]:
    """Draw on some images; return how many objects and images the task has on them."""
    by_id = {int(found.image_id or 0): found for found in batch if not found.problem}
    drawn: list[tuple[int, Annotation]] = []
    made = images = 0
    for row in services.images.known(list(by_id)):
        found, images = by_id[row["id"]], images + 1
        if (known := _mark(row["tags"], spec.task_id)) is not None:
            made += known.made
            continue
        labels = tuple(_label(spec, one, found, shapes) for one in found.objects)
        tag = Tag(name=RUN_TAG, value=RunOnImage(task_id=spec.task_id, made=len(labels)).text)
        drawn.append((row["id"], Annotation(width=found.width, height=found.height, labels=labels, tags=(tag,))))
        made += len(labels)
    services.annotation_writes.draw(drawn)
    return made, images


def _mark(tags: str, task_id: TaskId) -> RunOnImage | None:
    """Return what a task has noted on an image; ``tags`` as the image's row has them."""
    for tag in msgspec.json.decode(tags or "[]"):
        run = read_run(tag.get("value")) if tag.get("name") == RUN_TAG else None
        if run is not None and run.task_id == task_id:
            return run
    return None


def _label(spec: LabelSpec, one: FoundObject, found: ImagePrediction, shapes: Mapping[str, str]) -> Label:
    label = one.as_label(found.width, found.height)
    geometry = _fitted(label.geometry, shapes.get(one.class_name, "any"), found.width, found.height)
    tags = (*label.tags, Tag(name=MODEL_TAG, value=model_text(spec.task_id, spec.name)))
    # As Supervisely's own apps mark what a neural network made (``Label.nn_created`` of the SDK)
    return replace(label, geometry=geometry, tags=tags, extra={"nnCreated": True, "nnUpdated": False})


def _fitted(geometry: Geometry, shape: str, width: int, height: int) -> Geometry:
    """Return what was found in the shape that objects of a class have in the project; ``any`` takes it as it is."""
    match shape, geometry:
        case "rectangle", Bitmap() | Polygon():
            return tight_bounds(geometry) or geometry
        case "polygon", Rectangle():
            return corners_of(geometry)
        case "polygon", Bitmap(origin=origin):
            # The largest part: an object of this shape has one outline
            parts = trace(decode_mask(geometry), tolerance=MASK_TOLERANCE, origin=origin)
            box = tight_bounds(geometry)
            return next(iter(parts), geometry if box is None else corners_of(box))
        case "bitmap", Rectangle():
            return encode_mask(fill(corners_of(geometry), width, height))
        case _:
            return geometry


def _with_what_is_needed(services: Services, spec: LabelSpec, found: Sequence[str]) -> ProjectMeta:
    """Give a project the classes and tags that it lacks; return its meta."""
    meta = services.projects.meta(spec.project_id)
    shape = "rectangle" if spec.model.task_type == DETECTION else "bitmap"
    known = {item.name for item in meta.classes}
    classes = [
        *meta.classes,
        *(
            ObjectClass(name=name, shape=shape, color=class_color(len(meta.classes) + number))
            for number, name in enumerate(name for name in found if name not in known)
        ),
    ]
    tags = {item.name for item in meta.tags}
    wanted = replace(meta, classes=tuple(classes), tags=(*meta.tags, *(tag for tag in TAGS if tag.name not in tags)))
    if wanted != meta:
        services.project_metas.replace(int(spec.project_id), meta_to_json(wanted))
    return wanted


def _check_tags(services: Services, project_id: ProjectId) -> None:
    known = {tag.name: tag for tag in services.projects.meta(project_id).tags}
    for tag in TAGS:
        there = known.get(tag.name)
        if there is not None and (there.value_type != tag.value_type or set(tag.values) - set(there.values)):
            msg = f"The project has a tag “{tag.name}” with other values than labels of models need ({tag.value_type})."
            raise InputError(msg, "Rename it, then label again.")
