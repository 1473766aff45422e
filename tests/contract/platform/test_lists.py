"""Pages, filters and sort of list methods (docs/supervisely-api.md 2)."""

from collections.abc import Sequence
from typing import Any

import pytest

from tests.fakes.live_platform import LivePlatform

IMAGES = 9


def _images(server: LivePlatform, **body: object) -> dict[str, Any]:
    answer = server.call("images.list", projectId=1, **body)
    assert isinstance(answer, dict)
    return answer


def _ids(page: dict[str, Any]) -> list[int]:
    return [entity["id"] for entity in page["entities"]]


def _filter(field: str, operator: str, value: object) -> list[dict[str, object]]:
    return [{"field": field, "operator": operator, "value": value}]


@pytest.mark.parametrize(
    ("method", "body"),
    [
        ("teams.list", {}),
        ("workspaces.list", {"teamId": 1}),
        ("projects.list", {"workspaceId": 1}),
        ("projects.list", {"groupId": 1}),
        ("datasets.list", {"projectId": 1, "recursive": True}),
        ("datasets.list.all", {}),
        ("images.list", {"datasetId": 1}),
        ("annotations.list", {"datasetId": 1}),
        ("entities-collections.list", {"projectId": 1, "type": "default"}),
        ("agents.list", {"teamId": 1}),
        ("ecosystem.list", {"categories": ["train"], "categoriesOperation": "and"}),
        ("ecosystem.models.list", {}),
        ("tasks.list", {"workspaceId": 1}),
        ("apps.list", {"teamId": 1}),
        ("apps.tasks.list", {"teamId": 1, "appId": 1}),
    ],
)
def test_every_list_has_all_keys_of_a_page(server: LivePlatform, method: str, body: dict[str, object]) -> None:
    page = server.call(method, filter=[], sort="id", sort_order="asc", **body)
    assert isinstance(page, dict)
    assert {"total", "perPage", "pagesCount", "entities"} <= set(page)
    assert page["total"] == len(page["entities"])
    assert page["pagesCount"] == 1


def test_walking_the_pages_meets_everything_once(server: LivePlatform) -> None:
    first = _images(server, per_page=4)
    assert (first["total"], first["perPage"], first["pagesCount"]) == (IMAGES, 4, 3)
    ids = _ids(first)
    for number in (2, 3):
        ids += _ids(_images(server, page=number, per_page=first["perPage"]))
    assert ids == sorted(set(ids))
    assert len(ids) == IMAGES
    assert _ids(_images(server, page=99, per_page=4)) == []


def test_walking_by_token_meets_everything_once(server: LivePlatform) -> None:
    page = _images(server, pagination_mode="token", per_page=4)
    ids = _ids(page)
    while page["after"] is not None:
        page = _images(server, pagination_mode="token", per_page=4, after=page["after"])
        ids += _ids(page)
    assert len(ids) == len(set(ids)) == IMAGES


def test_a_page_is_never_longer_than_the_limit(server: LivePlatform) -> None:
    assert _images(server, per_page=10**9)["perPage"] == 20_000


@pytest.mark.parametrize(
    ("conditions", "names"),
    [
        (_filter("id", "in", [1, 2]), ["a0.png", "a1.png"]),
        (_filter("id", "in", []), []),
        (_filter("id", "=", 3), ["a2.png"]),
        (_filter("id", "eq", "3"), ["a2.png"]),
        (_filter("id", "!in", [1, 2, 3, 4, 5, 6]), ["b0.png", "b1.png", "b2.png"]),
        (_filter("id", ">", 7), ["b1.png", "b2.png"]),
        (_filter("id", "<=", 1), ["a0.png"]),
        (_filter("name", "=", "b1.png"), ["b1.png"]),
        (_filter("name", "like", "b"), ["b0.png", "b1.png", "b2.png"]),
        (_filter("name", "like", "B"), []),
        (_filter("name", "ilike", "B1%"), ["b1.png"]),
        (_filter("name", "like", "%[0]%"), []),
        (_filter("name", "!like", "a"), ["b0.png", "b1.png", "b2.png"]),
        (_filter("name", "not", "a0.png") + _filter("id", "<", 3), ["a1.png"]),
        (_filter("name", "=", "' OR 1=1 --"), []),
        (_filter("hash", "=", None), []),
        ([{"field": "id", "value": 2}], ["a1.png"]),
    ],
)
def test_filters(server: LivePlatform, conditions: Sequence[object], names: list[str]) -> None:
    assert [entity["name"] for entity in _images(server, filter=conditions)["entities"]] == names


@pytest.mark.parametrize(
    ("conditions", "said"),
    [
        (_filter("password", "=", 1), "'password'"),
        (_filter("id; DROP TABLE images", "=", 1), "DROP"),
        (_filter("id", "~", 1), "'~'"),
        (_filter("id", "=", "one"), "'id'"),
        (_filter("id", "=", {"a": 1}), "'id'"),
        (_filter("id", "like", "1"), "'like'"),
        (_filter("name", "=", 5), "'name'"),
        (_filter("name", "like", "%" * 5000), "'name'"),
        ([{"operator": "="}], "field"),
        (["x"], "filter.0"),
        ("x", "filter"),
        ({"a": 1}, "filter"),
    ],
)
def test_filters_that_make_no_sense_are_refused(server: LivePlatform, conditions: object, said: str) -> None:
    answer = server.post("images.list", projectId=1, filter=conditions)
    assert answer.status_code == 400
    assert said in answer.json()["error"]


def test_sort(server: LivePlatform) -> None:
    names = [entity["name"] for entity in _images(server, sort="name", sort_order="desc")["entities"]]
    assert names == sorted(names, reverse=True)
    refused = server.post("images.list", projectId=1, sort="(SELECT 1)")
    assert refused.status_code == 400
    assert "name" in refused.json()["details"]["hint"]


@pytest.mark.parametrize("wrong", [{"page": 0}, {"page": -1}, {"per_page": 0}, {"page": "two"}, {"page": 2**63}])
def test_pages_that_cannot_be(server: LivePlatform, wrong: dict[str, object]) -> None:
    assert server.post("images.list", projectId=1, **wrong).status_code == 400


def test_a_foreign_token_is_refused(server: LivePlatform) -> None:
    answer = server.post("images.list", projectId=1, pagination_mode="token", after="abc")
    assert answer.status_code == 400
    assert "'after'" in answer.json()["error"]
