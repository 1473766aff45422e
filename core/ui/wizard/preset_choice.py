"""Ready-made hyperparameters and a person's own, above the editor."""

import streamlit as st

from core.frameworks.presets import DeviceKind, Preset
from core.frameworks.registry import framework_or_none
from core.launch.rules.facts import ModelFacts
from core.launch.rules.hyperparameters import read_text, with_values
from core.ui import connection
from core.ui.state import attempt
from core.ui.text import plain
from core.ui.widgets import widget_key
from core.ui.wizard.hyperparameters_form import set_text, text_of
from core.wizard.draft import WizardDraft
from core.wizard.presets import LONGEST_NAME

_OWN = "Your preset"


def draw_presets(draft: WizardDraft, model: ModelFacts, *, has_gpu: bool) -> None:
    """Draw the presets; the one that the text stands for is marked."""
    offered = preset_texts(model, device="gpu" if has_gpu else "cpu")
    own = dict(connection.presets().of(model.framework))
    texts = {**{name: text for name, (text, _) in offered.items()}, **own}
    current = text_of(draft, model)
    key = widget_key(draft, "preset")
    st.session_state[key] = active = _active(current, texts)
    with st.container(horizontal=True, vertical_alignment="bottom", key="presets"):
        with st.container(width="stretch"):
            if texts:
                st.segmented_control(
                    "Preset",
                    list(texts),
                    key=key,
                    format_func=plain,
                    on_change=_choose,
                    args=(draft, model, key, texts),
                )
        _draw_own(draft, model, current, own)
        st.button(
            "Reset to defaults",
            icon=":material/restart_alt:",
            key="reset-yaml",
            disabled=draft.hyperparameters is None,
            on_click=_replace,
            args=(draft, model, model.default_hyperparameters),
        )
    st.caption(plain(offered[active][1] if active in offered else _OWN if active else "Changed by hand."))
    _draw_way_back(draft, model)


def preset_texts(model: ModelFacts, *, device: DeviceKind) -> dict[str, tuple[str, str]]:
    """Return name → (YAML text, what it is for) of the framework's presets.

    Args:
        model: Whose framework and defaults count.
        device: What the training runs on.
    """
    known = framework_or_none(model.framework)
    presets: tuple[Preset, ...] = known.presets if known and model.default_hyperparameters else ()
    return {
        preset.name: (with_values(model.default_hyperparameters, preset.values[device]), preset.about)
        for preset in presets
    }


def _active(text: str, texts: dict[str, str]) -> str | None:
    """Return the preset with the values of a text, whatever its comments say."""
    found = read_text(text)
    if not found.is_readable:
        return None
    return next((name for name, preset in texts.items() if read_text(preset).values == found.values), None)


def _draw_own(draft: WizardDraft, model: ModelFacts, text: str, own: dict[str, str]) -> None:
    with st.popover("Your presets", icon=":material/bookmark:", width="content"):
        name_key = widget_key(draft, "preset-name")
        st.text_input("Save the text under a name", key=name_key, max_chars=LONGEST_NAME, placeholder="Name")
        is_bad = bool(read_text(text).errors)
        st.button(
            "Save preset",
            key="save-preset",
            icon=":material/bookmark_add:",
            disabled=is_bad,
            help="The text has errors; correct them first." if is_bad else None,
            on_click=_save,
            args=(model, name_key, text),
        )
        for number, name in enumerate(own):
            with st.container(horizontal=True, vertical_alignment="center", key=f"own-preset-{number}"):
                st.markdown(plain(name), width="stretch")
                st.button(
                    "Delete",
                    key=f"delete-preset-{number}",
                    icon=":material/delete:",
                    on_click=_delete,
                    args=(model, name),
                )


def _choose(draft: WizardDraft, model: ModelFacts, key: str, texts: dict[str, str]) -> None:
    name = st.session_state[key]
    if name in texts:
        _replace(draft, model, texts[name])


def _replace(draft: WizardDraft, model: ModelFacts, text: str) -> None:
    """Replace the text and remember what a person had written, so that nothing is lost by a look at a preset."""
    if draft.hyperparameters is not None:
        st.session_state[widget_key(draft, "yaml-before")] = draft.hyperparameters
    set_text(draft.id, model, text)


def _draw_way_back(draft: WizardDraft, model: ModelFacts) -> None:
    before = st.session_state.get(widget_key(draft, "yaml-before"))
    if before is None or before == text_of(draft, model):
        return
    st.button(
        "Bring back the text before",
        key="yaml-undo",
        icon=":material/undo:",
        type="tertiary",
        on_click=_replace,
        args=(draft, model, before),
    )


def _save(model: ModelFacts, name_key: str, text: str) -> None:
    name = st.session_state.get(name_key, "")
    if attempt(lambda: connection.presets().save(model.framework, name, text), f"Preset “{name.strip()}” was saved."):
        st.session_state[name_key] = ""


def _delete(model: ModelFacts, name: str) -> None:
    attempt(lambda: connection.presets().remove(model.framework, name))
