"""Pieces of the connection page."""

from collections import Counter
from collections.abc import Callable, Mapping
from typing import TypeVar

import streamlit as st

from traindash import formatting
from traindash.domain.task import Delivery, DeliveryState, Webhook
from traindash.errors import AppError, InputError
from traindash.language import N_
from traindash.language import gettext as _
from traindash.steady_clock import CLOCK
from traindash.supervisely.client import connect
from traindash.supervisely.errors import ApiError
from traindash.supervisely.transport import host_of
from traindash.ui import connection, lookups, theme
from traindash.ui.errors import draw_trouble
from traindash.ui.servers import Origin, checked_address
from traindash.ui.state import attempt, flash, telling_errors
from traindash.ui.theme import StatusLook, plain

_Id = TypeVar("_Id")
_ADDRESS, _TOKEN, _KEEP = "new-server-address", "new-server-token", "new-server-keep"
_ORIGINS = {
    Origin.EMBEDDED: N_("Built into this dashboard; trains on this machine."),
    Origin.KEPT: N_("Kept on this machine with its token."),
    Origin.TYPED: N_("Known in this browser session only."),
}
_URL, _SECRET = "webhook-url", "webhook-secret"
_HOSTS = "link-hosts"
_LOOKS: Mapping[DeliveryState, StatusLook] = {
    DeliveryState.SENDING: StatusLook(word=N_("Sending"), icon=":material/outgoing_mail:", color="blue"),
    DeliveryState.WAITING: StatusLook(word=N_("Tried again soon"), icon=":material/schedule:", color="gray"),
    DeliveryState.DELIVERED: StatusLook(word=N_("Delivered"), icon=":material/check_circle:", color="green"),
    DeliveryState.FAILED: StatusLook(word=N_("Not delivered"), icon=":material/error:", color="red"),
    DeliveryState.UNCERTAIN: StatusLook(word=N_("Perhaps delivered"), icon=":material/help:", color="orange"),
}
_CHECK = """
import hashlib, hmac

def comes_from_traindash(body: bytes, header: str, secret: str) -> bool:
    expected = "sha256=" + hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()
    return hmac.compare_digest(expected, header)
"""


def draw_server() -> None:
    """Draw the server in use: its address, version, login and the choice of a place; or why it cannot be reached."""
    st.header(_("Server"), anchor=False)
    server = connection.server()
    try:
        client = connection.client()
        user, version, failure = client.user(), client.version(), None
    # The page that mends a connection has to be drawn without one.
    except ApiError as error:
        user, version, failure = "", None, error
    with st.container(horizontal=True, vertical_alignment="center"):
        st.markdown(f"**{plain(server.name)}** `{connection.address()}`", width="content")
        if failure is None:
            st.badge(_("Connected"), icon=":material/check_circle:", color="green")
        else:
            st.badge(_("Not connected"), icon=":material/error:", color="red")
    if failure is not None:
        draw_trouble(failure.message, failure.hint)
        st.button(_("Try again"), icon=":material/refresh:", on_click=connection.reconnect)
        return
    about = _("Logged in as {user}").format(user=plain(user)) if user else _("Logged in")
    st.caption(
        _("{login}, server version {version}.").format(login=about, version=plain(version)) if version else about
    )
    team = connection.team_id()
    teams = {item.id: item.name for item in connection.teams()}
    _draw_choice("team", _("Team"), teams, team, connection.choose_place)
    workspaces = {item.id: item.name for item in connection.workspaces(team)}
    workspace = connection.workspace_id()
    _draw_choice(
        "workspace", _("Workspace"), workspaces, workspace, lambda chosen: connection.choose_place(team, chosen)
    )


def draw_servers() -> None:
    """Draw the other servers that can be chosen, and the form for a new one."""
    st.header(_("All servers"), anchor=False)
    current = connection.server()
    for number, server in enumerate(connection.servers()):
        with st.container(horizontal=True, vertical_alignment="center", key=f"server-{number}"):
            about = _(_ORIGINS.get(server.origin, "")) or _("Written down in {source}.").format(source=server.source)
            st.markdown(f"**{plain(server.name)}**  \n:gray[{plain(about)}]", width="stretch")
            if server.origin in {Origin.KEPT, Origin.TYPED}:
                st.button(
                    _("Forget"),
                    key=f"forget-{number}",
                    icon=":material/delete:",
                    type="tertiary",
                    on_click=attempt,
                    args=(lambda address=server.address: connection.forget(address),),
                    help=_("Removes the address and its token from this dashboard."),
                )
            st.button(
                _("In use") if server == current else _("Use"),
                key=f"use-{number}",
                disabled=server == current,
                on_click=attempt,
                args=(lambda address=server.address: connection.use(address),),
            )
    with st.expander(_("Add a Supervisely server"), icon=":material/add:"):
        _draw_form()
    st.caption(
        _(
            "Data of this dashboard: {home}. Drafts stay on this machine and belong to the server "
            "that they were made for."
        ).format(home=plain(str(connection.home())))
    )


