"""How the API takes requests and says no (docs/supervisely-api.md 1)."""

import json
import socket
import ssl
from typing import Any

import httpx
import pytest

from tests.fakes.live_platform import API, LivePlatform
from traindash.platform.app import METHODS
from traindash.platform.routes import workload

MUST_HAVE = {
    "teams.list",
    "file-storage.list",
    "file-storage.download",
    "file-storage.info",
    "projects.info",
    "projects.meta",
    "ecosystem.list",
    "agents.available",
    "tasks.run.app",
    "tasks.request.direct",
    "tasks.info",
    "instance.version",
}


def _error(answer: httpx.Response) -> dict[str, Any]:
    body: dict[str, Any] = answer.json()
    assert set(body) == {"error", "details"}
    assert body["details"]["message"] == body["error"]
    return body


def test_must_have_methods_exist() -> None:
    assert {method.name for method in METHODS} >= MUST_HAVE


@pytest.mark.parametrize("key", [None, "", "wrong", "é"])
def test_no_key_no_answer(server: LivePlatform, key: str | None) -> None:
    headers = {} if key is None else {b"x-api-key": key.encode()}
    answer = httpx.post(server.url + API + "teams.list", json={}, headers=headers)
    assert answer.status_code == 401
    assert "token" in _error(answer)["error"]


def test_without_key_nobody_learns_which_methods_exist(server: LivePlatform) -> None:
    assert httpx.post(server.url + API + "no.such.method", json={}).status_code == 401


@pytest.mark.parametrize("path", [API + "no.such.method", "/public/api/v2/teams.list", API + "teams.list/x"])
def test_unknown_methods_are_404_json(server: LivePlatform, path: str) -> None:
    answer = server.http.post(path, json={})
    assert answer.status_code == 404
    _error(answer)


@pytest.mark.parametrize(
    ("body", "said"),
    [
        (b"{", "JSON"),
        (b"\xff\xfe", "JSON"),
        (b"[1]", "object"),
        (b'"text"', "object"),
        (b'{"id": NaN}', "JSON"),
        (b'{"id": "\\ud800"}', "JSON"),
        (b"[" * 100_000, "JSON"),
        (b'{"id": ' + b"9" * 30 + b"}", "'id'"),
        (b'{"id": "five"}', "'id'"),
        (b'{"id": true}', "'id'"),
        (b'{"id": [1]}', "'id'"),
        (b"{}", "'id'"),
        (b"", "'id'"),
    ],
)
def test_bad_bodies_are_400_and_name_the_field(server: LivePlatform, body: bytes, said: str) -> None:
    answer = server.http.post(API + "projects.info", content=body, headers={"content-type": "application/json"})
    assert answer.status_code == 400
    assert said in _error(answer)["error"]


def test_a_huge_body_is_refused(server: LivePlatform) -> None:
    body = json.dumps({"id": 1, "padding": "x" * (33 * 2**20)})
    answer = server.http.post(API + "projects.info", content=body)
    assert answer.status_code == 400
    assert "larger" in _error(answer)["error"]


def test_infinity_by_overflow_comes_back_as_null(own_server: LivePlatform) -> None:
    body = b'{"id": 1, "customData": {"a": 1e999}}'
    answer = own_server.http.post(API + "projects.editInfo", content=body)
    assert answer.status_code == 200
    assert answer.json()["customData"] == {"a": None}


def test_reads_answer_get_with_query_and_forms_too(server: LivePlatform) -> None:
    by_query = server.http.get(API + "projects.info", params={"id": 1}).json()
    by_form = server.http.request("GET", API + "projects.info", data={"id": "1"}).json()  # as the SDK does once
    assert by_query == by_form == server.call("projects.info", id=1)


def test_other_verbs_are_refused(server: LivePlatform) -> None:
    answer = server.http.delete(API + "projects.info")
    assert answer.status_code == 405
    _error(answer)


def test_ids_that_do_not_exist_are_404(server: LivePlatform) -> None:
    for method in ("projects.info", "projects.meta", "projects.stats", "datasets.info", "images.info", "tasks.info"):
        for wanted in (0, -1, 99_999, 2**63 - 1):
            answer = server.post(method, id=wanted)
            assert answer.status_code == 404, method
            assert str(wanted) in _error(answer)["error"]


def test_every_answer_is_careful_with_browsers(server: LivePlatform) -> None:
    headers = server.post("instance.version").headers
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["x-frame-options"] == "SAMEORIGIN"
    assert headers["referrer-policy"] == "no-referrer"
    assert "frame-ancestors" in headers["content-security-policy"]


def test_a_form_without_content_ends_soon(server: LivePlatform, monkeypatch: pytest.MonkeyPatch) -> None:
    """The SDK repeats an upload so, and a 408 would make it do that ten times."""
    monkeypatch.setattr(workload, "UNSENT_SECONDS", 0.05)
    head = (
        f"POST {API}file-storage.bulk.upload?teamId=1 HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 500\r\n"
        f"x-api-key: {server.platform.token}\r\nContent-Type: multipart/form-data; boundary=abc\r\n\r\n"
    )
    with socket.create_connection(("127.0.0.1", httpx.URL(server.url).port or 0), timeout=5) as plain:
        plain.sendall(head.encode())
        answer = plain.recv(1000).decode()
    assert answer.startswith("HTTP/1.1 400")


def test_the_tls_probe_of_the_sdk_ends_at_once(server: LivePlatform) -> None:
    port = int(server.url.rsplit(":", 1)[1])
    context = ssl.create_default_context()
    with socket.create_connection(("127.0.0.1", port), timeout=5) as plain, pytest.raises(ssl.SSLError):
        context.wrap_socket(plain, server_hostname="localhost")
