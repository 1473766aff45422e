"""Plans in words, and what two of them say differently."""

from dataclasses import replace

from hypothesis import given

from tests.unit.plans.facts import draft
from tests.unit.plans.plans import plans
from traindash.domain.ids import CollectionId, DatasetId, ProjectId, TaskId
from traindash.domain.plan import CollectionsSplit, DatasetsSplit, PretrainedModel, TrainingPlan
from traindash.plans.draft import Origin, begin_again, fill
from traindash.plans.steps import Names, PlanChange, changes, described

NAMES = Names(projects={ProjectId(6): "Fruit"}, default_hyperparameters="epochs: 20\nbatch: 8\n")
PLAN = TrainingPlan(project_id=ProjectId(6), model=PretrainedModel(framework="YOLO", name="YOLO26n-det"))


def test_every_choice_is_told() -> None:
    said = {item.label: item.text for item in described(replace(PLAN, hyperparameters="epochs: 3\nbatch: 8"), NAMES)}
    assert said["Project"] == "Fruit"
    assert said["Model"] == "YOLO26n-det (YOLO)"
    assert said["Hyperparameters"] == "epochs 3"
    assert said["Classes"] == "all"


def test_differences_name_their_step_and_both_sides() -> None:
    other = replace(PLAN, hyperparameters="epochs: 3\nlr0: 0.1\n", export_onnx=True, classes=("a", "b"))
    assert changes(PLAN, other, NAMES) == (
        PlanChange(step="classes", label="Classes", before="all", after="2: a, b"),
        PlanChange(step="hyperparameters", label="epochs", before="20", after="3"),
        PlanChange(step="hyperparameters", label="lr0", before="not given", after="0.1"),
        PlanChange(step="hyperparameters", label="batch", before="8", after="not given"),
        PlanChange(step="export", label="ONNX", before="off", after="on"),
    )


def test_datasets_and_collections_with_the_same_ids_keep_their_own_names() -> None:
    names = Names(
        datasets={DatasetId(1): "first", DatasetId(2): "second"},
        collections={CollectionId(1): "frozen train", CollectionId(2): "frozen val"},
    )
    by_datasets = DatasetsSplit(train_datasets=(DatasetId(1),), val_datasets=(DatasetId(2),))
    by_collections = CollectionsSplit(train_collections=(CollectionId(1),), val_collections=(CollectionId(2),))
    texts = [
        next(row.text for row in described(replace(PLAN, train_val_split=split), names) if row.label == "Split")
        for split in (by_datasets, by_collections)
    ]
    assert texts == [
        "datasets “first” to train, “second” to validate",
        "collections “frozen train” to train, “frozen val” to validate",
    ]


@given(plan=plans)
def test_a_draft_that_began_with_a_training_differs_in_nothing(plan: TrainingPlan) -> None:
    begun = begin_again(draft(), Origin(task_id=TaskId(4), title="four", plan=plan))
    assert begun.origin is not None
    assert changes(begun.origin.plan, begun, NAMES) == ()
    assert changes(plan, fill(draft(), plan), NAMES) == ()
