"""Names, shares and places: what can be said of a change before a server is asked."""

import pytest

from traindash.domain.annotation import Annotation, Label, Rectangle, Tag
from traindash.domain.ids import DatasetId, ImageId, ProjectId
from traindash.domain.project import Dataset, ObjectClass, TagMeta
from traindash.errors import InputError
from traindash.projects import choosing
from traindash.projects.merging import renamed_in

PROJECT = ProjectId(7)


@pytest.mark.parametrize(
    ("given", "hint"), [("  ", "Type one."), ("a" * 256, "at most 255"), ("apple", "another name")]
)
def test_names_that_cannot_be_are_told_before_they_are_sent(given: str, hint: str) -> None:
    with pytest.raises(InputError) as caught:
        choosing.checked_name(given, {"apple"}, "class")
    assert hint in caught.value.hint


def test_a_thing_may_keep_its_own_name() -> None:
    assert choosing.checked_name(" apple ", {"apple"}, "class", own="apple") == "apple"


def test_files_get_a_number_before_their_ending() -> None:
    found = choosing.free_file_names(["a.jpg", "a.jpg", "b", "c.png"], ["a.jpg", "a_1.jpg", "b"])
    assert found == ("a_2.jpg", "a_3.jpg", "b_1", "c.png")


@pytest.mark.parametrize(
    ("images", "percent", "expected"), [(10, 20, 2), (10, 1, 1), (3, 99, 2), (1, 50, 1), (0, 50, 0)]
)
def test_a_share_is_never_nothing_and_never_all(images: int, percent: int, expected: int) -> None:
    ids = [ImageId(number) for number in range(1, images + 1)]
    found = choosing.share_of(ids, percent, seed=4)
    assert len(found) == expected
    assert found == choosing.share_of(list(reversed(ids)), percent, seed=4)[::-1]


def test_a_class_goes_only_where_its_objects_fit() -> None:
    box, mask, both = (ObjectClass(name=name, shape=name) for name in ("rectangle", "bitmap", "any"))
    other = ObjectClass(name="crate", shape="rectangle")
    assert choosing.classes_to_merge_into(box, (box, mask, both, other)) == (both, other)
    assert choosing.classes_to_merge_into(both, (box, mask, both, other)) == ()


def test_a_tag_goes_only_where_its_values_fit() -> None:
    one = TagMeta(name="one", value_type="oneof_string", values=("a",))
    more = TagMeta(name="more", value_type="oneof_string", values=("a", "b"))
    images_only = TagMeta(name="images", value_type="oneof_string", values=("a",), applicable_type="imagesOnly")
    assert choosing.tags_to_merge_into(one, (one, more, images_only)) == (more,)
    assert choosing.tags_to_merge_into(images_only, (one, more, images_only)) == (one, more)
    assert choosing.tags_to_merge_into(more, (one, more)) == ()


def test_a_dataset_does_not_go_into_itself() -> None:
    top, inside, deep, other = (
        Dataset(id=DatasetId(number), name=str(number), project_id=PROJECT, parent_id=parent)
        for number, parent in ((1, None), (2, DatasetId(1)), (3, DatasetId(2)), (4, None))
    )
    every = (deep, inside, other, top)
    assert choosing.places_for(top, every) == (other,)
    assert choosing.places_for(deep, every) == (inside, other, top)


def test_a_merged_name_stands_where_the_other_stood() -> None:
    box = Rectangle(left=1, top=1, right=5, bottom=5)
    labels = (
        Label(class_name="lime", geometry=box, tags=(Tag(name="ripe"), Tag(name="ready"))),
        Label(class_name="fig", geometry=box),
    )
    drawn = Annotation(width=9, height=9, labels=labels, tags=(Tag(name="ripe", value=2), Tag(name="ready", value=3)))
    assert [label.class_name for label in renamed_in(drawn, "class", "lime", "lemon").labels] == ["lemon", "fig"]
    tagged = renamed_in(drawn, "tag", "ripe", "ready")
    assert [tag.name for tag in tagged.labels[0].tags] == ["ready"]
    assert [(tag.name, tag.value) for tag in tagged.tags] == [("ready", 2), ("ready", 3)]
