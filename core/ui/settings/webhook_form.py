"""The webhook's settings: address, secret, a test, and what became of the latest messages."""

from collections import Counter
from collections.abc import Mapping
from datetime import UTC, datetime

import streamlit as st

from core.api.address import host_of
from core.compare import formatting
from core.domain.webhook import Delivery, DeliveryState, Webhook
from core.errors import AppError
from core.ui import connection, theme
from core.ui.state import attempt, flash
from core.ui.text import plain
from core.ui.theme import StatusLook

_URL, _SECRET = "webhook-url", "webhook-secret"
_LOOKS: Mapping[DeliveryState, StatusLook] = {
    DeliveryState.SENDING: StatusLook(word="Sending", icon=":material/outgoing_mail:", color="blue"),
    DeliveryState.WAITING: StatusLook(word="Tried again soon", icon=":material/schedule:", color="gray"),
    DeliveryState.DELIVERED: StatusLook(word="Delivered", icon=":material/check_circle:", color="green"),
    DeliveryState.FAILED: StatusLook(word="Not delivered", icon=":material/error:", color="red"),
    DeliveryState.UNCERTAIN: StatusLook(word="Perhaps delivered", icon=":material/help:", color="orange"),
}
_CHECK = """
import hashlib, hmac

def comes_from_traindash(body: bytes, header: str, secret: str) -> bool:
    expected = "sha256=" + hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()
    return hmac.compare_digest(expected, header)
"""


def draw_webhook() -> None:
    """Draw the settings, or that the server has none."""
    st.header("Webhook", anchor=False)
    webhook = connection.own_client().webhooks.info()
    if webhook is None:
        st.caption("The platform of this machine does not answer, so there is no webhook.")
        _draw_watched()
        return
    st.caption(
        "Tells another program when a task is over: one POST for each end, as JSON, signed with the secret. It tells "
        "of every task of this machine, and of the tasks that were started from here on other servers. It never holds "
        "a task up; what cannot be delivered is tried again for about an hour."
    )
    if webhook.is_damaged:
        st.error(
            "**The webhook that was set cannot be read any more, so nobody is told when a task is over.** "
            "Set address and secret again, or remove it.",
            icon=":material/error:",
        )
    _draw_form(webhook)
    _draw_watched()
    if webhook.url or webhook.is_damaged:
        with st.container(horizontal=True):
            if webhook.url:
                st.button("Send a test", icon=":material/send:", key="webhook-test", on_click=_test)
            st.button("Remove", icon=":material/delete:", key="webhook-remove", type="tertiary", on_click=_remove)
    if webhook.url:
        _draw_deliveries(webhook.deliveries)
    with st.expander("Check the signature in the receiver", icon=":material/verified_user:"):
        st.caption("The header X-Traindash-Signature holds an HMAC-SHA256 of the body. In Python:")
        st.code(_CHECK.strip(), language="python")


def _draw_form(webhook: Webhook) -> None:
    with st.form("webhook-form", border=False):
        st.text_input("Webhook address", webhook.url, key=_URL, placeholder="https://example.org/hook")
        st.text_input(
            "Webhook secret",
            key=_SECRET,
            type="password",
            placeholder="The secret that is set" if webhook.has_secret else "16 characters or more",
            help="The receiver checks with it that a message comes from here. It is kept on this machine and never "
            "shown; leave the field empty to keep the one that is set.",
        )
        st.form_submit_button("Save webhook", icon=":material/check:", on_click=_save)


def _draw_watched() -> None:
    """Say of how many tasks on other servers the end is waited for; nothing where there are none."""
    for server, number in Counter(task.server for task in connection.ends().open()).items():
        known = any(item.address == server for item in connection.servers())
        host = host_of(server)
        text = f"Watching {formatting.plural(number, 'task')} on {host}."
        if known:
            st.caption(plain(text))
        else:
            st.warning(plain(f"{text} Its token is not known any more: add the server again."), icon=":material/key:")


def _draw_deliveries(deliveries: tuple[Delivery, ...]) -> None:
    st.markdown("**Latest messages**")
    if not deliveries:
        st.caption("No task has ended since the webhook was set.")
    for delivery in deliveries:
        host = host_of(delivery.server)
        key = f"delivery-{delivery.task_id}" + (f"-{host}" if host else "")
        with st.container(horizontal=True, vertical_alignment="center", key=key):
            theme.status_badge(_LOOKS[delivery.state])
            st.markdown(plain(f"Task {delivery.task_id}{f' on {host}' if host else ''}"), width="content")
            attempts = "" if delivery.attempts <= 1 else f", {delivery.attempts} attempts"
            st.caption(
                plain(f"{formatting.recent(delivery.at, datetime.now(UTC))}{attempts}. {delivery.detail}"),
                width="content",
            )


def _save() -> None:
    url, secret = str(st.session_state[_URL]), str(st.session_state[_SECRET])
    if attempt(lambda: connection.own_client().webhooks.set(url, secret), "The webhook is set."):
        st.session_state[_SECRET] = ""


def _remove() -> None:
    if attempt(connection.own_client().webhooks.remove, "The webhook is removed."):
        st.session_state[_URL] = ""


def _test() -> None:
    try:
        delivery = connection.own_client().webhooks.test()
    except AppError as error:
        flash(str(error), "error")
        return
    arrived = delivery.state is DeliveryState.DELIVERED
    flash(
        f"{'The test arrived' if arrived else 'The test did not arrive'}: {delivery.detail}",
        "success" if arrived else "error",
    )
