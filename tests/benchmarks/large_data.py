"""Large data, generated: what an import costs, and how quick the wizard's pages stay.

Run as ``python -m tests.benchmarks.large_data [import] [pages] [--images N] [--rows N] [--classes N]``; prints what it
measures. Nothing here is an assertion: times belong to the machine they were taken on.
"""

import argparse
import json
import resource
import statistics
import tempfile
import time
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path

import numpy as np
import streamlit as st
from PIL import Image
from streamlit.testing.v1 import AppTest

from tests.fakes.live_platform import serve
from tests.outside import ROOT
from traindash.datasets.annotation_json import meta_to_json
from traindash.datasets.image_files import check_image
from traindash.datasets.importing import open_import
from traindash.datasets.source import ProjectSource
from traindash.domain.plan import DatasetsSplit, PretrainedModel
from traindash.domain.project import ObjectClass, ProjectMeta
from traindash.plans import lookups as gather
from traindash.plans.draft import DraftStore, split_draft
from traindash.plans.suggestions import begin_with
from traindash.platform.app import LocalPlatform, Options
from traindash.platform.store.database import Database, now_text
from traindash.platform.store.project_import import ProjectRows
from traindash.supervisely.client import connect
from traindash.ui import connection

SIDE = 64
PAGES = ("project", "classes", "split")
_RUNS = 7
_BATCH = 50_000


def opened(home: Path) -> LocalPlatform:
    """Open a platform without a sample project."""
    platform = LocalPlatform(
        home, address="http://127.0.0.1:1", environment={"TRAINDASH_OFFLINE": "1"}, options=Options(with_sample=False)
    )
    platform.open()
    return platform


