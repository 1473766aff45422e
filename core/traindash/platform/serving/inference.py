"""What a served model is asked to look at: the endpoints of Supervisely's serving apps that begin an inference.

A request is taken in, and the thread of the model does the work; who asks for the answer at once waits for its end.
docs/supervisely-api.md 13.3
"""

from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from contextlib import closing
from itertools import islice
from pathlib import Path
from typing import Any, TypeAlias
from uuid import uuid4

import msgspec

from traindash.domain.ids import ProjectId
from traindash.errors import InputError
from traindash.platform.multipart import Form
from traindash.platform.serving.answers import BATCH, AskedImage, kept, result_json
from traindash.platform.serving.asked import (
    Call,
    Images,
    check_images,
    count_images,
    ids_of,
    ids_of_project,
    image_of_address,
    images_of_projects,
    sent_images,
    sent_video,
)
from traindash.platform.serving.deployment import Deployment
from traindash.platform.serving.requests import InferenceRequest, pause
from traindash.platform.serving.uploading import SAME_OBJECT, SUFFIX, Upload, UploadMode, new_project

MOST_TIMED = 64  # images of a batch of a speed test
MOST_AT_ONCE = 500  # images of a request whose client waits for the answer; more are asked for as `…_async`
Answer: TypeAlias = Mapping[str, Any] | Sequence[Any] | None
Command: TypeAlias = Callable[[Call], Awaitable[Answer]]


def _upload_of(call: Call, first: AskedImage) -> Upload | None:
    """Return where the predictions go; ``None`` back to the client.

    Raises:
        InputError: A project is to be written, and the client may not.
    """
    state, services = call.state, call.services
    mode: UploadMode | None = state.upload_mode or ("append" if state.output_project_id or state.upload else None)
    if mode is None:
        return None
    call.check_key()
    if first.image_id is None:
        msg = "Pictures that are sent along are in no project, so nothing can be drawn on them there."
        raise InputError(msg, "Upload them to a project first, and ask for them by their ids.")
    into = None if state.output_project_id is None else ProjectId(state.output_project_id)
    if into is None and mode == "create":
        into = new_project(services, call.task.id, ProjectId(first.project_id or 0))
    elif into is not None:
        services.projects.get(into)
    same = state.settings.existing_objects_iou_thresh
    return Upload(
        services=services,
        task_id=call.task.id,
        mode=mode,
        into=into,
        same_object=SAME_OBJECT if mode == "iou_merge" and same is None else same,
        suffix=state.model_prediction_suffix or SUFFIX,
    )


def _begin(call: Call, deployment: Deployment, images: Images, total: int) -> InferenceRequest:
    """Take a request in; the work is done in the thread of the model."""

    def work(request: InferenceRequest) -> None:
        request.begin(total)
        with closing(images()) as left:
            _look(call, deployment, request, left)

    return deployment.request(work, _received(call))


def _begin_video(call: Call, deployment: Deployment, form: Form) -> InferenceRequest:
    """Take a request about a video in; its frames are counted when its turn comes."""
    video = sent_video(form, call.state, call.services.layout.incoming / f"video-{uuid4().hex}")

    def work(request: InferenceRequest) -> None:
        frames = video.frames(deployment.video(video.path))
        request.begin(len(frames))
        with closing(video.images(frames)) as left:
            _look(call, deployment, request, left)
        request.final_result = {"ann": [], "video_ann": None}  # as the SDK's apps without tracking

    return deployment.request(work, (video.path,))


def _received(call: Call) -> tuple[Path, ...]:
    return (call.form.path,) if call.form is not None and call.form.content is None else ()


def _look(call: Call, deployment: Deployment, request: InferenceRequest, images: Iterator[AskedImage]) -> None:
    """Have the model look at images, batch by batch, and put what it finds where it is wanted."""
    settings, size = call.state.settings, min(call.state.batch_size or BATCH, BATCH)
    upload: Upload | None = None
    is_first = True
    while some := tuple(islice(images, size)):
        if is_first:
            upload, is_first = _upload_of(call, some[0]), False
        request.check()
        found = [kept(one, settings) for one in deployment.predict(some)]
        pairs = list(zip(some, found, strict=True))
        if upload is not None:
            upload.write(pairs)
        request.add([result_json(asked, one, told=upload is None) for asked, one in pairs])


async def _started(call: Call, images: Images, total: int) -> InferenceRequest:
    deployment = await call.deployment()
    return await call.in_thread(lambda: _begin(call, deployment, images, total))


async def _answered(request: InferenceRequest) -> list[Mapping[str, Any]]:
    """Wait for the end of a request and return what was found.

    Raises:
        AppError: It ended with an error.
    """
    results: list[Mapping[str, Any]] = []
    number = 0
    while not request.stage.is_over:
        await pause(number)
        number += 1
        results += request.pop()
    if request.error is not None:
        raise request.error
    return [*results, *request.pop()]


