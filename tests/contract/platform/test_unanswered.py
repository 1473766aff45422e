"""What the server before this one made and could not answer is not made twice (docs/supervisely-api.md 1.3)."""

from typing import Any

import pytest

from tests.fakes.live_platform import LivePlatform
from tests.fakes.small_platform import wait_for
from traindash.platform.store import unanswered

_RECTANGLE = {"points": {"exterior": [[1, 1], [9, 9]], "interior": []}}
_FIGURE = {"classTitle": "box", "geometryType": "rectangle", "tags": [], **_RECTANGLE}
CALLS: list[tuple[str, dict[str, Any], str]] = [
    ("projects.add", {"workspaceId": 1, "name": "New"}, "projects"),
    ("projects.clone", {"id": 1, "workspaceId": 1, "name": "Copy"}, "images"),
    ("datasets.add", {"projectId": 1, "name": "new"}, "datasets"),
    ("workspaces.add", {"teamId": 1, "name": "new"}, "workspaces"),
    ("entities-collections.add", {"projectId": 1, "name": "new"}, "collections"),
    ("images.bulk.add", {"datasetId": 3, "images": [{"title": "n.png", "imageId": 1}]}, "images"),
    ("figures.bulk.add", {"entityId": 1, "figures": [_FIGURE]}, "image_classes"),
    ("tags.bulk.add", {"projectId": 1, "tags": [{"title": "new", "settings": {"type": "none"}}]}, "tags"),
]


def _count(server: LivePlatform, table: str) -> int:
    column = "sum(objects)" if table == "image_classes" else "count(*)"
    with server.platform.services.database.read() as connection:
        return int(connection.execute(f"SELECT {column} FROM {table}").fetchone()[0])  # noqa: S608 - constants


@pytest.mark.parametrize(("method", "body", "table"), CALLS, ids=[method for method, _, _ in CALLS])
def test_the_next_server_gives_the_answer(
    own_server: LivePlatform, monkeypatch: pytest.MonkeyPatch, method: str, body: dict[str, Any], table: str
) -> None:
    before = _count(own_server, table)
    with monkeypatch.context() as lost:
        lost.setattr(unanswered.UnansweredWrites, "forget", lambda *_: None)  # the answer goes nowhere
        first = own_server.call(method, **body)
        made = _count(own_server, table)
        lost.setattr(unanswered, "_SERVER", "the next one")
        own_server.platform.services.unanswered.recover()
        assert own_server.call(method, **body) == first
    assert _count(own_server, table) == made > before


def test_what_was_answered_is_made_again(own_server: LivePlatform, monkeypatch: pytest.MonkeyPatch) -> None:
    method, body, _ = CALLS[6]
    answers = [own_server.call(method, **body)]
    wait_for(lambda: _count(own_server, "unanswered_writes") == 0, "the answer is known to be out")
    monkeypatch.setattr(unanswered, "_SERVER", "the next one")
    own_server.platform.services.unanswered.recover()
    answers.append(own_server.call(method, **body))
    assert answers[0] != answers[1]


def test_an_answer_that_nobody_knows_is_told(own_server: LivePlatform, monkeypatch: pytest.MonkeyPatch) -> None:
    method, body, table = CALLS[6]
    monkeypatch.setattr(unanswered.UnansweredWrites, "forget", lambda *_: None)
    monkeypatch.setattr(unanswered.UnansweredWrites, "keep", lambda *_: None)  # the server died in between
    own_server.call(method, **body)
    made = _count(own_server, table)
    monkeypatch.setattr(unanswered, "_SERVER", "the next one")
    own_server.platform.services.unanswered.recover()
    answer = own_server.post(method, **body)
    assert answer.status_code == 409
    assert "before it could answer" in answer.json()["error"]
    assert _count(own_server, table) == made
