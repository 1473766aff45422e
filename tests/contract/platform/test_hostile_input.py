"""Whatever a client sends, the answer is JSON and never a 5xx: clients of this API repeat those for five minutes."""

import json
from typing import Any
from urllib.parse import quote

import httpx
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from msgspec import Struct
from msgspec.structs import fields

from tests.fakes.live_platform import API, LivePlatform
from traindash.platform.app import METHODS
from traindash.platform.routes.endpoint import Method

FIELDS = sorted(
    {
        field.encode_name
        for method in METHODS
        if isinstance(method, Method) and issubclass(method.body, Struct)
        for field in fields(method.body)
    }
    | {"taskId", "command", "state", "moduleId", "agentId", "workspaceId", "params", "teamId", "path"}
)
SCALARS = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(min_value=-2, max_value=12),
    st.integers(),
    st.floats(allow_nan=False),
    st.text(max_size=12),
    st.sampled_from(["id", "name", "/", "/x/", "..", "is_running", "train_from_api", "\x00", "=", "in", "like", "%"]),
)
CONDITIONS = st.lists(
    st.fixed_dictionaries({"field": SCALARS, "operator": SCALARS, "value": SCALARS | st.lists(SCALARS, max_size=3)}),
    max_size=2,
)
CONTENT = st.lists(
    st.fixed_dictionaries(
        {
            "type": st.sampled_from(["entities_collection", "objects_class", "images_tag", "objects_tag", "x"]),
            "data": st.dictionaries(st.sampled_from(["collectionId", "classId", "tagId", "from", "to"]), SCALARS),
        }
    ),
    max_size=2,
)
JSON = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=6), inner, max_size=3),
    max_leaves=8,
)
BODIES = st.dictionaries(st.sampled_from(FIELDS), JSON | CONDITIONS | CONTENT, max_size=6)


@pytest.mark.parametrize("name", sorted(method.name for method in METHODS))
@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(body=BODIES)
def test_any_json(fuzzed: LivePlatform, name: str, body: dict[str, Any]) -> None:
    content = json.dumps(body).encode("utf-8", "surrogatepass")
    _check(fuzzed.http.post(API + name, content=content, headers={"content-type": "application/json"}), name, content)


@pytest.mark.parametrize("name", sorted(method.name for method in METHODS))
def test_any_bytes(fuzzed: LivePlatform, name: str) -> None:
    for content in (b"\x00", b"{}{}", b"null", b"[]", b'{"":{}}', b'{"id":1e400}', b"{" * 500, "é".encode("latin-1")):
        for kind in ("application/json", "application/x-www-form-urlencoded", "multipart/form-data", "", "x/y"):
            answer = fuzzed.http.post(API + name, content=content, headers={"content-type": kind})
            _check(answer, name, content)


def _check(answer: httpx.Response, name: str, content: bytes) -> None:
    assert answer.status_code < 500, f"{name} {content!r}: {answer.text}"
    if answer.status_code >= 400:
        assert set(answer.json()) == {"error", "details"}, f"{name} {content!r}"


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    place=st.sampled_from(["", "public/api/v3/", "storage/images/", "storage/files/", "previews/", "files/"]),
    rest=st.text(max_size=30),
)
def test_any_path(fuzzed: LivePlatform, place: str, rest: str) -> None:
    answer = fuzzed.http.get(f"/{place}{quote(rest.encode('utf-8', 'surrogatepass'), safe='/')}")
    assert answer.status_code < 500
