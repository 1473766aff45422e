"""What is behind bars, cells and points: the same rows as a slow reading of the match tables finds."""

import json
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.fakes.evaluations import Made, coco_pair, evaluation
from tests.unit.comparison.builders import bare, comparison, experiment, together
from tests.unit.evaluation.coco_data import Shape, coco_files
from tests.unit.evaluation.evaluations import evaluated
from traindash.comparison.charts.drawing import Bars, Cells, Line, Panel, Radar, View
from traindash.comparison.charts.outcomes import found_overlaps
from traindash.comparison.charts.registry import CHARTS, Chart, chart
from traindash.comparison.experiment import ComparedExperiment, Comparison
from traindash.comparison.image_query import (
    Agreement,
    CountedAs,
    Covering,
    FlowChange,
    Hits,
    ImageQuery,
    Outcome,
    Span,
    TakenForEachOther,
    find,
    half_open,
    open_below,
)
from traindash.comparison.image_set import ImageSet, disagreements, image_set
from traindash.errors import InputError
from traindash.evaluation.evaluation import Evaluation
from traindash.evaluation.flow import object_flow

CLASSES = ("class 0", "class 1", "class 2")


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    experiment: int
    image: int
    dt: int
    gt: int
    outcome: Outcome
    counted_as: str
    predicted: str
    true: str
    score: float
    iou: float
    area: float


def _slow_entries(images: ImageSet, confidence: float | None) -> Iterator[Entry]:
    for position, one in enumerate(images.evaluations):
        threshold = one.confidence if confidence is None else confidence
        table, view, places = one.table, one.view, images.places[position].tolist()
        found = set()
        for dt in range(table.dt_score.size):
            if not view.counted[dt] or table.dt_score[dt] < threshold:
                continue
            right, named = bool(view.right[dt]), one.classes[table.dt_class[dt]]
            gt = int(view.gt[dt] if right else view.confused_gt[dt])
            found |= {gt} if right else set()
            true = one.classes[table.gt_class[gt]] if gt >= 0 else ""
            kind = Outcome.FOUND if right else Outcome.CONFUSED if gt >= 0 else Outcome.ON_NOTHING
            yield Entry(
                experiment=position, image=places[table.dt_image[dt]], dt=dt, gt=gt, outcome=kind,
                counted_as=true if right else named, predicted=named, true=true, score=float(table.dt_score[dt]),
                iou=float(view.iou[dt]), area=float(one.pair.dt.area[table.dt_row[dt]]),
            )  # fmt: skip
        for gt in range(table.gt_class.size):
            if gt not in found and not table.gt_crowd[gt]:
                true = one.classes[table.gt_class[gt]]
                yield Entry(
                    experiment=position, image=places[table.gt_image[gt]], dt=-1, gt=gt, outcome=Outcome.MISSED,
                    counted_as=true, predicted="", true=true, score=np.nan, iou=np.nan, area=np.nan,
                )  # fmt: skip


def _matches(entry: Entry, query: ImageQuery, images: ImageSet) -> bool:
    wrong = {Outcome.CONFUSED, Outcome.ON_NOTHING}
    outcomes = {entry.outcome} | ({Outcome.FALSE_ALARM} if entry.outcome in wrong else set())
    by_object = entry.outcome in {Outcome.FOUND, Outcome.MISSED} or isinstance(
        query.classes, Covering | TakenForEachOther
    )
    area = images.evaluations[entry.experiment].pair.gt.area[entry.gt] if by_object else entry.area
    size = "small" if area <= 32**2 else "medium" if area <= 96**2 else "large"
    return (
        query.experiment in {None, images.keys[entry.experiment]}
        and (not query.outcomes or bool(outcomes & set(query.outcomes)))
        and _of_classes(entry, query)
        and query.size in {None, size}
        and (query.score is None or query.score.low <= entry.score <= query.score.high)
        and (query.iou is None or (entry.outcome is Outcome.FOUND and query.iou.low <= entry.iou <= query.iou.high))
    )