def write_yolo(folder: Path, images: int, classes: int) -> None:
    """Write a YOLO folder: noisy JPEG files of 64 x 64 pixels, two objects each."""
    (folder / "images").mkdir(parents=True)
    (folder / "labels").mkdir()
    names = json.dumps([f"class {number:04}" for number in range(classes)])
    (folder / "data.yaml").write_text(f"path: .\ntrain: images\nnames: {names}\n")
    noise = np.random.default_rng(0)
    for number in range(images):
        pixels = noise.integers(0, 255, size=(SIDE // 8, SIDE // 8, 3), dtype=np.uint8)
        picture = Image.fromarray(pixels).resize((SIDE, SIDE), Image.Resampling.BILINEAR)
        picture.save(folder / "images" / f"{number:06}.jpg", quality=85)
        lines = f"{number % classes} 0.3 0.3 0.3 0.3\n{(number * 7) % classes} 0.7 0.7 0.2 0.2\n"
        (folder / "labels" / f"{number:06}.txt").write_text(lines)


def measure_import(images: int, classes: int) -> None:
    """Import generated images and print time, pace and the highest memory of this process."""
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch) / "generated"
        write_yolo(folder, images, classes)
        platform = opened(Path(scratch) / "home")
        before = _memory()
        start = time.perf_counter()
        data = open_import(folder, work=Path(scratch) / "work")
        platform.services.imports.run(data.source, platform.services.accounts.home())
        seconds = time.perf_counter() - start
        report = data.report()
        platform.close()
    say(
        f"import: {report.images} images, {report.objects} objects, {classes} classes: {seconds:.1f} s "
        f"({images / seconds:.0f} images/s), memory {before:.0f} -> {_memory():.0f} MiB"
    )


def add_rows(database: Database, platform: LocalPlatform, rows: int, classes: int) -> int:
    """Write image rows straight into the database, one object each, and return the project's id."""
    meta = ProjectMeta(
        classes=tuple(ObjectClass(name=f"class {n:04}", shape="rectangle", color="#3A68E0") for n in range(classes))
    )
    source = ProjectSource(name="Generated", meta=meta, datasets=())
    now = now_text()
    picture = platform.services.layout.incoming / "picture.png"
    Image.new("RGB", (SIDE, SIDE), (90, 120, 60)).save(picture)
    # Of one file, so that there is something to show.
    digest = platform.services.blobs.add(picture, check_image(picture)).hash
    with database.write() as connection:
        project = ProjectRows(connection, platform.services.accounts.home(), source, meta_to_json(meta)).project_id
        for number, (name, count) in enumerate((("train", rows * 4 // 5), ("val", rows - rows * 4 // 5))):
            dataset = connection.execute(
                "INSERT INTO datasets (project_id, user_id, name, images_count, created_at, updated_at)"
                " VALUES (?, 1, ?, ?, ?, ?)",
                (project, name, count, now, now),
            ).lastrowid
            first = number * rows
            for start in range(0, count, _BATCH):
                ids = range(first + start + 1, first + min(start + _BATCH, count) + 1)
                connection.executemany(
                    "INSERT INTO images (id, project_id, dataset_id, name, hash, mime, size, width, height,"
                    " labels_count, created_at, updated_at) VALUES (?, ?, ?, ?, ?, 'image/png', 1, 64, 64, 1, ?, ?)",
                    [(i, project, dataset, f"{i}.png", digest, now, now) for i in ids],
                )
                connection.executemany(
                    "INSERT INTO image_classes VALUES (?, ?, ?, 1)",
                    [(dataset, f"class {i % classes:04}", i) for i in ids],
                )
            connection.execute(
                "INSERT INTO dataset_classes SELECT dataset_id, class_name, count(*), sum(objects) FROM image_classes"
                " WHERE dataset_id = ? GROUP BY class_name",
                (dataset,),
            )
        connection.execute("UPDATE projects SET items_count = ?, datasets_count = 2 WHERE id = ?", (rows, project))
    return int(project)


def measure_pages(rows: int, classes: int) -> None:
    """Print how long the script of each page takes to draw it again, and the first time."""
    with ExitStack() as stack:
        home = Path(stack.enter_context(tempfile.TemporaryDirectory())) / "home"
        platform = opened(home)
        platform.address = stack.enter_context(serve(platform.api))
        taken = _took(lambda: add_rows(platform.services.database, platform, rows, classes))
        say(f"rows: {rows} images in {taken:.1f} s")
        connection.install(lambda: connect(platform.address, platform.token), home=home)
        client = connection.client()
        workspace = client.workspaces.list(client.teams.list()[0].id)[0].id
        facts = gather.project_facts(client, client.projects.list(workspace)[0].id)
        split = DatasetsSplit(train_datasets=(facts.datasets[0].id,), val_datasets=(facts.datasets[1].id,))
        store = DraftStore(home / "drafts")
        made = store.create(connection.EMBEDDED)
        model = client.ecosystem.models()[0]
        choice = PretrainedModel(framework=model.framework, name=model.name)
        draft = store.update(
            made.id,
            lambda current: replace(begin_with(current, facts), model=choice, split=split_draft(split)),
        )
        say(f"split content, first time: {_took(lambda: client.splits.content(facts.project.id, split)):.2f} s")
        for page in PAGES:
            st.cache_data.clear()
            app = AppTest.from_file(str(ROOT / "core" / "traindash" / "frame" / "main.py"), default_timeout=120)
            app.query_params["draft"] = draft.id
            app.run()
            first = _took(app.switch_page(str(ROOT / "pages" / f"{page}.py")).run)
            again = [_took(app.run) for _ in range(_RUNS)]
            assert not app.exception, app.exception
            assert not app.error, app.error[0].value
            say(f"{page}: first {first:.2f} s, again {statistics.median(again) * 1000:.0f} ms")
        client.close()
        platform.close()


def say(text: str) -> None:
    """Print a line at once."""
    print(text, flush=True)  # noqa: T201 - a program for the terminal


def _took(work: Callable[[], object]) -> float:
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def _memory() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def main() -> None:
    """Measure what is asked for, by default everything."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("what", nargs="*", choices=["import", "pages", []], default=["import", "pages"])
    parser.add_argument("--images", type=int, default=20_000)
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--classes", type=int, default=1_000)
    asked = parser.parse_args()
    if "import" in asked.what:
        measure_import(asked.images, asked.classes)
    if "pages" in asked.what:
        measure_pages(asked.rows, asked.classes)


if __name__ == "__main__":
    main()
