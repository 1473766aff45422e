"""Lists that come in pages, from servers that behave and servers that do not."""

from typing import Any

import pytest

from tests.unit.supervisely.scripted import Scripted, page
from traindash.supervisely.errors import ContractError
from traindash.supervisely.resources import read_all

ROWS: list[dict[str, Any]] = [{"id": number, "name": f"row {number}"} for number in range(1, 8)]


def _serve(rows: list[dict[str, Any]], per_page: int = 3) -> Scripted:
    def answer(body: dict[str, Any]) -> dict[str, Any]:
        size = body.get("per_page", per_page)
        start = (body.get("page", 1) - 1) * size
        chosen = rows[start : start + size]
        return page(chosen, total=len(rows), per_page=size, pages=-(-len(rows) // size))

    server = Scripted()
    server.add("teams.list", answer)
    return server


@pytest.mark.parametrize("count", [0, 1, 3, 4, 7])
def test_all_pages_are_read_in_order(count: int) -> None:
    server = _serve(ROWS[:count])
    with server.transport() as transport:
        assert list(read_all(transport, "teams.list", {"x": 1})) == ROWS[:count]


def test_the_first_request_has_no_page_and_the_rest_keep_the_first_page_size() -> None:
    server = _serve(ROWS)
    with server.transport() as transport:
        read_all(transport, "teams.list", {"x": 1})
    common = {"x": 1, "filter": [], "sort": "id", "sort_order": "asc"}
    pages = [{}, {"page": 2, "per_page": 3}, {"page": 3, "per_page": 3}]
    assert server.calls == [("teams.list", {**common, **more}) for more in pages]


def test_a_row_that_moves_to_the_next_page_counts_once() -> None:
    server = Scripted()
    server.add("teams.list", page(ROWS[:3], total=4, per_page=3, pages=2), page(ROWS[2:4], total=4, pages=2))
    with server.transport() as transport:
        assert [row["id"] for row in read_all(transport, "teams.list", {})] == [1, 2, 3, 4]
    assert len(server.calls) == 2


def test_a_list_that_changed_on_the_way_is_read_again() -> None:
    server = Scripted()
    torn = [page(ROWS[:3], total=5, per_page=3, pages=2), page(ROWS[4:5], total=5, per_page=3, pages=2)]
    whole = [page(ROWS[:3], total=4, per_page=3, pages=2), page(ROWS[3:4], total=4, per_page=3, pages=2)]
    server.add("teams.list", *torn, *whole)
    with server.transport() as transport:
        assert list(read_all(transport, "teams.list", {})) == ROWS[:4]


def test_a_server_with_a_page_size_of_its_own_is_read_by_it() -> None:
    def answer(body: dict[str, Any]) -> dict[str, Any]:
        size = 4 if "page" in body else 1  # whatever it was asked for
        start = (body.get("page", 1) - 1) * size
        return page(ROWS[start : start + size], total=len(ROWS), per_page=size, pages=-(-len(ROWS) // size))

    server = Scripted()
    server.add("teams.list", answer)
    with server.transport() as transport:
        assert list(read_all(transport, "teams.list", {})) == ROWS


def test_pages_without_rows_end_a_walk() -> None:
    server = Scripted()
    server.add("teams.list", page(ROWS[:3], total=9, pages=10**9), page([], total=9, pages=10**9))
    with server.transport() as transport, pytest.raises(ContractError, match="misses rows"):
        read_all(transport, "teams.list", {})


def test_missing_rows_are_noticed() -> None:
    server = Scripted()
    server.add("teams.list", page(ROWS[:3], total=5, pages=1))
    with server.transport() as transport, pytest.raises(ContractError, match="speaks of 5 and gives 3") as caught:
        read_all(transport, "teams.list", {})
    assert caught.value.field == "entities"


@pytest.mark.parametrize("key", ["total", "perPage", "pagesCount", "entities"])
def test_every_key_of_a_page_is_needed_and_named(key: str) -> None:
    server = Scripted()
    server.add("teams.list", {name: value for name, value in page(ROWS[:1]).items() if name != key})
    with server.transport() as transport, pytest.raises(ContractError, match=rf"teams\.list.*{key}") as caught:
        read_all(transport, "teams.list", {})
    assert caught.value.field == key