def _of_classes(entry: Entry, query: ImageQuery) -> bool:
    covers = entry.dt >= 0 and entry.gt >= 0
    match query.classes:
        case None:
            return True
        case CountedAs(class_name=name):
            return entry.counted_as == name
        case Covering(true=true, predicted=predicted):
            return covers and true in {None, entry.true} and predicted in {None, entry.predicted}
        case TakenForEachOther(first=first, second=second):
            return covers and (entry.true, entry.predicted) in {(first, second), (second, first)}


def _rows(hits: Hits) -> list[tuple[int, int, int, int]]:
    return sorted(zip(hits.experiment.tolist(), hits.image.tolist(), hits.dt.tolist(), hits.gt.tolist(), strict=True))


@lru_cache
def _random_set(seed: int) -> ImageSet:
    truth, found = coco_files(Shape(seed=seed, crowds=0.2))
    _, other = coco_files(Shape(seed=seed, crowds=0.2, right_class=0.5, near=0.5))
    made = [
        ComparedExperiment(
            key=str(number), label=f"E{number}", evaluation=evaluated(truth, {**found, "annotations": dt})
        )
        for number, dt in enumerate((found["annotations"], other["annotations"][::2]))
    ]
    return image_set(together(made))


QUERIES = st.builds(
    ImageQuery,
    title=st.just(""),
    experiment=st.sampled_from([None, "0", "1", "gone"]),
    classes=st.one_of(
        st.none(),
        st.builds(CountedAs, class_name=st.sampled_from([*CLASSES, "unknown"])),
        st.builds(
            Covering, true=st.sampled_from([None, *CLASSES, "unknown"]), predicted=st.sampled_from([None, *CLASSES])
        ),
        st.builds(TakenForEachOther, first=st.sampled_from(CLASSES), second=st.sampled_from([*CLASSES, "unknown"])),
    ),
    size=st.sampled_from([None, None, "small", "medium"]),
    outcomes=st.lists(st.sampled_from(list(Outcome)), max_size=2).map(tuple),
    confidence=st.sampled_from([None, 0.0, 0.5]),
    score=st.sampled_from([None, None, Span(0.2, 0.7), half_open(0.5, 0.9)]),
    iou=st.sampled_from([None, None, Span(0.6, 1.0)]),
)


@settings(max_examples=60)
@given(seed=st.integers(0, 8), query=QUERIES)
def test_same_as_one_by_one(seed: int, query: ImageQuery) -> None:
    images = _random_set(seed)
    expected = [e for e in _slow_entries(images, query.confidence) if _matches(e, query, images)]
    assert _rows(find(query, images)) == sorted((e.experiment, e.image, e.dt, e.gt) for e in expected)


@settings(max_examples=60)
@given(seed=st.integers(0, 8), confidence=st.sampled_from([None, 0.0, 0.4]))
def test_disagreement_one_by_one(seed: int, confidence: float | None) -> None:
    images = _random_set(seed)
    entries = list(_slow_entries(images, confidence))
    objects: dict[int, set[Outcome]] = {}
    alarms: dict[int, list[int]] = {image: [0, 0] for image in range(images.image_count)}
    for entry in entries:
        if entry.outcome in {Outcome.FOUND, Outcome.MISSED}:
            objects.setdefault(int(images.objects[entry.experiment][entry.gt]), set()).add(entry.outcome)
        else:
            alarms[entry.image][entry.experiment] += 1
    disputed, spread = disagreements(images, confidence)
    assert set(np.flatnonzero(disputed).tolist()) == {number for number, kinds in objects.items() if len(kinds) == 2}
    assert spread.tolist() == [abs(a - b) for a, b in alarms.values()]
    hits = find(ImageQuery(title="", agreement=Agreement.DISPUTED, confidence=confidence), images)
    expected = [
        entry
        for entry in entries
        if (
            len(objects[int(images.objects[entry.experiment][entry.gt])]) == 2
            if entry.outcome in {Outcome.FOUND, Outcome.MISSED}
            else spread[entry.image]
        )
    ]
    assert _rows(hits) == sorted((e.experiment, e.image, e.dt, e.gt) for e in expected)


