"""Gained and lost: sums that hold for everything, every class and every size, and entries in the order asked for."""

from dataclasses import replace

import numpy as np
import pytest

from tests.fakes.evaluations import Made, evaluation
from tests.unit.comparison.builders import HOSTILE, comparison, experiment, together
from traindash.comparison.changes import Changes, EntryOrder, changed_entries, changes_between, count_of
from traindash.comparison.image_query import FlowChange
from traindash.comparison.image_set import ImageSet, image_set
from traindash.comparison.report.parts import flow_sum, flow_table
from traindash.comparison.report.rendering import signed
from traindash.errors import InputError
from traindash.evaluation.evaluation import SIZES


@pytest.fixture(scope="module")
def images() -> ImageSet:
    return image_set(comparison(3))


@pytest.fixture(scope="module")
def found(images: ImageSet) -> Changes:
    return changes_between(images, 2)


def test_gained_minus_lost_is_the_change_in_true_positives(images: ImageSet, found: Changes) -> None:
    before, after = images.evaluations[0].counts, images.evaluations[2].counts
    assert (found.total.before, found.total.after) == (before.total.tp, after.total.tp)
    assert found.total.net == after.total.tp - before.total.tp
    for row in (found.total, *found.by_class.values(), *found.by_size.values()):
        assert row.after == row.before - row.lost + row.gained


def test_classes_and_sizes_add_up(found: Changes) -> None:
    for change in FlowChange:
        whole = count_of(found.total, change)
        for group in (found.by_class, found.by_size):
            assert whole == sum(count_of(row, change) for row in group.values())
    assert list(found.by_size) == list(SIZES)


@pytest.mark.parametrize("change", list(FlowChange))
def test_filters_and_orders(images: ImageSet, found: Changes, change: FlowChange) -> None:
    every = changed_entries(found, images, change)
    assert every.count == count_of(found.total, change)
    for name, row in found.by_class.items():
        assert changed_entries(found, images, change, classes=[name]).count == count_of(row, change)
    for name, row in found.by_size.items():
        assert changed_entries(found, images, change, sizes=[name]).count == count_of(row, change)
    names = list(found.by_class)
    assert changed_entries(found, images, change, classes=names, sizes=SIZES).count == every.count
    surest = changed_entries(found, images, change, EntryOrder.SUREST)
    unsure = changed_entries(found, images, change, EntryOrder.UNSUREST)
    assert sorted(surest.dt.tolist()) == sorted(unsure.dt.tolist())
    if change is FlowChange.NEW_ALARM:
        scores = images.evaluations[2].table.dt_score[surest.dt]
        assert (np.diff(scores) <= 0).all()
    if change is FlowChange.GAINED:
        largest = changed_entries(found, images, change, EntryOrder.LARGEST)
        areas = images.evaluations[2].table.gt_area[largest.gt]
        assert (np.diff(areas) <= 0).all()
    assert (np.diff(changed_entries(found, images, change, EntryOrder.IMAGE).image) >= 0).all()


def test_different_images_are_refused() -> None:
    other = replace(experiment(2), evaluation=evaluation(Made(images=20)))
    with pytest.raises(InputError, match="different images"):
        changes_between(image_set(together([experiment(1), other])), 1)


def test_the_same_twice_changes_nothing() -> None:
    same = changes_between(image_set(together([experiment(1), replace(experiment(1), key="2")])), 1)
    assert [count_of(same.total, change) for change in FlowChange] == [0] * 6


def test_html_holds_the_numbers_and_no_markup_of_names(found: Changes) -> None:
    chosen = together([replace(experiment(i + 1), label=name) for i, name in enumerate(HOSTILE[:2])])
    text = flow_sum(found.total, *chosen.experiments)
    assert "<script>" not in text
    assert f"<strong>{found.total.before}</strong>" in text
    table = flow_table(replace(found, by_class={HOSTILE[1]: next(iter(found.by_class.values()))}))
    assert "<img" not in table
    assert f"{signed(found.total.net)}</td>" in table


@pytest.mark.parametrize(("number", "text"), [(1200, "+1,200"), (-3, "\u22123"), (0, "0")])
def test_signed(number: int, text: str) -> None:
    assert signed(number) == text
