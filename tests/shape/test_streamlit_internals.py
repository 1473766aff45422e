"""Canaries of what is taken from inside Streamlit: each says in a sentence what a new version has changed."""

import ast
import logging
import re
import socket
from collections.abc import Iterator
from importlib.metadata import version
from pathlib import Path

import pytest
import streamlit as st
from streamlit.runtime.scriptrunner import RerunData, ScriptRunContext, get_script_run_ctx
from streamlit.testing.v1 import AppTest
from streamlit.web.server.starlette.starlette_server import _bind_socket

from tests.outside import ROOT
from traindash.comparison.charts.echarts import LIBRARY
from traindash.ui import streamlit_internals
from traindash.ui.opening import _MORE_PARTS, _PARTS
from traindash.ui.streamlit_internals import (
    SERVER_KEY,
    SERVER_SETTING,
    STATIC,
    client_modules,
    index_page,
    quiet_work_outside_pages,
    send_small_answers_at_once,
)

ADAPTER = Path(streamlit_internals.__file__)
HERE = f"Streamlit {version('streamlit')}"
WHERE = f"see {ADAPTER.name}"
PUBLIC = {"streamlit", "streamlit.testing.v1"}


def client_files() -> Iterator[str]:
    """Yield the scripts and style sheets of Streamlit's web client."""
    for path in (STATIC / "static").rglob("*.js"):
        yield path.read_text(encoding="utf-8", errors="replace")


@pytest.fixture(scope="module")
def client() -> str:
    """All of Streamlit's web client as one text."""
    return "\n".join(client_files())


