"""The data set folder that the engine gets."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import yaml
from PIL import Image

from tests.training.run_folders import annotation_of, polygon_object, run_image, tiny_images, train_spec, write_run
from traindash.domain.project import ObjectClass, ProjectMeta
from traindash.domain.task import ExitCause
from traindash.training.runs.events import EventWriter, read_events
from traindash.training.runs.spec import RunImage, TrainSpec
from traindash.training.trainers.data import write_dataset
from traindash.training.trainers.engine import PreparedData, Run
from traindash.training.trainers.entry import RunError, StopSwitch

SQUARE = ((10, 20), (29, 20), (29, 39), (10, 39))


def image(tmp_path: Path, number: int, part: str, *names: str) -> RunImage:
    """Return a 100 x 50 image with one square of each named class."""
    path = tmp_path / f"picture {number}.png"
    Image.new("RGB", (100, 50)).save(path)
    annotation = annotation_of(100, 50, [polygon_object(name, SQUARE) for name in names])
    return run_image(path, number, "train" if part == "train" else "val", annotation)


Prepare = Callable[..., PreparedData]


@pytest.fixture
def prepare(yolo: Any) -> Prepare:  # noqa: ANN401 - a module
    """Prepare images for the engine."""

    def prepared(tmp_path: Path, spec: TrainSpec, *images: RunImage) -> PreparedData:
        layout = write_run(tmp_path, spec, images)
        run = Run(layout=layout, spec=spec, events=EventWriter(layout.events), stop=StopSwitch(), offline=True)
        return write_dataset(run, yolo.YoloLabels(layout.work / "dataset", spec))

    return prepared


def log(tmp_path: Path) -> str:
    rows = read_events(next(tmp_path.glob("runs/*/events.jsonl"))).rows
    return "\n".join(str(row["message"]) for row in rows if row.get("event_type") is None)


def test_labels_count_classes_in_the_order_of_the_spec(prepare: Prepare, tmp_path: Path) -> None:
    spec = train_spec(tmp_path)
    data = prepare(tmp_path, spec, image(tmp_path, 1, "train", "apple ü", "zebra"), image(tmp_path, 2, "val", "zebra"))
    config = yaml.safe_load(data.config.read_text(encoding="utf-8"))
    assert config["names"] == {0: "zebra", 1: "apple ü"}
    root = Path(config["path"])
    lines = (root / "labels" / "train" / "000001.txt").read_text(encoding="utf-8").splitlines()
    assert [line.split()[0] for line in lines] == ["1", "0"]
    assert [float(value) for value in lines[0].split()[1:]] == pytest.approx([0.2, 0.6, 0.2, 0.4])  # pixels 10 to 29
    assert (root / "images" / "train" / "000001.png").resolve() == tmp_path / "picture 1.png"
    assert [(placed.file.name, int(placed.image.id)) for placed in data.val] == [("000002.png", 2)]
    assert (data.train_size, data.problems) == (1, ())


def test_an_image_on_both_sides_is_on_both_sides(prepare: Prepare, tmp_path: Path) -> None:
    both = replace(image(tmp_path, 1, "train", "apple ü"), sides=("train", "val"))
    data = prepare(tmp_path, train_spec(tmp_path), both)
    assert (data.train_size, len(data.val)) == (1, 1)


def test_objects_of_other_classes_are_left_out(prepare: Prepare, tmp_path: Path) -> None:
    spec = train_spec(tmp_path, classes=("apple ü",))
    data = prepare(tmp_path, spec, image(tmp_path, 1, "train", "zebra", "apple ü"), image(tmp_path, 2, "val"))
    labels = data.config.parent / "labels"
    assert (labels / "train" / "000001.txt").read_text(encoding="utf-8").startswith("0 ")
    assert (labels / "val" / "000002.txt").read_text(encoding="utf-8") == ""


def test_unusable_images_are_named_and_left_out(prepare: Prepare, tmp_path: Path) -> None:
    good, bad = image(tmp_path, 1, "train", "apple ü"), image(tmp_path, 2, "train", "apple ü")
    Path(bad.path).write_text("no image", encoding="utf-8")
    torn = replace(image(tmp_path, 3, "train", "apple ü"), annotation={"objects": []})
    data = prepare(tmp_path, train_spec(tmp_path), good, bad, torn, image(tmp_path, 4, "val", "apple ü"))
    assert data.train_size == 1
    assert "train/picture 2.png" in log(tmp_path)
    assert "train/picture 3.png" in log(tmp_path)
    assert "2 images" in data.problems[0]


@pytest.mark.parametrize("side", ["train", "val"])
def test_an_empty_side_is_refused(prepare: Prepare, tmp_path: Path, side: str) -> None:
    other = "val" if side == "train" else "train"
    with pytest.raises(RunError, match=f"The {side} set") as caught:
        prepare(tmp_path, train_spec(tmp_path), image(tmp_path, 1, other, "apple ü"))
    assert caught.value.cause is ExitCause.BAD_DATA
    assert "split" in caught.value.hint


def test_nothing_to_learn_is_refused(prepare: Prepare, tmp_path: Path) -> None:
    with pytest.raises(RunError, match="No train image has an object of the chosen classes") as caught:
        prepare(tmp_path, train_spec(tmp_path), image(tmp_path, 1, "train"), image(tmp_path, 2, "val", "apple ü"))
    assert caught.value.cause is ExitCause.BAD_DATA


def test_shapes_that_the_task_cannot_use_are_refused_unless_converted(prepare: Prepare, tmp_path: Path) -> None:
    spec = train_spec(tmp_path, convert_class_shapes=False)
    with pytest.raises(RunError, match=r"zebra \(polygon\)"):
        prepare(tmp_path, spec, *tiny_images(tmp_path / "images", train=1, val=1))
    points = ProjectMeta(classes=(ObjectClass(name="zebra", shape="point", color="#112233"),))
    with pytest.raises(RunError, match=r"zebra \(point\)"):
        prepare(tmp_path, train_spec(tmp_path, meta=points), *tiny_images(tmp_path / "images", train=1, val=1))
