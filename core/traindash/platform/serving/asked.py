"""What a client asks of a served model: the state of a request, and where its images come from."""

from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal, TypeAlias

import msgspec
from msgspec import Meta

from traindash.domain.ids import DatasetId, ProjectId
from traindash.domain.prediction import VideoFacts
from traindash.errors import InputError, NotFoundError
from traindash.platform.multipart import Form, Part, form_parts
from traindash.platform.routes.workload import InThread
from traindash.platform.services import Services
from traindash.platform.serving.answers import BATCH, AskedImage, Settings
from traindash.platform.serving.deployment import Deployment
from traindash.platform.serving.models import DeployParams
from traindash.platform.serving.service import Serving
from traindash.platform.serving.uploading import UploadMode
from traindash.platform.store.task_records import TaskRecord
from traindash.platform.wire import Id, Name, Word, shortened
from traindash.training.runs.predicting import GivenImage

MOST_FILES = 10_000  # images that are sent in one request
MOST_FRAMES = 20_000  # of a video, in one request
_MOST_IMAGE = 64 * 2**20  # bytes of one that is sent
_CHECKED = 1000  # images that are looked up at once


class State(msgspec.Struct):
    """The ``state`` of a request, as far as it is read; keys are those of the SDK and of older apps."""

    settings: Settings = msgspec.field(default_factory=Settings)
    batch_size: Annotated[int, Meta(ge=1)] | None = None
    inference_request_uuid: Word | None = None
    # what to look at
    image_id: Id | None = None
    image_url: Annotated[str, Meta(max_length=4096)] | None = None
    batch_ids: tuple[Id, ...] | None = None
    image_ids: tuple[Id, ...] | None = None
    images_ids: tuple[Id, ...] | None = None
    project_id: Id | None = None
    dataset_ids: tuple[Id, ...] | None = None
    # where the predictions go
    output_project_id: Id | None = None
    upload_mode: UploadMode | None = None
    upload: bool = False  # of `inference_image_id`, older than `upload_mode`
    model_prediction_suffix: Name | None = None
    # of a speed test; `batch_size` and where its images come from are above
    num_iterations: Annotated[int, Meta(ge=1, le=1000)] = 100
    num_warmup: Annotated[int, Meta(ge=0, le=100)] = 3
    # of a video; frames are counted from 0
    start_frame: Annotated[int, Meta(ge=0)] = 0
    num_frames: Annotated[int, Meta(ge=1)] | None = None
    end_frame: Annotated[int, Meta(ge=0)] | None = None  # the last one
    duration: Annotated[float, Meta(gt=0)] | None = None  # seconds
    stride: Annotated[int, Meta(ge=1)] = 1
    direction: Literal["forward", "backward"] = "forward"
    tracker: Word | None = None
    # of `deploy_from_api`
    deploy_params: DeployParams | None = None
    model_name: Word | None = None


# Other spellings of the same keys (`get_value_for_keys` of the SDK)
_SPELLINGS: Mapping[str, str] = {
    "imageId": "image_id",
    "imageIds": "image_ids",
    "projectId": "project_id",
    "datasetIds": "dataset_ids",
    "startFrameIndex": "start_frame",
    "framesCount": "num_frames",
    "endFrameIndex": "end_frame",
    "step": "stride",
}


def read_state(given: object) -> State:
    """Read the ``state`` of a request.

    Raises:
        InputError: A field is not usable; names it.
    """
    fields = given if isinstance(given, Mapping) else {}
    known = {_SPELLINGS.get(key, key): value for key, value in fields.items() if value is not None}
    try:
        state = msgspec.convert(known, State, strict=False)
    except msgspec.ValidationError as error:
        raise InputError(f"The state of the request cannot be used: {shortened(str(error))}.", "Correct it.") from error
    state.settings.check()
    return state


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """One command to a task, by one client."""

    services: Services
    serving: Serving
    in_thread: InThread
    task: TaskRecord
    state: State
    has_key: bool  # the client showed the API token, so it may see images of projects and change them
    form: Form | None = None  # with the images that were sent

    async def deployment(self) -> Deployment:
        """Return what the task serves."""
        return await self.in_thread(lambda: self.serving.deployment(self.task))

    def check_key(self) -> None:
        """Refuse what only the owner may do.

        Raises:
            InputError: The client showed no API token.
        """
        if not self.has_key:
            msg = "The address of a session is enough to have pictures looked at, not for what is on this server."
            raise InputError(msg, "Send the API token as api_token, as ModelAPI(api, task_id) does.")


# Where images come from: a form, projects, an address. They are read when their turn comes.

