"""The hyperparameters step: presets, fields for what is changed most, the editor, what is wrong and what differs."""

import math
from collections.abc import Mapping
from dataclasses import replace
from functools import partial

import pandas as pd
import streamlit as st

from traindash.domain.ecosystem import AppOptions
from traindash.domain.experiment import ExperimentInfo
from traindash.domain.ids import TaskId
from traindash.formatting import MISSING, listing, metric, plural, setting
from traindash.frameworks.hyperparameter_text import value_text, with_values
from traindash.frameworks.reference import Hyperparameter
from traindash.frameworks.registry import framework_or_none, reference_of, roles_of
from traindash.frameworks.spec import DeviceKind, Role
from traindash.language import N_
from traindash.language import gettext as _
from traindash.plans.draft import DraftId, WizardDraft
from traindash.plans.facts import ModelFacts
from traindash.plans.hyperparameters import ReadText, TextProblem, differences, read_text, with_unknown_refused
from traindash.plans.suggestions import LONGEST_NAME
from traindash.ui import connection, lookups
from traindash.ui.errors import draw_trouble
from traindash.ui.experiments.index import all_experiments
from traindash.ui.state import attempt, change_draft, flash, telling_errors
from traindash.ui.theme import plain
from traindash.ui.widgets import mirror, widget_key
from traindash.ui.wizard.yaml_editor import Marks, yaml_editor

_MOST_SHOWN = 8
_DEFAULTS = TaskId(0)
_OWN = N_("Your preset")
# What is said of a framework that is not described here: what a key is taken for, and what cannot be done without one
_ROLES: Mapping[Role, str] = {
    "length": N_("the length of the training"),
    "batch": N_("the images per step"),
    "image_size": N_("the image size"),
    "learning_rate": N_("the learning rate"),
    "seed": N_("the seed"),
}
_WITHOUT: Mapping[Role, str] = {
    "length": N_("the time of a training cannot be estimated"),
    "batch": N_("a retry with less memory needs your own change"),
    "seed": N_("repetitions of a series differ by chance alone"),
}


def text_of(draft: WizardDraft, model: ModelFacts) -> str:
    """Return the hyperparameters of a draft: its own text, or the framework's defaults."""
    return model.default_hyperparameters if draft.hyperparameters is None else draft.hyperparameters


def draw_editor(draft: WizardDraft, model: ModelFacts, app: AppOptions) -> None:
    """Draw the editor with the reference beside it, and below it what is wrong, with a button where that helps."""
    text, reference = text_of(draft, model), reference_of(model.framework)
    found = read_text(text, reference)
    if app.refuses_unknown_keys:
        found = with_unknown_refused(found)
    defaults = read_text(model.default_hyperparameters).values
    changed = {item.key for item in differences(found.values, defaults)}
    yaml_editor(
        _("Hyperparameters"),
        text,
        key=widget_key(draft, "yaml"),
        on_change=partial(set_text, draft.id, model),
        marks=Marks(
            wrong=[problem.line for problem in found.errors if problem.line],
            odd=[problem.line for problem in found.warnings if problem.line],
            changed={entry.name: entry.line for entry in found.entries if entry.name in changed},
        ),
        reference=reference,
    )
    # The framework's own text is not the person's fault.
    if draft.hyperparameters is not None:
        _draw_problems(draft, model, found)


def draw_about(draft: WizardDraft, model: ModelFacts) -> None:
    """Draw whose names these are, what happens to the text, and what is guessed or unknown of the names."""
    reference = reference_of(model.framework)
    name = plain(model.framework)
    if reference is not None:
        is_same = reference.title == model.framework
        name = f"[{name}]({reference.url})" if is_same else f"{name} ([{plain(reference.title)}]({reference.url}))"
    st.markdown(_("Names and meanings are those of {name}. The text goes there as it is.").format(name=name))
    roles = roles_of(model.framework, read_text(text_of(draft, model)).values)
    if not roles.is_guess:
        return
    guesses = [
        _("“{key}” as {role}").format(key=plain(key), role=_(_ROLES[role]))
        for role, key in roles.keys.items()
        if role in _ROLES
    ]
    without = [_(lost) for role, lost in _WITHOUT.items() if roles.key(role) is None]
    st.caption(
        _("This framework is not described here, so values are not checked.")
        + (" " + _("By their names, a guess takes {guesses}.").format(guesses=listing(guesses)) if guesses else "")
        + (" " + _("No name tells more, so {without}.").format(without=listing(without)) if without else "")
    )


