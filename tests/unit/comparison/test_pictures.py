"""Marks, gallery rows and crops: they agree with the counts, and show what they are about."""

import io
import json
from dataclasses import replace

import numpy as np
import pytest
from hotcoco import mask as coco_mask
from PIL import Image as Picture

from tests.fakes.evaluations import Made, evaluation
from tests.unit.comparison.builders import HOSTILE, comparison, experiment, together
from traindash.comparison.image_query import FlowChange, ImageQuery, Outcome, find
from traindash.comparison.image_set import ImageSet, image_set
from traindash.comparison.pictures.crops import SIZE, Crop, LoadImage, Subject, _frame, draw_crop, subjects
from traindash.comparison.pictures.gallery import ImageOrder, gallery_row, ordered, row_json
from traindash.comparison.pictures.marks import (
    FINEST,
    MarkKind,
    Shape,
    model_marks,
    path_data,
    shape_of,
    traced,
    truth_marks,
)
from traindash.datasets.geometry import polygon_area
from traindash.evaluation.cache import RunLengths
from traindash.evaluation.evaluation import Evaluation


@pytest.fixture(scope="module")
def images() -> ImageSet:
    return image_set(comparison(2))


@pytest.fixture(scope="module")
def segmented() -> ImageSet:
    made = (evaluation(Made(seed=seed, quality=quality, masks=True)) for seed, quality in ((1, 0.6), (2, 0.9)))
    return image_set(together([replace(experiment(i), evaluation=one) for i, one in enumerate(made, start=1)]))