def _draw_form() -> None:
    # A form: what was typed last counts however the button is reached, and Enter is enough.
    with st.form("new-server", border=False):
        st.text_input(_("Address"), key=_ADDRESS, placeholder="https://app.supervisely.com", persist_state="session")
        st.text_input(
            _("API token"),
            key=_TOKEN,
            type="password",
            help=_("On the server: your account, “API token”. It is sent to this server only and never shown."),
        )
        st.checkbox(
            _("Keep on this machine"),
            key=_KEEP,
            help=_(
                "Writes address and token to a file in the data directory that only you can read. "
                "Off: both are forgotten when this browser tab is closed."
            ),
        )
        wanted = st.form_submit_button(_("Test and use"), key="new-server-test", icon=":material/lan:", type="primary")
    if wanted:
        try:
            with st.spinner(_("Asking the server")):
                _test_and_use(
                    st.session_state[_ADDRESS], st.session_state[_TOKEN].strip(), keep=st.session_state[_KEEP]
                )
        except AppError as error:
            draw_trouble(error.message, error.hint)
        else:
            st.rerun()


def _test_and_use(typed: str, token: str, *, keep: bool) -> None:
    """Add a server once it has answered and accepted the token, and work with it."""
    address = checked_address(typed)
    if not token:
        raise InputError(_("There is no API token."), _("Copy it from your account page on the server."))
    # A client of its own: nothing is changed before the server has taken the token.
    with connect(address, token) as client:
        user = client.user()
    connection.add(address, token, keep=keep)
    connection.use(address)
    known = _("Connected to {address} as {user}.") if user else _("Connected to {address}.")
    flash(known.format(address=address, user=user))


def _draw_choice(name: str, label: str, names: Mapping[_Id, str], current: _Id, choose: Callable[[_Id], None]) -> None:
    # A key for each choice: drawn with another index, a widget of the same key would keep what it shows (1.67).
    key = f"{name}-{current}"
    st.selectbox(
        label,
        list(names),
        index=list(names).index(current),
        format_func=lambda item: names[item],
        key=key,
        on_change=lambda: attempt(lambda: choose(st.session_state[key])),
    )


def draw_agents() -> None:
    """Draw the team's agents and their state, or that they are not known; the server's panel says why."""
    st.header(_("Agents"), anchor=False)
    try:
        found = lookups.agents(connection.team_id())
    except ApiError:
        st.caption(_("They are shown when the server answers."))
        return
    if not found:
        st.info(_("This team has no agents; nothing can be trained."), icon=":material/info:")
    for agent in found:
        with st.container(horizontal=True, vertical_alignment="center", horizontal_alignment="distribute"):
            device = agent.devices[0].name if agent.devices else ("GPU" if agent.is_gpu else "CPU")
            st.markdown(f"**{plain(agent.name)}**  \n:gray[{plain(device)}]", width="stretch")
            theme.status_badge(theme.AGENT_STATUS[agent.status])


# The webhook's settings: address, secret, a test, and what became of the latest messages.


def draw_webhook() -> None:
    """Draw the settings, or that the server has none."""
    st.header(_("Webhook"), anchor=False)
    webhook = connection.own_client().webhooks.info()
    if webhook is None:
        st.caption(_("The platform of this machine does not answer, so there is no webhook."))
        _draw_watched()
        return
    st.caption(
        _(
            "Tells another program when a task is over: one POST for each end, as JSON, signed with the secret. It "
            "tells of every task of this machine, and of the tasks that were started from here on other servers. It "
            "never holds a task up; what cannot be delivered is tried again for about an hour."
        )
    )
    if webhook.is_damaged:
        st.error(
            _(
                "**The webhook that was set cannot be read any more, so nobody is told when a task is over.** "
                "Set address and secret again, or remove it."
            ),
            icon=":material/error:",
        )
    _draw_webhook_form(webhook)
    _draw_watched()
    if webhook.url or webhook.is_damaged:
        with st.container(horizontal=True):
            if webhook.url:
                st.button(_("Send a test"), icon=":material/send:", key="webhook-test", on_click=_test)
            st.button(_("Remove"), icon=":material/delete:", key="webhook-remove", type="tertiary", on_click=_remove)
    if webhook.url:
        _draw_deliveries(webhook.deliveries)
    with st.expander(_("Check the signature in the receiver"), icon=":material/verified_user:"):
        st.caption(_("The header X-Traindash-Signature holds an HMAC-SHA256 of the body. In Python:"))
        st.code(_CHECK.strip(), language="python")