@pytest.mark.parametrize("folder", ["core", "pages", "app.py"])
def test_only_the_adapter_imports_what_is_inside_streamlit(folder: str) -> None:
    start = ROOT / folder
    for path in [start] if start.is_file() else start.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            named = [node.module] if isinstance(node, ast.ImportFrom) else []
            named += [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            inner = [name for name in named if name and name.startswith("streamlit") and name not in PUBLIC]
            assert not inner or path == ADAPTER, f"{path} imports {inner}: take it from {ADAPTER}"


def test_caches_outside_a_run_are_not_told(caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch) -> None:
    logger = logging.getLogger(get_script_run_ctx.__module__)
    monkeypatch.setattr(logger, "level", logger.level)  # put back, for the tests that follow
    logger.setLevel(logging.WARNING)
    monkeypatch.setattr(logger, "propagate", True)
    get_script_run_ctx()
    assert "ScriptRunContext" in caplog.text, f"{HERE} tells it elsewhere, {WHERE}: quiet_work_outside_pages"
    caplog.clear()
    quiet_work_outside_pages()
    get_script_run_ctx()
    assert not caplog.text


def test_a_run_says_which_fragments_it_runs() -> None:
    assert "fragment_ids_this_run" in ScriptRunContext.__dataclass_fields__, (
        f"{HERE} no longer says which fragments a run runs; lazy parts of a page could call back a page that was left, "
        f"{WHERE}: rerun_parts"
    )
    assert "fragment_id_queue" in RerunData.__dataclass_fields__, f"{HERE} no longer runs fragments by their ids"


def test_the_client_reads_where_its_server_is(client: str) -> None:
    page = index_page()
    assert page.count(SERVER_SETTING) == 1, f"{HERE} has no script in its page to stand before, {WHERE}: index_page"
    assert page.index(SERVER_SETTING) < page.index('type="module"'), f"{HERE} loads its client first, {WHERE}"
    styled = index_page(style="a > b { color: red }")
    assert styled.index("<style>a > b {") > styled.index("<body"), f"{HERE} has no body for our style, {WHERE}"
    for name in (SERVER_SETTING.removeprefix("window."), SERVER_KEY):
        assert name in client, f"{HERE} no longer reads {name}: each page would log errors again, {WHERE}: index_page"


def test_the_parts_that_pages_need_are_files_of_the_client() -> None:
    for part in {*_PARTS, *(part for parts in _MORE_PARTS.values() for part in parts)}:
        assert client_modules([part]), f"{HERE} has no file for {part}: it comes late, {WHERE}: client_modules"
    assert len(client_modules(["EChartsChart"])) > 1, f"{HERE} writes imports otherwise, {WHERE}: client_modules"
    table, *others = client_modules(["DataFrame", "EChartsChart"])
    assert table.startswith("DataFrame."), "What is named first is not loaded first."
    assert any(name.startswith("EChartsChart.") for name in others)
    assert 'rel="modulepreload" crossorigin href="./static/js/Button.' in index_page(modules=client_modules(["Button"]))


def test_the_client_marks_what_our_styles_and_scripts_look_for(client: str) -> None:
    ours = "\n".join(
        path.read_text(encoding="utf-8") for kind in ("*.css", "*.js", "*.py") for path in (ROOT / "core").rglob(kind)
    )
    wanted = set(re.findall(r"""data-testid\^?=["']?(st[A-Z]\w+)""", ours))
    assert len(wanted) > 10
    missing = {name for name in wanted if name not in client}
    assert not missing, f"{HERE} no longer marks {sorted(missing)}: styles or scripts of ours have no effect"
    for attribute in ("data-test-script-state", "stBaseButton-"):
        assert attribute in client, f"{HERE} no longer sets {attribute}, which our scripts look at"


def test_the_client_names_the_colours_of_the_theme_as_our_styles_do(client: str) -> None:
    ours = "\n".join(path.read_text(encoding="utf-8") for path in (ROOT / "core").rglob("*.css"))
    wanted = set(re.findall(r"var\((--st-[a-z-]+)", ours))
    assert wanted
    # The client makes the names from those of the theme: --st-text-color from textColor.
    camel = {name: re.sub("-([a-z])", lambda found: found[1].upper(), name.removeprefix("--st-")) for name in wanted}
    missing = {name for name, key in camel.items() if key not in client}
    assert not missing, f"{HERE} has no theme value for {sorted(missing)}"


def test_a_menu_says_whether_it_is_open() -> None:
    assert hasattr(streamlit_internals.PopoverContainer, "open"), (
        f"{HERE}: what st.popover() returns does not say whether it is open; “Save as” would draw its files at once"
    )


def test_a_callback_can_ask_for_fragments_by_key() -> None:
    def page() -> None:
        import streamlit as st  # noqa: PLC0415 - the script stands alone

        from traindash.ui.streamlit_internals import rerun_parts  # noqa: PLC0415

        st.session_state["runs"] = st.session_state.get("runs", 0) + 1
        st.fragment(lambda: st.button("inside", on_click=rerun_parts, args=(["part"],)), key="part")()
        st.button("outside", on_click=rerun_parts, args=(["gone"],))

    app = AppTest.from_function(page).run()
    app.button[1].click().run()
    assert not app.exception, f"{HERE}: {app.exception}, {WHERE}: rerun_parts"
    assert app.session_state["runs"] == 2


def test_two_look_ups_that_are_written_alike_are_told_apart() -> None:
    """The names that `connection.lookup` gives its functions are what Streamlit tells caches apart by."""
    calls: list[str] = []

    def make(name: str) -> object:
        def same() -> str:
            calls.append(name)
            return name

        same.__qualname__ = name
        return st.cache_data(show_spinner=False)(same)()

    assert [make("one"), make("two")] == ["one", "two"], f"{HERE} no longer tells caches apart by qualified name"


def test_the_listening_socket_sends_small_answers_at_once() -> None:
    with _bind_socket("127.0.0.1", 0, 5) as listener, socket.socket() as caller:
        assert listener.proto == 0, f"{HERE} names the protocol of its socket, so asyncio sees TCP: the cure can go"
        port = listener.getsockname()[1]
        send_small_answers_at_once(port)
        caller.connect(("127.0.0.1", port))
        with listener.accept()[0] as accepted:
            assert accepted.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)
            assert not caller.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)


def test_reports_draw_with_the_release_of_echarts_that_streamlit_ships() -> None:
    """Names of options and methods come and go: of 6.0.0, one in twenty is not in Streamlit's 6.1.0."""
    text = next(STATIC.rglob("EChartsChart.*.js")).read_text(encoding="utf-8")
    _, script = LIBRARY.read_text(encoding="utf-8").split("\n", maxsplit=1)  # without its licences
    ours = set(re.findall(r"[A-Za-z_]{8,}", script))
    missing = ours - set(re.findall(r"[A-Za-z_]{8,}", text))
    assert len(missing) < len(ours) / 100, (
        "Streamlit ships another release of ECharts. Set VERSION in tools/build_echarts.sh to it, run it, and look at "
        f"the charts of a report. Not in Streamlit's: {sorted(missing)[:20]}"
    )