Images: TypeAlias = Callable[[], Generator[AskedImage]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Video:
    """A video that came along, and which frames of it are wanted. Its file is removed when its turn is over."""

    path: Path
    state: State

    def frames(self, facts: VideoFacts) -> Sequence[int]:
        """Return the frames that are wanted, in the order in which they are.

        Raises:
            InputError: There are none, or too many.
        """
        state = self.state
        count = facts.frames
        if state.num_frames is not None:
            count = state.num_frames
        elif state.end_frame is not None:
            count = abs(state.end_frame - state.start_frame) + 1
        elif state.duration is not None:
            count = max(1, int(state.duration * facts.per_second))
        step = state.stride if state.direction == "forward" else -state.stride
        last = state.start_frame + (count if step > 0 else -count)
        wanted = range(state.start_frame, max(-1, min(last, facts.frames)), step)
        if state.start_frame >= facts.frames or not wanted:
            msg = f"There is no frame {state.start_frame}: the video has {facts.frames:,}, counted from 0."
            raise InputError(msg, "Name another start_frame.")
        if len(wanted) > MOST_FRAMES:
            msg = f"{len(wanted):,} frames of the video are too many for one request; {MOST_FRAMES:,} are possible."
            raise InputError(msg, "Look at a part of them with num_frames, or at every n-th with stride.")
        return wanted

    def images(self, frames: Sequence[int]) -> Generator[AskedImage]:
        """Return the frames as images that are looked at."""
        for index in frames:
            yield AskedImage(given=GivenImage(path=str(self.path), frame=index))


def sent_video(form: Form, state: State, target: Path) -> Video:
    """Take the video out of a form, which is removed, and write it to a file.

    Raises:
        InputError: There is none, or it cannot be looked at as it is asked.
    """
    if state.tracker is not None:
        msg = "Objects are not followed from frame to frame here."
        raise InputError(msg, "Leave tracking out: each frame then has its own objects.")
    with form_parts(form) as parts:
        files = _files(parts)
        if len(files) != 1:
            msg = f"One video is expected, and {len(files)} were sent."
            raise InputError(msg, "Send it as the part of the form with the name “files”.")
        files[0].write(target)
    if form.content is None:
        form.path.unlink(missing_ok=True)
    return Video(path=target, state=state)


def sent_images(form: Form) -> Images:
    """Return the images of a form, read one by one.

    An image that is too large is an :class:`~traindash.errors.InputError` when its turn comes.
    """

    def images() -> Generator[AskedImage]:
        with form_parts(form) as parts:
            for part in _files(parts):
                if part.size > _MOST_IMAGE:
                    msg = f"The image {shortened(part.file_name, 80)!r} is larger than {_MOST_IMAGE // 2**20} MB."
                    raise InputError(msg, "Save it smaller, as JPEG for example.")
                yield AskedImage(given=GivenImage(content=part.content), name=part.file_name or None)

    return images


def _files(parts: Sequence[Part]) -> list[Part]:
    return [part for part in parts if part.name == "files"]


def count_images(form: Form) -> int:
    """Count the images of a form.

    Raises:
        InputError: There are none, or too many.
    """
    with form_parts(form) as parts:
        count = len(_files(parts))
    if not 0 < count <= MOST_FILES:
        msg = f"A request takes 1 to {MOST_FILES:,} images, and {count:,} were sent."
        raise InputError(msg, "Send them as parts of the form with the name “files”.")
    return count


def images_of_projects(services: Services, image_ids: Sequence[int]) -> Images:
    """Return images of projects by their ids."""

    def images() -> Generator[AskedImage]:
        projects: dict[int, int] = {}
        for some in _groups(image_ids, BATCH * 4):
            rows = {row["id"]: row for row in services.images.rows(some)}
            for image_id in some:
                row = rows[image_id]
                dataset = row["dataset_id"]
                if dataset not in projects:
                    projects[dataset] = services.projects.dataset_row(dataset)["project_id"]
                path = services.blobs.path(row["hash"], row["mime"])
                yield AskedImage(
                    given=GivenImage(path=str(path), drawn_on=(row["width"], row["height"])),
                    name=row["name"],
                    image_id=image_id,
                    dataset_id=dataset,
                    project_id=projects[dataset],
                )

    return images


def image_of_address(services: Services, url: str) -> Images:
    """Return the image under an address, which is fetched when its turn comes, from hosts that are allowed."""

    def images() -> Generator[AskedImage]:
        (digest,) = services.links.fetch([url])
        refused = services.uploads.settled([digest])
        known = services.uploads.recent([digest]) or services.loose_images.known([digest])
        if digest in refused or digest not in known:
            raise InputError(f"{shortened(url)!r} is no image that can be used.", "Download it and send the file.")
        yield AskedImage(given=GivenImage(path=str(services.blobs.path(digest, known[digest].mime))), name=url)

    return images


def ids_of(call: Call) -> tuple[int, ...]:
    """Return the ids of the images that a request names, each once.

    Raises:
        InputError: It names none.
    """
    state = call.state
    for given in (state.batch_ids, state.image_ids, state.images_ids):
        if given is not None:
            return tuple(dict.fromkeys(given))
    if state.image_id is not None:
        return (state.image_id,)
    raise InputError("The request names no images.", "Send their ids as images_ids.")


def ids_of_project(services: Services, state: State) -> tuple[int, ...]:
    """Return the ids of the images of the project, or of those of its datasets, that a request names.

    Raises:
        InputError: It names no project.
        NotFoundError: There is no such project or dataset.
    """
    if state.project_id is None:
        raise InputError("The request names no project.", "Send its id as project_id.")
    project = services.projects.get(ProjectId(state.project_id))
    wanted = None if state.dataset_ids is None else {DatasetId(item) for item in state.dataset_ids}
    datasets = [item.id for item in services.projects.datasets(project.id)]
    if wanted is not None and (unknown := wanted - set(datasets)):
        raise NotFoundError(f"Project {project.id} has no dataset {min(unknown)}.", "Name datasets of the project.")
    chosen = [item for item in datasets if wanted is None or item in wanted]
    return tuple(image for item in chosen for image in services.images.ids(project.id, datasets=[item]))


def check_images(services: Services, ids: Sequence[int]) -> None:
    """Look whether images are there.

    Raises:
        NotFoundError: One is not; names it.
    """
    for some in _groups(ids, _CHECKED):
        services.images.rows(some)


def _groups(ids: Sequence[int], size: int) -> Iterator[Sequence[int]]:
    for start in range(0, len(ids), size):
        yield ids[start : start + size]
