"""What can be asked of a served model: the endpoints of Supervisely's serving apps (docs/supervisely-api.md 13.3).

Both ways lead here: ``/net/<session token>/<command>``, and ``tasks.request.direct``.
"""

import asyncio
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from contextlib import closing
from itertools import islice
from pathlib import Path
from typing import Any, TypeAlias
from uuid import uuid4

import msgspec
import psutil

from traindash.domain.ids import ProjectId
from traindash.errors import InputError, NotFoundError, StateError
from traindash.platform.agents import cpu_name
from traindash.platform.multipart import Form
from traindash.platform.serving.answers import BATCH, SETTINGS, AskedImage, kept, result_json
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
from traindash.platform.serving.models import CUSTOM, PRETRAINED
from traindash.platform.serving.requests import InferenceRequest, Requests, Stage
from traindash.platform.serving.uploading import SAME_OBJECT, SUFFIX, Upload, UploadMode, new_project
from traindash.platform.wire import shortened

MOST_AT_ONCE = 500  # images of a request whose client waits for the answer; more are asked for as `…_async`
LONG_POLL_SECONDS = 0.9  # a client that asks too early waits as long here; the SDK would sleep a second
_PAUSES = (0.005, 0.05)  # seconds between two looks at a request, the first ones and all others
_SOON = 20  # looks after which it is "all others"
Answer: TypeAlias = Mapping[str, Any] | Sequence[Any] | None


# What the app says of itself and of its model.


async def _session_info(call: Call) -> Answer:
    deployment = await call.deployment()
    meta = await _meta_of(deployment)
    model = deployment.model
    return {
        "app_name": call.task.app_name,
        "session_id": call.task.id,
        "number_of_classes": len(meta["classes"]),
        "sliding_window_support": "none",
        "videos_support": True,
        "async_video_inference_support": True,
        "tracking_on_videos_support": False,
        "async_image_inference_support": True,
        "tracking_algorithms": [],
        "batch_inference_support": True,
        "max_batch_size": None,
        "task type": None if model is None else model.spec.task_type,
    }


async def _meta_of(deployment: Deployment) -> dict[str, Any]:
    known = deployment.output_meta_at_once()
    return await asyncio.wrap_future(deployment.output_meta()) if known is None else known


async def _output_meta(call: Call) -> Answer:
    return await _meta_of(await call.deployment())


async def _deploy_info(call: Call) -> Answer:
    model = (await call.deployment()).known_model()
    return {
        "checkpoint_name": model.name,
        "model_name": model.model_name,
        "architecture": model.framework.name,
        "checkpoint_url": model.url,
        "custom_checkpoint_path": model.path,
        "model_source": PRETRAINED if model.path is None else CUSTOM,
        "task_type": model.spec.task_type,
        "device": model.spec.device if model.spec.device == "cpu" else f"cuda:{model.spec.device}",
        "runtime": model.runtime,
        "model_precision": "FP32",
        "hardware": cpu_name(),
        "deploy_params": msgspec.to_builtins(model.params()),
    }


async def _status(call: Call) -> Answer:
    deployment = await call.deployment()
    open_requests = deployment.requests.open()
    current, total = sum(one.current for one in open_requests), sum(one.total for one in open_requests)
    memory = psutil.virtual_memory()
    return {
        "is_deployed": deployment.is_deployed,
        "progress": {
            "message": "Inferring model..." if open_requests else "Ready",
            "current": current,
            "total": max(total, 1),
        },
        "gpu_memory": {"allocated": None, "total": None},
        "ram_memory": {"allocated": memory.used, "total": memory.total},
        # ours, for the pages
        "serving": {
            **deployment.figures.as_json(),
            "open": len(open_requests),
            "is_loaded": deployment.is_loaded,
            "pid": deployment.pid,
            "memory": deployment.memory(),
            "idle_seconds": deployment.idle_seconds,
        },
    }


async def _is_deployed(call: Call) -> Answer:
    # The key with the colon is the SDK's own
    return {"deployed": await _is_there(call), "description:": "Model is ready to receive requests"}


async def _is_ready(call: Call) -> Answer:
    return {"status": "ready" if await _is_there(call) else "not ready"}


async def _is_there(call: Call) -> bool:
    try:
        return (await call.deployment()).is_deployed
    except (StateError, NotFoundError):
        return False


async def _is_running(call: Call) -> Answer:
    await call.deployment()  # says why not
    return {"running": True, "mode": "production"}


async def _pretrained(call: Call) -> Answer:
    framework = call.services.modules.get(call.task.module_id).framework
    return [] if framework is None else [model.name for model in framework.models if model.weights_file]


async def _pretrained_infos(call: Call) -> Answer:
    framework = call.services.modules.get(call.task.module_id).framework
    return [
        {
            framework.columns.name: model.name,
            **model.columns,
            "meta": {
                "model_name": model.name,
                "task_type": model.task_type,
                "model_files": {"checkpoint": model.weights_url},
            },
        }
        for model in (() if framework is None else framework.models)
        if framework is not None and model.weights_file
    ]


async def _deploy(call: Call) -> Answer:
    call.check_key()
    params = call.state.deploy_params
    if params is None:
        raise InputError("The state has no deploy_params.", "Send them as api.nn.deploy does.")
    if call.state.model_name is not None:
        params = msgspec.structs.replace(params, model_name=call.state.model_name)
    await asyncio.wrap_future(await call.in_thread(lambda: call.serving.deploy(call.task, params)))
    return {"result": "model was successfully deployed"}


