"""How quick the official SDK uploads small images to this server, beside a stub that answers the same calls at once.

Run as ``python -m tests.benchmarks.sdk_upload --sdk PYTHON [--images N] [--rounds N]``. Both servers are processes of
their own with the same HTTP server; the SDK uploads the same pictures to each in turn, since the machine may be busy
with other things. The stub does nothing: it reads each body, answers what the SDK needs, and keeps no picture.
"""

import argparse
import json
import os
import re
import socket
import statistics
import subprocess
import sys
import tempfile
from base64 import b64encode
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from hashlib import sha256
from pathlib import Path

import numpy as np
import uvicorn
from PIL import Image
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

from tests.outside import ROOT
from tests.server import DashboardProcess
from traindash.platform.home import read_token

_UPLOAD = """
import json, os, sys, time
from pathlib import Path
import supervisely as sly
sly.logger.setLevel("ERROR")
address, token, folder, name = sys.argv[1:]
api = sly.Api(address, token)
project = api.project.create(1, name, change_name_if_conflict=True)
meta = sly.ProjectMeta([sly.ObjClass("bolt", sly.Rectangle)])
api.project.update_meta(project.id, meta)
dataset = api.dataset.create(project.id, "one")
paths = sorted(Path(folder).iterdir())
bolt = sly.ProjectMeta.from_json(api.project.get_meta(project.id)).get_obj_class("bolt")
start, busy = time.perf_counter(), time.process_time()
infos = api.image.upload_paths(dataset.id, [path.name for path in paths], [str(path) for path in paths])
images, cpu = time.perf_counter() - start, time.process_time() - busy
assert len(infos) == len(paths)
drawn = sly.Annotation((96, 128), [sly.Label(sly.Rectangle(5, 5 + n, 30, 30 + n), bolt) for n in range(3)])
start = time.perf_counter()
api.annotation.upload_anns([info.id for info in infos], [drawn] * len(infos))
print(json.dumps({"images": images, "cpu": cpu, "annotations": time.perf_counter() - start}))
"""


_META = {"classes": [{"id": 1, "title": "bolt", "shape": "rectangle", "color": "#FF0000"}], "tags": []}
_PAGE = {"total": 0, "perPage": 500, "pagesCount": 1, "entities": []}
_ANSWERS: dict[str, object] = {
    "images.internal.hashes.list": [],
    "projects.meta": _META,
    "projects.meta.update": _META,
    "projects.list": _PAGE,
    "datasets.list": _PAGE,
    "instance.version": {"version": "6.18.3"},
}


class _Stub:
    """What the SDK needs to go on, and nothing else."""

    def __init__(self) -> None:
        self._ids = 0

    async def answer(self, request: Request) -> JSONResponse:
        body, method = await request.body(), request.path_params["method"]
        if method == "images.bulk.upload":
            found: object = [{"hash": digest} for digest in _hashes(body, request.headers["content-type"])]
        elif method == "images.bulk.add":
            found = [self._image(image) for image in json.loads(body)["images"]]
        elif method == "images.info":
            found = self._image({"title": "a.jpg", "hash": "x"})
        else:
            found = _ANSWERS.get(method, {"id": 1, "name": "x", "projectId": 1, "workspaceId": 1, "settings": {}})
        return JSONResponse(found)

    def _image(self, sent: dict[str, str]) -> dict[str, object]:
        self._ids += 1
        name, digest = sent["title"], sent["hash"]
        return {"id": self._ids, "name": name, "hash": digest, "mime": "image/jpeg", "datasetId": 1, "meta": {}}


def _hashes(body: bytes, content_type: str) -> Iterator[str]:
    boundary = b"--" + re.findall(r'boundary="?([^";]+)', content_type)[0].encode()
    for part in body.split(boundary)[1:-1]:
        content = part.partition(b"\r\n\r\n")[2].removesuffix(b"\r\n")
        yield b64encode(sha256(content).digest()).decode()


def serve_stub() -> None:
    """Answer until the process is ended; say the address first."""
    app = Starlette(routes=[Route("/public/api/v3/{method:path}", _Stub().answer, methods=["GET", "POST"])])
    # Named as TCP, or asyncio leaves the delay of small answers on; with the parser of the dashboard's own server.
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP) as listening:
        listening.bind(("127.0.0.1", 0))
        say(f"http://127.0.0.1:{listening.getsockname()[1]}")
        uvicorn.Server(uvicorn.Config(app, log_level="error")).run([listening])


@contextmanager
def stub() -> Iterator[str]:
    """Run the stub and give its address."""
    command = [sys.executable, "-m", "tests.benchmarks.sdk_upload", "--stub"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=ROOT) as process:
        assert process.stdout is not None
        try:
            yield process.stdout.readline().strip()
        finally:
            process.terminate()


def make_pictures(folder: Path, count: int) -> None:
    """Write small photographs: noise over a gradient, 128 x 96, a few kilobytes each."""
    folder.mkdir(parents=True)
    random = np.random.default_rng(1)
    gradient = np.linspace(0, 200, 128 * 96 * 3).reshape(96, 128, 3)
    for number in range(count):
        pixels = (gradient + random.integers(0, 55, (96, 128, 3))).astype(np.uint8)
        Image.fromarray(pixels).save(folder / f"{number:05}.jpg", quality=80)


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sdk", help="a Python with the official SDK")
    parser.add_argument("--images", type=int, default=5000)
    parser.add_argument("--rounds", type=int, default=2)
    parser.add_argument("--stub", action="store_true", help=argparse.SUPPRESS)
    given = parser.parse_args(arguments)
    if given.stub:
        serve_stub()
        return
    with ExitStack() as stack:
        scratch = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        address = stack.enter_context(stub())
        results: dict[str, list[dict[str, float]]] = {"stub": [], "server": []}
        for turn in range(given.rounds):
            make_pictures(folder := scratch / f"pictures {turn}", given.images)
            with DashboardProcess(home=scratch / f"home {turn}") as dashboard:
                token = read_token(dashboard.home / "token")
                for name, place in (("stub", address), ("server", dashboard.url)):
                    seconds = _upload(given.sdk, place, token, folder)
                    results[name].append(seconds)
                    paces = [given.images / seconds[what] for what in ("images", "annotations")]
                    say(f"{name}: {paces[0]:.0f} images/s, {paces[1]:.0f} annotations/s; SDK {seconds['cpu']:.1f} s")
        for what in ("images", "annotations"):
            turns = zip(results["stub"], results["server"], strict=True)
            ratio = statistics.median(stubbed[what] / served[what] for stubbed, served in turns)
            say(f"{what}: {ratio:.2f} of the stub's pace")


def say(text: str) -> None:
    """Print a line at once."""
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


def _upload(python: str, address: str, token: str, folder: Path) -> dict[str, float]:
    environment = {**os.environ, "TEAM_ID": "1", "WORKSPACE_ID": "1"}  # noqa: TID251 - the child needs PATH
    environment.pop("PYTHONPATH", None)
    command = [python, "-c", _UPLOAD, address, token, str(folder), f"Upload of {folder.name}"]
    done = subprocess.run(command, capture_output=True, text=True, check=False, env=environment)
    if done.returncode:
        raise RuntimeError(done.stderr[-2000:])
    measured: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    return measured


if __name__ == "__main__":
    main()
