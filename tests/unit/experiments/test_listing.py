"""The list of experiments: made anew when something has changed, and only then."""

from tests.fakes.server import experiment_record
from traindash.domain.experiment import ExperimentFolder
from traindash.domain.ids import TaskId
from traindash.experiments.index import Entry, entry_of
from traindash.experiments.listing import Listings, selected
from traindash.experiments.marks import Mark
from traindash.experiments.query import Query
from traindash.supervisely.experiments import experiment_of


def _entry(number: int, **changes: object) -> Entry:
    info = experiment_of("tasks.list", experiment_record(number, f"E{number}", **changes))
    return entry_of(ExperimentFolder(path=info.artifacts_dir.rstrip("/")), info)


ENTRIES = (
    _entry(3, model_name="b", evaluation_metrics={"mAP": 0.5}),
    _entry(2, model_name="A", evaluation_metrics={"mAP": 0.7, "house": 1.0}),
    entry_of(ExperimentFolder(path="/experiments/55_Still life/1_RT-DETR"), None),
)


def test_it_says_what_there_is() -> None:
    known = Listings().of(ENTRIES, {TaskId(3): Mark(tags=("keep",))}, {})
    assert [row.task_id for row in known.rows] == [3, 2, 1]
    assert known.by_task[TaskId(2)].name == "E2"
    assert (known.models, known.frameworks, known.tags) == (("A", "b"), ("RT-DETR", "YOLO"), ("keep",))
    assert known.metrics == ("metric:mAP", "metric:house")


def test_it_is_kept_until_something_changes() -> None:
    made, settings = Listings(), {ENTRIES[0].folder.path: {"lr0": 0.1}}
    first = made.of(ENTRIES, {}, settings)
    assert made.of(ENTRIES, {}, settings) is first
    starred = made.of(ENTRIES, {TaskId(2): Mark(starred=True)}, settings)
    assert starred.by_task[TaskId(2)].mark.starred
    more = made.of(ENTRIES, {}, {**settings, ENTRIES[1].folder.path: {"lr0": 0.2}})
    assert (more.by_task[TaskId(2)].settings, first.by_task[TaskId(2)].settings) == ({"lr0": 0.2}, None)
    assert [row.task_id for row in made.of(ENTRIES[1:], {}, settings).rows] == [2, 1]


def test_a_choice_is_no_other_selection_but_a_filter_is() -> None:
    known = Listings().of(ENTRIES, {}, {})
    found = selected(known, Query(sort="metric:mAP"))
    assert [row.task_id for row in found.rows] == [2, 3, 1]
    assert list(found.best_values("metric:mAP").values()) == [0.7]
    assert selected(known, Query(sort="metric:mAP", chosen=(TaskId(2),), columns=("model",))) is found
    assert [row.task_id for row in selected(known, Query(models=("b",))).rows] == [3]
    assert selected(known, Query(models=("b",))).best_values("metric:mAP") == {}