def _scheduled(request: InferenceRequest) -> Answer:
    return {"message": "Scheduled inference task.", "inference_request_uuid": request.id}


def _at_once(count: int) -> None:
    if count > MOST_AT_ONCE:
        msg = f"{count:,} images are too many for one answer; {MOST_AT_ONCE} are possible."
        raise InputError(msg, "Ask for them with the command that ends with _async.")


async def _by_ids(call: Call) -> InferenceRequest:
    call.check_key()
    ids = ids_of(call)
    await call.in_thread(lambda: check_images(call.services, ids))
    return await _started(call, images_of_projects(call.services, ids), len(ids))


async def _image_id(call: Call) -> Answer:
    if (count := len(ids_of(call))) != 1:
        raise InputError(f"One image is expected, and {count} were named.", "Use inference_batch_ids for several.")
    return (await _answered(await _by_ids(call)))[0]


async def _batch_ids(call: Call) -> Answer:
    _at_once(len(ids_of(call)))
    return await _answered(await _by_ids(call))


async def _batch_ids_async(call: Call) -> Answer:
    return _scheduled(await _by_ids(call))


async def _project_async(call: Call) -> Answer:
    call.check_key()
    ids = await call.in_thread(lambda: ids_of_project(call.services, call.state))
    return _scheduled(await _started(call, images_of_projects(call.services, ids), len(ids)))


async def _by_form(call: Call) -> InferenceRequest:
    form = call.form
    if form is None:
        raise InputError("This command takes images as a form.", "Send them as multipart/form-data, named “files”.")
    count = await call.in_thread(lambda: count_images(form))
    return await _started(call, sent_images(form), count)


async def _image(call: Call) -> Answer:
    results = await _answered(await _by_form(call))
    if len(results) != 1:
        raise InputError(f"One image is expected, and {len(results)} were sent.", "Use inference_batch for several.")
    return results[0]


async def _batch(call: Call) -> Answer:
    if (form := call.form) is not None:
        _at_once(await call.in_thread(lambda: count_images(form)))
    return await _answered(await _by_form(call))


async def _batch_async(call: Call) -> Answer:
    return _scheduled(await _by_form(call))


async def _image_url(call: Call) -> Answer:
    call.check_key()
    if (url := call.state.image_url) is None:
        raise InputError("The request names no image_url.", "Send the address of an image.")
    return (await _answered(await _started(call, image_of_address(call.services, url), 1)))[0]


async def _video_async(call: Call) -> Answer:
    form = call.form
    if form is None:
        raise InputError("This command takes a video as a form.", "Send it as multipart/form-data, named “files”.")
    deployment = await call.deployment()
    return _scheduled(await call.in_thread(lambda: _begin_video(call, deployment, form)))


async def _no_video_id(_call: Call) -> Answer:
    raise InputError("Projects of this server hold images and no videos.", "Send the file of the video.")


async def _speed_test(call: Call) -> Answer:
    call.check_key()
    size = call.state.batch_size or 1
    if size > MOST_TIMED:
        raise InputError(f"Batches of {size} images are too large; {MOST_TIMED} are possible.", "Name a smaller one.")
    ids = (await call.in_thread(lambda: ids_of_project(call.services, call.state)))[:size]
    if not ids:
        raise InputError("There are no images to time the model with.", "Name a project or datasets with images.")
    deployment = await call.deployment()
    return _scheduled(await call.in_thread(lambda: _begin_speed_test(call, deployment, ids, size)))


def _begin_speed_test(call: Call, deployment: Deployment, ids: Sequence[int], size: int) -> InferenceRequest:
    """Take a speed test in; each of its results are the milliseconds of a batch."""

    def work(request: InferenceRequest) -> None:
        request.warm_up()
        with closing(images_of_projects(call.services, ids)()) as images:
            given = [image.given for image in images]
        for _ in range(call.state.num_warmup):
            request.check()
            deployment.time_batch(given, size)
        request.begin(call.state.num_iterations)
        for _ in range(call.state.num_iterations):
            timing = deployment.time_batch(given, size)
            request.add([{"total": timing.total, **msgspec.to_builtins(timing)}])

    return deployment.request(work)


INFERENCE: Mapping[str, Command] = {
    "inference_image": _image,
    "inference_image_id": _image_id,
    "inference_image_id_async": _batch_ids_async,
    "inference_image_url": _image_url,
    "inference_batch": _batch,
    "inference_batch_async": _batch_async,
    "inference_batch_ids": _batch_ids,
    "inference_batch_ids_async": _batch_ids_async,
    "inference_project_id_async": _project_async,
    "inference_video_id": _no_video_id,
    "inference_video_id_async": _no_video_id,
    "inference_video_async": _video_async,
    "run_speedtest": _speed_test,
}
