"""What is looked for: filters, order, and the way through a URL."""

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.fakes.server import experiment_record
from traindash.domain.experiment import ExperimentFolder
from traindash.domain.ids import TaskId
from traindash.experiments import query as columns
from traindash.experiments.index import entry_of
from traindash.experiments.marks import Mark
from traindash.experiments.query import Query, Row, from_text, read, select, to_text
from traindash.supervisely.experiments import experiment_of

WORDS = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=20)
SEVERAL = st.lists(WORDS, max_size=3, unique=True).map(tuple)
QUERIES = st.builds(
    Query,
    text=st.text(st.characters(exclude_categories=["Cs"]), max_size=30),
    projects=SEVERAL,
    models=SEVERAL,
    frameworks=SEVERAL,
    task_types=SEVERAL,
    tags=SEVERAL,
    starred=st.booleans(),
    hidden=st.booleans(),
    since=st.none() | st.dates(),
    until=st.none() | st.dates(),
    sort=st.sampled_from(["task", "name", "metric:mAP", "setting:lr0", "finished"]),
    descending=st.booleans(),
    columns=st.lists(
        st.sampled_from(["model", "tags", "metric:mAP", "setting:lr0", "setting:a,b&c=d"]), max_size=4, unique=True
    ).map(tuple),
    chosen=st.lists(st.integers(1, 10**9), max_size=5, unique=True).map(lambda ids: tuple(map(TaskId, ids))),
)


def _row(
    number: int, name: str = "", mark: Mark | None = None, settings: dict[str, object] | None = None, **changes: object
) -> Row:
    record = experiment_record(number, name or f"E{number}", **changes)
    info = experiment_of("tasks.list", record)
    folder = ExperimentFolder(path=info.artifacts_dir.rstrip("/"))
    return Row(entry=entry_of(folder, info), mark=mark or Mark(), settings=settings)


def _unread(number: int) -> Row:
    return Row(entry=entry_of(ExperimentFolder(path=f"/experiments/55_Still life/{number}_YOLO"), None))


def _found(rows: list[Row], **wanted: object) -> list[int]:
    return [int(row.task_id or 0) for row in select(rows, Query(**wanted))]  # type: ignore[arg-type]


@given(QUERIES)
def test_a_query_comes_back_from_its_url(query: Query) -> None:
    assert from_text(to_text(query)) == query


def test_the_usual_view_needs_no_url() -> None:
    assert to_text(Query()) == ""


@pytest.mark.parametrize(
    "text", ["sort=nothing", "since=yesterday", "ids=1,x,-3,9", "column=unknown", "starred=maybe", "q=", "foo=bar"]
)
def test_what_cannot_be_understood_is_left_out(text: str) -> None:
    query = from_text(text)
    assert query.sort == "task"
    assert query.since is None
    assert query.chosen in ((), (TaskId(1), TaskId(9)))
    assert not query.starred


def test_a_choice_in_a_url_has_an_end() -> None:
    assert len(read({"ids": [",".join(map(str, range(1, 5000)))]}).chosen) == 1000


def test_filters() -> None:
    rows = [
        _row(
            3,
            "Small one",
            Mark(tags=("keep", "x"), starred=True),
            model_name="YOLO26n-det",
            datetime="2026-11-03 10:00:00",
        ),
        _row(2, "Large one", Mark(hidden=True), model_name="YOLO26m-det", datetime="2026-11-02 10:00:00"),
        _row(1, "Old one", Mark(note="Too slow"), framework_name="RT-DETR", datetime=None),
        _unread(0),
    ]
    assert _found(rows) == [3, 1, 0]
    assert _found(rows, hidden=True) == [3, 2, 1, 0]
    assert _found(rows, starred=True) == [3]
    assert _found(rows, tags=("x", "y")) == [3]
    assert _found(rows, models=("YOLO26n-det", "YOLO26m-det")) == [3]
    assert _found(rows, frameworks=("YOLO",)) == [3, 0]
    assert _found(rows, projects=("Still life",)) == [3, 1, 0]
    assert _found(rows, task_types=("object detection",)) == [3, 1]
    assert _found(rows, since=date(2026, 11, 2), hidden=True) == [3, 2]
    assert _found(rows, until=date(2026, 11, 2), hidden=True) == [2]
    assert _found(rows, text="SLOW old") == [1]
    assert _found(rows, text="yolo26n") == [3]
    assert _found(rows, text="keep") == [3]


def test_order_puts_what_has_no_value_last_and_keeps_the_newest_first() -> None:
    rows = [
        _row(5, evaluation_metrics={"mAP": 0.5}, train_size=2),
        _row(4, evaluation_metrics={}),
        _row(3, evaluation_metrics={"mAP": 0.7}),
        _row(2, evaluation_metrics={"mAP": 0.5}),
        _unread(1),
    ]
    assert _found(rows, sort="metric:mAP") == [3, 5, 2, 4, 1]
    assert _found(rows, sort="metric:mAP", descending=False) == [5, 2, 3, 4, 1]
    assert _found(rows, sort="name", descending=False) == [2, 3, 4, 5, 1]


def test_settings_are_ordered_as_numbers_where_they_are_numbers() -> None:
    rows = [
        _row(4, settings={"lr0": 0.01}),
        _row(3, settings={"lr0": 0.002}),
        _row(2, settings={"lr0": "auto"}),
        _row(1, settings={}),
    ]
    assert _found(rows, sort="setting:lr0", descending=False) == [3, 4, 2, 1]


def test_columns_are_offered_for_what_was_met() -> None:
    rows = [
        _row(1, evaluation_metrics={"mAP": 0.5, "house_metric": 1.0}, settings={"lr0": 0.1, "a": 1}),
        _row(2, settings={"lr0": 0.2, "a": 1}),
    ]
    assert columns.metric_keys(rows) == ("metric:mAP", "metric:house_metric")
    assert columns.differing_settings([row.settings for row in rows if row.settings]) == ("lr0",)


def test_the_best_needs_two_and_a_direction() -> None:
    rows = [
        _row(1, evaluation_metrics={"mAP": 0.5, "f1_optimal_conf": 0.2}),
        _row(2, evaluation_metrics={"mAP": 0.7, "f1_optimal_conf": 0.3}),
    ]
    quality, threshold = columns.column("metric:mAP"), columns.column("metric:f1_optimal_conf")
    assert quality is not None
    assert threshold is not None
    assert columns.best_values(rows, quality) == {rows[0].project: 0.7}
    assert columns.best_values(rows[:1], quality) == {}
    assert columns.best_values(rows, threshold) == {}


def test_nothing_is_best_across_projects() -> None:
    rows = [
        _row(1, project_id=1, artifacts_dir="/experiments/1_Fruit/1_YOLO/", evaluation_metrics={"mAP": 0.9}),
        _row(2, project_id=2, artifacts_dir="/experiments/2_Cells/2_YOLO/", evaluation_metrics={"mAP": 0.3}),
        _row(3, project_id=2, artifacts_dir="/experiments/2_Cells/3_YOLO/", evaluation_metrics={"mAP": 0.4}),
    ]
    quality = columns.column("metric:mAP")
    assert quality is not None
    assert columns.best_values(rows, quality) == {"Cells": 0.4}


def test_a_row_without_its_record_says_what_its_path_says() -> None:
    row = _unread(9)
    assert (row.name, row.project, row.framework) == ("Task 9", "Still life", "YOLO")
