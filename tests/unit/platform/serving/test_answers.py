"""What is told of a prediction, and what of it is written into a project."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pytest

from tests.fakes.small_platform import SmallPlatform, small_platform
from traindash.datasets.geometry import encode_mask
from traindash.domain.ids import ProjectId, TaskId
from traindash.domain.prediction import FoundObject, ImagePrediction
from traindash.errors import InputError
from traindash.platform.serving.answers import AskedImage, Settings, kept, result_json
from traindash.platform.serving.asked import read_state
from traindash.platform.serving.uploading import Upload, UploadMode
from traindash.training.runs.predicting import GivenImage

LEMON = FoundObject(class_name="lemon", corners=(1.2, 2.4, 7.6, 5.1), score=0.7)
LIME = FoundObject(class_name="lime", corners=(0, 0, 4, 4), score=0.3)
FAINT = FoundObject(class_name="lemon", corners=(0, 0, 2, 2), score=0.1)
FOUND = ImagePrediction(width=10, height=8, objects=(FAINT, LIME, LEMON))
ASKED = AskedImage(given=GivenImage(content=b"x"), name="a.jpg", image_id=3, dataset_id=2, project_id=1)


@pytest.mark.parametrize(
    ("settings", "scores"),
    [
        ({}, [0.7, 0.3]),
        ({"conf": 0.05}, [0.7, 0.3, 0.1]),
        ({"confidence_threshold": 0.5}, [0.7]),
        ({"conf": 0.05, "max_det": 2}, [0.7, 0.3]),
        ({"conf": 0.05, "classes": ["lemon"]}, [0.7, 0.1]),
        ({"classes": "all"}, [0.7, 0.3]),
        ({"classes": "lime"}, [0.3]),
        ({"iou": 0.3, "half": True, "show_progress": True}, [0.7, 0.3]),
    ],
)
def test_settings_choose_what_is_told(settings: dict[str, object], scores: list[float]) -> None:
    told = kept(FOUND, msgspec.convert(settings, Settings, strict=False))
    assert [one.score for one in told.objects] == scores


def test_a_result_says_whole_pixels_and_the_model_s_own_positions() -> None:
    result = result_json(ASKED, kept(FOUND, Settings(conf=0.5)))
    (found,) = result["annotation"]["objects"]
    assert found["points"]["exterior"] == [[1, 2], [7, 4]]  # the last pixel belongs to it
    assert found["tags"] == [{"name": "confidence", "value": 0.7}]
    assert (found["nnCreated"], found["nnUpdated"]) == (True, True)
    assert result["data"]["boxes"] == [[1.2, 2.4, 6.4, 2.7]]
    assert result["annotation"]["size"] == {"width": 10, "height": 8}
    assert (result["image_id"], result["dataset_id"], result["project_id"]) == (3, 2, 1)
    assert result_json(ASKED, FOUND, told=False)["annotation"] is None


@pytest.mark.parametrize(
    ("state", "words"),
    [
        ({"settings": {"conf": 2}}, "conf"),
        ({"settings": {"inference_mode": "sliding_window"}}, "sliding_window"),
        ({"upload_mode": "sideways"}, "sideways"),
        ({"images_ids": ["first"]}, "images_ids"),
        ({"batch_size": 0}, "batch_size"),
    ],
)
def test_a_state_that_cannot_be_used_is_refused(state: dict[str, object], words: str) -> None:
    with pytest.raises(InputError, match=words):
        read_state(state)


def test_spellings_of_older_clients_are_read() -> None:
    state = read_state({"projectId": 4, "datasetIds": [1, 2], "settings": None, "unknown": {}})
    assert (state.project_id, state.dataset_ids) == (4, (1, 2))


@pytest.fixture
def platform(tmp_path: Path) -> Iterator[SmallPlatform]:
    """A platform with the tiny project: classes ``box`` (rectangles) and ``blob``."""
    with small_platform(tmp_path / "home", {}, supervise=False) as made:
        yield made


def _write(platform: SmallPlatform, mode: UploadMode, *found: FoundObject, **changes: Any) -> int:  # noqa: ANN401
    """Write predictions on the first image; returns its id."""
    services = platform.services
    row = services.images.row(services.images.ids(platform.project_id)[0])
    asked = AskedImage(given=GivenImage(path="x"), name=row["name"], image_id=row["id"], dataset_id=row["dataset_id"])
    size = {"width": row["width"], "height": row["height"]}
    upload = Upload(services=services, task_id=TaskId(1), mode=mode, **changes)
    upload.write([(asked, ImagePrediction(objects=found, **size))])
    return int(row["id"])


def _drawn(platform: SmallPlatform, image_id: int) -> list[tuple[str, str]]:
    text = platform.services.images.annotations([image_id]).get(image_id, '{"objects": []}')
    return [(item["classTitle"], item["geometryType"]) for item in msgspec.json.decode(text)["objects"]]


def test_a_class_of_another_shape_gets_a_suffix(platform: SmallPlatform) -> None:
    mask = encode_mask(np.ones((2, 3), dtype=np.bool_), (1, 1))
    found = FoundObject(class_name="box", corners=(1, 1, 4, 3), score=0.5, mask=mask)
    image_id = _write(platform, "replace", found)
    assert _drawn(platform, image_id) == [("box_nn", "bitmap")]
    image_id = _write(platform, "replace", found, suffix=" model")
    assert _drawn(platform, image_id) == [("box model", "bitmap")]


def test_a_class_that_has_another_shape_under_both_names_is_refused(platform: SmallPlatform) -> None:
    services = platform.services
    meta = services.projects.meta_json(platform.project_id)
    taken = {"title": "box_nn", "shape": "polygon", "color": "#112233"}
    services.project_metas.replace(platform.project_id, {**meta, "classes": [*meta["classes"], taken]})
    mask = encode_mask(np.ones((2, 3), dtype=np.bool_), (1, 1))
    with pytest.raises(InputError, match="'box' and 'box_nn'"):
        _write(platform, "append", FoundObject(class_name="box", corners=(1, 1, 4, 3), score=0.5, mask=mask))


def test_what_is_drawn_stays_when_predictions_are_appended(platform: SmallPlatform) -> None:
    found = FoundObject(class_name="lemon", corners=(1, 1, 4, 3), score=0.5)
    before = _drawn(platform, _write(platform, "append"))
    image_id = _write(platform, "append", found)
    assert _drawn(platform, image_id) == [*before, ("lemon", "rectangle")]
    # The same object once more is none, unless it shall be
    _write(platform, "iou_merge", found, same_object=0.9)
    assert _drawn(platform, image_id) == [*before, ("lemon", "rectangle")]
    _write(platform, "append", found)
    assert len(_drawn(platform, image_id)) == len(before) + 2


def test_images_are_copied_below_datasets_of_their_names(platform: SmallPlatform) -> None:
    services = platform.services
    workspace = services.accounts.home().workspace_id
    target = ProjectId(services.project_edits.add(workspace, "Target", {})["id"])
    found = FoundObject(class_name="lemon", corners=(1, 1, 4, 3), score=0.5)
    before = _drawn(platform, _write(platform, "append"))
    source = _write(platform, "append", found, into=target)
    assert _drawn(platform, source) == before
    (copied,) = services.images.ids(target)
    assert _drawn(platform, copied) == [("lemon", "rectangle")]
    names = {item.id: item.name for item in services.projects.datasets(platform.project_id)}
    (dataset,) = services.projects.datasets(target)
    assert dataset.name == names[services.images.row(source)["dataset_id"]]
