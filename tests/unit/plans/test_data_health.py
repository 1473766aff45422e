"""What strikes in the data: each sentence where it is true, and calm words where nothing is wrong."""

from dataclasses import replace

from tests.unit.plans.facts import project
from traindash.domain.ids import DatasetId, ImageId
from traindash.domain.project import Image
from traindash.plans.data_health import Remark, remarks
from traindash.plans.facts import ProjectFacts
from traindash.plans.lookups import IMAGE_SIZES, OBJECT_SIZES, DataProfile


def _facts(**objects: int) -> ProjectFacts:
    facts = project()
    (first, *_) = facts.statistics.classes
    classes = tuple(replace(first, name=name, objects=number) for name, number in objects.items())
    return replace(facts, statistics=replace(facts.statistics, classes=classes))


def _image(number: int, **changes: object) -> Image:
    usual = Image(
        id=ImageId(number), name=f"{number}.jpg", dataset_id=DatasetId(1), width=640, height=480, hash=str(number),
        labels_count=2,
    )  # fmt: skip
    return replace(usual, **changes)  # type: ignore[arg-type] # tests name fields of Image


IMAGES = [_image(number) for number in range(20)]


def _profile(tiny: int, large: int) -> DataProfile:
    return DataProfile(
        images=20,
        objects=tiny + large,
        image_sizes=dict.fromkeys(IMAGE_SIZES, 0),
        object_sizes={OBJECT_SIZES[0]: tiny, OBJECT_SIZES[1]: 0, OBJECT_SIZES[2]: large},
    )


def _said(facts: ProjectFacts, images: list[Image], profile: DataProfile) -> dict[bool, str]:
    found: tuple[Remark, ...] = remarks(facts, images, profile)
    return {kind: " ".join(item.text for item in found if item.is_notice is kind) for kind in (True, False)}


def test_sound_data_are_called_so() -> None:
    said = _said(_facts(red=60, white=50), IMAGES, _profile(1, 99))
    assert not said[True]
    assert "Classes are even: “red” has 60 objects, “white” 50." in said[False]
    assert "1 % of the objects are tiny (up to 32 px a side)." in said[False]
    assert "All images have 640 × 480 px." in said[False]
    assert "No image is there twice." in said[False]


def test_uneven_and_empty_classes_and_tiny_objects_are_told() -> None:
    said = _said(_facts(RBC=3348, Platelets=292, other=0), IMAGES, _profile(40, 60))[True]
    assert "Classes are uneven: “RBC” has 3,348 objects, “Platelets” 292." in said
    assert "Without any object: “other”." in said
    assert "40 % of the objects are tiny, up to 32 px a side" in said


def test_images_that_stand_out_and_copies_are_named() -> None:
    images = [*IMAGES, _image(30, width=30_000, height=10), _image(31, hash="3"), _image(32, labels_count=0)]
    said = _said(_facts(red=60, white=50), images, _profile(0, 9))
    assert "1 image stands out by size or shape: “30.jpg” (30,000 × 10 px); usual are 640 px." in said[True]
    assert "1 image is a copy: “31.jpg” of “3.jpg”." in said[True]
    assert "1 image has no object. They teach what is no object." in said[False]


def test_data_that_teach_nothing_are_told() -> None:
    nothing = _said(_facts(red=0), [_image(1, labels_count=0)], _profile(0, 0))[True]
    assert "No object is drawn yet" in nothing
    assert "Are they labelled yet?" in nothing
    assert "“white” 3" in _said(_facts(red=9, white=3), IMAGES, _profile(0, 9))[True]
