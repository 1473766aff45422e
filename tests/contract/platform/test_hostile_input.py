"""Whatever a client sends, the answer is JSON and never a 5xx: clients of this API repeat those for five minutes."""

import json
from random import Random
from urllib.parse import quote

import httpx
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.fakes.live_platform import API, LivePlatform
from tests.request_bodies import random_fields, random_request
from traindash.platform.app import METHODS

NAMES = sorted(method.name for method in METHODS)
_QUICK = settings(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


@pytest.mark.parametrize("name", NAMES)
@_QUICK
@given(random=st.randoms(use_true_random=False))
def test_any_body(fuzzed: LivePlatform, name: str, random: Random) -> None:
    sent = random_request(random, name)
    answer = fuzzed.http.post(f"{API}{name}?{sent.query}", content=sent.content, headers=sent.headers)
    _check(answer, name, sent.content)


@pytest.mark.parametrize("name", NAMES)
@settings(parent=_QUICK, max_examples=5)
@given(random=st.randoms(use_true_random=False))
def test_any_query(fuzzed: LivePlatform, name: str, random: Random) -> None:
    fields = list(random_fields(random, name).items())[:20]
    query = "&".join(f"{_quoted(key)}={_quoted(value)}" for key, value in fields)
    _check(fuzzed.http.get(f"{API}{name}?{query[:20_000]}"), name, query.encode())


def _quoted(value: object) -> str:
    text = value if isinstance(value, str) else json.dumps(value)
    return quote(text.encode("utf-8", "surrogatepass"), safe="")


@pytest.mark.parametrize("name", NAMES)
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


FORM = (
    b'--B\r\nContent-Disposition: form-data; name="path"\r\n\r\n%s\r\n'
    b'--B\r\nContent-Disposition: form-data; name="file"; filename=%s\r\n\r\nx\r\n--B--\r\n'
)


@pytest.mark.parametrize("method", ["file-storage.upload", "file-storage.bulk.upload"])
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    folder=st.sampled_from([b"/", b"/" + b"d/" * 1000, b"/\xff", b"/..", b"", b"/a\x00"]) | st.binary(max_size=30),
    name=st.sampled_from([b'"x.txt"', b"a;b=c", b'"a;b=c"', b'"' + b"x" * 300 + b'"', b'"\xed\xa0\x80"', b'"', b""])
    | st.binary(max_size=30),
)
def test_any_form(fuzzed: LivePlatform, method: str, folder: bytes, name: bytes) -> None:
    content = FORM % (folder, name)
    headers = {"content-type": "multipart/form-data; boundary=B"}
    _check(fuzzed.http.post(f"{API}{method}?teamId=1", content=content, headers=headers), method, content)


@pytest.mark.parametrize("path", ["/" + "d/" * 1000 + "x", "/a;b=c", "/" + "x" * 300, "/%ED%A0%80", "/%00", "/..", "/"])
def test_any_path_of_an_upload(fuzzed: LivePlatform, path: str) -> None:
    answer = fuzzed.http.post(f"{API}file-storage.upload?teamId=1&path={path}", content=b"x")
    _check(answer, "file-storage.upload", path.encode())


@pytest.mark.parametrize(
    "path", ["~nosuchuser/x", "/" + "x" * 300, "/x" * 2000, "relative", "\x00", "/dev/zero", "/\x07"]
)
def test_any_path_of_an_import(fuzzed: LivePlatform, path: str) -> None:
    answer = fuzzed.post("traindash.imports.inspect", path=path)
    assert answer.status_code == 400
    assert len(answer.json()["error"]) < 400


def test_a_form_that_breaks_off_stores_nothing(fuzzed: LivePlatform) -> None:
    part = b'--B\r\nContent-Disposition: form-data; name="%s"%s\r\n\r\n%s'
    whole = part % (b"path", b"", b"/broken\r\n") + part % (b"file", b'; filename="a"', b"x\r\n")
    body = whole + part % (b"file", b'; filename="b"', b"half of")
    headers = {"content-type": "multipart/form-data; boundary=B"}
    answer = fuzzed.http.post(f"{API}file-storage.bulk.upload?teamId=1", content=body, headers=headers)
    assert answer.status_code == 400
    assert fuzzed.call("file-storage.list", teamId=1, path="/broken") == []


def test_nothing_of_a_client_is_answered_at_length(fuzzed: LivePlatform) -> None:
    for name, body in (
        ("images.list", {"projectId": 1, "filter": [{"field": "x" * 900}]}),
        ("images.list", {"projectId": 1, "sort": "x" * 100_000}),
        ("file-storage.download", {"teamId": 1, "path": "/" + "x" * 4000}),
        ("x" * 5000, {}),
    ):
        answer = fuzzed.http.post(API + name, json=body)
        assert 400 <= answer.status_code < 500
        assert len(answer.json()["error"]) < 400
