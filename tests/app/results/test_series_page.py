"""The page of a series: states in words, best so far, why one failed, the ways on."""

from datetime import UTC, datetime
from pathlib import Path

from tests.app.results.conftest import Open, add_evaluated, add_running, screen
from tests.fakes.evaluations import Made
from tests.fakes.server import FakeServer
from traindash.domain.ids import ProjectId, SeriesId, TaskId
from traindash.domain.plan import PretrainedModel, TrainingPlan
from traindash.tasks.series_record import Member, Refusal, Series
from traindash.ui import connection

HOSTILE = "Night <script>alert(1)</script> **x** 🍎"


def keep_series(*members: Member, opens: bool = True) -> str:
    """Keep a series on this machine and return its id."""
    series = Series(
        id=SeriesId("series1"),
        server=connection.server_name(),
        name=HOSTILE,
        project_id=ProjectId(55),
        created_at=datetime.now(UTC),
        members=members,
        opens_comparison=opens,
    )
    return connection.series().add(series.id, series).id


def member(name: str, number: int | None = None, message: str = "") -> Member:
    """Return an experiment."""
    plan = TrainingPlan(
        project_id=ProjectId(55), model=PretrainedModel(framework="YOLO", name="Pico-det"), experiment_name=name
    )
    return Member(
        key=name.casefold(),
        plan=plan,
        varied=(("lr0", "0.01"),),
        task_id=None if number is None else TaskId(number),
        refusal=Refusal(message=message, hint="Choose another one.") if message else None,
    )


def fill(server: FakeServer) -> None:
    """Add tasks in every state."""
    add_evaluated(server, 1, "First", Made())
    add_running(server, 2)
    server.add_task(3, "queued")["meta"]["queuePosition"] = 1
    failed = server.add_task(4, "error")
    failed["meta"]["exitReport"] = {"cause": "out_of_memory", "message": "It ran out of memory.", "hint": "Use less."}
    failed["meta"]["settings"] = {"guiState": {"hyperparameters": "batch: 8\n"}}


def test_every_experiment_says_where_it_is(server: FakeServer, open_page: Open) -> None:
    fill(server)
    refused = member("E", message="Project 55 is gone.")
    name = keep_series(*(member(n, i) for i, n in enumerate("ABCD", start=1)), refused, member("F"))
    at = open_page("series", series=name)
    assert not at.exception
    text = screen(at)
    assert "1 of 6 finished, 1 running, 1 in the queue, 1 not started yet, 1 failed, 1 refused" in str(
        [item.proto.text.replace("\\", "") for item in at.get("progress")]
    )
    for part in ("best so far", "It ran out of memory.", "Use less.", "Project 55 is gone.", "lr0 0.01", "<script>"):
        assert part in text, part
    labels = [button.label for button in at.button]
    assert "Retry with batch 4" in labels
    assert labels.count("Start again") == 2
    assert at.button(key="series-compare").disabled


def test_a_retry_with_less_waits_for_its_start(server: FakeServer, open_page: Open) -> None:
    fill(server)
    name = keep_series(member("D", 4))
    at = open_page("series", series=name)
    at.button(key="series-safer-d").click().run()
    known = connection.series().load(name).member("d")
    assert (known.task_id, known.earlier) == (None, (4,))
    assert known.plan.hyperparameters == "batch: 4\n"


def test_the_comparison_opens_at_the_end_before_the_eyes_of_the_person(server: FakeServer, open_page: Open) -> None:
    add_evaluated(server, 1, "First", Made())
    add_running(server, 2)
    at = open_page("series", series=keep_series(member("A", 1), member("B", 2)))
    assert "task" not in at.query_params
    add_evaluated(server, 2, "Second", Made())
    at.run()
    assert at.query_params["ids"] in ("1,2", ["1,2"])
    later = open_page("series", series="series1")
    assert "2 of 2 finished" in str([item.proto.text for item in later.get("progress")])
    assert later.button(key="series-compare").label == "Compare 2"


def test_the_list_of_tasks_shows_the_series(server: FakeServer, open_page: Open) -> None:
    fill(server)
    keep_series(member("A", 1), member("D", 4))
    at = open_page("tasks")
    assert not at.exception
    assert "1 of 2 finished, 1 failed" in screen(at)


def test_a_series_that_is_not_there(server: FakeServer, open_page: Open, tmp_path: Path) -> None:
    del server, tmp_path
    assert "There is no series" in screen(open_page("series", series="nothere"))
    assert "No series is chosen" in screen(open_page("series"))
    assert "is not the id of a series" in screen(open_page("series", series="../../x"))


def test_the_task_of_a_failed_experiment_offers_what_keeps_it_in_its_series(
    server: FakeServer, open_page: Open
) -> None:
    fill(server)
    keep_series(member("A", 1), member("D", 4))
    at = open_page("task", task="4")
    labels = [button.label for button in at.button]
    assert {"Retry with batch 4", "Start again", "Change and try again", "Remove"} <= set(labels)
    assert f"Series {HOSTILE}" in [str(item.proto.label).replace("\\", "") for item in at.get("page_link")]
    at.button(key="series-again-d").click().run()
    assert at.query_params["series"] in ("series1", ["series1"])
    assert connection.series().load("series1").member("d").earlier == (4,)
