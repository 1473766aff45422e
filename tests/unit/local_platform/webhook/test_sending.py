"""One attempt to deliver."""

import hashlib
import hmac
import socket

import pytest

from tests.fakes.receiver import receiver
from traindash.domain.webhook import DeliveryState
from traindash.platform.webhook.hook import Hook
from traindash.platform.webhook.sending import send

SIGNED_WITH = "0123456789abcdef"


def _hook(url: str) -> Hook:
    return Hook(url=url, secret=SIGNED_WITH, since="")


def test_a_message_is_signed_and_named() -> None:
    with receiver() as told:
        answer = send(_hook(told.url), b'{"a": 1}', "task-7")
    assert answer.state is DeliveryState.DELIVERED
    (request,) = told.received
    assert (request.path, request.body) == ("/hook?x=1", b'{"a": 1}')
    expected = hmac.new(SIGNED_WITH.encode(), request.body, hashlib.sha256).hexdigest()
    assert request.headers["X-Traindash-Signature"] == f"sha256={expected}"
    assert request.headers["X-Traindash-Delivery"] == "task-7"
    assert request.headers["Content-Type"] == "application/json"


@pytest.mark.parametrize(
    ("status", "state"),
    [
        (204, DeliveryState.DELIVERED),
        (302, DeliveryState.FAILED),
        (404, DeliveryState.FAILED),
        (429, DeliveryState.WAITING),
        (503, DeliveryState.WAITING),
        (0, DeliveryState.UNCERTAIN),
    ],
)
def test_what_an_answer_means(status: int, state: DeliveryState) -> None:
    with receiver([status]) as told:
        answer = send(_hook(told.url), b"{}", "x")
    assert answer.state is state
    assert answer.detail.startswith("127.0.0.1:")
    assert len(told.received) == 1


def test_nobody_listens() -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        answer = send(_hook(f"http://127.0.0.1:{unused.getsockname()[1]}/"), b"{}", "x")
    assert answer.state is DeliveryState.WAITING
    assert "cannot be reached" in answer.detail


def test_somebody_listens_and_says_nothing() -> None:
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen()
        answer = send(_hook(f"http://127.0.0.1:{silent.getsockname()[1]}/"), b"{}", "x", timeout=0.2)
    assert answer.state is DeliveryState.UNCERTAIN
    assert "may have arrived" in answer.detail
