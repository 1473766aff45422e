"""Everything that is taken from inside Streamlit rather than from its public API.

Each use names the version in which it was read. ``tests/shape/test_streamlit_internals.py`` fails with a sentence that
says what has changed when a later version differs; nothing else imports Streamlit's inner modules.
"""

import gc
import logging
import re
import socket
from collections.abc import Iterable, Sequence
from contextlib import suppress
from pathlib import Path

import streamlit as st
from streamlit.delta_generator import DeltaGenerator
from streamlit.elements.lib.column_types import ColumnConfig
from streamlit.elements.lib.mutable_popover_container import PopoverContainer
from streamlit.errors import StreamlitAPIException
from streamlit.runtime.scriptrunner import get_script_run_ctx

# Types of what public functions take and return; 1.67 exports none of them: DeltaGenerator is what st.container()
# returns, ColumnConfig what the makers in st.column_config return, PopoverContainer what st.popover() returns.
__all__ = [
    "ColumnConfig",
    "DeltaGenerator",
    "PopoverContainer",
    "client_modules",
    "index_page",
    "quiet_work_outside_pages",
    "rerun_parts",
    "send_small_answers_at_once",
    "table_height",
]

STATIC = Path(st.__file__).parent / "static"  # the web client as it comes with the package (1.67)
SERVER_SETTING, SERVER_KEY = "window.__streamlit", "BACKEND_BASE_URL"
_FIRST_SCRIPT, _HEAD_END, _END, _LANGUAGE = "<script", "</head>", "</body>", 'lang="en"'
CLIENT_FOLDER = STATIC / "static"  # scripts, style sheets and fonts, whose names have the hash of what is in them
_ICONS = "MaterialSymbols-Rounded"
_MODULES = CLIENT_FOLDER / "js"  # one file for each part
_IMPORTS = re.compile(r'(?:from|import)"\./([\w.$-]+\.js)"')
# Pixels of a row of st.dataframe and of its head with our font size of 15 px, and of its border at top and bottom
# (1.67, measured in Chromium). A table that is one pixel too low gets a scroll bar of its own.
_ROW, _BORDER = 33, 3


def quiet_work_outside_pages() -> None:
    """Keep out of the log that caches are used outside a page's run; call once the server has set up its loggers.

    What a download button makes when it is pressed is made in a thread of the server, and each look into a cache there
    writes "missing ScriptRunContext" (1.67): a hundred lines for a report.
    """
    logging.getLogger(get_script_run_ctx.__module__).setLevel(logging.ERROR)


def draws_a_page() -> bool:
    """Return whether this thread runs the script of a page, without the warning that asking for more would log."""
    return get_script_run_ctx(suppress_warning=True) is not None


def table_height(rows: int, most: int | None = None) -> int:
    """Return the height in pixels of a ``st.dataframe`` that shows all of its rows, or so many and half of the next.

    Streamlit has no height for "all rows, but no more than these": ``"auto"`` ends at ten, ``"content"`` never (1.67).
    """
    if most is None or rows <= most:
        return _ROW * (rows + 1) + _BORDER
    return _ROW * (most + 1) + _ROW // 2 + _BORDER  # what is cut says that there is more


def rerun_parts(keys: Sequence[str]) -> None:
    """Run the fragments with these keys, from a callback of a component; where the whole page runs, it is left at that.

    ``st.rerun(keys)`` in a callback replaces the run that carries it, even that of the next page (1.67): an answer of a
    component that comes late would call a page back which the person has left. Whether this run is one of fragments
    only is said by no public function.
    """
    running = get_script_run_ctx()
    if running is not None and running.fragment_ids_this_run:
        with suppress(StreamlitAPIException):  # no fragment has such a key any more: the page was left meanwhile
            st.rerun(keys)


def client_modules(parts: Iterable[str]) -> tuple[str, ...]:
    """Return the files of parts of the client (``Button``, ``EChartsChart``), each followed by all that it imports.

    A part that there is no file of is left out: it would only be loaded later, as Streamlit does.
    """
    found: dict[str, None] = {}
    waiting = [path.name for part in reversed([*parts]) for path in _MODULES.glob(f"{part}.*.js")]
    while waiting:
        name = waiting.pop()
        if name not in found:
            found[name] = None
            waiting += _IMPORTS.findall((_MODULES / name).read_text(encoding="utf-8"))
    return tuple(found)


def index_page(script: str = "", style: str = "", modules: Iterable[str] = (), *, language: str = "en") -> str:
    """Return the HTML page that loads Streamlit's client, told where its server is; a script of ours runs before it.

    ``modules`` are what the client will need for the page, see :func:`client_modules`. It asks for each part only when
    the first one of its kind arrives (1.67), which is two waits after the other: for the script, then for the part.

    A style of ours is there from the first moment on. One that came with ``st.html`` would come after the things that
    it is about, which then jump, and again with every run of a page. It stands in the body, behind what the client adds
    to the head (1.67), so that of equal rules ours hold.

    Without being told the client asks below its own path first (``/compare/_stcore/health``) and logs two errors in the
    browser's console on every load of a page. It reads the answer from ``window.__streamlit`` before it asks (1.67).
    """
    html = (STATIC / "index.html").read_text(encoding="utf-8").replace(_LANGUAGE, f'lang="{language}"', 1)
    told = f"<script>{SERVER_SETTING} = {{ {SERVER_KEY}: location.origin }}; {script}</script>"
    ahead = "".join(
        f'<link rel="modulepreload" crossorigin href="./static/js/{name}">' for name in modules if name not in html
    )
    # The letters of icons: asked for with the page, and not when the first icon is drawn.
    ahead += "".join(
        f'<link rel="preload" as="font" type="font/woff2" crossorigin href="./static/media/{path.name}">'
        for path in CLIENT_FOLDER.glob(f"media/{_ICONS}.*.woff2")
    )
    # Run, too, while the server is being asked for the page: a part that is not there yet shows a place of its own at
    # first, as high as a button, and what takes that place may have to wait for half a second (React 18.3).
    run = "".join(f'import("./static/js/{name}");' for name in modules)
    styled = html.replace(_HEAD_END, ahead + _HEAD_END, 1).replace(
        _END, f'<script type="module">{run}</script><style>{style}</style>{_END}', 1
    )
    return styled.replace(_FIRST_SCRIPT, told + _FIRST_SCRIPT, 1)


def send_small_answers_at_once(port: int) -> None:
    """Switch Nagle's algorithm off on the server's listening socket; connections that it accepts inherit that.

    Streamlit makes the socket without naming its protocol (1.67, ``_bind_socket``). asyncio does not take such a socket
    for TCP and leaves the delay on: each call over a kept connection takes 44 ms instead of 1 ms.
    """
    # Streamlit hands the socket to uvicorn and to nobody else, and does both before it imports the application. A
    # duplicate of its descriptor would do on Linux; on Windows sockets are no descriptors.
    sockets = (item for item in gc.get_objects() if type(item) is socket.socket and item.fileno() != -1)
    for item in sockets:
        if item.family in {socket.AF_INET, socket.AF_INET6} and item.getsockname()[1] == port:
            item.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
