"""Widgets that mirror a draft one way: the key is seeded before drawing, a change is saved in the callback.

Saving in the callback is what keeps the second of two quick edits: the draft has the new value before the page is drawn
again, and the key is only touched when it differs from the draft.
"""

from collections.abc import Callable, Hashable, Sequence
from typing import TypeVar

import streamlit as st

from traindash.language import N_
from traindash.language import gettext as _
from traindash.plans.draft import DraftId, WizardDraft
from traindash.ui.state import change_draft
from traindash.ui.streamlit_internals import PopoverContainer

_T = TypeVar("_T")
_NOTHING = object()


def widget_key(draft: WizardDraft, name: str) -> str:
    """Return the key of a widget; another draft has another one, so that they never share a value."""
    return f"{draft.id}-{name}"


def mirror(draft: WizardDraft, name: str, value: object) -> str:
    """Make a widget that is about to be drawn show a value of the draft; return its key."""
    key = widget_key(draft, name)
    # Never while they are equal: setting the key of a widget that is being typed in would take the typing back
    # (Streamlit 1.67).
    if st.session_state.get(key, _NOTHING) != value:
        st.session_state[key] = value
    return key


def _save(key: str, draft_id: DraftId, change: Callable[[WizardDraft, _T], WizardDraft]) -> None:
    value: _T = st.session_state[key]
    change_draft(draft_id, lambda draft: change(draft, value))


def draft_toggle(  # noqa: PLR0913 - a widget has a label, a value, a way to save it and a help text
    draft: WizardDraft,
    name: str,
    label: str,
    *,
    value: bool,
    save: Callable[[WizardDraft, bool], WizardDraft],
    help_text: str | None = None,
    disabled: bool = False,
) -> None:
    """Draw a switch that mirrors a draft, in which ``name`` is unique; ``save`` returns the draft with the new value.

    ``help_text`` is one sentence that says what changes for the person; shown below.
    """
    key = mirror(draft, name, value)
    with st.container(gap=None, key=f"{key}-option"):
        st.toggle(label, key=key, on_change=_save, args=(key, draft.id, save), disabled=disabled)
        if help_text:
            st.caption(help_text)


def draft_choice(  # noqa: PLR0913 - see draft_toggle
    draft: WizardDraft,
    name: str,
    label: str,
    *,
    options: Sequence[_T],
    value: _T,
    save: Callable[[WizardDraft, _T], WizardDraft],
    text: Callable[[_T], str] = str,
) -> None:
    """Draw a few options side by side, one of which is always chosen. Arguments as in :func:`draft_toggle`."""
    key = mirror(draft, name, value)
    st.segmented_control(
        label, list(options), key=key, format_func=text, required=True, on_change=_save, args=(key, draft.id, save)
    )


def draft_select(  # noqa: PLR0913 - see draft_toggle
    draft: WizardDraft,
    name: str,
    label: str,
    *,
    options: Sequence[_T],
    value: _T | None,
    save: Callable[[WizardDraft, _T | None], WizardDraft],
    text: Callable[[_T], str] = str,
    placeholder: str | None = N_("Choose"),
) -> None:
    """Draw a list to choose from; ``None`` when nothing is chosen. Arguments as in :func:`draft_toggle`.

    The placeholder is a message. With ``placeholder=None`` something always is chosen.
    """
    # A dataset or model that is gone: Streamlit raises for a value that is none of the options (1.67).
    known = value if value in options else None
    key = mirror(draft, name, known)
    st.selectbox(
        label,
        list(options),
        key=key,
        index=None if placeholder else 0,
        format_func=text,
        placeholder=_(placeholder or ""),
        on_change=_save,
        args=(key, draft.id, save),
    )


def draft_slider(
    draft: WizardDraft,
    name: str,
    label: str,
    *,
    bounds: tuple[int, int],
    value: int,
    save: Callable[[WizardDraft, int], WizardDraft],
) -> None:
    """Draw a slider over whole percent. Arguments as in :func:`draft_toggle`."""
    low, high = bounds
    # Streamlit raises for a value outside the bounds (1.67), and a plan file may hold one.
    key = mirror(draft, name, min(max(value, low), high))
    st.slider(label, low, high, key=key, format="%d %%", on_change=_save, args=(key, draft.id, save))


