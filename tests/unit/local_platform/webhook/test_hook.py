"""Address and secret."""

import stat
from pathlib import Path

import pytest

from traindash.errors import InputError
from traindash.platform.webhook.hook import Hook, checked_secret, checked_url, hook_file

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
