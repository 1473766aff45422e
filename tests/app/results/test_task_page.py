"""One task, live."""

import json
from typing import Any

import pytest
from streamlit.testing.v1 import AppTest

from tests.app.results.conftest import Open, add_evaluated, add_running, screen
from tests.fakes.evaluations import Made
from tests.fakes.server import FakeServer, event, training_log
from traindash.domain.ids import TaskId
from traindash.ui import connection
from traindash.ui.tasks.actions import stop


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
    assert _metrics(at)["Best mAP in training"] == "0.210"
    assert _metrics(at)["mAP50 in training"] == "0.270"
    assert not at.get("echarts_chart")  # the library of charts is 2.2 MB, and this page is often the first
    drawn = [json.loads(item.proto.json or "{}") for item in at.get("bidi_component")]
    metrics, losses = (data for data in drawn if "lines" in data)
    assert metrics["lines"][0]["mark"]["text"] == "0.210"
    assert [metrics["x"][end] for end in ("low", "high")] == [1, 10]
    assert "0.270" in metrics["alt"]
    assert losses["legend"]
    assert "AP of each class after epoch 3" in text
    assert "random initialisation" in text
    assert [button.label for button in at.button if button.key == "stop"] == ["Stop"]


def test_a_running_segmentation_says_what_is_measured(server: FakeServer, open_page: Open) -> None:
    add_running(server, 2, epochs=3)
    for row in server.logs[2]:
        if values := row.get("values"):
            values |= {"metrics/mAP50(M)": 0.5, "metrics/mAP50-95(M)": values["metrics/mAP50-95(B)"] / 2}
    at = open_page("task", task="2")
    assert not at.exception
    metrics = _metrics(at)
    assert (metrics["Best mask mAP in training"], metrics["Best box mAP in training"]) == ("0.105", "0.210")
    assert "Mask AP of each class after epoch 3" in screen(at)


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
    assert asked.count("tasks.info") == 1  # for its name, which may change
    assert "tasks.log.download" not in asked
    assert not [button for button in at.button if button.key == "stop"]


def test_a_finished_task_leads_on(server: FakeServer, open_page: Open) -> None:
    add_evaluated(server, 1, "First light", Made())
    at = open_page("task", task="1")
    assert not at.exception
    assert "First light" in screen(at)
    assert {"mAP", "AP50", "F1 (Supervisely)"} <= set(_metrics(at))
    labels = [item.proto.label for item in at.get("page_link")]
    assert {"Charts and images", "All experiments"} <= set(labels)


def test_a_finished_task_is_held_against_the_best_of_its_project(server: FakeServer, open_page: Open) -> None:
    add_evaluated(server, 1, "First light", Made())
    add_evaluated(server, 2, "Second light", Made())
    at = open_page("task", task="2")
    links = {item.proto.label: item.proto.query_string for item in at.get("page_link")}
    assert links["Compare with the best of its project"] == "ids=1%2C2"


def test_an_unknown_task_leads_to_the_list(open_page: Open) -> None:
    labels = [item.proto.label for item in open_page("task", task="99").get("page_link")]
    assert labels.count("All tasks") == 1


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
    assert "Not a number since epoch 4: “train/box_loss”" in screen(open_page("task", task="2"))


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


def _log(at: AppTest) -> str:
    return next(str(item.proto.body) for item in at.get("html") if 'class="cx-log"' in str(item.proto.body))


def test_the_log_is_searched_and_leads_to_its_first_error(server: FakeServer, open_page: Open) -> None:
    add_running(server, 2)
    server.logs[2] += [event(30, "The disk is nearly full", "warning"), event(31, "It is full", "error")]
    server.logs[2] += [event(32 + i / 100, f"later {i}") for i in range(400)]
    at = open_page("task", task="2")
    assert "It is full" not in _log(at)  # too old to be among the newest rows
    at.button(key="log-jump-True").click().run()
    assert 'class="cx-error cx-marked"' in _log(at)
    at.button(key="log-jump-False").click().run()
    at.selectbox(key="log-level").set_value("Warnings").run()
    assert "nearly full" in _log(at)
    assert "later" not in _log(at)
    at.run()  # only the rows were drawn anew, and the test's picture of the page had nothing else
    at.text_input(key="log-search").set_value("FULL").run()
    assert "nearly <mark>full</mark>" in _log(at)
    at.run()
    at.text_input(key="log-search").set_value("no such thing").run()
    assert "No row fits." in _log(at)


