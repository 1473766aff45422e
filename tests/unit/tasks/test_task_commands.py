"""Commands to running tasks, against scripted servers."""

import pytest

from tests.unit.supervisely.scripted import Scripted, refusal
from traindash.domain.ids import TaskId
from traindash.errors import StateError
from traindash.tasks.queues import stop_after_epoch


def test_a_server_without_the_command_leads_to_a_plain_message() -> None:
    server = Scripted()
    server.add("tasks.request.direct", refusal(404, "no such endpoint"))
    with pytest.raises(StateError, match="cannot end after an epoch") as caught:
        stop_after_epoch(server.client(), TaskId(7))
    assert caught.value.hint == "Let the task go on, or stop it now."
    assert [body["command"] for _, body in server.calls] == ["stop_after_epoch"]
