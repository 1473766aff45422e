"""Which methods change something, and which calls are taken for repeats."""

import asyncio

import httpx
import pytest
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from traindash.platform.app import METHODS
from traindash.platform.routes.endpoint import json_response
from traindash.platform.routes.repeats import Effect, Repeats, call_key, effect_of


def test_what_a_name_says() -> None:
    effects = {method.name: effect_of(method.name) for method in METHODS}
    assert effects["tasks.run.app"] is Effect.MAKES
    assert {name for name, effect in effects.items() if effect is Effect.MAKES} >= {
        "file-storage.upload",
        "entities-collections.add",
        "traindash.imports.start",
    }
    assert effects["projects.list.all"] is effects["figures.bulk.download.geometry"] is Effect.READS
    assert effects["tasks.stop"] is effects["tasks.app-v2.data.set"] is Effect.CHANGES
    assert effect_of("image-tags.bulk.add-to-image") is Effect.MAKES
    assert effect_of("things.nobody.knows") is Effect.CHANGES


@pytest.mark.parametrize("agent", ["python-requests/2.32", "curl/8"])
def test_the_same_words_at_once_are_another_call(agent: str) -> None:
    made: list[int] = []

    async def make() -> Response:
        made.append(len(made))
        return json_response(len(made))

    repeats = Repeats()

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        request = Request(scope, receive)
        key = call_key(request, await request.body())
        answer = await repeats.answer(key, Effect.MAKES, repeats.attempt(request), make)
        await answer(scope, receive, send)

    async def ask() -> list[str]:
        async with httpx.AsyncClient(transport=httpx.ASGITransport(app), headers={"user-agent": agent}) as client:
            return [(await client.post("http://x/start", json={"a": 1})).text for _ in range(3)]

    assert asyncio.run(ask()) == ["1", "2", "3"]
