"""What can be asked of a served model: the endpoints of Supervisely's serving apps (docs/supervisely-api.md 13.3).

Both ways lead here: ``/net/<session token>/<command>``, and ``tasks.request.direct``.
"""

import asyncio
from collections.abc import Callable, Mapping
from typing import Any

import msgspec
import psutil

from traindash.errors import InputError, NotFoundError, StateError
from traindash.platform.serving.answers import SETTINGS
from traindash.platform.serving.asked import Call
from traindash.platform.serving.deployment import Deployment
from traindash.platform.serving.inference import INFERENCE, Answer, Command
from traindash.platform.serving.models import CUSTOM, PRETRAINED
from traindash.platform.serving.requests import InferenceRequest, Requests, Stage, pause
from traindash.platform.wire import shortened

LONG_POLL_SECONDS = 0.9  # a client that asks too early waits as long here; the SDK would sleep a second


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
        "hardware": call.services.agents.device_name(model.spec.device),
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
        await pause(number)
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
    await _until(request, lambda: request.stage is Stage.INFERENCE)  # the SDK asks again without a pause
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


COMMANDS: Mapping[str, Command] = {
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
    **INFERENCE,
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