async def _freeze(call: Call) -> Answer:
    deployment = await call.deployment()
    if not deployment.is_loaded:
        return {"message": "Model is already frozen."}
    if not await call.in_thread(deployment.freeze):
        return {"message": "Failed to freeze model: requests are open."}
    return {"message": "Model is frozen."}


# Inference.


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


async def _answered(request: InferenceRequest) -> list[Any]:
    """Wait for the end of a request and return what was found.

    Raises:
        AppError: It ended with an error.
    """
    results: list[Any] = []
    number = 0
    while not request.stage.is_over:
        await asyncio.sleep(_PAUSES[number > _SOON])
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
    return (await _answered(await _by_ids(call)))[0]  # type: ignore[no-any-return]


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
    return results[0]  # type: ignore[no-any-return]


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
    return (await _answered(await _started(call, image_of_address(call.services, url), 1)))[0]  # type: ignore[no-any-return]


async def _video_async(call: Call) -> Answer:
    form = call.form
    if form is None:
        raise InputError("This command takes a video as a form.", "Send it as multipart/form-data, named “files”.")
    deployment = await call.deployment()
    return _scheduled(await call.in_thread(lambda: _begin_video(call, deployment, form)))


async def _no_video_id(_call: Call) -> Answer:
    raise InputError("Projects of this server hold images and no videos.", "Send the file of the video.")


async def _no_speed_test(_call: Call) -> Answer:
    msg = "Serving tasks run no speed test."
    raise InputError(msg, "Train with the speed test of the benchmark, or compare the experiments.")


# How far a request is.


async def _request(call: Call) -> tuple[Requests, InferenceRequest]:
    request_id = call.state.inference_request_uuid
    if request_id is None:
        raise InputError("'inference_request_uuid' is required.", "Send the one that the start has answered.")
    requests = await call.in_thread(lambda: call.serving.requests(call.task))
    return requests, requests.get(request_id)


async def _until(request: InferenceRequest, is_there: Callable[[], bool]) -> None:
    """Wait a moment for what is asked: an answer that says "not yet" costs the SDK a second of sleep."""
    loop = asyncio.get_running_loop()
    end, number = loop.time() + LONG_POLL_SECONDS, 0
    while not (request.stage.is_over or is_there()) and loop.time() < end:
        await asyncio.sleep(_PAUSES[number > _SOON])
        number += 1


async def _progress(call: Call) -> Answer:
    _, request = await _request(call)
    await _until(request, lambda: request.stage is Stage.INFERENCE)
    return request.as_json()


async def _pop(call: Call) -> Answer:
    _, request = await _request(call)
    await _until(request, lambda: request.has_results)
    return request.popped_json()


async def _preparing(call: Call) -> Answer:
    _, request = await _request(call)
    progress: Mapping[str, Any] = request.as_json()["preparing_progress"]
    return progress


async def _request_status(call: Call) -> Answer:
    _, request = await _request(call)
    memory = psutil.virtual_memory()
    told = {key: value for key, value in request.as_json().items() if key not in _NOT_IN_STATUS}
    return {
        **told,
        "gpu_memory": {"allocated": None, "total": None},
        "ram_memory": {"allocated": memory.used, "total": memory.total},
    }


_NOT_IN_STATUS = frozenset({"pending_results", "final_result", "created_at", "updated_at"})


async def _result(call: Call) -> Answer:
    return (await _request(call))[1].final_result


async def _stop(call: Call) -> Answer:
    (await _request(call))[1].stop()
    return {"message": "Inference will be stopped.", "success": True}


async def _clear(call: Call) -> Answer:
    requests, request = await _request(call)
    requests.clear(request.id)
    return {"success": True}


async def _settings(_call: Call) -> Answer:
    return {"settings": dict(SETTINGS)}


async def _tracking(_call: Call) -> Answer:
    return {}


COMMANDS: Mapping[str, Callable[[Call], Awaitable[Answer]]] = {
    "is_running": _is_running,
    "is_ready": _is_ready,
    "is_deployed": _is_deployed,
    "get_session_info": _session_info,
    "get_deploy_info": _deploy_info,
    "get_status": _status,
    "get_custom_inference_settings": _settings,
    "get_tracking_settings": _tracking,
    "get_model_meta": _output_meta,
    "get_output_classes_and_tags": _output_meta,
    "list_pretrained_models": _pretrained,
    "list_pretrained_model_infos": _pretrained_infos,
    "deploy_from_api": _deploy,
    "freeze_model": _freeze,
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
    "run_speedtest": _no_speed_test,
    "get_inference_progress": _progress,
    "get_preparing_progress": _preparing,
    "get_inference_status": _request_status,
    "pop_inference_results": _pop,
    "get_inference_result": _result,
    "stop_inference": _stop,
    "clear_inference_request": _clear,
}


async def answer(call: Call, command: str) -> Answer:
    """Answer a command.

    Raises:
        NotFoundError: There is none of that name.
        AppError: It could not be done.
    """
    do = COMMANDS.get(command.strip("/"))
    if do is None:
        msg = f"The app of task {call.task.id} has no command {shortened(command)!r}."
        raise NotFoundError(msg, f"It has: {', '.join(COMMANDS)}.")
    return await do(call)
