"""Processes that die at a chosen moment: ``python -m tests.process.kill_points``.

Reads a JSON object a line: ``work`` (a name of :data:`WORKS`), ``home`` (data directory) and ``point``. A child does
the work and is killed by SIGKILL before the point-th change of a name on the disk, before or after the commit of a
transaction, or in the middle of writing a file; with ``seconds`` after these, wherever it is. Answers ``killed``, or
``done`` when the work was over before; then ``passed.json`` beside the home says how many such points there were, and
how long it took. The imports are done once.
"""

import json
import os
import signal
import sqlite3
import sys
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from io import BytesIO
from pathlib import Path
from typing import Any
from uuid import uuid4

import msgspec
import numpy as np
from PIL import Image

from tests.fakes import trainer_variables
from tests.fakes.small_platform import ADDRESS, FAST, HARDWARE, SmallPlatform, wait_for
from traindash.domain.ids import ProjectId, TaskId, TeamId
from traindash.domain.jobs import JobStatus
from traindash.domain.task import TaskStatus
from traindash.files import write_whole
from traindash.platform.app import LocalPlatform, Options
from traindash.platform.multipart import Form
from traindash.platform.routes.endpoint import Method
from traindash.platform.routes.tasks import METHODS
from traindash.platform.store import database
from traindash.platform.store.annotation_writes import SentTag
from traindash.platform.store.image_writes import ByHash, NewImage

TEAM = TeamId(1)
TASK = TaskId(1)
REPLACED, REMOVED = "/replaced.txt", "/folder/removed.txt"
NEW = b"new content"
_ORIENTATION = 0x0112
_NAMES = frozenset({"os.rename", "os.remove", "os.rmdir", "os.link"})
_PIECE = 1024  # bytes that are written at one stroke
_WRITE = os.write
ENVIRONMENT = dict(os.environ)  # noqa: TID251 - trainers need PATH and the like


class Countdown:
    """Counts the moments that are left."""

    def __init__(self) -> None:
        self.left = -1

    def pass_by(self) -> None:
        """Be at such a moment."""
        if self.left == 0:
            os.kill(os.getpid(), signal.SIGKILL)
        self.left -= 1


COUNTDOWN = Countdown()


class DyingConnection(database.TimedConnection):
    """A connection whose commits are such moments."""

    def execute(self, sql: str, parameters: Any = (), /) -> sqlite3.Cursor:  # noqa: ANN401 - as in sqlite3
        """Execute a statement."""
        if sql != "COMMIT":
            return super().execute(sql, parameters)
        COUNTDOWN.pass_by()
        cursor = super().execute(sql, parameters)
        COUNTDOWN.pass_by()
        return cursor