def draw_changes(draft: WizardDraft, model: ModelFacts) -> None:
    """Draw what differs from the defaults or from an earlier experiment, as the person chooses."""
    found = read_text(text_of(draft, model))
    if not found.is_readable:
        return
    others = {
        info.task_id: info for info in all_experiments() if info.framework_name.casefold() == model.framework.casefold()
    }
    chosen = _DEFAULTS
    if others:
        chosen = st.selectbox(
            _("Compare with"),
            (_DEFAULTS, *others),
            format_func=lambda task: _("Defaults") if task == _DEFAULTS else _experiment_text(others[task]),
            key=widget_key(draft, "compare-with"),
            # Only for the way back from another step: a plain widget forgets its value when its page is left (1.67).
            persist_state="session",
        )
    if chosen == _DEFAULTS:
        _draw_differences(found.values, read_text(model.default_hyperparameters).values)
    else:
        _draw_experiment(draft, model, others[chosen], found.values)


def set_text(draft_id: DraftId, model: ModelFacts, text: str) -> None:
    """Store a text in a draft; the defaults themselves are stored as such."""
    change_draft(draft_id, lambda draft: _with_text(draft, model, text))


def _with_text(draft: WizardDraft, model: ModelFacts, text: str) -> WizardDraft:
    # None travels as null, and the app takes its own text, also one that is newer than ours (docs/supervisely-api.md
    # 4).
    return replace(draft, hyperparameters=None if text == model.default_hyperparameters else text)


def _draw_problems(draft: WizardDraft, model: ModelFacts, found: ReadText) -> None:
    problems = [*((problem, True) for problem in found.errors), *((problem, False) for problem in found.warnings)]
    for number, (problem, is_error) in enumerate(problems[:_MOST_SHOWN]):
        with st.container(horizontal=True, vertical_alignment="center", wrap=False, key=f"yaml-problem-{number}"):
            draw_trouble(problem.message, problem.hint, is_error=is_error)
            if problem.fix is not None:
                st.button(
                    problem.fix.label,
                    key=f"fix-{number}",
                    icon=":material/auto_fix_high:",
                    on_click=_fix,
                    args=(draft, model, problem),
                )
    if len(problems) > _MOST_SHOWN:
        st.caption(_("And {count} more, marked in the text.").format(count=len(problems) - _MOST_SHOWN))


def _fix(draft: WizardDraft, model: ModelFacts, problem: TextProblem) -> None:
    """Put a problem right, unless the text was changed meanwhile: the fix would undo that."""
    if problem.fix is not None and connection.drafts().load(draft.id).hyperparameters == draft.hyperparameters:
        set_text(draft.id, model, problem.fix.text)


def _draw_differences(
    here: Mapping[str, object], there: Mapping[str, object], experiment_name: str | None = None
) -> None:
    """Draw how values differ from those of an experiment, or from the defaults where none is named."""
    title, other = (
        (_("Changed from default"), _("Default")) if experiment_name is None else (_("Hyperparameter"), experiment_name)
    )
    changes = differences(here, there)
    if not changes:
        st.caption(_("No value differs from the defaults.") if experiment_name is None else _("No value differs."))
        return
    count = len(changes)
    st.caption(
        _("{changes} from the defaults").format(changes=plural(count, "change", "changes"))
        if experiment_name is None
        else plural(count, "difference", "differences")
    )
    rows = [
        {
            title: item.key,
            _("Value"): MISSING if item.is_removed else setting(item.value),
            other: MISSING if item.is_new else setting(item.default),
        }
        for item in changes
    ]
    st.dataframe(
        pd.DataFrame(rows),
        hide_index=True,
        height="content",
        alt=_("Hyperparameters that differ: {title}").format(title=title),
    )


