"""The dashboard with 200 images that a model of the quick engine can label: ``streamlit run tests/fakes/label_app.py``.

On every image but each tenth something is bright, and the model of task 11 finds it. Three of them are in a second
project, too, and the model of task 12 finds masks.
"""

import asyncio
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import streamlit as st

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))

from tests.fakes import trainer_variables  # noqa: E402
from tests.fakes.quick_models import QUICK_ENGINE, add_experiment, model_text, patch_png  # noqa: E402
from traindash.datasets.source import ProjectSource, SourceDataset, SourceImage  # noqa: E402
from traindash.domain.annotation import Annotation  # noqa: E402
from traindash.domain.project import ObjectClass, ProjectMeta  # noqa: E402
from traindash.platform.app import LocalPlatform, Options  # noqa: E402
from traindash.settings import load_settings  # noqa: E402
from traindash.supervisely.client import connect  # noqa: E402
from traindash.ui import connection  # noqa: E402

IMAGES, SIZE = 200, (80, 60)
_settings = load_settings()
_platform = LocalPlatform(
    _settings.home,
    address="http://127.0.0.1:8501",
    environment=trainer_variables(_settings.trainer_environment),
    trainer=QUICK_ENGINE,
    options=Options(with_sample=False),
)


def _images(folder: Path) -> tuple[SourceImage, ...]:
    folder.mkdir(parents=True)
    images = []
    for number in range(IMAGES):
        path = folder / f"{number:03}.png"
        box = (200, 200, 201, 201) if number % 10 == 0 else (number % 40, 10, number % 40 + 20, 30 + number // 10)
        path.write_bytes(patch_png(SIZE, box))
        annotation = Annotation(width=SIZE[0], height=SIZE[1])
        images.append(SourceImage(name=path.name, path=path, annotation=annotation))
    return tuple(images)


def _fill() -> None:
    _platform.open()
    services, scratch = _platform.services, _settings.home.parent / "scratch"
    classes = tuple(ObjectClass(name=name, shape="rectangle", color="#AA5500") for name in ("box", "lid"))
    images = _images(scratch / "images")
    dataset = SourceDataset(name="hall", parent=None, images=images)
    meta = ProjectMeta(classes=classes)
    source = ProjectSource(name="Hall", meta=meta, datasets=(dataset,), collections=())
    services.imports.run(source, services.accounts.home())
    add_experiment(services, scratch, 11, model_text("box", score=0.7))
    few = (SourceDataset(name="yard", parent=None, images=images[1:4]),)
    masks = ProjectMeta(classes=(ObjectClass(name="patch", shape="bitmap", color="#AA5500"),))
    yard = ProjectSource(name="Yard", meta=masks, datasets=few, collections=())
    services.imports.run(yard, services.accounts.home())
    add_experiment(services, scratch, 12, model_text("patch", score=0.7, masks=True), task_type="instance segmentation")
    _platform.start()


@asynccontextmanager
async def _lifespan(_app: st.App) -> AsyncIterator[None]:
    _platform.address = f"http://127.0.0.1:{int(st.get_option('server.port'))}"
    await asyncio.to_thread(_fill)
    connection.install(lambda: connect(_platform.address, _platform.token), home=_settings.home)
    yield
    connection.close()
    await asyncio.to_thread(_platform.close)


app = st.App(ROOT / "core" / "traindash" / "frame" / "main.py", lifespan=_lifespan, routes=_platform.routes())
