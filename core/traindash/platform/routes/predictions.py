"""Models look at images: methods ``traindash.predictions.…`` (docs/supervisely-api.md 3.7).

Nothing here waits in a thread of requests: a model may take seconds to start, and each has a thread of its own.
"""

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from typing import Annotated
from uuid import uuid4

from msgspec import Meta
from starlette.requests import Request
from starlette.responses import Response

from traindash.domain.ids import ImageId, TeamId
from traindash.domain.prediction import LEAST_CONFIDENCE, MOST_IMAGES, ImagePrediction, ModelFile, ReadyModel
from traindash.errors import InputError
from traindash.platform.routes.endpoint import (
    AnyMethod,
    ApiContext,
    Method,
    Parameters,
    StreamMethod,
    WaitingMethod,
    json_response,
    receive,
)
from traindash.platform.routes.workload import InThread
from traindash.platform.trained_models import predictor_spec
from traindash.platform.wire import Body, FilePath, Id
from traindash.training.runs.predicting import GivenImage

MOST_BYTES = 64 * 2**20  # of an image that is sent

_Share = Annotated[float, Meta(ge=0, le=1)]


class _Model(Body, rename=None):
    team_id: Id
    path: FilePath

    @property
    def file(self) -> ModelFile:
        return ModelFile(team_id=TeamId(self.team_id), path=self.path)


class _Upload(_Model, rename=None):
    confidence: _Share = LEAST_CONFIDENCE


class _Get(Body, rename=None):
    model: _Model
    image_ids: Annotated[tuple[Id, ...], Meta(min_length=1, max_length=MOST_IMAGES)]
    confidence: _Share = LEAST_CONFIDENCE


async def _upload(api: ApiContext, request: Request, in_thread: InThread) -> Response:
    """Look at an image that is the body; which model shall do it is in the address."""
    asked = Parameters.of(request, b"").read("traindash.predictions.upload", _Upload)
    declared = request.headers.get("content-length", "")
    if not declared.isdecimal() or not 0 < int(declared) <= MOST_BYTES:
        raise InputError(f"Send one image of up to {MOST_BYTES // 2**20} MB.", "Save it smaller, as JPEG for example.")
    target = api.services.layout.incoming / uuid4().hex
    try:
        content = await receive(request, target, in_thread, small=True)
        given = GivenImage(path=str(target)) if content is None else GivenImage(content=content)
        (found,) = await _predicted(api, asked.file, (given,), asked.confidence, in_thread)
    finally:
        await in_thread(lambda: target.unlink(missing_ok=True))
    if found.problem:
        raise InputError(f"This picture cannot be used. {found.problem}", "Choose another one.")
    return json_response(found)


async def _get(api: ApiContext, body: _Get, in_thread: InThread) -> Response:
    """Look at images of projects."""
    rows = await in_thread(lambda: api.services.images.rows(body.image_ids))
    blobs = api.services.blobs
    given = [
        GivenImage(path=str(blobs.path(row["hash"], row["mime"])), drawn_on=(row["width"], row["height"]))
        for row in rows
    ]
    found = await _predicted(api, body.model.file, given, body.confidence, in_thread)
    return json_response([replace(one, image_id=ImageId(row["id"])) for one, row in zip(found, rows, strict=True)])


async def _predicted(
    api: ApiContext, model: ModelFile, images: Sequence[GivenImage], confidence: float, in_thread: InThread
) -> tuple[ImagePrediction, ...]:
    spec = await in_thread(lambda: predictor_spec(api.services, model))
    future = await in_thread(lambda: api.predictors.predict(model, spec, images, confidence))
    return await asyncio.wrap_future(future)


async def _open(api: ApiContext, body: _Model, in_thread: InThread) -> Response:
    """Make a model ready."""
    spec = await in_thread(lambda: predictor_spec(api.services, body.file))
    future = await in_thread(lambda: api.predictors.warm(body.file, spec))
    ready: ReadyModel = await asyncio.wrap_future(future)
    return json_response(ready)


def _close(api: ApiContext, body: _Model) -> object:
    api.predictors.release(body.file)
    return {}


METHODS: Sequence[AnyMethod] = (
    StreamMethod("traindash.predictions.upload", _upload),
    WaitingMethod("traindash.predictions.get", _Get, _get),
    WaitingMethod("traindash.predictions.open", _Model, _open),
    Method("traindash.predictions.list", Body, lambda api, _: api.predictors.all()),
    Method("traindash.predictions.close", _Model, _close),
)
