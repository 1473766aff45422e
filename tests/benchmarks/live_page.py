"""An open page of the dashboard without a browser: what Streamlit's client does on its WebSocket, and no drawing.

Written against Streamlit 1.67 (``starlette_websocket.py``, ``BackMsg.proto``, ``ForwardMsg.proto``).
"""

import threading
import time
from urllib.parse import urlsplit

from streamlit.proto.BackMsg_pb2 import BackMsg
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import ClientConnection, connect
from websockets.typing import Origin, Subprotocol


class LivePage(threading.Thread):
    """Opens a page and lets its parts run again as often as it asks, until it is closed."""

    def __init__(self, url: str, page: str, query: str) -> None:
        super().__init__(daemon=True)
        self._address = f"ws://{urlsplit(url).netloc}/_stcore/stream"
        self._origin, self._page, self._query = url, page, query
        self._over = threading.Event()
        self.runs = 0  # of the page or a part of it, that ended well
        self.received = 0  # bytes
        self.failures = 0

    def close(self) -> None:
        """Close the page."""
        self._over.set()
        self.join(timeout=10)

    def run(self) -> None:
        """Open it."""
        try:
            with connect(
                self._address, subprotocols=[Subprotocol("streamlit")], origin=Origin(self._origin), max_size=None
            ) as socket:
                self._show(socket)
        except (OSError, ConnectionClosed):
            if not self._over.is_set():
                self.failures += 1

    def _show(self, socket: ClientConnection) -> None:
        self._ask(socket, "")
        due: dict[str, tuple[float, float]] = {}  # part → seconds between its runs, and when the next one is
        while not self._over.is_set():
            now = time.monotonic()
            for part, (pause, at) in tuple(due.items()):
                if at <= now:
                    due[part] = pause, now + pause
                    self._ask(socket, part)
            try:
                content = socket.recv(timeout=0.05)
            except TimeoutError:
                continue
            self.received += len(content)
            message = ForwardMsg()
            message.ParseFromString(content if isinstance(content, bytes) else content.encode())
            kind = message.WhichOneof("type")
            if kind == "stop_auto_rerun":
                for part in message.stop_auto_rerun.fragment_ids:
                    due.pop(part, None)
            elif kind == "auto_rerun":
                due[message.auto_rerun.fragment_id] = message.auto_rerun.interval, now + message.auto_rerun.interval
            elif kind == "script_finished":
                self.runs += 1
                self.failures += message.script_finished not in {
                    ForwardMsg.FINISHED_SUCCESSFULLY,
                    ForwardMsg.FINISHED_FRAGMENT_RUN_SUCCESSFULLY,
                    ForwardMsg.FINISHED_EARLY_FOR_RERUN,
                }

    def _ask(self, socket: ClientConnection, part: str) -> None:
        message = BackMsg()
        message.rerun_script.query_string = self._query
        message.rerun_script.page_name = self._page
        message.rerun_script.fragment_id = part
        message.rerun_script.is_auto_rerun = bool(part)
        socket.send(message.SerializeToString())
