"""The way through the first comparison, and when a person was here last."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from tests.unit.plans.facts import facts
from tests.unit.plans.world import PLAN
from traindash.domain.ids import ProjectId, SeriesId, TaskId
from traindash.frameworks.registry import framework
from traindash.plans.hyperparameters import read_text
from traindash.tasks.first_comparison import (
    Part,
    TourStore,
    arrived,
    first_comparison,
    part_of,
    plan_first_comparison,
)
from traindash.tasks.series_record import Member, Series
from traindash.tasks.visits import VisitStore

NOW = datetime(2026, 12, 1, 12, tzinfo=UTC)
SERIES = Series(
    id=SeriesId("first1"),
    server="s",
    name="n",
    project_id=ProjectId(6),
    created_at=NOW,
    members=(Member(key="a", plan=PLAN, task_id=TaskId(1)), Member(key="b", plan=PLAN, task_id=TaskId(2))),
)


@pytest.mark.parametrize(
    ("screen", "named", "part"),
    [
        ("series", {"series": "first1"}, "watch"),
        ("series", {"series": "other1"}, None),
        ("series", {}, None),
        ("task", {"task": "2"}, "watch"),
        ("task", {"task": "3"}, None),
        ("task", {}, None),
        ("compare", {"ids": "1,2"}, "verdict"),
        ("compare", {"ids": "1,2,3"}, None),
        ("compare", {"ids": "1,x"}, None),
        ("compare", {}, None),
        ("show", {"ids": "2,1"}, "show"),
        ("experiments", {"ids": "1,2"}, None),
    ],
)
def test_the_strip_is_over_the_pages_of_its_own_series(screen: str, named: dict[str, str], part: Part | None) -> None:
    assert part_of(screen, SERIES, named) == part


def test_a_tour_is_kept_for_each_server(tmp_path: Path) -> None:
    store = TourStore(tmp_path / "tour.json")
    store.change("s", lambda tour: replace(tour, is_left=True))
    assert store.of("s") is None
    store.begin("s", SERIES.id)
    store.change("s", lambda tour: replace(arrived(tour, "show"), is_left=True))
    store.change("s", lambda tour: arrived(tour, "verdict"))
    again = TourStore(tmp_path / "tour.json").of("s")
    assert again is not None
    assert (again.reached, again.is_left, store.of("t")) == ("show", True, None)


def test_two_trainings_that_differ_in_one_thing() -> None:
    project = facts().project
    assert project is not None
    wanted = first_comparison()
    defaults = framework(wanted.framework).hyperparameters("cpu")
    planned, choices = plan_first_comparison(project, wanted, defaults, "cpu")
    texts = [read_text(item.plan.hyperparameters or "") for item in planned]
    assert [found.errors for found in texts] == [(), ()]
    differing = {key for key in texts[0].values if texts[0].values[key] != texts[1].values[key]}
    assert differing == set(wanted.vary)
    assert choices.opens_comparison
    assert tuple(item.plan.experiment_name for item in planned) == wanted.names
    assert wanted.model in {model.name for model in framework(wanted.framework).models}


def test_what_ended_since_the_last_visit_outlives_a_reload(tmp_path: Path) -> None:
    store = VisitStore(tmp_path / "visits.json")
    assert store.come("s", NOW) is None
    assert store.come("s", NOW + timedelta(minutes=20)) is None
    back = NOW + timedelta(hours=3)
    assert store.come("s", back) == NOW + timedelta(minutes=20)
    assert VisitStore(tmp_path / "visits.json").come("s", back + timedelta(minutes=5)) == NOW + timedelta(minutes=20)
    assert store.come("t", back) is None
