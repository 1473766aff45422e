"""The webhook: address and secret, what a message says, one attempt to deliver it."""

import hashlib
import hmac
import socket
import stat
from datetime import UTC, datetime
from pathlib import Path

import pytest

from tests.fakes.receiver import receiver
from traindash.domain.ids import ProjectId, TaskId
from traindash.domain.task import DeliveryState, ExitCause, TaskCompletion, TaskStatus
from traindash.errors import InputError
from traindash.platform.webhook import Hook, checked_secret, checked_url, hook_file, message_of, send

HOOK = Hook(url="http://127.0.0.1:1/hook", secret="0123456789abcdef", since="2026-11-23T10:00:00.000Z")


@pytest.mark.parametrize(
    "url", ["https://example.org/hook?x=1", "http://127.0.0.1:8000", "http://[::1]:80/ü", " http://a "]
)
def test_addresses_that_can_be_used(url: str) -> None:
    assert checked_url(url, offline=False) == url.strip()


@pytest.mark.parametrize(
    "url",
    [
        "",
        "example.org",
        "ftp://example.org",
        "https://",
        "https://me:secret@example.org",
        "http://example.org:99999",
        "http://exa mple.org",
        "http://example.org/\nHost: other",
        "javascript:alert(1)",
        "http://" + "a" * 70 + ".org",
        "https://example.org/" + "x" * 3000,
    ],
)
def test_addresses_that_cannot(url: str) -> None:
    with pytest.raises(InputError) as refused:
        checked_url(url, offline=False)
    assert refused.value.hint


@pytest.mark.parametrize(
    ("url", "possible"),
    [
        ("http://127.0.0.1/x", True),
        ("http://localhost:5/x", True),
        ("http://[::1]/", True),
        ("http://example.org", False),
        ("http://127.0.0.1.example.org", False),
        ("http://10.0.0.1", False),
    ],
)
def test_offline_means_this_machine(url: str, possible: bool) -> None:  # noqa: FBT001
    if possible:
        assert checked_url(url, offline=True) == url
    else:
        with pytest.raises(InputError, match="TRAINDASH_OFFLINE"):
            checked_url(url, offline=True)


def test_the_secret_is_kept_for_its_owner_only(tmp_path: Path) -> None:
    file = hook_file(tmp_path / "webhook.json")
    assert file.look() == (None, False)
    file.change(lambda _: HOOK)
    assert file.read() == HOOK
    assert stat.S_IMODE(file.path.stat().st_mode) == 0o600
    assert HOOK.secret not in repr(HOOK)
    file.change(lambda _: None)
    assert file.read() is None
    assert not file.path.exists()


def test_a_short_secret_is_refused() -> None:
    assert checked_secret(HOOK.secret) == HOOK.secret
    with pytest.raises(InputError, match="too short"):
        checked_secret("short")


@pytest.mark.parametrize("content", ["{", '{"url": "http://127.0.0.1:1"}', "[]"])
def test_a_damaged_file_is_told_from_none_and_can_be_removed(tmp_path: Path, content: str) -> None:
    file = hook_file(tmp_path / "webhook.json")
    file.path.write_text(content, encoding="utf-8")
    assert file.look() == (None, True)
    file.change(lambda _: None)
    assert file.look() == (None, False)


def test_what_a_message_says_of_a_task() -> None:
    """Receivers of other people read these keys: they stay as they are."""
    start = datetime(2026, 5, 1, 10, 0, 0, 250_000, tzinfo=UTC)
    told = message_of(
        TaskCompletion(
            server="https://far.example",
            task_id=TaskId(7),
            name="Fruit",
            status=TaskStatus.ERROR,
            cause=ExitCause.CRASHED,
            message="It crashed.",
            project_id=ProjectId(3),
            started_at=start,
            finished_at=start.replace(second=9),
            metrics={"mAP": 0.5},
        )
    )
    assert told == {
        "server": "https://far.example",
        "task": {
            "id": 7,
            "name": "Fruit",
            "status": "error",
            "cause": "crashed",
            "message": "It crashed.",
            "hint": "",
            "app": "",
            "agent": None,
            "projectId": 3,
            "startedAt": "2026-05-01T10:00:00.250Z",
            "finishedAt": "2026-05-01T10:00:09.250Z",
            "durationSeconds": 9.0,
            "metrics": {"mAP": 0.5},
            "url": "",
        },
    }


def _hook(url: str) -> Hook:
    return Hook(url=url, secret=HOOK.secret, since="")


def test_a_message_is_signed_and_named() -> None:
    with receiver() as told:
        state, _ = send(_hook(told.url), b'{"a": 1}', "task-7")
    assert state is DeliveryState.DELIVERED
    (request,) = told.received
    assert (request.path, request.body) == ("/hook?x=1", b'{"a": 1}')
    expected = hmac.new(HOOK.secret.encode(), request.body, hashlib.sha256).hexdigest()
    assert request.headers["X-Traindash-Signature"] == f"sha256={expected}"
    assert request.headers["X-Traindash-Delivery"] == "task-7"
    assert request.headers["Content-Type"] == "application/json"


@pytest.mark.parametrize(
    ("status", "expected"),
    [
        (204, DeliveryState.DELIVERED),
        (302, DeliveryState.FAILED),
        (404, DeliveryState.FAILED),
        (429, DeliveryState.WAITING),
        (503, DeliveryState.WAITING),
        (0, DeliveryState.UNCERTAIN),
    ],
)
def test_what_an_answer_means(status: int, expected: DeliveryState) -> None:
    with receiver([status]) as told:
        state, detail = send(_hook(told.url), b"{}", "x")
    assert state is expected
    assert detail.startswith("127.0.0.1:")
    assert len(told.received) == 1


def test_nobody_listens() -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        state, detail = send(_hook(f"http://127.0.0.1:{unused.getsockname()[1]}/"), b"{}", "x")
    assert state is DeliveryState.WAITING
    assert "cannot be reached" in detail


def test_somebody_listens_and_says_nothing() -> None:
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen()
        state, detail = send(_hook(f"http://127.0.0.1:{silent.getsockname()[1]}/"), b"{}", "x", timeout=0.2)
    assert state is DeliveryState.UNCERTAIN
    assert "may have arrived" in detail