def _draw_experiment(draft: WizardDraft, model: ModelFacts, info: ExperimentInfo, here: Mapping[str, object]) -> None:
    text = lookups.hyperparameters(connection.team_id(), info)
    if text is None or not (found := read_text(text)).is_readable:
        st.info(_("This experiment kept no hyperparameters that can be read."), icon=":material/info:")
        return
    _draw_differences(here, found.values, info.experiment_name)
    st.button(
        _("Take over its settings"),
        key="take-over",
        icon=":material/content_paste_go:",
        disabled=not differences(here, found.values),
        on_click=set_text,
        args=(draft.id, model, text),
    )


def _experiment_text(info: ExperimentInfo) -> str:
    score = info.score
    shown = "" if score is None else f", {score[0]} {metric(score[1])}"
    return f"{info.experiment_name} ({info.model_name}{shown})"


# Fields for what is changed most, above the editor: another way to write the same text.

_LENGTHS = {"epoch": N_("Epochs"), "iteration": N_("Iterations")}
_FIELDS: Mapping[Role, str] = {
    "length": N_("Epochs"),
    "batch": N_("Batch size"),
    "image_size": N_("Image size (px)"),
    "learning_rate": N_("Learning rate"),
    "seed": N_("Seed"),
}


def draw_fields(draft: WizardDraft, model: ModelFacts) -> None:
    """Draw a field for each value that people change most; a change is written into the text, and the other way round.

    Which keys these are is known by the roles of the framework. While the text cannot be read, as in the middle of a
    word, they are off and show what was last read.
    """
    found, reference = read_text(text_of(draft, model)), reference_of(model.framework)
    last = widget_key(draft, "fields-last")
    if found.is_readable:
        st.session_state[last] = found.values
    values: Mapping[str, object] = st.session_state.get(last) or read_text(model.default_hyperparameters).values
    roles = roles_of(model.framework, values)
    shown = {role: path for role in _FIELDS if (path := roles.key(role)) is not None}
    if not shown:
        return
    with st.grid(len(_FIELDS), min_column_width=130, gap="small", key="hyperparameter-fields"):
        for role, path in shown.items():
            known = reference.keys.get(path) if reference else None
            value = values.get(path, None if known is None else known.default)
            label = _(_LENGTHS[roles.counts] if role == "length" else _FIELDS[role])
            about = plain(
                _("“{key}” in the text below.").format(key=path) + ("" if known is None else f" {_(known.meaning)}")
            )
            number = _one_number(value)
            if number is None:  # a text, or sides that differ: to be changed below
                shown_value = "" if value is None else value_text(value)
                st.text_input(label, placeholder=shown_value, key=f"no-field-{role}", disabled=True, help=about)
                continue
            is_whole = role != "learning_rate" and number.is_integer()
            kind: type[int | float] = int if is_whole else float
            key = mirror(draft, f"field-{role}", kind(number))
            st.number_input(
                label,
                key=key,
                min_value=_lowest(known, number, is_whole=is_whole),
                step=1 if is_whole else _step(number),
                format="%d" if is_whole else "%g",
                disabled=not found.is_readable,
                help=about,
                on_change=_write_field,
                args=(draft.id, model, path, key),
            )


def _lowest(known: Hyperparameter | None, number: float, *, is_whole: bool) -> float | None:
    """Return the bound of a field; none where the number is beyond it, which the editor tells of."""
    low = None if known is None else known.limits[0]
    if low is None or number < low:  # a widget whose value is out of its bounds keeps the page from being drawn
        return None
    return math.ceil(low) if is_whole else float(low)


def _one_number(value: object) -> float | None:
    """Return a number, or that of a list of equal ones (height and width); ``None`` for what no field can show."""
    several: list[object] = value if isinstance(value, list) and value else [value]
    first = several[0]
    if not isinstance(first, int | float) or isinstance(first, bool) or not math.isfinite(first):
        return None
    return float(first) if all(item == first for item in several) else None


def _step(number: float) -> float:
    """Return a tenth of the power of ten below a number, so that a click changes its last digit."""
    return 0.001 if not number else float(f"1e{math.floor(math.log10(abs(number))) - 1}")


