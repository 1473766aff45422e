"""Which experiments may stand side by side, and on which images they can be scored fairly."""

from dataclasses import replace
from typing import Any, cast

import numpy as np
import pytest

from tests.unit.evaluation.coco_data import Coco, Shape, coco_files, with_masks
from tests.unit.evaluation.evaluations import evaluated
from traindash.errors import InputError
from traindash.evaluation.comparability import (
    ComparabilityKind,
    IdentityKind,
    MeasuredModel,
    ReasonKind,
    comparability,
    identities,
    rescored,
)
from traindash.evaluation.evaluation import Evaluation, restrict
from traindash.evaluation.outcomes import EvaluationSettings
from traindash.evaluation.report_json import report_of

FILES = coco_files(Shape(seed=11, images=8, classes=3, objects=6, near=0.9, crowds=0.1))
EVALUATION = evaluated(*FILES)
CONTENT = {100 + i: f"hash {i}" for i in range(60)}


def model(name: str, evaluation: Evaluation = EVALUATION, **known: Any) -> MeasuredModel:  # noqa: ANN401
    return MeasuredModel(name=name, evaluation=evaluation, **{"trained_on": frozenset[int](), **known})


def kinds(*models: MeasuredModel) -> set[ReasonKind]:
    return {reason.kind for reason in comparability(models).reasons}


def rows(evaluation: Evaluation, *chosen: int) -> Evaluation:
    return restrict(evaluation, images=np.array(chosen))


def with_image_ids(gt: Coco, shift: int) -> Evaluation:
    """Return the same evaluation in another project: other platform ids."""
    images = [{**one, "sly_id": one["sly_id"] + shift} for one in gt["images"]]
    return evaluated({**gt, "images": images}, {"annotations": FILES[1]["annotations"]})


def test_the_same_in_everything_is_comparable() -> None:
    found = comparability([model("A"), model("B")])
    assert found.kind is ComparabilityKind.COMPARABLE
    assert found.reasons == ()
    assert len(found.images) == 8
    assert found.classes == EVALUATION.classes
    assert found.identity is IdentityKind.ID
    first, second = rescored([model("A"), model("B")], found)
    assert report_of(first) == report_of(second) == report_of(EVALUATION)


def test_one_experiment_is_comparable_with_itself() -> None:
    assert comparability([model("A")]).kind is ComparabilityKind.COMPARABLE


def test_other_images_leave_the_common_ones() -> None:
    a, b = model("A", rows(EVALUATION, 0, 1, 2, 3, 4, 5)), model("B", rows(EVALUATION, 7, 6, 5, 4, 3))
    found = comparability([a, b])
    assert found.kind is ComparabilityKind.RESCORE
    assert [(reason.kind, reason.names) for reason in found.reasons] == [
        (ReasonKind.IMAGES, ("A",)),
        (ReasonKind.IMAGES, ("B",)),
    ]
    assert found.reasons[0].text == "3 of the 6 images of A are not in all experiments."
    first, second = rescored([a, b], found)
    assert first.pair.images.file_names == second.pair.images.file_names == ("3.png", "4.png", "5.png")
    assert report_of(first) == report_of(second) == report_of(rows(EVALUATION, 3, 4, 5))


def test_images_that_one_of_them_was_trained_on_are_left_out() -> None:
    a, b = model("A", trained_on=frozenset({100, 101, 500})), model("B", trained_on=frozenset({101, 107}))
    found = comparability([a, b])
    assert found.kind is ComparabilityKind.RESCORE
    assert [reason.text for reason in found.reasons] == [
        "A was trained on 2 of the 8 images it was scored on.",
        "B was trained on 2 of the 8 images it was scored on.",
    ]
    assert [one.text for one in found.images] == ["102", "103", "104", "105", "106"]
    assert [one.pair.images.ids.size for one in rescored([a, b], found)] == [5, 5]


def test_unknown_training_images_are_a_warning() -> None:
    found = comparability([model("A"), model("B", trained_on=None), model("C", trained_on=None)])
    assert found.kind is ComparabilityKind.COMPARABLE
    assert [reason.text for reason in found.reasons] == ["It is not known on which images B and C were trained."]
    assert found.reasons[0].only_a_warning


def test_content_tells_copies_in_another_project_from_other_images() -> None:
    copied = with_image_ids(FILES[0], 20)
    content = CONTENT | {120 + i: f"hash {i}" for i in range(8)}
    a = model("A", content=content, trained_on=frozenset({150}))
    b = model("B", copied, content=content, trained_on=frozenset({127}))
    found = comparability([a, b])
    assert found.identity is IdentityKind.CONTENT
    assert found.kind is ComparabilityKind.RESCORE
    assert [one.text for one in found.images] == [f"hash {i}" for i in range(7)]
    assert kinds(a, b) == {ReasonKind.LEAKAGE}


def test_training_images_without_known_content_are_unknown() -> None:
    known = model("A", content=CONTENT, trained_on=frozenset({150}))
    unknown = model("B", content=CONTENT, trained_on=frozenset({9999}))
    assert kinds(known, unknown) == {ReasonKind.UNKNOWN_TRAINING}


