"""The oldest SDK that has the training API does a person's day as the newest does: data in, training, data out."""

from collections.abc import Iterator
from typing import Any

import pytest

from tests.contract.sdk.session import SdkSession
from tests.fakes.live_platform import LivePlatform
from tests.outside import OLDEST_SDK, sdk_python

pytestmark = pytest.mark.sdk

DAY = """
    import tempfile
    import numpy as np
    from pathlib import Path
    from supervisely.api.nn.train_api import DatasetsSplit, TrainApi
    from supervisely.nn.experiments import get_experiment_infos

    folder = Path(tempfile.mkdtemp())
    (folder / "in").mkdir()
    project = api.project.create(1, "A day", change_name_if_conflict=True)
    classes = [sly.ObjClass("person", sly.Rectangle), sly.ObjClass("blob", sly.Bitmap)]
    meta = api.project.update_meta(project.id, sly.ProjectMeta(classes, [sly.TagMeta("good", sly.TagValueType.NONE)]))
    pictures = np.random.default_rng(1).integers(0, 255, (6, 48, 64, 3), dtype=np.uint8)
    for number, picture in enumerate(pictures[:4]):
        sly.image.write(str(folder / "in" / f"{number}.png"), picture)
    datasets = [api.dataset.create(project.id, name) for name in ("train", "val")]
    files = sorted((folder / "in").iterdir())
    images = api.image.upload_paths(datasets[0].id, [path.name for path in files], [str(path) for path in files])
    images += api.image.upload_nps(datasets[1].id, ["4.png", "5.png"], list(pictures[4:]))
    labels = [sly.Label(sly.Rectangle(2, 3, 20, 30), meta.get_obj_class("person")),
              sly.Label(sly.Bitmap(np.ones((8, 8), bool), sly.PointLocation(4, 4)), meta.get_obj_class("blob"))]
    drawn = sly.Annotation((48, 64), labels, img_tags=[sly.Tag(meta.get_tag_meta("good"))])
    for some in (images[:4], images[4:]):
        api.annotation.upload_anns([image.id for image in some], [drawn] * len(some))
    api.annotation.append_labels(images[0].id, labels[:1])
    api.image.add_tag_batch([images[1].id], meta.get_tag_meta("good").sly_id)

    sly.download_project(api, project.id, str(folder / "out"), log_progress=False)
    read = sly.Project(str(folder / "out"), sly.OpenMode.READ)
    objects = {
        item: len(sly.Annotation.load_json_file(dataset.get_ann_path(item), read.meta).labels)
        for dataset in read.datasets for item in dataset.get_items_names()
    }
    again, _ = sly.upload_project(str(folder / "out"), api, 1, "A day again", log_progress=False)

    split = DatasetsSplit(train_datasets=[datasets[0].id], val_datasets=[datasets[1].id])
    task = TrainApi(api).run(project_id=project.id, model="YOLO/YOLO26n-det", hyperparameters="epochs: 1",
                             classes=["person"], train_val_split=split)["id"]
    api.task.wait(task, api.task.Status.FINISHED, wait_attempts=60)
    listed = [info.task_id for info in get_experiment_infos(api, 1, "YOLO")]
    return {
        "objects": objects,
        "pixels": bool(np.array_equal(api.image.download_np(images[5].id), pictures[5])),
        "again": api.project.get_info_by_id(again).items_count,
        "is listed": task in listed,
        "best": api.nn.get_experiment_info(task).best_checkpoint,
    }
"""


@pytest.fixture(scope="module")
def oldest(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SdkSession]:
    """The oldest SDK in its own interpreter."""
    with SdkSession(sdk_python(OLDEST_SDK), tmp_path_factory.mktemp("oldest")) as session:
        yield session


@pytest.mark.parametrize("which", ["oldest", "sdk"])
def test_a_day(request: pytest.FixtureRequest, server: LivePlatform, which: str) -> None:
    session: SdkSession = request.getfixturevalue(which)
    day: dict[str, Any] = session.run(server, DAY)
    assert day == {
        "objects": {"0.png": 3, "1.png": 2, "2.png": 2, "3.png": 2, "4.png": 2, "5.png": 2},
        "pixels": True,
        "again": 6,
        "is listed": True,
        "best": "best.pt",
    }