def _panel(key: str, chosen: Comparison) -> Panel:
    return chart(key).draw(chosen, View()).panels[0]


@settings(max_examples=40)
@given(seed=st.integers(0, 8), confidence=st.sampled_from([None, 0.4]), agreement=st.sampled_from(list(Agreement)[1:]))
def test_alone_and_together_one_by_one(seed: int, confidence: float | None, agreement: Agreement) -> None:
    images = _random_set(seed)
    entries = list(_slow_entries(images, confidence))
    fates: dict[tuple[int, int], Outcome] = {}
    for entry in entries:
        if entry.outcome in {Outcome.FOUND, Outcome.MISSED}:
            fates[entry.experiment, int(images.objects[entry.experiment][entry.gt])] = entry.outcome
    query = ImageQuery(title="", outcomes=(Outcome.FOUND, Outcome.MISSED), agreement=agreement, confidence=confidence)
    expected = [
        (e.experiment, e.image, e.dt, e.gt)
        for e in entries
        if e.outcome in {Outcome.FOUND, Outcome.MISSED}
        and (fates[1 - e.experiment, int(images.objects[e.experiment][e.gt])] is e.outcome)
        == (agreement is Agreement.TOGETHER)
    ]
    assert _rows(find(query, images)) == sorted(expected)


def test_what_only_one_model_does_has_as_many_entries_as_its_bar_says() -> None:
    truth, found = coco_pair(Made(seed=3, quality=0.4))
    skipped: list[set[int]] = [set(), {0, 1}, {0}]  # a fifth is reported by the first model alone
    kept = [[row for i, row in enumerate(found["annotations"]) if i % 5 not in left_out] for left_out in skipped]
    made = [evaluated(truth, {**found, "annotations": rows}) for rows in kept]
    chosen = together([replace(experiment(i), evaluation=one) for i, one in enumerate(made, start=1)])
    images = image_set(chosen)
    marks = [mark for mark in _panel("outcome_differences", chosen).marks if isinstance(mark, Bars)]
    for mark in marks:
        assert [find(query, images).count for query in mark.queries if query] == list(mark.values)
    assert all(marks[0].values), "all three outcomes are in common somewhere"
    assert all(any(mark.values[outcome] for mark in marks[1:]) for outcome in range(3)), "and somewhere not"


def test_false_alarms_are_the_same_only_on_the_same_images() -> None:
    few = replace(experiment(2), evaluation=evaluation(Made(images=12, seed=5)))
    images = image_set(together([experiment(1), few]))
    with pytest.raises(InputError, match="different images"):
        find(ImageQuery(title="", outcomes=(Outcome.FALSE_ALARM,), agreement=Agreement.ALONE), images)
    assert find(ImageQuery(title="", outcomes=(Outcome.MISSED,), agreement=Agreement.ALONE), images).count


def test_pairs_of_confused_classes_have_as_many_entries_as_their_bars_say() -> None:
    made = (evaluation(Made(seed=seed, quality=0.3, images=200)) for seed in (3, 4))
    chosen = together([replace(experiment(i), evaluation=one) for i, one in enumerate(made, start=1)])
    images = image_set(chosen)
    for mark in _panel("confused_pairs", chosen).marks:
        assert isinstance(mark, Bars)
        assert sum(value or 0 for value in mark.values) > 3
        assert [find(query, images).count if query else 0 for query in mark.queries] == list(mark.values)


def test_a_share_of_right_classes_leads_to_all_that_it_is_a_share_of() -> None:
    made = evaluation(Made(seed=3, quality=0.3, images=200))
    chosen = together([replace(experiment(1), evaluation=made)])
    images = image_set(chosen)
    (mark,) = _panel("classification", chosen).marks
    assert isinstance(mark, Bars)
    assert min(value for value in mark.values if value is not None) < 1
    for value, query in zip(mark.values, mark.queries, strict=True):
        assert query is not None
        covering = find(query, images).count
        right = find(replace(query, outcomes=(Outcome.FOUND,)), images).count
        assert right / covering == pytest.approx(value)