def test_names_are_the_last_resort_and_never_bare_file_names() -> None:
    found = comparability([model("A"), model("B", with_image_ids(FILES[0], 20))])
    assert found.identity is IdentityKind.NAME
    assert found.kind is ComparabilityKind.COMPARABLE
    assert [reason.kind for reason in found.reasons] == [ReasonKind.UNKNOWN_TRAINING, ReasonKind.WEAK_IDENTITY]
    assert found.images[0].text == "val/0.png 64x64"

    elsewhere = {**FILES[0], "images": [{**one, "dataset": "test", "sly_id": None} for one in FILES[0]["images"]]}
    other = model("B", evaluated(elsewhere, {"annotations": FILES[1]["annotations"]}))
    found = comparability([model("A"), other])
    assert found.kind is ComparabilityKind.NOT_COMPARABLE
    assert found.images == ()


def test_two_copies_of_one_image_are_two_images() -> None:
    twins = CONTENT | {101: "hash 0", 102: "hash 0"}
    found = comparability([model("A", content=twins), model("B", content=twins)])
    assert found.kind is ComparabilityKind.COMPARABLE
    assert [(one.text, one.copy) for one in found.images[:4]] == [
        ("hash 0", 1),
        ("hash 0", 2),
        ("hash 0", 3),
        ("hash 3", 1),
    ]
    leaky = model("B", content=twins, trained_on=frozenset({100}))
    assert len(comparability([model("A", content=twins), leaky]).images) == 5


def test_other_classes_leave_the_common_ones() -> None:
    a, b = model("A"), model("B", restrict(EVALUATION, classes=["class 2", "class 0"]))
    found = comparability([a, b])
    assert found.kind is ComparabilityKind.RESCORE
    assert [reason.text for reason in found.reasons] == ["A has classes that not all experiments have: class 1."]
    assert found.classes == ("class 0", "class 2")
    first, second = rescored([a, b], found)
    assert first.classes == second.classes
    assert report_of(first) == report_of(second)


def test_changed_annotations_leave_the_other_images() -> None:
    changed = [dict(one) for one in FILES[0]["annotations"]]
    moved = next(one for one in changed if one["image_id"] == 4)
    moved["bbox"] = [1, 2, 3, 4]
    other = evaluated({**FILES[0], "annotations": changed[::-1]}, {"annotations": FILES[1]["annotations"]})
    a, b = model("A", project_version="1"), model("B", other, project_version="2")
    found = comparability([a, b])
    assert found.kind is ComparabilityKind.RESCORE
    assert [reason.text for reason in found.reasons] == [
        "The annotations of 1 common image are not the same in all experiments.",
        "The experiments were scored on different versions of the project.",
    ]
    assert "103" not in {one.text for one in found.images}
    assert len(found.images) == 7


def test_another_version_with_the_same_annotations_is_a_warning() -> None:
    found = comparability([model("A", project_version="1"), model("B", project_version="2"), model("C")])
    assert found.kind is ComparabilityKind.COMPARABLE
    assert [(reason.kind, reason.only_a_warning) for reason in found.reasons] == [(ReasonKind.VERSION, True)]


@pytest.mark.parametrize(
    ("settings", "text"),
    [
        (EvaluationSettings(iou_threshold=0.75), "different IoU thresholds"),
        (EvaluationSettings(iou_threshold_per_class={"class 1": 0.75}), "different IoU thresholds"),
        (EvaluationSettings(confidence_threshold=0.4), "confidence thresholds were not chosen in the same way"),
    ],
)
def test_other_thresholds_are_made_equal(settings: EvaluationSettings, text: str) -> None:
    a, b = model("A"), model("B", restrict(EVALUATION, settings=settings))
    found = comparability([a, b])
    assert found.kind is ComparabilityKind.RESCORE
    assert [reason.kind for reason in found.reasons] == [ReasonKind.THRESHOLDS]
    assert text in found.reasons[0].text
    first, second = rescored([a, b], found)
    assert report_of(first) == report_of(second)
    first, second = rescored([a, b], found, settings)
    assert first.settings == second.settings == settings


def test_boxes_and_masks_are_not_comparable() -> None:
    a, b = model("A"), model("B", evaluated(*with_masks(*FILES)))
    found = comparability([a, b])
    assert found.kind is ComparabilityKind.NOT_COMPARABLE
    assert ReasonKind.TASK in kinds(a, b)
    with pytest.raises(InputError, match=r"on which they can be compared.*boxes, others by masks"):
        rescored([a, b], found)


def test_common_images_without_common_objects_are_not_enough() -> None:
    names = [{**one, "name": f"other {one['id']}"} for one in FILES[0]["categories"]]
    other = evaluated({**FILES[0], "categories": names}, {"annotations": FILES[1]["annotations"]})
    found = comparability([model("A"), model("B", other)])
    assert found.classes == ()
    assert found.kind is ComparabilityKind.NOT_COMPARABLE


def test_crowds_count_as_annotations_but_not_as_objects() -> None:
    gt, dt = FILES
    image = gt["annotations"][0]["image_id"]
    crowds = [{**one, "iscrowd": int(one["image_id"] != image)} for one in gt["annotations"]]
    base = evaluated({**gt, "annotations": crowds}, dt)
    found = comparability([model("A", base), model("B", replace(base), trained_on=frozenset({99 + image}))])
    assert len(found.images) == 7
    assert found.kind is ComparabilityKind.NOT_COMPARABLE


def test_an_identity_of_another_kind_is_a_mistake_of_the_program() -> None:
    with pytest.raises(AssertionError):
        identities(model("A"), cast("IdentityKind", "colour"))