def _write_field(draft_id: DraftId, model: ModelFacts, path: str, key: str) -> None:
    number = st.session_state[key]
    if number is None:  # emptied: the text keeps its value
        return

    def write(draft: WizardDraft) -> WizardDraft:
        text = text_of(draft, model)
        found = read_text(text)
        if not found.is_readable:  # another tab has broken it meanwhile
            return draft
        before = found.values.get(path)
        written = [number] * len(before) if isinstance(before, list) else number
        return _with_text(draft, model, with_values(text, {path: written}))

    change_draft(draft_id, write)


# Ready-made hyperparameters and a person's own, above the editor.


def draw_presets(draft: WizardDraft, model: ModelFacts, *, has_gpu: bool) -> None:
    """Draw the presets; the one that the text stands for is marked."""
    offered = preset_texts(model, device="gpu" if has_gpu else "cpu")
    own = dict(connection.presets().of(model.framework))
    texts = {**{name: text for name, (text, _about) in offered.items()}, **own}
    current = text_of(draft, model)
    key = widget_key(draft, "preset")
    # Set before drawing: the choice shows which preset the text stands for, also after typing.
    st.session_state[key] = active = _active(current, texts)
    with st.container(horizontal=True, vertical_alignment="bottom", key="presets"):
        with st.container(width="stretch"):
            if texts:
                st.segmented_control(
                    _("Preset"),
                    list(texts),
                    key=key,
                    format_func=lambda name: plain(name if name in own else _(name)),
                    on_change=_choose,
                    args=(draft, model, key, texts),
                )
        _draw_own(draft, model, current, own)
        st.button(
            _("Reset to defaults"),
            icon=":material/restart_alt:",
            key="reset-yaml",
            disabled=draft.hyperparameters is None,
            on_click=_replace,
            args=(draft, model, model.default_hyperparameters),
        )
    st.caption(plain(_(offered[active][1]) if active in offered else _(_OWN) if active else _("Changed by hand.")))
    _draw_way_back(draft, model)


def preset_texts(model: ModelFacts, *, device: DeviceKind) -> dict[str, tuple[str, str]]:
    """Return name → (YAML text, what it is for) of the presets of a model's framework for a kind of device."""
    known = framework_or_none(model.framework)
    presets = known.presets if known and model.default_hyperparameters else ()
    return {
        preset.name: (with_values(model.default_hyperparameters, preset.values[device]), preset.about)
        for preset in presets
    }


def _active(text: str, texts: dict[str, str]) -> str | None:
    """Return the preset with the values of a text, whatever its comments say."""
    # Compared by value: a comment or another order of keys is still the same preset.
    found = read_text(text)
    if not found.is_readable:
        return None
    return next((name for name, preset in texts.items() if read_text(preset).values == found.values), None)


def _draw_own(draft: WizardDraft, model: ModelFacts, text: str, own: dict[str, str]) -> None:
    with st.popover(_("Your presets"), icon=":material/bookmark:", width="content"):
        name_key = widget_key(draft, "preset-name")
        st.text_input(_("Save the text under a name"), key=name_key, max_chars=LONGEST_NAME, placeholder=_("Name"))
        is_bad = bool(read_text(text).errors)
        st.button(
            _("Save preset"),
            key="save-preset",
            icon=":material/bookmark_add:",
            disabled=is_bad,
            help=_("The text has errors; correct them first.") if is_bad else None,
            on_click=_save,
            args=(model, name_key, text),
        )
        for number, name in enumerate(own):
            with st.container(horizontal=True, vertical_alignment="center", key=f"own-preset-{number}"):
                st.markdown(plain(name), width="stretch")
                st.button(
                    _("Delete"),
                    key=f"delete-preset-{number}",
                    icon=":material/delete:",
                    on_click=attempt,
                    args=(partial(connection.presets().remove, model.framework, name),),
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
        _("Bring back the text before"),
        key="yaml-undo",
        icon=":material/undo:",
        type="tertiary",
        on_click=_replace,
        args=(draft, model, before),
    )


@telling_errors()
def _save(model: ModelFacts, name_key: str, text: str) -> None:
    name = st.session_state.get(name_key, "")
    connection.presets().save(model.framework, name, text)
    flash(_("Preset “{name}” was saved.").format(name=name.strip()))
    st.session_state[name_key] = ""
