"""What a person has chosen for this browser: light or dark, and the language of the pages.

Both are kept in the browser. The language is in a cookie, because the server has to know it before it draws anything;
without a choice it is the first one that the browser accepts and we speak.
"""

import json
from collections.abc import Mapping
from pathlib import Path

import streamlit as st

from traindash import language
from traindash.comparison.report.rendering import own_text
from traindash.language import Language, negotiated, script_messages, speaking
from traindash.language import gettext as _
from traindash.ui.streamlit_internals import draws_a_page

COOKIE = "traindash-language"
AUDIENCE = "audience"  # query parameter: the language of those whom something is shown or given to
_ACCEPTED = "Accept-Language"
_HERE = Path(__file__).parent
_LANGUAGES = "".join(f'<option value="{one}" lang="{one}">{one.own_name}</option>' for one in Language)
_choices = st.components.v2.component(
    "traindash_preferences",
    html=f"""<label><span></span><select data-kept="look"><option value=""></option>
<option value="light"></option><option value="dark"></option></select></label>
<label><span></span><select data-kept="language"><option value=""></option>{_LANGUAGES}</select></label>""",
    css=(_HERE / "preferences.css").read_text(encoding="utf-8"),
    js=(_HERE / "preferences.js").read_text(encoding="utf-8"),
)


def draw_preferences() -> None:
    """Draw the choices for this browser; ``look.js`` hands the look to Streamlit at each start."""
    words = {
        "look": {"": _("System"), "light": _("Light"), "dark": _("Dark")},
        "language": {"": _("System")},
    }
    titles = {"look": _("Look"), "language": _("Language")}
    _choices(key="preferences", data={"words": words, "titles": titles, "cookie": COOKIE})


def language_of_request(cookies: Mapping[str, str], headers: Mapping[str, str]) -> Language:
    """Return the language for whoever sent a request."""
    return negotiated(cookies.get(COOKIE), headers.get(_ACCEPTED, ""))


def language_of_audience() -> Language:
    """Return the language of what the page makes for others: the one that its address names, else the person's."""
    return negotiated(st.query_params.get(AUDIENCE), language.current())


def messages_for_scripts(spoken: Language) -> str:
    """Return the script that gives the scripts of a page their texts: the function ``_`` and its messages."""
    with speaking(spoken):
        known = json.dumps(dict(script_messages())).replace("<", "\\u003c")
    return f"globalThis.tdMessages = {known};{own_text('say.js')}"


def _language_of_person() -> Language | None:
    """Return the language of the person whose page this thread draws; ``None`` for a thread that draws none."""
    if not draws_a_page():
        return None
    headers = st.context.headers  # of the websocket, which the browser opens anew after each choice
    return language_of_request(st.context.cookies, headers) if headers else None


language.ask(_language_of_person)