def draft_text(  # noqa: PLR0913 - see draft_toggle
    draft: WizardDraft,
    name: str,
    label: str,
    *,
    value: str,
    save: Callable[[WizardDraft, str], WizardDraft],
    placeholder: str = "",
    help_text: str | None = None,
) -> None:
    """Draw a line of text. Arguments as in :func:`draft_toggle`."""
    key = mirror(draft, name, value)
    st.text_input(label, key=key, placeholder=placeholder, on_change=_save, args=(key, draft.id, save), help=help_text)


def draft_many(  # noqa: PLR0913 - see draft_toggle
    draft: WizardDraft,
    name: str,
    label: str,
    *,
    options: Sequence[_T],
    value: Sequence[_T],
    save: Callable[[WizardDraft, tuple[_T, ...]], WizardDraft],
    text: Callable[[_T], str] = str,
    placeholder: str = N_("Choose"),
) -> None:
    """Draw a list of which several can be chosen. Arguments as in :func:`draft_toggle`."""
    key = mirror(draft, name, [item for item in value if item in options])
    st.multiselect(
        label,
        list(options),
        key=key,
        format_func=text,
        placeholder=placeholder,
        on_change=_save,
        args=(key, draft.id, lambda draft, items: save(draft, tuple(items))),
    )


def draft_number(  # noqa: PLR0913 - see draft_toggle
    draft: WizardDraft,
    name: str,
    label: str,
    *,
    bounds: tuple[int, int],
    value: int,
    save: Callable[[WizardDraft, int], WizardDraft],
    help_text: str | None = None,
) -> None:
    """Draw a whole number with plus and minus. Arguments as in :func:`draft_toggle`."""
    low, high = bounds
    key = mirror(draft, name, min(max(value, low), high))
    st.number_input(
        label, low, high, key=key, step=1, width=240, on_change=_save, args=(key, draft.id, save), help=help_text
    )


# Tables: which rows are chosen, by what they stand for and not by their place; heads; pages of many rows.


def mirror_selection(key: str, rows: Sequence[_T], is_chosen: Callable[[_T], bool]) -> None:
    """Make a table that is about to be drawn show as chosen what is chosen of the things in its rows."""
    # Positions in the frame as it was given, whatever the person has sorted it by (Streamlit 1.67).
    wanted = [position for position, row in enumerate(rows) if is_chosen(row)]
    if key not in st.session_state or sorted(st.session_state[key]["selection"]["rows"]) != wanted:
        st.session_state[key] = {"selection": {"rows": wanted}}


def forget_selection_of_others(key: str, rows: Sequence[Hashable]) -> None:
    """Choose nothing in a table that is about to be drawn with other rows than before.

    A selection is positions (Streamlit 1.67): what moves up into a deleted row's place would be chosen in its stead.
    """
    known = st.session_state.get(f"{key}-rows")
    if known is not None and known != tuple(rows) and key in st.session_state:
        st.session_state[key] = {"selection": {"rows": []}}
    st.session_state[f"{key}-rows"] = tuple(rows)


def chosen_rows(key: str, rows: Sequence[_T]) -> tuple[_T, ...]:
    """Return what the selected rows of a table stand for; for callbacks."""
    # A late answer may name rows of the table as it was before.
    selected = st.session_state[key]["selection"]["rows"]
    return tuple(rows[position] for position in sorted(selected) if 0 <= position < len(rows))


def rows_by_name(key: str) -> PopoverContainer:
    """Draw the menu in which the rows of a table are chosen by their names; what is in it is drawn while it is open.

    The rows of ``st.dataframe`` cannot be chosen by keyboard, and screen readers hear nothing of their ticks (1.67).
    """
    return st.popover(
        _("Choose by name"), icon=":material/keyboard:", type="tertiary", key=f"{key}-by-name", on_change="rerun"
    )


def draw_heads(widths: Sequence[float], heads: Sequence[str]) -> None:
    """Draw the heads, which are messages, of a table that is made of columns, for rows that hold widgets."""
    for column, head in zip(st.columns(widths), heads, strict=True):
        column.caption(_(head))


def page_of(rows: Sequence[_T], per_page: int, key: str) -> tuple[int, Sequence[_T]]:
    """Draw the choice of a page where there is more than one; return the place of its first row, and its rows."""
    pages = -(-len(rows) // per_page)
    page = 1
    with st.container():  # there with and without a choice in it, so that the rows below stay the same elements
        if pages > 1:
            page = st.pagination(pages, key=key) or 1
    first = (page - 1) * per_page
    return first, rows[first : first + per_page]
