"""The webhook's settings through our client."""

import json

import pytest

from tests.contract.client.conftest import connected
from tests.fakes.live_platform import LivePlatform
from tests.fakes.receiver import receiver
from traindash.domain.task import DeliveryState, Webhook
from traindash.supervisely.errors import RejectedError

SIGNED_WITH = "a secret of the test"


def test_set_try_out_and_remove(working: LivePlatform) -> None:
    with connected(working) as client, receiver() as told:
        assert client.webhooks.info() == Webhook()
        shown = client.webhooks.set(told.url, SIGNED_WITH)
        assert (shown.url, shown.has_secret) == (told.url, True)
        assert client.webhooks.info() == shown
        assert client.webhooks.test().state is DeliveryState.DELIVERED
        assert json.loads(told.received[0].body)["event"] == "test"
        assert SIGNED_WITH not in working.post("traindash.webhook.info").text
        assert client.webhooks.remove() == Webhook()


def test_refusals_say_why(working: LivePlatform) -> None:
    with connected(working) as client:
        with pytest.raises(RejectedError, match="TRAINDASH_OFFLINE"):
            client.webhooks.set("https://example.org/hook", SIGNED_WITH)
        with pytest.raises(RejectedError, match="too short"):
            client.webhooks.set("http://127.0.0.1:1/hook", "short")
        with pytest.raises(RejectedError, match="no webhook"):
            client.webhooks.test()


def test_a_damaged_webhook_is_told_and_can_be_removed(working: LivePlatform) -> None:
    with connected(working) as client:
        working.platform.services.layout.webhook.write_text("{", encoding="utf-8")
        assert client.webhooks.info() == Webhook(is_damaged=True)
        assert client.webhooks.remove() == Webhook()
