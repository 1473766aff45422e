"""A series on the real platform: one frozen split for all, each started once, one made to fail."""

from dataclasses import replace
from pathlib import Path

from click.testing import CliRunner

from tests.contract.client.conftest import connected
from tests.contract.client.test_task_commands import plan_for
from tests.fakes.live_platform import LivePlatform
from tests.fakes.small_platform import wait_for
from traindash.cli import main
from traindash.domain.ids import SeriesId, TaskId
from traindash.domain.plan import CollectionsSplit, RandomSplit
from traindash.plans.plan_file import write_plan
from traindash.plans.series import SeriesChoices, SeriesPlan, SplitVariation, Vary, experiments
from traindash.supervisely.client import SuperviselyClient
from traindash.supervisely.transport import EMBEDDED
from traindash.tasks.series_progress import SeriesSnapshot, SeriesWatch
from traindash.tasks.series_record import Series, SeriesStore, cancelled, new_series
from traindash.tasks.series_runner import Access, SeriesStarter, place, start_now, texts


def planned_series(client: SuperviselyClient, **choices: object) -> SeriesPlan:
    """Return a series on a random split."""
    base = replace(plan_for(client), train_val_split=RandomSplit(percent=60), hyperparameters="epochs: 2\n")
    return SeriesPlan(base=base, choices=replace(SeriesChoices(), **choices))  # type: ignore[arg-type] # named fields


def test_place_start_follow(working: LivePlatform, tmp_path: Path) -> None:
    store = SeriesStore(tmp_path)
    with connected(working) as client:
        series = planned_series(client, vary=(Vary(key="fail_at_epoch", text="1, 7"),), repeats=2)
        made = experiments(series, texts(client, series.base))
        order = new_series(SeriesId("series1"), "s", "Night", made)
        assert place(client, store, order).id == "series1"
        again = place(client, store, order)  # a second click
        splits = {member.plan.train_val_split for member in again.members}
        assert len(splits) == 1
        assert all(isinstance(split, CollectionsSplit) for split in splits)
        SeriesStarter(store, lambda _: Access(client=client, looks=())).round()
        watch = SeriesWatch(client, store, SeriesId("series1"))

        def over() -> SeriesSnapshot | None:
            snapshot = watch.refresh()
            return snapshot if snapshot.is_over else None

        ended = wait_for(over, "the series is over", seconds=60)
        assert [state.stage for state in ended.states] == ["failed", "failed", "finished", "finished"]
        names = [collection.name for collection in client.collections.list(series.base.project_id)]
        assert sum("frozen" in name for name in names) == 2

        failed = ended.states[0]
        store.start_again(SeriesId("series1"), failed.member.key, after=failed.member.task_id)
        SeriesStarter(store, lambda _: Access(client=client, looks=())).round()
        member = store.load("series1").member(failed.member.key)
        assert member.task_id not in {None, failed.member.task_id}
        assert member.earlier == (failed.member.task_id,)


def test_a_cancelled_series_ends(working: LivePlatform, tmp_path: Path) -> None:
    store = SeriesStore(tmp_path)
    with connected(working) as client:
        series = planned_series(client, vary=(Vary(key="seconds_per_epoch", text="50, 60, 70"),))
        order = new_series(SeriesId("series2"), "s", "Night", experiments(series, texts(client, series.base)))
        place(client, store, order)
        starter = SeriesStarter(store, lambda _: Access(client=client, looks=()))
        starter.round()
        store.update(SeriesId("series2"), cancelled)
        starter.round()

        def over() -> Series | None:
            snapshot = SeriesWatch(client, store, SeriesId("series2")).refresh()
            return snapshot.series if snapshot.is_over else None

        assert len(wait_for(over, "all are stopped", seconds=60).task_ids) == 3


def test_a_program_starts_all_of_them(working: LivePlatform, tmp_path: Path) -> None:
    store = SeriesStore(tmp_path)
    with connected(working) as client:
        series = planned_series(client, split=SplitVariation(mode="several", percents=(50, 60)))
        made = experiments(series, texts(client, series.base))
        order = new_series(SeriesId("series3"), "s", "Night", made)
        tasks: list[TaskId] = []
        for task_id in start_now(client, store, order):
            tasks.append(task_id)
            kept = store.load("series3")
            assert kept.task_ids == tuple(tasks)
            assert not kept.needs_work  # a dashboard beside it starts nothing
        assert len(set(tasks)) == 2
        states = [client.tasks.get(task).params or {} for task in tasks]
        assert states[0] != states[1]


def test_the_command_starts_a_series_that_has_a_page(working: LivePlatform, tmp_path: Path) -> None:
    plan = tmp_path / "night.yaml"
    with connected(working) as client:
        base = planned_series(client).base
    text = write_plan(base) + "series:\n  hyperparameters: {epochs: [1, 2]}\n"
    plan.write_text(text, encoding="utf-8")
    environment = {"SERVER_ADDRESS": working.url, "API_TOKEN": working.platform.token}
    home = working.platform.services.layout.root
    result = CliRunner(env={**environment, "TRAINDASH_HOME": str(home)}).invoke(main, ["launch", str(plan)])
    assert result.exit_code == 0, result.output
    (kept,) = SeriesStore(home / "series").of_server(EMBEDDED)
    assert [f"{task}" for task in kept.task_ids] == result.stdout.split()
    assert f"{working.url}/series?series={kept.id}" in result.stderr
    assert kept.name == "night"
    elsewhere = CliRunner(env={**environment, "TRAINDASH_HOME": str(tmp_path / "other")}).invoke(
        main, ["launch", str(plan)]
    )
    assert elsewhere.exit_code == 0, elsewhere.output
    (other,) = SeriesStore(tmp_path / "other" / "series").of_server(working.url)
    assert len(other.task_ids) == 2
    assert "series?" not in elsewhere.stderr
