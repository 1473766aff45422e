"""The pages in German: nothing of what a person reads is left in English."""

import json
import re
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from streamlit.testing.v1 import AppTest
from streamlit.testing.v1.element_tree import Block

from tests.app.results.conftest import Open, add_evaluated, add_running
from tests.app.results.test_series_page import fill, keep_series, member
from tests.fakes.evaluations import Made
from tests.fakes.server import FakeServer
from tests.left_in_english import left_in_english, texts_of_html, texts_of_json
from traindash import language
from traindash.language import Language
from traindash.ui.streamlit_internals import draws_a_page

_speaks: list[Language] = []
_MARKS = re.compile(r":material/\w+:|:[\w-]+\[|[*\]]|^#+ |\\")
language.ask(lambda: _speaks[-1] if _speaks and draws_a_page() else None)


@contextmanager
def speaking_german() -> Iterator[None]:
    """Let whoever opens a page meanwhile speak German."""
    _speaks.append(Language.GERMAN)
    try:
        with language.speaking(Language.GERMAN):  # Streamlit's test client formats the choices of widgets itself
            yield
    finally:
        _speaks.clear()


@pytest.fixture(autouse=True)
def german() -> Iterator[None]:
    with speaking_german():
        yield


def _strings(message: Any) -> Iterator[str]:  # noqa: ANN401 - a message of protobuf
    for _field, value in message.ListFields():
        for one in [value] if isinstance(value, str | bytes) or not isinstance(value, Iterable) else value:
            if hasattr(one, "ListFields"):
                yield from _strings(one)
            elif isinstance(one, str):
                yield one


def _drawn(block: Block) -> Iterator[str]:
    for node in block.children.values():
        if node.proto is not None and hasattr(node.proto, "ListFields"):
            # small words are paths and names of icons
            yield from (text for text in _strings(node.proto) if not re.fullmatch("[a-z_]+", text))
        if isinstance(node, Block):
            yield from _drawn(node)


def texts_of(at: AppTest) -> list[str]:
    """Return the lines on the screen, and those that are read out or stand in tooltips, without their marks.

    What a log says is said by programs.
    """
    # The whole tree, of which Streamlit's test client has no public name: dialogs are drawn beside the page
    drawn = [text for text in _drawn(at._tree) if "cx-log" not in text]
    return [line.strip() for text in drawn for one in _inside(text) for line in _MARKS.sub("", one).split("\n")]


def _inside(text: str) -> list[str]:
    if text.startswith("{"):
        try:
            return list(texts_of_json(json.loads(text)))
        except ValueError:
            return [text]
    return texts_of_html(text) if "<" in text else [text]


def test_pages_of_tasks_and_experiments_are_wholly_german(server: FakeServer, open_page: Open) -> None:
    fill(server)
    add_evaluated(server, 5, "Second", Made())
    server.add_task(6, "stopped")
    keep_series(*(member(n, i) for i, n in enumerate("ABCD", start=1)), member("E", message="No."), member("F"))
    addresses: list[dict[str, str]] = [{"page": name} for name in ("overview", "tasks", "experiments", "agents")]
    addresses += [{"page": "connection"}, {"page": "series"}, {"page": "series", "series": "series1"}]
    addresses += [{"page": "task", "task": f"{number}"} for number in (1, 2, 3, 4, 5, 6, 99)]
    left = {}
    for address in addresses:
        page = dict(address)
        at = open_page(page.pop("page"), **page)
        assert not at.exception
        left["?".join(address.values())] = left_in_english(texts_of(at))
    assert not any(left.values()), json.dumps({page: texts for page, texts in left.items() if texts})


def test_the_beginning_is_wholly_german(server: FakeServer, open_page: Open) -> None:
    del server
    texts = [line for name in ("overview", "tasks", "experiments") for line in texts_of(open_page(name))]
    assert left_in_english(texts) == []
    assert "Noch kein Experiment" in texts


def test_another_person_reads_english_at_the_same_time(server: FakeServer, open_page: Open) -> None:
    add_running(server, 1)
    german = texts_of(open_page("task", task="1"))
    _speaks.clear()
    english = texts_of(open_page("task", task="1"))
    assert "Alle Aufgaben" in german
    assert "All tasks" in english
    assert not {"All tasks", "Search the log"} & set(german)