def _photo(size: tuple[int, int] = (320, 240), *, orientation: int | None = None) -> bytes:
    """Return a JPEG whose left half is green and whose right half is blue."""
    picture = Picture.new("RGB", size, (20, 120, 40))
    picture.paste((20, 40, 160), (size[0] // 2, 0, *size))
    if orientation:
        picture = picture.transpose(Picture.Transpose.ROTATE_90)
    exif = Picture.Exif()
    exif[0x0112] = orientation or 1
    buffer = io.BytesIO()
    picture.save(buffer, format="JPEG", quality=95, exif=exif)
    return buffer.getvalue()


def _loader(content: bytes | None) -> LoadImage:
    return lambda _: content


def _pixels(crop: Crop) -> "np.ndarray[tuple[int, ...], np.dtype[np.uint8]]":
    with Picture.open(io.BytesIO(crop.jpeg)) as opened:
        return np.asarray(opened.convert("RGB"))


@pytest.mark.parametrize("confidence", [None, 0.0, 0.5])
def test_marks_add_up_to_the_counts(images: ImageSet, confidence: float | None) -> None:
    for position, one in enumerate(images.evaluations):
        counts = (one if confidence is None else one.at(confidence)).counts
        marks = [
            mark for place in range(images.image_count) for mark in model_marks(images, place, position, confidence)
        ]
        kinds = [mark.kind for mark in marks]
        assert kinds.count(MarkKind.FOUND) == counts.total.tp
        assert kinds.count(MarkKind.MISSED) == counts.total.fn
        assert kinds.count(MarkKind.FALSE_ALARM) == counts.total.fp
        assert sum(bool(mark.taken) for mark in marks) == counts.confused
    objects = [mark for place in range(images.image_count) for mark in truth_marks(images, place)]
    assert len(objects) == images.object_count


def test_words_of_a_mark(images: ImageSet) -> None:
    words = {mark.kind: mark.words for place in range(20) for mark in model_marks(images, place, 0)}
    assert words[MarkKind.FOUND].startswith("Found: ")
    assert "IoU 0." in words[MarkKind.FOUND]
    assert words[MarkKind.MISSED].startswith("Missed: ")
    assert words[MarkKind.FALSE_ALARM].startswith("False alarm: ")


def test_a_row_of_the_gallery_lets_the_wanted_entries_stand_out(images: ImageSet) -> None:
    hits = find(ImageQuery(title="", experiment="1", outcomes=(Outcome.MISSED,)), images)
    image = int(hits.images[0])
    row = gallery_row(images, image, (0, 1), hits)
    truth, first, second = row.cells
    assert truth.count(MarkKind.TRUTH) == len(truth_marks(images, image))
    wanted = int((hits.image == image).sum())
    assert sum(first.strong) == first.count(MarkKind.MISSED) == wanted
    assert sum(truth.strong) == sum(second.strong) == wanted, "the same objects in every column"
    alarms = find(ImageQuery(title="", experiment="1", outcomes=(Outcome.FALSE_ALARM,)), images)
    image = int(alarms.images[0])
    truth, first, second = gallery_row(images, image, (0, 1), alarms).cells
    assert sum(first.strong) == first.count(MarkKind.FALSE_ALARM) > 0
    assert not any(truth.strong)
    assert not any(second.strong)
    assert all(all(cell.strong) for cell in gallery_row(images, image, (0, 1), None).cells)


def test_a_row_as_json(images: ImageSet) -> None:
    row = gallery_row(images, 0, (0,), None)
    made = row_json(row, "data:,", {"apple": "#112233"})
    assert (made["name"], made["width"], made["height"]) == ("ds/0001.jpg", 320, 240)
    colors = {mark["label"]: mark["color"] for cell in made["cells"] for mark in cell["marks"]}
    assert all((color == "#112233") == label.startswith("apple") for label, color in colors.items())
    assert made["cells"][0]["counts"]["truth"] == len(made["cells"][0]["marks"])
    json.dumps(made, allow_nan=False)


def test_not_measured_is_said() -> None:
    few = replace(experiment(2), evaluation=evaluation(Made(images=12, seed=5)))
    row = gallery_row(image_set(together([experiment(1), few])), 30, (0, 1), None)
    assert [cell.measured for cell in row.cells] == [True, True, False]


@pytest.mark.parametrize("order", list(ImageOrder))
def test_every_order_has_all_images_once(images: ImageSet, order: ImageOrder) -> None:
    hits = find(ImageQuery(title=""), images)
    found = ordered(hits, images, order)
    assert sorted(found.tolist()) == np.unique(hits.image).tolist()


def test_orders_put_the_most_first(images: ImageSet) -> None:
    hits = find(ImageQuery(title=""), images)
    disputed = ordered(hits, images, ImageOrder.DISAGREEMENT)

    def disagreement(image: int) -> int:
        sides = [{m.gt for m in model_marks(images, image, e) if m.kind is MarkKind.FOUND} for e in (0, 1)]
        alarms = [sum(m.kind is MarkKind.FALSE_ALARM for m in model_marks(images, image, e)) for e in (0, 1)]
        return len(sides[0] ^ sides[1]) + abs(alarms[0] - alarms[1])

    measured = [disagreement(image) for image in disputed.tolist()]
    assert measured == sorted(measured, reverse=True)
    assert measured[0] > measured[-1]
    missed = [
        sum(mark.kind is MarkKind.MISSED for e in (0, 1) for mark in model_marks(images, image, e))
        for image in ordered(hits, images, ImageOrder.MISSES).tolist()
    ]
    assert missed == sorted(missed, reverse=True)


@pytest.mark.parametrize("change", list(FlowChange))
def test_crops_of_every_change(images: ImageSet, change: FlowChange) -> None:
    hits = find(ImageQuery(title="", experiment="2", change=change), images)
    for subject in subjects(hits, images, (0, 1))[:5]:
        before, after = (mark for _, mark in subject.predictions)
        said = {
            FlowChange.GAINED: after is not None and after.kind is MarkKind.FOUND,
            FlowChange.LOST: before is not None and before.kind is MarkKind.FOUND,
            FlowChange.NEW_ALARM: after is not None and after.kind is MarkKind.FALSE_ALARM,
            FlowChange.VANISHED_ALARM: before is not None and before.kind is MarkKind.FALSE_ALARM,
        }.get(change, before is not None and after is not None)
        assert said
        silent = {FlowChange.GAINED: before, FlowChange.LOST: after}.get(change)
        assert silent is None or silent.kind is MarkKind.FALSE_ALARM
        crop = draw_crop(subject, images, _loader(_photo()))
        assert crop.has_image
        assert _pixels(crop).shape == (SIZE[1], SIZE[0], 3)
        assert "Experiment 1: " in crop.alt


def test_a_crop_shows_its_place(images: ImageSet) -> None:
    hits = find(ImageQuery(title="", experiment="1", outcomes=(Outcome.MISSED,)), images)
    for subject in subjects(hits, images, ())[:30]:
        left, right = subject.box[0], subject.box[0] + subject.box[2]
        green, blue = (_pixels(draw_crop(subject, images, _loader(_photo())))[..., band].mean() for band in (1, 2))
        if right < 130:
            assert green > blue
        if left > 190:
            assert blue > green


def test_a_photograph_that_was_turned(images: ImageSet) -> None:
    subject = subjects(find(ImageQuery(title="", experiment="1"), images), images, ())[0]
    straight, turned = (
        _pixels(draw_crop(subject, images, _loader(_photo(orientation=way)))).astype(int) for way in (None, 6)
    )
    assert np.abs(straight - turned).mean() < 4


@pytest.mark.parametrize("content", [None, b"", b"no image", _photo()[:400]])
def test_boxes_alone_where_there_is_no_image(images: ImageSet, content: bytes | None) -> None:
    subject = subjects(find(ImageQuery(title="", experiment="1"), images), images, (0, 1))[0]
    crop = draw_crop(subject, images, _loader(content))
    assert not crop.has_image
    assert _pixels(crop).std() > 5


def test_a_larger_or_smaller_copy_of_the_image_gives_the_same_crop(images: ImageSet) -> None:
    subject = subjects(find(ImageQuery(title="", experiment="1"), images), images, ())[0]
    crops = [
        _pixels(draw_crop(subject, images, _loader(_photo(size)))).astype(int) for size in ((320, 240), (640, 480))
    ]
    assert np.abs(crops[0] - crops[1]).mean() < 4


def test_hostile_names_stay_text() -> None:
    chosen = together([replace(experiment(i + 1), label=name) for i, name in enumerate(HOSTILE)])
    images = image_set(chosen)
    subject = subjects(find(ImageQuery(title=""), images), images, range(len(HOSTILE)))[0]
    assert "<script>" in draw_crop(subject, images, _loader(None), (64, 48)).alt


def _covered(shape: Shape) -> float:
    return sum(polygon_area(part) for part in shape)


def test_masks_are_drawn_where_the_model_says(segmented: ImageSet) -> None:
    """Outline and mask have the same area to the pixel, and the outline ends where the box of the mask ends."""
    row = gallery_row(segmented, 0, (0, 1), None)
    assert row.has_masks
    for experiment_, cell in zip((0, 0, 1), row.cells, strict=True):
        one = segmented.evaluations[experiment_]
        assert cell.marks
        for mark, shape in zip(cell.marks, cell.shapes, strict=True):
            is_dt = mark.dt >= 0
            area = one.pair.dt.area[one.table.dt_row[mark.dt]] if is_dt else _pixels_of(one, mark.gt)
            assert _covered(shape) == area
            points = np.array([point for part in shape for point in part.exterior])
            left, top, width, height = mark.box
            assert points.min(axis=0).tolist() == [left, top]
            assert points.max(axis=0).tolist() == [left + width, top + height]
    made = row_json(row, "data:,", {})
    assert all(mark["path"].startswith("M") for cell in made["cells"] for mark in cell["marks"])
    boxes = row_json(row, "data:,", {}, boxes=True)
    assert not any(mark["path"] for cell in boxes["cells"] for mark in cell["marks"])


def _pixels_of(one: Evaluation, gt: int) -> int:
    assert one.masks is not None
    found = one.masks.gt.find(int(one.pair.gt.ids[gt]))
    assert found is not None
    return int(found.pixels().sum())


def test_a_crop_of_a_mask_is_filled_inside_and_clear_outside(segmented: ImageSet) -> None:
    hits = find(ImageQuery(title="", experiment="2", outcomes=(Outcome.FOUND,)), segmented)
    largest = int(np.argmax(segmented.evaluations[1].table.gt_area[hits.gt]))
    (subject,) = subjects(hits.taken([largest]), segmented, (1,))
    bare = _pixels(draw_crop(replace(subject, predictions=(), truth=None), segmented, _loader(None))).astype(int)
    drawn = _pixels(draw_crop(subject, segmented, _loader(None))).astype(int)
    changed = np.abs(drawn - bare).sum(axis=2) > 24
    height, width = changed.shape
    assert changed[height // 2, width // 2], "the mask covers its middle"
    mark = subject.predictions[0][1]
    assert mark is not None
    shape = shape_of(segmented.evaluations[1], mark)
    assert 0.6 < changed.mean() * _frame_area(subject, segmented) / _covered(shape) < 1.6
    assert not changed[2, 2], "the corner of the box is not part of an ellipse"


def _frame_area(subject: Subject, images: ImageSet) -> float:
    left, top, width, height = _frame(subject, images.size(subject.image), SIZE)
    del left, top
    return width * height


def test_the_ground_truth_has_masks_where_any_experiment_has(segmented: ImageSet) -> None:
    masked = replace(experiment(2), evaluation=segmented.evaluations[0])
    row = gallery_row(image_set(together([experiment(1), masked])), 0, (0, 1), None)
    truth, boxes, masks = row.cells
    assert all(truth.shapes)
    assert not any(boxes.shapes)
    assert all(masks.shapes)


def test_boxes_have_no_shapes(images: ImageSet) -> None:
    row = gallery_row(images, 0, (0, 1), None)
    assert not row.has_masks
    assert not any(mark["path"] for cell in row_json(row, "", {})["cells"] for mark in cell["marks"])


@pytest.mark.parametrize("side", [5, 256, 257, 900])
def test_outlines_of_large_masks_are_coarser_and_stay_close(side: int) -> None:
    y, x = np.mgrid[:side, :side] + 0.5
    mask = np.hypot(y - side / 2, x - side / 2) < side / 2
    mask[side // 3 : side // 3 + side // 5] = False
    run = coco_mask.encode(np.asfortranarray(mask.astype(np.uint8)))
    shape = traced(RunLengths(height=side, width=side, counts=run["counts"]))
    assert abs(_covered(shape) - mask.sum()) < 0.06 * mask.sum()
    assert sum(len(part.exterior) for part in shape) < 4 * FINEST
    assert path_data(shape).count("M") == path_data(shape).count("Z") == len(shape) == 2