def _draw_webhook_form(webhook: Webhook) -> None:
    with st.form("webhook-form", border=False):
        st.text_input(_("Webhook address"), webhook.url, key=_URL, placeholder="https://example.org/hook")
        st.text_input(
            _("Webhook secret"),
            key=_SECRET,
            type="password",
            placeholder=_("The secret that is set") if webhook.has_secret else _("16 characters or more"),
            help=_(
                "The receiver checks with it that a message comes from here. It is kept on this machine and never "
                "shown; leave the field empty to keep the one that is set."
            ),
        )
        st.form_submit_button(_("Save webhook"), icon=":material/check:", on_click=_save)


def _draw_watched() -> None:
    """Say of how many tasks on other servers the end is waited for; nothing where there are none."""
    for server, number in Counter(task.server for task in connection.task_completions().open()).items():
        known = any(item.address == server for item in connection.servers())
        host = host_of(server)
        text = _("Watching {tasks} on {server}.").format(tasks=formatting.plural(number, "task", "tasks"), server=host)
        if known:
            st.caption(plain(text))
        else:
            st.warning(
                plain(_("{watching} Its token is not known any more: add the server again.").format(watching=text)),
                icon=":material/key:",
            )


def _draw_deliveries(deliveries: tuple[Delivery, ...]) -> None:
    st.markdown(_("**Latest messages**"))
    if not deliveries:
        st.caption(_("No task has ended since the webhook was set."))
    for delivery in deliveries:
        host = host_of(delivery.server)
        key = f"delivery-{delivery.task_id}" + (f"-{host}" if host else "")
        with st.container(horizontal=True, vertical_alignment="center", key=key):
            theme.status_badge(_LOOKS[delivery.state])
            task = _("Task {number} on {server}") if host else _("Task {number}")
            st.markdown(plain(task.format(number=delivery.task_id, server=host)), width="content")
            facts = [formatting.recent(delivery.at, CLOCK.now())]
            if delivery.attempts > 1:
                facts.append(formatting.plural(delivery.attempts, "attempt", "attempts"))
            st.caption(plain(f"{', '.join(facts)}. {delivery.detail}"), width="content")


@telling_errors()
def _save() -> None:
    url, secret = str(st.session_state[_URL]), str(st.session_state[_SECRET])
    connection.own_client().webhooks.set(url, secret)
    flash(_("The webhook is set."))
    # The field is empty again: a secret is never shown, not even by a reload.
    st.session_state[_SECRET] = ""


@telling_errors()
def _remove() -> None:
    connection.own_client().webhooks.remove()
    flash(_("The webhook is removed."))
    st.session_state[_URL] = ""


@telling_errors()
def _test() -> None:
    delivery = connection.own_client().webhooks.test()
    arrived = delivery.state is DeliveryState.DELIVERED
    said = _("The test arrived: {detail}") if arrived else _("The test did not arrive: {detail}")
    flash(said.format(detail=delivery.detail), "success" if arrived else "error")


# The hosts that images may be fetched from, one a line.


def draw_links() -> None:
    """Draw the hosts and a form to change them."""
    st.header(_("Images from links"), anchor=False)
    known = connection.own_client().links.hosts()
    if known is None:
        st.caption(_("The platform of this machine does not answer, so nothing is fetched."))
        return
    st.caption(
        _(
            "Programs can add images to your projects by their address. They are fetched from the hosts named here, "
            "and from nowhere else; redirects are not followed."
        )
    )
    with st.form("links-form", border=False):
        st.text_area(
            _("Allowed hosts"),
            "\n".join(known),
            key=_HOSTS,
            placeholder="images.example.org",
            help=_("One host a line."),
        )
        st.form_submit_button(_("Save hosts"), icon=":material/check:", on_click=_save_hosts)


@telling_errors()
def _save_hosts() -> None:
    kept = connection.own_client().links.allow(str(st.session_state[_HOSTS]).splitlines())
    st.session_state[_HOSTS] = "\n".join(kept)  # without what was around their names
    flash(
        _("Images may be fetched from {hosts}.").format(hosts=formatting.plural(len(kept), "host", "hosts"))
        if kept
        else _("No host is allowed.")
    )
