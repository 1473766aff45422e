"""One task, live."""

import pytest
from streamlit.testing.v1 import AppTest

from core.domain.ids import TaskId
from core.ui import connection
from core.ui.task_actions import stop
from tests.app.results.conftest import Open, add_evaluated, add_running, screen
from tests.fakes.evaluations import Made
from tests.fakes.server import FakeServer, event, training_log


def _metrics(at: AppTest) -> dict[str, str]:
    return {item.label: item.value for item in at.metric}


@pytest.mark.parametrize(
    ("wanted", "message"), [("99", "Task 99 does not exist"), ("x", "“x” is no task id"), ("", "No task is chosen")]
)
def test_an_id_that_is_none(open_page: Open, wanted: str, message: str) -> None:
    at = open_page("task", task=wanted)
    assert not at.exception
    assert message in screen(at)


def test_a_running_task(server: FakeServer, open_page: Open) -> None:
    add_running(server, 2, epochs=3)
    at = open_page("task", task="2")
    assert not at.exception
    text = screen(at)
    assert "Training, epoch 4 of 10" in text
    for phase in ("Preparing data", "Training", "Evaluation", "Speed test", "Uploading"):
        assert phase in text
    assert _metrics(at)["Best mAP50-95"] == "0.210"
    assert _metrics(at)["mAP50"] == "0.270"
    assert len(at.get("echarts_chart")) == 2
    assert "random initialisation" in text
    assert [button.label for button in at.button if button.key == "stop"] == ["Stop"]


def test_before_the_first_epoch(server: FakeServer, open_page: Open) -> None:
    server.add_task(2, "queued")["meta"]["queuePosition"] = 1
    text = screen(open_page("task", task="2"))
    assert "Queued, number 1" in text
    assert "Curves appear after the first epoch." in text
    assert "The log begins when the task starts." in text


def test_the_end_of_a_task_is_seen_once_and_polling_ends(server: FakeServer, open_page: Open) -> None:
    task = add_running(server, 2)
    at = open_page("task", task="2")
    server.logs[2] = training_log(epochs=10, planned=10, finished=True)
    task.update(status="finished", finishedAt="2026-11-23T10:01:35.000Z")
    at.run()
    assert "Finished after 1 min 30 s" in screen(at)
    calls = len(server.calls)
    at.run()
    asked = server.calls[calls:]
    assert "tasks.info" not in asked
    assert "tasks.log.download" not in asked
    assert not [button for button in at.button if button.key == "stop"]


def test_a_finished_task_leads_on(server: FakeServer, open_page: Open) -> None:
    add_evaluated(server, 1, "First light", Made())
    at = open_page("task", task="1")
    assert not at.exception
    assert "First light" in screen(at)
    assert {"mAP", "AP50", "F1"} <= set(_metrics(at))
    labels = [item.proto.label for item in at.get("page_link")]
    assert "Compare with others" in labels


def test_a_failed_task_says_why(server: FakeServer, open_page: Open) -> None:
    task = server.add_task(4, "error")
    task["meta"]["exitReport"] = {
        "cause": "out_of_memory",
        "message": "The training ran out of memory.",
        "hint": "Choose a smaller batch.",
        "logTail": ["RuntimeError: not enough memory"],
    }
    server.logs[4] = training_log(epochs=2, planned=10)
    at = open_page("task", task="4")
    assert not at.exception
    text = screen(at)
    assert "The training ran out of memory." in text
    assert "Choose a smaller batch." in text
    assert at.code[0].value == "RuntimeError: not enough memory"


def test_not_a_number_is_told_at_once(server: FakeServer, open_page: Open) -> None:
    add_running(server, 2)
    values = {"train/box_loss": "nan"}
    server.logs[2].append(
        event(50, "metrics", event_type="EventType.METRICS", epoch=4, epochs=10, seconds=20.0, values=values)
    )
    assert "“train/box_loss” was not a number in epoch 4" in screen(open_page("task", task="2"))


def test_a_task_without_autostart_has_a_start_button(server: FakeServer, open_page: Open) -> None:
    task = server.add_task(2, "started")
    task["meta"]["params"]["state"]["guiState"]["start_training"] = False
    at = open_page("task", task="2")
    assert "Ready, waits for “Start training”" in screen(at)
    at.button(key="start").click().run()
    sent = [request for request in server.requests if request["command"] == "train_from_api"]
    assert len(sent) == 1
    assert sent[0]["taskId"] == 2
    assert sent[0]["state"]["wait"] is False


def test_stop_is_sent_once(server: FakeServer, open_page: Open) -> None:
    add_running(server, 2)
    open_page("task", task="2")
    stop(connection.client().tasks.get(TaskId(2)))
    assert server.stopped == [2]
    at = open_page("task", task="2")
    assert "Stopping" in screen(at)
    assert at.button(key="stop").disabled


def test_paused_updates_stay_a_choice(server: FakeServer, open_page: Open) -> None:
    add_running(server, 2)
    at = open_page("task", task="2")
    at.toggle(key="paused-2").set_value(True).run()
    assert not at.exception
    assert at.toggle(key="paused-2").value


def test_log_lines_are_text(server: FakeServer, open_page: Open) -> None:
    add_running(server, 2)
    server.logs[2].append(event(40, "<script>alert(1)</script>", "error"))
    html = "".join(item.proto.body for item in open_page("task", task="2").get("html"))
    assert "&lt;script&gt;alert(1)" in html