def test_bars_by_size_lead_to_objects_of_that_size() -> None:
    chosen = comparison(1)
    images = image_set(chosen)
    recall = chart("sizes").draw(chosen, View()).panels[1]
    counts = [find(query, images).count if (query := recall.query(0, place)) else 0 for place in range(3)]
    assert counts == [one.objects for one in chosen.experiments[0].by_size()]


def test_a_radar_leads_to_all_outcomes_of_the_line_that_was_clicked() -> None:
    chosen = comparison(3)
    panel = _panel("key_metrics_radar", chosen)
    assert panel.leads_to_images
    query = panel.query(0, 2)
    assert query is not None
    assert query.experiment == "3"
    assert panel.query(0, 3) is None


NO_IMAGES = {
    "inference_speed": "times of a speed test, of no image in particular",
    "training_curves": "losses and metrics of epochs whose predictions were not kept",
}
"""Charts whose marks lead nowhere, and why."""


@pytest.mark.parametrize("item", [one for one in CHARTS if one.models != "pixels"], ids=lambda item: item.key)
def test_every_bar_cell_and_point_leads_to_its_images(item: Chart) -> None:
    """What counts something has a query; what counts nothing (0, no value) and lines to compare with have none."""
    made = (evaluation(Made(seed=seed, quality=0.4, images=60)) for seed in (3, 4))
    chosen = together([replace(experiment(i), evaluation=one) for i, one in enumerate(made, start=1)])
    panels = item.draw(chosen, View()).panels
    assert panels
    marks = [mark for panel in panels for mark in panel.marks]
    if item.key in NO_IMAGES:
        assert not any(panel.leads_to_images for panel in panels), "take it off the list of those without images"
        return
    for mark in marks:
        match mark:
            case Bars(values=values, queries=queries):
                assert [query is not None for query in queries] == [value not in {None, 0} for value in values] or all(
                    queries
                ), mark.name
            case Cells(queries=rows, change=change, texts=texts):
                assert change or [[query is not None for query in row] for row in rows] == [
                    [text != "" for text in row] for row in texts
                ]
                assert any(query for row in rows for query in row)
            case Radar(query=query):
                assert query is not None
            case Line(style=None):
                pass  # the diagonal of a reliability diagram counts nothing
            case Line(y=values, queries=queries):
                lost = [value for value, query in zip(values, queries, strict=True) if query is None and value]
                assert not lost, "only an empty bin has no images"


def test_a_bar_of_outcomes_has_as_many_entries_as_it_says() -> None:
    chosen = comparison(3)
    images = image_set(chosen)
    for mark in _panel("outcome_counts", chosen).marks:
        assert isinstance(mark, Bars)
        assert [find(query, images).count for query in mark.queries if query] == list(mark.values)


def test_a_cell_of_the_confusion_matrix_has_as_many_entries_as_it_says() -> None:
    chosen = together([replace(experiment(1), evaluation=evaluation(Made(seed=3, quality=0.4)))])
    images = image_set(chosen)
    mark = _panel("confusion_matrix", chosen).marks[0]
    assert isinstance(mark, Cells)
    for texts, queries in zip(mark.texts, mark.queries, strict=True):
        found = [find(query, images).count if query else 0 for query in queries]
        assert found == [int(text or 0) for text in texts]


def test_bins_of_iou_and_confidence_have_as_many_entries_as_they_say() -> None:
    chosen = comparison(2)
    images = image_set(chosen)
    for mark, (_, one) in zip(_panel("iou_histogram", chosen).marks, chosen.evaluated, strict=True):
        assert isinstance(mark, Line)
        total = found_overlaps(one).size
        counts = [find(query, images).count if query else 0 for query in mark.queries]
        assert [round(count / total, 4) for count in counts] == list(mark.y)
    for mark, (_, one) in zip(_panel("reliability", chosen).marks, chosen.evaluated, strict=False):
        assert isinstance(mark, Line)
        counts = [find(query, images).count for query in mark.queries if isinstance(query, ImageQuery)]
        assert counts == [count for count in one.calibration.count.tolist() if count]


