"""Drafts and series that were written before models and splits had a tag open unchanged (``old_files``)."""

import json
import shutil
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from traindash.domain.ids import AgentId, CollectionId, DatasetId, ProjectId, SeriesId, TaskId, WorkspaceId
from traindash.domain.plan import (
    CollectionsSplit,
    CustomCheckpoint,
    DatasetsSplit,
    PretrainedModel,
    RandomSplit,
    TagsSplit,
    TrainingPlan,
)
from traindash.plans.draft import DraftId, DraftStore, Origin, SplitDraft, TagsChoice, WizardDraft
from traindash.plans.series import ExperimentChange, Replaced, SeriesChoices, SeriesPlace, SplitVariation, Vary
from traindash.tasks.launcher import StartMark
from traindash.tasks.series_record import Member, Refusal, Series, SeriesStore, cancelled

OLD = Path(__file__).parent / "old_files"
MOMENT = datetime(2026, 11, 1, 12, 0, 3, 500_000, tzinfo=UTC)
MODEL = PretrainedModel(framework="YOLO", name="YOLO26n-det")
CHECKPOINT = CustomCheckpoint(path="/experiments/6_P/456_YOLO/checkpoints/best.pt")
COLLECTIONS = CollectionsSplit(train_collections=(CollectionId(1),), val_collections=(CollectionId(2),))
DATASETS = DatasetsSplit(train_datasets=(DatasetId(1),), val_datasets=(DatasetId(2),))
PLAN = TrainingPlan(project_id=ProjectId(6), model=MODEL, train_val_split=RandomSplit(seed=3, percent=70))
DRAFT = WizardDraft(
    id=DraftId("0a1b2c3d4e"),
    server="local",
    created_at=MOMENT,
    changed_at=MOMENT,
    seen=("project", "model"),
    name="Früchte",
    origin=Origin(
        task_id=TaskId(4),
        title="First",
        plan=replace(PLAN, train_val_split=TagsSplit(train_tag="train", val_tag="val")),
    ),
    replaces=Replaced(
        title="First", task_id=TaskId(4), place=SeriesPlace(series_id=SeriesId("abcdef123456"), key="k1")
    ),
    project_id=ProjectId(6),
    model=CHECKPOINT,
    classes=("car",),
    hyperparameters="epochs: 3\n",
    enable_speedtest=True,
    agent_id=AgentId(2),
    autostart=False,
    split=SplitDraft(
        method="collections",
        random=RandomSplit(seed=1, percent=60),
        collections=COLLECTIONS,
        tags=TagsChoice(train_tag="train"),
    ),
    series=SeriesChoices(
        name="S",
        models=(MODEL, CHECKPOINT),
        vary=(Vary(key="lr0", text="0.1, 0.2"),),
        changes={"k": ExperimentChange(name="n", agent_id=AgentId(1))},
        split=SplitVariation(mode="several", percents=(70, 80)),
    ),
)
SERIES = Series(
    id=SeriesId("abcdef123456"),
    server="local",
    name="S",
    project_id=ProjectId(6),
    created_at=MOMENT,
    members=(
        Member(
            key="k1",
            plan=PLAN,
            varied=(("lr0", "0.1"),),
            mark=StartMark(workspace_id=WorkspaceId(1), before=TaskId(3), fingerprint="f"),
            task_id=TaskId(4),
            agent_id=AgentId(1),
            earlier=(TaskId(2),),
        ),
        Member(
            key="k2",
            plan=replace(PLAN, model=CHECKPOINT, train_val_split=DATASETS),
            refusal=Refusal(message="m", hint="h"),
        ),
    ),
    removed=(Member(key="k3", plan=replace(PLAN, train_val_split=COLLECTIONS)),),
)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with the files as an earlier version left them."""
    return shutil.copytree(OLD, tmp_path / "drafts")


def test_a_draft_opens_and_is_rewritten_in_todays_form(folder: Path) -> None:
    store = DraftStore(folder)
    assert store.load(DRAFT.id) == DRAFT
    store.update(DRAFT.id, lambda draft: replace(draft, name="New"))
    assert json.loads((folder / f"{DRAFT.id}.json").read_bytes())["model"]["source"] == "checkpoint"
    assert replace(DraftStore(folder).load(DRAFT.id), name=DRAFT.name, changed_at=MOMENT) == DRAFT


def test_a_series_opens_and_is_rewritten_in_todays_form(folder: Path) -> None:
    store = SeriesStore(folder)
    assert store.load(SERIES.id) == SERIES
    store.update(SERIES.id, cancelled)
    assert SeriesStore(folder).load(SERIES.id) == replace(SERIES, is_cancelled=True)


def test_a_series_is_found_without_reading_the_others(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for number in range(3):
        shutil.copyfile(folder / f"{SERIES.id}.json", folder / f"other{number}.json")
    read: list[str] = []
    real = Path.read_bytes

    def noted(path: Path) -> bytes:
        read.append(path.name)
        return real(path)

    monkeypatch.setattr(Path, "read_bytes", noted)
    assert SeriesStore(folder).find(SERIES.id) == SERIES
    assert read == [f"{SERIES.id}.json"]
    assert SeriesStore(folder).find("nothing123") is None
