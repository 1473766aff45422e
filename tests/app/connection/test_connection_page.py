"""Choosing a server: tested before it is used, kept only when asked, forgotten for good."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
import streamlit as st
from streamlit.testing.v1 import AppTest

from tests.app.wizard.stage import everything_said
from tests.fakes.in_memory import connect_in_memory
from tests.fakes.live_platform import LivePlatform, live_platform
from tests.fakes.server import FakeServer
from tests.outside import ROOT
from traindash.domain.ids import ProjectId, TaskId
from traindash.supervisely.client import SuperviselyClient
from traindash.supervisely.server_settings import ServerSetting
from traindash.ui import connection

EMBEDDED = "http://127.0.0.1:8501"


@pytest.fixture(scope="module")
def far(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LivePlatform]:
    """Another server, on a socket."""
    with live_platform(tmp_path_factory.mktemp("far") / "home") as live:
        yield live


@pytest.fixture(autouse=True)
def installed(tmp_path: Path) -> Iterator[None]:
    """The embedded platform of this process."""
    st.cache_data.clear()
    st.cache_resource.clear()
    connection.install(embedded, home=tmp_path)
    yield
    connection.close()


def embedded() -> SuperviselyClient:
    """Open a client of the embedded platform."""
    return connect_in_memory(FakeServer().app(), EMBEDDED, "own")


def open_page() -> AppTest:
    """Open the connection page in a new session."""
    app = AppTest.from_file(str(ROOT / "core" / "traindash" / "frame" / "main.py"), default_timeout=30)
    app.switch_page(str(ROOT / "pages" / "connection.py"))
    return app.run()


def add(app: AppTest, address: str, token: str, *, keep: bool = False) -> AppTest:
    """Fill in the form and press its button."""
    app.text_input(key="new-server-address").set_value(address)
    app.text_input(key="new-server-token").set_value(token)
    app.checkbox(key="new-server-keep").set_value(keep)
    return app.button(key="new-server-test").click().run()


def test_a_typed_server_is_used_in_this_session_and_leaves_nothing_on_disk(far: LivePlatform, tmp_path: Path) -> None:
    token = far.platform.token
    app = add(open_page(), far.url, token)
    said = everything_said(app)
    assert f"`{far.url}`" in said
    assert "Known in this browser session only" in said
    assert token not in said
    assert not any(token in path.read_text(errors="replace") for path in tmp_path.rglob("*") if path.is_file())
    assert f"`{EMBEDDED}`" in everything_said(open_page())


def test_a_kept_server_is_used_by_later_sessions_until_it_is_forgotten(far: LivePlatform) -> None:
    add(open_page(), far.url, far.platform.token, keep=True)
    later = open_page()
    assert f"`{far.url}`" in everything_said(later)
    later.button(key="forget-1").click().run()
    said = everything_said(later)
    assert f"`{EMBEDDED}`" in said
    assert far.url.removeprefix("http://") not in said


@pytest.mark.parametrize(
    ("address", "token", "said"),
    [
        ("two words", "x", "is not the address of a server"),
        ("http://127.0.0.1:9", "x", "cannot be reached"),
        ("", "x", "is not the address of a server"),
        ("http://127.0.0.1:9", " ", "There is no API token"),
    ],
)
def test_what_cannot_work_is_told_and_changes_nothing(address: str, token: str, said: str) -> None:
    app = add(open_page(), address, token)
    assert said in everything_said(app)
    assert connection.servers() == (connection.server(),)


def test_a_wrong_token_is_told(far: LivePlatform) -> None:
    app = add(open_page(), far.url, "wrong")
    assert "does not accept the API token" in everything_said(app)
    assert app.text_input(key="new-server-address").value == far.url


def test_a_server_that_is_written_down_is_one_click_away(far: LivePlatform, tmp_path: Path) -> None:
    connection.close()
    written = ServerSetting(source="~/supervisely.env", address=far.url, token=far.platform.token)
    connection.install(embedded, home=tmp_path, found=[written])
    app = open_page()
    assert "Written down in ~/supervisely.env" in everything_said(app)
    app.button(key="use-1").click().run()
    assert f"`{far.url}`" in everything_said(app)
    assert f"`{far.url}`" in everything_said(open_page())


def test_drafts_of_this_machine_stay_when_the_port_changes(tmp_path: Path) -> None:
    def drafts_page() -> AppTest:
        app = AppTest.from_file(str(ROOT / "core" / "traindash" / "frame" / "main.py"), default_timeout=30)
        app.switch_page(str(ROOT / "pages" / "drafts.py"))
        return app.run()

    drafts = connection.drafts()
    made = drafts.create(connection.EMBEDDED, name="Before the restart")
    drafts.update(made.id, lambda draft: replace(draft, project_id=ProjectId(55)))
    assert "Before the restart" in everything_said(drafts_page())
    connection.close()
    connection.install(lambda: connect_in_memory(FakeServer().app(), "http://127.0.0.1:9999", "own"), home=tmp_path)
    assert "Before the restart" in everything_said(drafts_page())


def test_tasks_on_another_server_are_watched_in_sight(far: LivePlatform) -> None:
    app = add(open_page(), far.url, far.platform.token)
    connection.task_completions().note(far.url, TaskId(5))
    connection.task_completions().note("https://gone.example", TaskId(6))
    app.run()
    said = everything_said(app)
    assert f"Watching 1 task on {far.url.removeprefix('http://')}." in said
    assert "Watching 1 task on gone.example. Its token is not known any more" in said


def _draw_team() -> None:
    """Draw a page that shows what a server answered; runs as a script of its own."""
    import streamlit as st  # noqa: PLC0415 - the script stands alone

    from traindash.ui import connection  # noqa: PLC0415

    st.button("Reconnect", on_click=connection.reconnect)
    st.button("Read anew", on_click=connection.forget_answers)
    st.markdown(connection.teams()[0].name)


@pytest.mark.parametrize("button", [0, 1])
def test_what_a_session_has_read_anew_stays_for_sessions_of_other_servers(
    far: LivePlatform, tmp_path: Path, button: int
) -> None:
    own = FakeServer()
    connection.close()
    connection.install(lambda: connect_in_memory(own.app(), EMBEDDED, "own"), home=tmp_path)
    here = AppTest.from_function(_draw_team).run()
    there = AppTest.from_function(_draw_team)
    there.session_state["server"], there.session_state["typed_servers"] = far.url, {far.url: far.platform.token}
    there.run()
    asked = own.calls.count("teams.list")
    there.button[button].click().run()
    here.run()
    assert own.calls.count("teams.list") == asked, "another server's answers were dropped"
    here.button[button].click().run()
    assert own.calls.count("teams.list") == asked + 1
    assert not here.exception
    assert not there.exception


def test_look_ups_of_one_source_do_not_share_answers() -> None:
    def ask(answer: str) -> connection.Lookup[[], str]:
        def answered() -> str:
            return answer

        answered.__qualname__ = answer
        return connection.lookup(seconds=60, most=5)(answered)

    first, second = ask("first"), ask("second")
    assert [first(), second(), first()] == ["first", "second", "first"]