def _write_half(descriptor: int, content: memoryview | bytes) -> int:
    """Write a part of what is to be written, as a system may; in the middle of a file is such a moment, too."""
    whole = memoryview(content)
    if len(whole) <= _PIECE:
        return _WRITE(descriptor, whole)
    written = _WRITE(descriptor, whole[: len(whole) // 2])
    COUNTDOWN.pass_by()
    return written


def open_platform(home: Path) -> LocalPlatform:
    """Open the platform of a data directory."""
    options = Options(hardware=HARDWARE, pace=FAST, with_sample=False)
    platform = LocalPlatform(home, address=ADDRESS, environment=trainer_variables(ENVIRONMENT), options=options)
    platform.open()
    return platform


def _replace(platform: LocalPlatform, home: Path) -> None:
    source = home / "incoming" / "upload"
    source.write_bytes(NEW)
    platform.services.files.put(TEAM, REPLACED, source, move=True)


def _remove(platform: LocalPlatform, _home: Path) -> None:
    platform.services.files.remove(TEAM, "/folder")


def _import(platform: LocalPlatform, home: Path) -> None:
    imports = platform.imports
    begun = imports.inspect(home.parent / "data")
    wait_for(lambda: imports.get(begun.id).status is JobStatus.READY, "it is inspected")
    imports.start(begun.id)
    wait_for(lambda: imports.get(begun.id).status is JobStatus.FINISHED, "it is imported")
    imports.close()


def _publish(platform: LocalPlatform, _home: Path) -> None:
    platform.supervisor.start()
    wait_for(lambda: platform.services.tasks.get(TASK).status.is_terminal, "it is published")


def _start(platform: LocalPlatform, home: Path) -> None:
    start_task(platform, json.loads((home.parent / "start.json").read_text("utf-8")))


def _write(platform: LocalPlatform, _home: Path) -> None:
    """Change a project in every way that takes more than one row."""
    services = platform.services
    source = services.projects.row(1)["id"]
    box = services.projects.meta_json(source)["classes"][0]
    services.project_metas.edit_class(box["id"], {"title": "crate"})
    services.project_clones.run(source, 1, "Clone")
    services.archive.put_dataset(services.projects.datasets(ProjectId(source))[0].id)
    services.removed_names.remove(source, "class", box["id"])
    services.removed_names.restore(source, "class", box["id"])
    services.archive.restore_dataset(services.archive.datasets(source)[0]["id"])
    services.archive.put_project(source)
    services.archive.restore_project(source)
    services.archive.remove_projects([source])


def _draw(platform: LocalPlatform, home: Path) -> None:
    """Upload images, draw on them, tag them, take objects off and put them back, change a file, remove an image."""
    services = platform.services
    project = ProjectId(services.projects.row(1)["id"])
    meta = services.projects.meta_json(project)
    box = {"geometryType": "rectangle", "points": {"exterior": [[1, 1], [5, 5]], "interior": []}}
    item = {**box, "classTitle": next(row["title"] for row in meta["classes"] if row["shape"] == "rectangle")}
    tag = {"name": next(row["name"] for row in meta["tags"] if row["value_type"] == "none")}
    hashes = services.uploads.accept(_form([_picture("red"), _picture("blue"), b"no picture"], home))
    dataset = services.projects.datasets(project)[0].id
    new = [NewImage(name=f"{number}.png", origin=ByHash(digest), meta={}) for number, digest in enumerate(hashes[:2])]
    first, second = services.image_writes.add(dataset, new)
    writes = services.annotation_writes
    drawn = msgspec.Raw(json.dumps({"objects": [item, item], "tags": [tag]}).encode())
    writes.replace_by([(first, drawn)], checks_bounds=True)
    (added,) = writes.append([(first, item)], checks_bounds=True)
    writes.tag_objects([SentTag(on=added, tag=tag)])
    writes.tag_images([SentTag(on=second, tag=tag)])
    writes.copy([(first, second)])
    writes.remove_objects([added])
    writes.restore_objects([added])
    writes.remove_objects([added])
    services.image_writes.set_files({second: hashes[0]})
    services.image_writes.remove([first])


def _upload(platform: LocalPlatform, home: Path) -> None:
    """Upload images twice, as a client does that was not answered, and add them to a dataset."""
    services = platform.services
    noise = np.random.default_rng(1).integers(0, 255, (3, 48, 64, 3), dtype=np.uint8)
    turned = Image.Exif()
    turned[_ORIENTATION] = 6
    # Plain pictures stay in their form until they are unpacked, the others are staged and moved.
    pictures = [_saved(Image.fromarray(each), "JPEG") for each in noise[:2]]
    pictures += [_saved(Image.fromarray(noise[2]), "JPEG", exif=turned), _picture("green"), pictures[0][:-2]]
    dataset = services.projects.datasets(ProjectId(services.projects.row(1)["id"]))[0].id
    for number in range(2):
        hashes = services.uploads.accept(_form(pictures, home))
        write_whole(home / "received.json", json.dumps(hashes).encode())
        new = [NewImage(name=f"{number} {digest[:3]}.jpg", origin=ByHash(digest), meta={}) for digest in hashes[:4]]
        services.image_writes.add(dataset, new)
        services.uploads.unpack()


def _form(files: Sequence[bytes], home: Path) -> Form:
    boundary = uuid4().hex
    content = b"".join(
        f'--{boundary}\r\nContent-Disposition: form-data; name="{number}-file"\r\n\r\n'.encode() + file + b"\r\n"
        for number, file in enumerate(files)
    )
    return Form(
        content_type=f"multipart/form-data; boundary={boundary}",
        path=home / "nowhere",
        content=content + f"--{boundary}--\r\n".encode(),
    )


def _picture(color: str) -> bytes:
    return _saved(Image.new("RGB", (32, 24), color), "PNG")


def _saved(image: Image.Image, kind: str, **options: Any) -> bytes:  # noqa: ANN401 - as in Pillow
    file = BytesIO()
    image.save(file, kind, **options)
    return file.getvalue()


def start_task(platform: LocalPlatform, body: Mapping[str, Any]) -> int:
    """Start a task as a request does, without an answer; return its id."""
    api = replace(platform.context, call="the same words")
    for method in METHODS:
        if isinstance(method, Method) and method.name == "tasks.run.app":
            answer: Any = method.handle(api, dict(body))
            return int(answer[0]["id"])
    raise AssertionError(METHODS)


WORKS: Mapping[str, Callable[[LocalPlatform, Path], None]] = {
    "replace": _replace,
    "remove": _remove,
    "import": _import,
    "publish": _publish,
    "start": _start,
    "write": _write,
    "draw": _draw,
    "upload": _upload,
}


def _work(name: str, home: Path, point: int, seconds: float | None) -> None:
    try:
        platform = open_platform(home)
        if seconds is not None:
            threading.Timer(seconds, lambda: os.kill(os.getpid(), signal.SIGKILL)).start()
        os.write = _write_half  # type: ignore[assignment]
        COUNTDOWN.left, begun = point, time.monotonic()
        WORKS[name](platform, home)
        passed = {"points": point - COUNTDOWN.left, "seconds": time.monotonic() - begun}
        home.with_name("passed.json").write_text(json.dumps(passed), "utf-8")
        os._exit(0)
    finally:  # never back into the loop of the parent
        os._exit(1)


def main() -> None:
    """Obey until the input ends."""
    database.TimedConnection = DyingConnection  # type: ignore[misc]
    sys.addaudithook(lambda event, _: COUNTDOWN.pass_by() if event in _NAMES else None)
    for line in sys.stdin:
        asked = json.loads(line)
        child = os.fork()
        if child == 0:
            _work(asked["work"], Path(asked["home"]), asked["point"], asked.get("seconds"))
        code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
        answer = {0: "done", -signal.SIGKILL: "killed"}.get(code, f"failed with {code}")
        print(json.dumps({"answer": answer}), flush=True)  # noqa: T201 - the test waits for it


def finished_run(home: Path) -> None:
    """Make a data directory whose first task has done its work, while nobody has published it."""
    platform = SmallPlatform(home, ENVIRONMENT)
    platform.open()
    platform.add_project(home / "incoming")
    platform.supervisor.start()
    task = platform.train(epochs=1, start_seconds=0.3)
    platform.wait_for_status(task, TaskStatus.STARTED)
    run = platform.services.layout.run(task)
    platform.close()
    wait_for(run.result.is_file, "the trainer is done")


if __name__ == "__main__":
    main()
