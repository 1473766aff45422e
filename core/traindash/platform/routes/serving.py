"""Served models over HTTP: the address of a session, and the commands that go through the API to its task."""

import hmac
import json
from collections.abc import Callable, Mapping
from typing import Any
from uuid import uuid4

import msgspec
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from traindash.errors import InputError
from traindash.platform.multipart import Form, form_parts
from traindash.platform.routes.endpoint import ApiContext, fault_response, json_response, problem, receive
from traindash.platform.routes.workload import InThread, Workload
from traindash.platform.serving.asked import Call, read_state
from traindash.platform.serving.commands import answer
from traindash.platform.store.task_records import TaskRecord
from traindash.platform.wire import BodyBounds, decoded, shortened

_BODY = BodyBounds(megabytes=12, parts=1_100_000)  # the ids of images
_MOST_FORM = 2 * 2**30  # bytes of the images of one request; they wait on the disk
_MOST_STATE = 2**20  # bytes of the state that comes with them


class _Body(msgspec.Struct):
    state: dict[str, Any] | None = None
    api_token: str | None = None


class SessionEndpoint:
    """Answers ``/net/{token}/{command}``, as the address of a session on Supervisely does.

    The token of the session opens it: nobody can make it up, and whoever has it may have pictures looked at. What
    belongs to this server, images of projects above all, needs the API token too.
    """

    def __init__(self, api: ApiContext, token: Callable[[], str], workload: Workload) -> None:
        self._api = api
        self._token = token
        self._workload = workload

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        request = Request(scope, receive)
        try:
            response = await self._answer(request)
        except ClientDisconnect:
            return
        except Exception as error:  # noqa: BLE001 - the edge: whatever went wrong becomes JSON
            what = f"The command {ascii(request.path_params.get('command'))[:100]}"
            response = fault_response(error, what, self._api.services.layout.root)
        await response(scope, receive, send)

    async def _answer(self, request: Request) -> Response:
        if request.method != "POST":
            return problem(405, f"Sessions do not answer {request.method}.", "Use POST.")
        short = self._workload.short.run
        token = request.path_params["token"]
        task = await short(lambda: self._api.serving.task_of(token))
        if request.headers.get("content-type", "").startswith("multipart/"):
            return await self._of_form(request, task, short)
        async with self._workload.body(request, _BODY.megabytes) as content:
            body = decoded("state", _Body, content or b"{}", _BODY)
        key = body.api_token or request.headers.get("x-api-key", "")
        call = self._call(task, body.state or {}, has_key=self._is_key(key), in_thread=short)
        return json_response(await answer(call, request.path_params["command"]))

    async def _of_form(self, request: Request, task: TaskRecord, short: InThread) -> Response:
        declared = request.headers.get("content-length", "")
        if not declared.isdecimal() or int(declared) > _MOST_FORM:
            raise InputError(f"The images are more than {_MOST_FORM // 2**30} GB.", "Send fewer at once.")
        target = self._api.services.layout.incoming / uuid4().hex
        begun = False
        try:
            content = await receive(request, target, short, small=True)
            form = Form(content_type=request.headers.get("content-type", ""), path=target, content=content)
            state = await short(lambda: _state_of(form))
            has_key = self._is_key(request.headers.get("x-api-key", ""))
            call = self._call(task, state, has_key=has_key, in_thread=short, form=form)
            found = await answer(call, request.path_params["command"])
            begun = True  # from now on it is the request's, which removes it
            return json_response(found)
        finally:
            if not begun:
                await short(lambda: target.unlink(missing_ok=True))

    def _call(
        self,
        task: TaskRecord,
        state: Mapping[str, Any],
        *,
        has_key: bool,
        in_thread: InThread,
        form: Form | None = None,
    ) -> Call:
        return Call(
            services=self._api.services,
            serving=self._api.serving,
            in_thread=in_thread,
            task=task,
            state=read_state(state),
            has_key=has_key,
            form=form,
        )

    def _is_key(self, key: str) -> bool:
        # In constant time, so that it cannot be felt out
        return hmac.compare_digest(key.encode("utf-8", "replace"), self._token().encode())


async def answer_directly(
    api: ApiContext, task: TaskRecord, command: str, state: Mapping[str, Any], in_thread: InThread
) -> object:
    """Answer a command that came through the API, whose key was checked there."""
    call = Call(
        services=api.services,
        serving=api.serving,
        in_thread=in_thread,
        task=task,
        state=read_state(state),
        has_key=True,
    )
    return await answer(call, command)


def _state_of(form: Form) -> Mapping[str, Any]:
    """Return the state that comes with images; older clients call it ``settings``, and it holds these alone.

    Raises:
        InputError: It is no JSON object.
    """
    with form_parts(form) as parts:
        texts = {part.name: part.content for part in parts if part.name != "files" and part.size <= _MOST_STATE}
    text = next((texts[name] for name in ("state", "settings") if texts.get(name, b"{}").strip() != b"{}"), b"{}")
    try:
        state = json.loads(text or b"{}")
    except (ValueError, RecursionError) as error:
        raise InputError(f"The state is no JSON: {shortened(str(error))}.", "Send a JSON object.") from error
    if not isinstance(state, dict):
        raise InputError("The state is no JSON object.", "Send a JSON object.")
    return state