@pytest.mark.parametrize("key", ["outcomes_by_class", "confidence_spread"])
def test_counts_by_class_and_by_confidence_have_as_many_entries_as_they_say(key: str) -> None:
    chosen = comparison(2)
    images = image_set(chosen)
    panels = chart(key).draw(chosen, View()).panels
    for panel in panels[: 3 if key == "outcomes_by_class" else 2]:
        for mark in panel.marks:
            assert isinstance(mark, Bars | Line)
            values = mark.values if isinstance(mark, Bars) else mark.y
            assert [find(query, images).count if query else None for query in mark.queries] == list(values)


@pytest.mark.parametrize("class_name", [None, "lemon"])
def test_a_point_of_the_pr_curve_reaches_its_recall(class_name: str | None) -> None:
    chosen = comparison(1)
    images = image_set(chosen)
    mark = chart("pr_curves").draw(chosen, View(class_name=class_name)).panels[0].marks[0]
    assert isinstance(mark, Line)
    followed = [(x, query) for x, query in zip(mark.x, mark.queries, strict=True) if query and query.confidence]
    assert len(followed) > 50
    for recall, query in followed[::10]:
        found = find(replace(query, outcomes=(Outcome.FOUND,)), images).count
        missed = find(replace(query, outcomes=(Outcome.MISSED,)), images).count
        assert found / (found + missed) >= recall - 1e-9
        above = open_below(query.confidence or 0, 1)
        surer = find(replace(query, outcomes=(Outcome.FOUND,), score=above), images).count
        assert surer == 0 or surer / (found + missed) < recall


def test_classes_and_precision_bars_say_whose_entries_they_open() -> None:
    chosen = comparison(1)
    images = image_set(chosen)
    panels = {panel.title: panel for panel in chart("prf_by_class").draw(chosen, View()).panels}
    query = panels["Precision"].query(0, 0)
    assert query is not None
    assert query.title == "Everything reported as “apple”, “Experiment 1”"
    counts = chosen.evaluated[0][1].counts
    hits = find(query, images)
    assert hits.count == counts.at_levels(counts.tp)[0] + counts.at_levels(counts.fp)[0]
    assert panels["Precision"].query(0, 99) is None
    assert panels["Precision"].query(7, 0) is None


def test_changes_are_those_of_the_flow() -> None:
    chosen = comparison(2)
    images = image_set(chosen)
    a, b = images.evaluations
    total = object_flow(a, b).total()
    expected = {
        FlowChange.GAINED: total.gained, FlowChange.LOST: total.lost, FlowChange.SWAPPED: total.swapped,
        FlowChange.MOVED_BOX: total.moved_box, FlowChange.NEW_ALARM: total.new_alarms,
        FlowChange.VANISHED_ALARM: total.vanished_alarms,
    }  # fmt: skip
    by_class = object_flow(a, b).by_class()
    for change, counts in expected.items():
        hits = find(ImageQuery(title="", experiment="2", change=change), images)
        assert hits.count == counts > 0
        here = images.evaluations[int(hits.experiment[0])]
        rows = here.table.gt_image[hits.gt] if hits.gt[0] >= 0 else here.table.dt_image[hits.dt]
        assert hits.image.tolist() == rows.tolist()
    lemon = find(ImageQuery(title="", change=FlowChange.LOST, classes=CountedAs(class_name="lemon")), images)
    assert lemon.count == by_class[a.classes.index("lemon")].lost
    small = find(ImageQuery(title="", change=FlowChange.GAINED, size="small"), images)
    assert small.count == object_flow(a, b).by_size()[0].gained
    assert a.confidence != b.confidence
    assert total.net == b.counts.total.tp - a.counts.total.tp


