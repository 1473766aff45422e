"""A failed or waiting experiment is changed in the wizard and keeps its place."""

from datetime import UTC, datetime

from streamlit.testing.v1 import AppTest

from tests.app.wizard.stage import Stage, everything_said, links
from tests.app.wizard.test_series_on_screen import press, states
from traindash.domain.ids import SeriesId, TaskId
from traindash.domain.plan import TrainingPlan
from traindash.domain.task import TaskStatus
from traindash.plans.steps import complete
from traindash.tasks.series_record import Member, Series
from traindash.ui import connection, lookups

ID = SeriesId("series1")


def keep_series(stage: Stage) -> None:
    """Keep a series of two experiments as tasks 41 and 42."""
    draft = stage.draft()
    plan = complete(draft, lookups.facts_of(draft))
    assert isinstance(plan, TrainingPlan)
    members = tuple(
        Member(key=f"key{number}", plan=plan, task_id=TaskId(number), varied=(("lr0", "0.01"),)) for number in (41, 42)
    )
    now = datetime.now(UTC)
    connection.series().add(
        ID,
        Series(
            id=ID, server=connection.EMBEDDED, name="Night", project_id=plan.project_id, created_at=now, members=members
        ),
    )


def draft_of(app: AppTest) -> str:
    """Return the draft that the page is on."""
    named = app.query_params["draft"]
    return named if isinstance(named, str) else named[0]


def test_a_failed_experiment_is_changed_and_stays_in_its_series(stage: Stage) -> None:
    keep_series(stage)
    stage.world.statuses.update({TaskId(41): TaskStatus.ERROR, TaskId(42): TaskStatus.FINISHED})
    app = stage.open("series", series=ID)
    press(app, "Change and try again")
    draft_id = draft_of(app)
    assert app.title[0].value == "Change an experiment"
    assert "Takes the place of **key41** in the series **Night**, no difference yet." in everything_said(app)
    assert "Review and start" in links(app)
    app = stage.open("launch", draft=draft_id)
    assert not any(toggle.key == f"{draft_id}-autostart" for toggle in app.toggle)
    app.text_input(key=f"{draft_id}-name").set_value("Second try").run()
    press(app, "Start in the series")
    assert app.query_params["series"] in (ID, [ID])
    member = connection.series().load(ID).member("key41")
    assert (member.task_id, member.earlier, member.name) == (None, (41,), "Second try")
    said = everything_said(app)
    assert "changed by you" in said
    assert "Task 41" in links(app)
    connection.starter().round()
    assert states(stage.world)[0]["experiment_name"] == "Second try"
    assert "Started as a series" in everything_said(stage.open("launch", draft=draft_id))


def test_a_waiting_experiment_can_be_changed_too(stage: Stage) -> None:
    keep_series(stage)
    app = stage.open("series", series=ID)
    assert [button.label for button in app.button].count("Change") == 2
    app.button(key="series-change-key42").click().run()
    app = stage.open("launch", draft=draft_of(app))
    press(app, "Start in the series")
    assert stage.world.statuses == {TaskId(42): TaskStatus.STOPPED}
    assert connection.series().load(ID).member("key42").earlier == (42,)


def test_an_experiment_is_removed_and_brought_back(stage: Stage) -> None:
    keep_series(stage)
    stage.world.statuses[TaskId(41)] = TaskStatus.STOPPED
    app = stage.open("series", series=ID)
    press(app, "Remove")
    assert [member.key for member in connection.series().load(ID).members] == ["key42"]
    press(app, "Bring back 1 removed")
    assert [member.key for member in connection.series().load(ID).members] == ["key42", "key41"]


def test_a_new_training_does_not_begin_in_a_place(stage: Stage) -> None:
    keep_series(stage)
    stage.world.statuses[TaskId(41)] = TaskStatus.ERROR
    app = stage.open("series", series=ID)
    press(app, "Change and try again")
    taken = draft_of(app)
    assert draft_of(stage.open("project")) != taken
