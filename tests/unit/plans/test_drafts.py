"""Drafts: changes, storage, and the way to a plan and back."""

import threading
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.unit.plans.facts import NOW, draft, facts
from traindash.domain.ids import AgentId, CollectionId, DatasetId, ProjectId, TaskId
from traindash.domain.plan import (
    CollectionsSplit,
    CustomCheckpoint,
    DatasetsSplit,
    PretrainedModel,
    RandomSplit,
    TagsSplit,
    TrainingPlan,
)
from traindash.domain.project import ObjectClass, ProjectMeta
from traindash.errors import InputError, NotFoundError, StorageError
from traindash.plans.draft import (
    DraftId,
    DraftStore,
    Origin,
    SplitDraft,
    TagsChoice,
    WizardDraft,
    choose_model,
    choose_project,
    fill,
    mark_seen,
    new_draft,
    set_benchmark,
    set_classes,
)
from traindash.plans.steps import complete

SERVER = "http://127.0.0.1:8501"
texts = st.text(max_size=30)
ids = st.integers(1, 10**9)
models = st.one_of(st.builds(PretrainedModel, framework=texts, name=texts), st.builds(CustomCheckpoint, path=texts))
dataset_ids = st.lists(ids.map(DatasetId), max_size=4).map(tuple)
collection_ids = st.lists(ids.map(CollectionId), max_size=4).map(tuple)
randoms = st.builds(
    RandomSplit,
    percent=st.integers(1, 99),
    split=st.sampled_from(["train", "val"]),
    seed=st.none() | st.integers(0, 2**31),
)
datasets = st.builds(DatasetsSplit, train_datasets=dataset_ids, val_datasets=dataset_ids)
collections = st.builds(CollectionsSplit, train_collections=collection_ids, val_collections=collection_ids)
actions = st.sampled_from(["train", "val", "ignore"])
tags = st.builds(TagsSplit, train_tag=texts, val_tag=texts, untagged_action=actions)
options = {
    name: st.booleans()
    for name in (
        "convert_class_shapes", "enable_benchmark", "cache_project", "export_onnx", "export_tensorrt", "autostart",
    )
}  # fmt: skip
plans = st.builds(
    TrainingPlan,
    project_id=ids.map(ProjectId),
    model=models,
    agent_id=st.none() | ids.map(AgentId),
    classes=st.none() | st.lists(texts, max_size=5, unique=True).map(tuple),
    train_val_split=st.one_of(randoms, datasets, tags, collections),
    hyperparameters=st.none() | texts,
    experiment_name=st.none() | texts,
    description=st.none() | texts,
    **options,
)
half_tags = st.builds(TagsChoice, train_tag=st.none() | texts, val_tag=st.none() | texts, untagged_action=actions)
splits = st.builds(
    SplitDraft,
    method=st.sampled_from(["random", "datasets", "tags", "collections"]),
    random=randoms,
    datasets=datasets,
    tags=half_tags,
    collections=collections,
)
drafts = st.builds(
    replace,
    plans.map(lambda plan: fill(new_draft(DraftId("abcdef12"), SERVER, NOW), plan)),
    split=splits,
    seen=st.lists(st.sampled_from(["project", "model", "split"]), unique=True).map(tuple),
    task_id=st.none() | ids.map(TaskId),
    name=st.none() | texts,
    origin=st.none() | st.builds(Origin, task_id=ids.map(TaskId), title=texts, plan=plans),
    project_id=st.none() | ids.map(ProjectId),
    model=st.none() | models,
)