def test_change_needs_a_baseline_and_equal_objects() -> None:
    query = ImageQuery(title="", change=FlowChange.GAINED)
    with pytest.raises(InputError, match="baseline has no evaluation"):
        find(query, image_set(together([bare(1), experiment(2)])))
    other = replace(experiment(2), evaluation=evaluation(Made(images=20)))
    with pytest.raises(InputError, match="different images"):
        find(query, image_set(together([experiment(1), other])))


def _reordered(truth: dict[str, Any], found: dict[str, Any]) -> Evaluation:
    """Return the same evaluation with the images numbered backwards and the objects in another order."""
    last = len(truth["images"]) + 1
    turned = [{**image, "id": last - image["id"]} for image in reversed(truth["images"])]
    parts = [
        {
            **part,
            "images": turned,
            "annotations": [{**row, "image_id": last - row["image_id"]} for row in reversed(part["annotations"])],
        }
        for part in (truth, found)
    ]
    return evaluated(*json.loads(json.dumps(parts)))


def test_images_and_objects_are_recognised_in_another_order() -> None:
    made = Made(seed=2, quality=0.6)
    mixed = replace(experiment(2), evaluation=_reordered(*coco_pair(made)))
    images = image_set(together([replace(experiment(1), evaluation=evaluation(made)), mixed]))
    assert images.image_count == 40
    assert images.object_count == images.objects[0].size
    assert images.rows[0].tolist() == images.rows[1].tolist()[::-1]
    disputed, spread = disagreements(images)
    assert not disputed.any()
    assert not spread.any()


def test_experiments_with_images_of_their_own() -> None:
    few = replace(experiment(2), evaluation=evaluation(Made(images=12, seed=5)))
    images = image_set(together([experiment(1), few]))
    assert images.image_count == 40
    assert (images.rows[1] >= 0).sum() == 12
    assert images.name(20) == "ds/0021.jpg"
    assert images.sly_id(20) == 921
    assert images.size(20) == (320, 240)
    hits = find(ImageQuery(title="", experiment="2"), images)
    assert set(hits.image.tolist()) <= set(range(12))


def test_an_image_set_of_nothing() -> None:
    images = image_set(comparison(0))
    assert (images.image_count, images.object_count, images.baseline) == (0, 0, None)
    assert find(ImageQuery(title="", agreement=Agreement.DISPUTED), images).count == 0
    assert find(ImageQuery(title=""), image_set(together([bare(1)]))).count == 0


def test_images_with_most_entries_come_first() -> None:
    hits = find(ImageQuery(title="", outcomes=(Outcome.MISSED,)), image_set(comparison(2)))
    counts = np.bincount(hits.image)[hits.images]
    assert (np.diff(counts) <= 0).all()
    assert counts.sum() == hits.count


def test_ends_of_spans() -> None:
    assert half_open(0.5, 0.6).high < 0.6 < np.nextafter(0.6, 1)
    assert open_below(0.5, 0.6).low > 0.5


@pytest.mark.parametrize(
    ("query", "words"),
    [
        (ImageQuery(title=""), "2 objects and false alarms in 1 image"),
        (ImageQuery(title="", outcomes=(Outcome.MISSED,)), "2 missed objects in 1 image"),
        (ImageQuery(title="", outcomes=(Outcome.FOUND, Outcome.FALSE_ALARM)), "2 predictions in 1 image"),
        (ImageQuery(title="", outcomes=(Outcome.FOUND, Outcome.MISSED)), "2 objects in 1 image"),
        (ImageQuery(title="", score=Span(0, 1)), "2 predictions in 1 image"),
        (ImageQuery(title="", change=FlowChange.NEW_ALARM), "2 new false alarms in 1 image"),
        (ImageQuery(title="", change=FlowChange.LOST), "2 objects in 1 image"),
    ],
)
def test_entries_have_a_name(query: ImageQuery, words: str) -> None:
    two = np.zeros(2, dtype=np.int64)
    assert Hits(experiment=two, image=two, dt=two, gt=two).words(*query.noun) == words