def test_a_log_without_errors_has_no_button_for_them(server: FakeServer, open_page: Open) -> None:
    add_running(server, 2)
    at = open_page("task", task="2")
    assert not [button for button in at.button if str(button.key).startswith("log-jump")]


def _add_samples(server: FakeServer, epochs: int) -> None:
    image = {"id": 5, "name": "kitchen.jpg", "width": 300, "height": 200, "objects": [["pear", 1, 2, 30, 40]]}
    server.logs[2].append(event(9, "samples", "debug", event_type="EventType.SAMPLES", images=[image]))
    for epoch in range(1, epochs + 1):
        found = {"5": [["pear", 2, 2, 30, 40, 0.2 + epoch / 10]]}
        server.logs[2].append(
            event(30 + epoch, "predictions", "debug", event_type="EventType.PREDICTIONS", epoch=epoch, found=found)
        )


def test_sample_predictions_follow_the_newest_epoch_until_another_is_chosen(
    server: FakeServer, open_page: Open
) -> None:
    add_running(server, 2)
    _add_samples(server, 3)
    at = open_page("task", task="2")
    assert "pear 0.50" in screen(at)
    _add_samples(server, 4)
    at.run()
    assert "pear 0.60" in screen(at)
    at.select_slider(key="samples-epoch").set_value(1).run()
    assert "pear 0.30" in screen(at)
    assert "pear 0.60" not in screen(at)
    at.slider(key="samples-score").set_value(0.9).run()
    assert "Found: nothing" in screen(at)


def test_sample_predictions_before_the_first_evaluated_epoch_and_after_one(server: FakeServer, open_page: Open) -> None:
    add_running(server, 2, epochs=0)
    _add_samples(server, 0)
    assert "appear after the first evaluated epoch" in screen(open_page("task", task="2"))
    _add_samples(server, 1)
    at = open_page("task", task="2")
    assert "pear 0.30" in screen(at)
    assert not at.select_slider


def test_an_app_that_failed_while_its_task_goes_on(server: FakeServer, open_page: Open) -> None:
    server.add_task(2, "started")
    server.logs[2] = [event(5, "hello")]
    server.train_status = "Error occurred during training. Please check the logs for more details."
    text = screen(open_page("task", task="2"))
    assert "The training app says: Error occurred during training." in text
    assert "stop the task" in text


@pytest.mark.parametrize("waits", [False, True])
def test_silence_is_told_unless_the_task_waits_for_its_start(
    server: FakeServer, open_page: Open, *, waits: bool
) -> None:
    task = server.add_task(2, "started")
    server.logs[2] = [event(5, "hello")]
    task["meta"]["params"]["state"]["guiState"]["start_training"] = not waits
    assert ("No sign of life" in screen(open_page("task", task="2"))) is not waits


def test_what_follows_takes_as_long_as_the_last_time(server: FakeServer, open_page: Open) -> None:
    add_evaluated(server, 1, "First light", Made(), training_duration=50.0)
    add_running(server, 2)
    text = screen(open_page("task", task="2"))
    assert "Evaluation] :small[:gray[about 3 s]]" in text


def test_a_task_on_a_gpu_shows_its_use(server: FakeServer, open_page: Open) -> None:
    add_running(server, 2)
    for at, busy in ((40, 10.0), (45, 87.4)):
        used: dict[str, Any] = {"cpu_percent": 50.0, "memory_bytes": 2**30}
        used |= {"gpu_percent": busy, "gpu_memory_bytes": 6 * 2**30}
        server.logs[2].append(event(at, "", event_type="EventType.RESOURCES", **used))
    shown = {metric.label: metric.value for metric in open_page("task", task="2").metric}
    assert (shown["GPU"], shown["GPU memory"]) == ("87 %", "6.4 GB")
