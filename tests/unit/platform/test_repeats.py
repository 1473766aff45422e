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
    assert effect_of("annotations.bulk.add") is Effect.CHANGES, "it replaces what is drawn"
    assert effect_of("image-tags.bulk.add-to-image") is Effect.MAKES
    assert effect_of("things.nobody.knows") is Effect.CHANGES


SDK = "python-requests/2.32"


@pytest.mark.parametrize(
    ("pauses", "agent", "meanwhile", "answers"),
    [
        ((0.0, 0.2), SDK, False, ["1", "2", "3"]),  # a script that means each
        ((1.01, 2.1), SDK, False, ["1", "1", "1"]),  # what the SDK does when it gets no answer twice
        ((1.01, 0.1), SDK, False, ["1", "1", "2"]),
        ((0.9, 1.6), SDK, False, ["1", "2", "3"]),
        ((1.01, 2.1), SDK, True, ["1", "2", "3"]),  # who goes on has had the answer
        ((1.01, 2.1), "curl/8", False, ["1", "2", "3"]),
        ((400.0, 400.0), SDK, False, ["1", "2", "3"]),
    ],
)
def test_the_same_words_are_a_repeat_after_the_pause_of_the_sdk(
    pauses: tuple[float, ...], agent: str, *, meanwhile: bool, answers: list[str]
) -> None:
    made, now = [0], [0.0]

    async def make() -> Response:
        made[0] += 1
        return json_response(made[0])

    repeats = Repeats(lambda: now[0])

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        request = Request(scope, receive)
        attempt = repeats.attempt(request)
        if request.url.path == "/list":
            await json_response([])(scope, receive, send)
            return
        key = call_key(request, await request.body())
        answer = await repeats.answer(key, Effect.MAKES, attempt, make)
        await answer(scope, receive, send)

    async def ask() -> list[str]:
        seen: list[str] = []
        async with httpx.AsyncClient(transport=httpx.ASGITransport(app), headers={"user-agent": agent}) as client:
            for pause in (0.0, *pauses):
                now[0] += pause
                if meanwhile:
                    await client.post("http://x/list")
                seen.append((await client.post("http://x/start", json={"a": 1})).text)
        return seen

    assert asyncio.run(ask()) == answers
