"""The dashboard with 200 images that a model of the quick engine can label: ``streamlit run tests/fakes/label_app.py``.

On every image but each tenth something is bright, and the model of task 11 finds it. Three of them are in a second
project, too, and the model of task 12 finds masks.
"""

import sys
from pathlib import Path

import streamlit as st

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from tests.fakes.quick_dashboard import FRAME, MIDDLEWARE, QuickDashboard
from tests.fakes.quick_models import QUICK_ENGINE, add_experiment, model_text, patch_png
from traindash.datasets.source import ProjectSource, SourceDataset, SourceImage
from traindash.domain.annotation import Annotation
from traindash.domain.project import ObjectClass, ProjectMeta
from traindash.platform.services import Services

IMAGES, SIZE = 200, (80, 60)


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


def _fill(services: Services, scratch: Path) -> None:
    classes = tuple(ObjectClass(name=name, shape="rectangle", color="#AA5500") for name in ("box", "lid"))
    images = _images(scratch / "images")
    dataset = SourceDataset(name="hall", parent=None, images=images)
    meta = ProjectMeta(classes=classes)
    services.imports.run(
        ProjectSource(name="Hall", meta=meta, datasets=(dataset,), collections=()), services.accounts.home()
    )
    add_experiment(services, scratch, 11, model_text("box", score=0.7))
    few = (SourceDataset(name="yard", parent=None, images=images[1:4]),)
    masks = ProjectMeta(classes=(ObjectClass(name="patch", shape="bitmap", color="#AA5500"),))
    yard = ProjectSource(name="Yard", meta=masks, datasets=few, collections=())
    services.imports.run(yard, services.accounts.home())
    add_experiment(services, scratch, 12, model_text("patch", score=0.7, masks=True), task_type="instance segmentation")


_dashboard = QuickDashboard(QUICK_ENGINE, _fill)
app = st.App(FRAME, lifespan=_dashboard.lifespan, routes=_dashboard.routes(), middleware=MIDDLEWARE)