class TestStorage:
    @settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=60, deadline=None)
    @given(wanted=drafts)
    def test_what_is_stored_comes_back_equal(self, tmp_path: Path, wanted: WizardDraft) -> None:
        store = DraftStore(tmp_path)
        made = store.create(SERVER)
        changed = store.update(made.id, lambda current: replace(wanted, id=current.id))
        loaded = store.load(made.id)
        assert loaded == changed
        assert replace(loaded, id=wanted.id, changed_at=wanted.changed_at) == wanted

    def test_two_tabs_keep_both_changes(self, tmp_path: Path) -> None:
        store = DraftStore(tmp_path)
        made = store.create(SERVER)
        names = [f"tab {number}" for number in range(8)]

        def edit(field: str) -> None:
            for name in names:
                store.update(made.id, lambda d, name=name: replace(d, **{field: name}))  # type: ignore[misc] # a field of the draft

        one, two = (threading.Thread(target=edit, args=(field,)) for field in ("experiment_name", "description"))
        for thread in (one, two):
            thread.start()
        for thread in (one, two):
            thread.join(timeout=30)
        final = store.load(made.id)
        assert (final.experiment_name, final.description) == (names[-1], names[-1])

    def test_a_damaged_file_is_told_and_left_alone(self, tmp_path: Path) -> None:
        store = DraftStore(tmp_path)
        made, good = store.create(SERVER), store.create(SERVER)
        path = tmp_path / f"{made.id}.json"
        path.write_text('{"id": "half', encoding="utf-8")
        with pytest.raises(InputError, match="damaged"):
            store.load(made.id)
        assert [item.id for item in store.drafts(SERVER)] == [good.id]
        assert path.read_text(encoding="utf-8") == '{"id": "half'

    @pytest.mark.parametrize("name", ["../token", "a", "A" * 10, "abcdef12.json", "", "x" * 99, "ab/cdef"])
    def test_an_id_never_leads_out_of_the_folder(self, tmp_path: Path, name: str) -> None:
        with pytest.raises(NotFoundError, match="not the id"):
            DraftStore(tmp_path).load(name)

    def test_an_unknown_draft(self, tmp_path: Path) -> None:
        with pytest.raises(NotFoundError, match="no draft"):
            DraftStore(tmp_path).load("abcdef99")

    def test_a_disk_that_does_not_take_it(self, tmp_path: Path) -> None:
        blocked = tmp_path / "file"
        blocked.write_text("", encoding="utf-8")
        with pytest.raises(StorageError, match="cannot be used"):
            DraftStore(blocked / "drafts").create(SERVER)

    def test_nothing_is_left_beside_the_draft(self, tmp_path: Path) -> None:
        store = DraftStore(tmp_path)
        made = store.create(SERVER)
        store.update(made.id, lambda current: replace(current, experiment_name="x"))
        assert [path.name for path in tmp_path.iterdir()] == [f"{made.id}.json"]

    def test_the_latest_open_draft_of_this_server(self, tmp_path: Path) -> None:
        store = DraftStore(tmp_path)
        first, second = store.create(SERVER), store.create(SERVER)
        store.create("http://elsewhere")
        store.update(first.id, lambda current: replace(current, experiment_name="newer"))
        assert [item.id for item in store.drafts(SERVER)] == [first.id, second.id]
        store.update(first.id, lambda current: replace(current, task_id=TaskId(5)))
        latest = store.latest_open(SERVER)
        assert latest is not None
        assert latest.id == second.id

    def test_a_copy_keeps_the_choices_and_is_not_started(self, tmp_path: Path) -> None:
        store = DraftStore(tmp_path)
        original = draft(task_id=TaskId(5), experiment_name="one")
        copied = store.create(SERVER, original)
        assert copied.task_id is None
        assert copied.id != original.id
        assert replace(copied, id=original.id, task_id=TaskId(5), created_at=NOW, changed_at=NOW, server="") == replace(
            original, server=""
        )

    def test_an_unchanged_draft_keeps_its_time(self, tmp_path: Path) -> None:
        store = DraftStore(tmp_path)
        made = store.create(SERVER)
        assert store.update(made.id, lambda current: current) == made

    def test_a_deleted_draft_can_be_had_back(self, tmp_path: Path) -> None:
        store = DraftStore(tmp_path)
        made = store.create(SERVER, draft(), name="mine")
        store.remove(made.id)
        assert store.drafts(SERVER) == ()
        with pytest.raises(NotFoundError):
            store.load(made.id)
        assert store.restore(made.id) == made
        with pytest.raises(NotFoundError):
            store.restore(made.id)

    def test_only_the_latest_deleted_drafts_are_kept(self, tmp_path: Path) -> None:
        store = DraftStore(tmp_path)
        for _ in range(30):
            store.remove(store.create(SERVER).id)
        assert len(list(tmp_path.iterdir())) == 20

    def test_removing_twice(self, tmp_path: Path) -> None:
        store = DraftStore(tmp_path)
        made = store.create(SERVER)
        store.remove(made.id)
        store.remove(made.id)
        assert store.drafts(SERVER) == ()


