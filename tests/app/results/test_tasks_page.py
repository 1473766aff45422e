"""The list of tasks."""

from tests.app.results.conftest import Open, add_evaluated, add_running, screen
from tests.fakes.evaluations import Made
from tests.fakes.server import FakeServer
from traindash.domain.ids import TaskId
from traindash.ui.experiments.index import marks


def test_no_task_offers_the_next_step(open_page: Open) -> None:
    at = open_page("tasks")
    assert not at.exception
    assert "No task yet" in screen(at)


def test_every_state_has_its_word(server: FakeServer, open_page: Open) -> None:
    add_evaluated(server, 1, "First", Made())
    add_running(server, 2)
    server.add_task(3, "queued")["meta"]["queuePosition"] = 2
    failed = server.add_task(4, "error")
    failed["meta"]["exitReport"] = {"cause": "out_of_memory", "message": "The training ran out of memory."}
    server.add_task(5, "hibernating")
    at = open_page("tasks")
    assert not at.exception
    text = screen(at)
    for word in ("Finished", "Running", "Queued", "Error", "Unknown state"):
        assert f"{word}" in text
    assert "Queued, number 2" in text
    assert "The training ran out of memory." in text
    assert "mAP 0." in text


def test_newest_first(server: FakeServer, open_page: Open) -> None:
    for number in (1, 2, 3):
        server.add_task(number, "stopped", description=f"Model {number}")
    labels = [item.proto.label.replace("\\", "") for item in open_page("tasks").get("page_link")]
    assert [label for label in labels if label.startswith("Model")] == ["Model 3", "Model 2", "Model 1"]


def test_a_renamed_experiment_has_one_name(server: FakeServer, open_page: Open) -> None:
    server.add_task(1, "stopped", description="Model 1")
    marks().rename(TaskId(1), "Mine")
    assert "Mine" in [item.proto.label for item in open_page("tasks").get("page_link")]
    assert [item.value for item in open_page("task", task="1").title] == ["Mine"]


def test_removed_tasks_leave_the_lists_and_come_back(server: FakeServer, open_page: Open) -> None:
    for number, status in ((1, "stopped"), (2, "error"), (3, "finished")):
        server.add_task(number, status, description=f"Model {number}")
    add_running(server, 4)
    at = open_page("tasks")
    at.button(key="tasks-tidy-all").click().run()
    assert not at.exception
    assert marks().removed_tasks() == {1, 2}
    links = [item.proto.label for item in at.get("page_link")]
    assert [name for name in links if name.startswith("Model")] == ["Model 3"]
    assert "Removed from the list: 2 tasks" in [item.label for item in at.expander]
    assert "Model 2" not in screen(open_page("overview"))
    gone = open_page("task", task="2")
    assert "This task was removed from the list." in screen(gone)
    gone.button(key="task-back-2").click().run()
    assert marks().removed_tasks() == {1}
    marks().remove_tasks([TaskId(4)], removed=True)  # what still runs is listed whatever was done to it
    assert "Running" in screen(open_page("tasks"))


def test_many_tasks_come_in_pages(server: FakeServer, open_page: Open) -> None:
    for number in range(1, 41):
        server.add_task(number, "stopped", description=f"Model {number}")
    labels = [item.proto.label for item in open_page("tasks").get("page_link")]
    assert len([label for label in labels if label.startswith("Model")]) == 15


def test_hostile_names_stay_text(server: FakeServer, open_page: Open) -> None:
    server.add_task(1, "stopped", description="**bold** <script>x</script> :red[y]")
    labels = [item.proto.label for item in open_page("tasks").get("page_link")]
    assert any(label.startswith("\\*\\*bold") for label in labels)


def test_the_log_of_a_running_task_is_read_once_for_all_who_look(server: FakeServer, open_page: Open) -> None:
    add_running(server, 2)
    at = open_page("tasks")
    assert server.calls.count("tasks.log.download") == 1
    at.run()
    assert server.calls.count("tasks.log.download") == 1