class TestPlans:
    @given(plan=plans)
    def test_a_plan_fills_a_draft_and_comes_back(self, plan: TrainingPlan) -> None:
        filled = fill(new_draft(DraftId("abcdef12"), SERVER, NOW), plan)
        split = filled.split.chosen()
        again = TrainingPlan(
            project_id=plan.project_id, model=plan.model, agent_id=filled.agent_id, classes=filled.classes,
            train_val_split=plan.train_val_split if split is None else split, hyperparameters=filled.hyperparameters,
            experiment_name=filled.experiment_name, convert_class_shapes=filled.convert_class_shapes,
            enable_benchmark=filled.enable_benchmark, enable_speedtest=filled.enable_speedtest,
            cache_project=filled.cache_project, export_onnx=filled.export_onnx,
            export_tensorrt=filled.export_tensorrt, autostart=filled.autostart, description=filled.description,
        )  # fmt: skip
        assert (filled.project_id, filled.model) == (plan.project_id, plan.model)
        assert split is not None
        assert again == plan

    def test_a_good_draft_becomes_its_plan(self) -> None:
        made = complete(draft(classes=("apple",), export_onnx=True, experiment_name=""), facts())
        assert isinstance(made, TrainingPlan)
        assert (made.classes, made.export_onnx, made.experiment_name) == (("apple",), True, None)
        assert complete(fill(draft(), made), facts()) == made

    def test_a_bad_draft_gives_all_problems_at_once(self) -> None:
        bad = draft(classes=(), hyperparameters="a: [", experiment_name="a/b")
        problems = complete(bad, facts())
        assert isinstance(problems, tuple)
        assert [problem.step for problem in problems] == ["classes", "hyperparameters", "launch"]


class TestChanges:
    def test_another_project_resets_what_belongs_to_the_old_one(self) -> None:
        split = SplitDraft(method="tags")
        changed = choose_project(draft(classes=("apple",)), ProjectId(8), split)
        assert (changed.project_id, changed.classes, changed.split) == (ProjectId(8), None, split)

    def test_the_same_project_resets_nothing(self) -> None:
        before = draft(classes=("apple",))
        assert choose_project(before, ProjectId(7), SplitDraft(method="tags")) is before

    def test_hyperparameters_go_with_their_framework(self) -> None:
        model = PretrainedModel(framework="Other", name="X")
        edited = draft(hyperparameters="epochs: 3")
        assert choose_model(edited, model, same_framework=False).hyperparameters is None
        assert choose_model(edited, model, same_framework=True).hyperparameters == "epochs: 3"

    def test_the_speed_test_goes_off_with_the_benchmark_and_does_not_come_back(self) -> None:
        off = set_benchmark(draft(enable_speedtest=True), enable=False)
        assert (off.enable_benchmark, off.enable_speedtest) == (False, False)
        assert not set_benchmark(off, enable=True).enable_speedtest

    def test_classes_keep_the_project_order_and_all_is_none(self) -> None:
        classes = [ObjectClass(name=name, shape="rectangle") for name in ("apple", "lemon", "plum")]
        meta = ProjectMeta(classes=(*classes, ObjectClass(name="pose", shape="graph")))
        assert set_classes(draft(), ("plum", "apple"), meta).classes == ("apple", "plum")
        assert set_classes(draft(), ("plum", "lemon", "apple"), meta).classes is None
        assert set_classes(draft(), ("plum", "pose", "lemon", "apple"), meta).classes == (
            "apple",
            "lemon",
            "plum",
            "pose",
        )
        assert set_classes(draft(), (), meta).classes == ()

    def test_a_step_is_confirmed_once(self) -> None:
        assert mark_seen(mark_seen(draft(), "model"), "model").seen == ("model",)

    def test_the_wizard_measures_the_speed_and_a_plan_that_is_silent_does_not(self) -> None:
        empty = new_draft(DraftId("abcdef12"), SERVER, NOW)
        plan = TrainingPlan(
            project_id=ProjectId(1), model=PretrainedModel(framework="YOLO", name="a"), train_val_split=RandomSplit()
        )
        assert empty.enable_speedtest
        assert not fill(empty, plan).enable_speedtest

    def test_new_drafts_are_untouched_until_something_is_chosen(self) -> None:
        empty = new_draft(DraftId("abcdef12"), SERVER, NOW + timedelta(seconds=1))
        assert empty.is_untouched
        assert not replace(empty, project_id=ProjectId(7)).is_untouched
