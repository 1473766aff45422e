"""What varies in a series: models, hyperparameters, splits, seeds; and how it runs."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Literal, TypeVar

import streamlit as st

from traindash.domain.plan import CustomCheckpoint, ModelChoice, PretrainedModel, RandomSplit, TrainingPlan
from traindash.formatting import setting
from traindash.frameworks.reference import Reference
from traindash.frameworks.registry import reference_of, roles_of
from traindash.frameworks.spec import Role, Roles
from traindash.language import N_, ngettext
from traindash.language import gettext as _
from traindash.plans.draft import DraftId, WizardDraft
from traindash.plans.facts import Facts
from traindash.plans.hyperparameters import read_text
from traindash.plans.lookups import custom_checkpoints
from traindash.plans.series import SeriesChoices, SplitVariation, TextOf, Vary, model_label
from traindash.ui import connection, lookups
from traindash.ui.experiments.index import all_experiments
from traindash.ui.state import change_draft
from traindash.ui.theme import plain
from traindash.ui.widgets import (
    draft_choice,
    draft_many,
    draft_number,
    draft_select,
    draft_text,
    draft_toggle,
    widget_key,
)

_T = TypeVar("_T")
_MOST_REPEATS = 10
_MOST_DRAWS = 10
_SPLITS: Mapping[Literal["shared", "several", "own"], str] = {
    "shared": N_("One for all"),
    "several": N_("Several"),
    "own": N_("A new one for each"),
}
_ABOUT_SPLITS: Mapping[Literal["shared", "several", "own"], str] = {
    "shared": N_(
        "The random split is dealt once and kept: all experiments validate on the same images, so their numbers "
        "can be compared."
    ),
    "several": N_("Each experiment is done on every one of these splits. They are dealt once and kept."),
    "own": N_("Images are dealt at random, anew for each experiment: their numbers cannot be compared exactly."),
}
_ROLE_WORDS: Mapping[Role, str] = {
    "learning_rate": N_("learning rate"),
    "length": N_("length"),
    "batch": N_("batch"),
    "image_size": N_("image size"),
    "optimizer": N_("optimizer"),
}
_COMBINE: Mapping[Literal["grid", "list"], str] = {
    "grid": N_("Every combination"),
    "list": N_("First with first, second with second"),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class SeriesView:
    """What the form is drawn from; ``plan`` is the one that the draft stands for."""

    draft: WizardDraft
    facts: Facts
    plan: TrainingPlan

    @property
    def choices(self) -> SeriesChoices:
        """What varies so far."""
        return self.draft.series


def text_by_model(view: SeriesView) -> TextOf:
    """Return how to find the hyperparameters of a model: the draft's for its framework, otherwise the defaults."""
    own = view.facts.model
    own_text = view.plan.hyperparameters or view.facts.default_hyperparameters

    def text_of(model: ModelChoice) -> str:
        # Keys of one framework mean nothing to another: its models begin with their own defaults.
        if model == view.plan.model or (
            own and isinstance(model, PretrainedModel) and model.framework == own.framework
        ):
            return own_text
        found = lookups.model(connection.team_id(), model)
        if found is None or own is None or found.framework == own.framework:
            return own_text
        return found.default_hyperparameters

    return text_of


def reference_for(view: SeriesView, model: ModelChoice) -> Reference | None:
    """Return what the hyperparameters of a model may be, where that is known."""
    if isinstance(model, PretrainedModel):
        return reference_of(model.framework)
    return reference_of(view.facts.model.framework) if view.facts.model else None


def draw_variations(view: SeriesView) -> None:
    """Draw what varies."""
    st.header(_("What varies?"), anchor=False)
    draft_many(
        view.draft,
        "series-models",
        _("Models"),
        options=_model_options(view),
        value=view.choices.models or (view.plan.model,),
        save=saved(lambda choices, chosen: replace(choices, models=chosen)),
        text=model_label,
        placeholder=_("Choose models"),
    )
    _draw_values(view)
    _draw_split(view)
    draft_number(
        view.draft,
        "series-repeats",
        _("Times each, with another seed"),
        bounds=(1, _MOST_REPEATS),
        value=view.choices.repeats,
        save=saved(lambda choices, number: replace(choices, repeats=number)),
        help_text=_("Two trainings that differ in the seed alone show how much of a difference is chance."),
    )
    if view.choices.repeats > 1 and _roles(view).key("seed") is None:
        st.caption(_("This framework takes no seed: repetitions have the same settings and differ by chance alone."))


def draw_how(view: SeriesView) -> None:
    """Draw name, agents and what happens at the end."""
    st.header(_("How to run"), anchor=False)
    draft_text(
        view.draft,
        "series-name",
        _("Series name"),
        value=view.choices.name,
        placeholder=default_name(view),
        save=saved(lambda choices, text: replace(choices, name=text.strip())),
        help_text=_("Experiments get it as the first part of their names."),
    )
    agents = {agent.id: agent.name for agent in view.facts.running_agents}
    draft_many(
        view.draft,
        "series-agents",
        _("Agents"),
        options=tuple(agents),
        value=tuple(agent for agent in view.choices.agents if agent in agents),
        save=saved(lambda choices, chosen: replace(choices, agents=chosen)),
        text=agents.__getitem__,
        placeholder=_("Automatic: whichever is free"),
    )
    st.caption(_("More experiments than agents: the rest waits in the queue. Nothing is dropped."))
    draft_toggle(
        view.draft,
        "series-compare",
        _("Open the comparison at the end"),
        value=view.choices.opens_comparison,
        save=saved(lambda choices, on: replace(choices, opens_comparison=on)),
        help_text=_("When the last experiment is over and the page of the series is open."),
    )


def default_name(view: SeriesView) -> str:
    """Return the name of a series that a person gave none."""
    project = view.facts.project.project.name if view.facts.project else _("series")
    return view.draft.experiment_name or project


def _model_options(view: SeriesView) -> tuple[ModelChoice, ...]:
    """Return the plan's model and those that do the same task: the catalogue's, and best checkpoints of experiments."""
    task_type = view.facts.model.task_type if view.facts.model else None
    # The plan's model first, also where the catalogue has lost it.
    listed: list[ModelChoice] = [view.plan.model]
    for model in lookups.catalogue():
        if model.task_type == task_type:
            listed.append(PretrainedModel(framework=model.framework, name=model.name))  # noqa: PERF401 - two kinds
    for path, experiment in custom_checkpoints(all_experiments()).items():
        # One checkpoint of each experiment: the list would have hundreds otherwise.
        if experiment.task_type == task_type and path.endswith(f"/{experiment.best_checkpoint}"):
            listed.append(CustomCheckpoint(path=path))
    return tuple(dict.fromkeys([*listed, *view.choices.models]))


def _draw_values(view: SeriesView) -> None:
    keys, words = _known_keys(view), _key_words(view)
    rows = view.choices.vary
    for place, row in enumerate(rows):
        _draw_row(view, place, row, keys, words)
    with st.container(horizontal=True, vertical_alignment="bottom"):
        st.button(
            _("Vary a hyperparameter") if not rows else _("Vary another one"),
            icon=":material/add:",
            key=widget_key(view.draft, "series-add"),
            on_click=_change_rows,
            args=(view.draft.id, lambda known: (*known, Vary())),
        )
    if len([row for row in rows if row.key and row.text.strip()]) > 1:
        draft_choice(
            view.draft,
            "series-combine",
            _("Several hyperparameters together"),
            options=tuple(_COMBINE),
            value=view.choices.combine,
            save=saved(lambda choices, way: replace(choices, combine=way)),
            text=lambda way: _(_COMBINE[way]),
        )


def _draw_row(view: SeriesView, place: int, row: Vary, keys: Mapping[str, str], words: Mapping[str, str]) -> None:
    with st.container(horizontal=True, vertical_alignment="bottom", key=f"series-vary-{place}"):
        with st.container(width=240):
            draft_select(
                view.draft,
                f"series-key-{place}",
                _("Hyperparameter"),
                options=tuple(dict.fromkeys([*keys, *([row.key] if row.key else [])])),
                value=row.key or None,
                save=_saved_row(place, lambda row, key: replace(row, key=key or "")),
                text=lambda key: f"{key} ({_(words[key])})" if key in words else key,
                placeholder=_("Choose one"),
            )
        with st.container(width="stretch"):
            draft_text(
                view.draft,
                f"series-values-{place}",
                _("Values, with commas between"),
                value=row.text,
                save=_saved_row(place, lambda row, text: replace(row, text=text)),
                placeholder=_("so far {value}").format(value=keys[row.key]) if keys.get(row.key) else "0.001, 0.01",
            )
        st.button(
            _("Remove"),
            icon=":material/close:",
            key=widget_key(view.draft, f"series-drop-{place}"),
            on_click=_change_rows,
            args=(view.draft.id, lambda known, place=place: (*known[:place], *known[place + 1 :])),
        )


def _known_keys(view: SeriesView) -> dict[str, str]:
    """Return the hyperparameters of the plan with their values, and empty texts for further ones of its framework."""
    values = read_text(text_by_model(view)(view.plan.model)).values
    known = {key: setting(value) for key, value in values.items() if isinstance(value, bool | int | float | str | list)}
    reference = reference_for(view, view.plan.model)
    known |= {key: "" for key in (reference.keys if reference else ()) if key not in values}
    # The seed is varied by repeating, so that each repetition has another one.
    known.pop(_roles(view).key("seed") or "", None)
    return known


def _key_words(view: SeriesView) -> dict[str, str]:
    """Return what the keys with a role are, in words."""
    roles = _roles(view)
    return {key: _ROLE_WORDS[role] for role, key in roles.keys.items() if role in _ROLE_WORDS}


def _roles(view: SeriesView) -> Roles:
    framework = view.facts.model.framework if view.facts.model else None
    return roles_of(framework, read_text(text_by_model(view)(view.plan.model)).values)


def _draw_split(view: SeriesView) -> None:
    if not isinstance(view.plan.train_val_split, RandomSplit):
        st.caption(_("Data split: all experiments use the split of the plan, which is fixed."))
        return
    split = view.choices.split
    draft_choice(
        view.draft,
        "series-split",
        _("Data split"),
        options=tuple(_SPLITS),
        value=split.mode,
        save=_saved_split(lambda split, mode: replace(split, mode=mode)),
        text=lambda mode: _(_SPLITS[mode]),
    )
    st.caption(_(_ABOUT_SPLITS[split.mode]))
    if split.mode != "several":
        return
    percent = view.plan.train_val_split.percent
    with st.container(horizontal=True, vertical_alignment="top"):
        with st.container(width="stretch"):
            draft_many(
                view.draft,
                "series-percents",
                _("Share of the images for training")
                if view.plan.train_val_split.split == "train"
                else _("Share of the images for validation"),
                options=tuple(sorted({percent, *range(10, 100, 5)})),
                value=split.percents or (percent,),
                save=_saved_split(lambda split, chosen: replace(split, percents=chosen)),
                text=lambda share: f"{share} %",
            )
        with st.container(width=240):
            draft_number(
                view.draft,
                "series-draws",
                _("Times each is dealt"),
                bounds=(1, _MOST_DRAWS),
                value=split.draws,
                save=_saved_split(lambda split, number: replace(split, draws=number)),
            )
    number = len(split.percents or (percent,)) * split.draws
    project = view.facts.project.project.name if view.facts.project else ""
    st.caption(
        ngettext(
            "{count} split will be kept as collections of “{project}”.",
            "{count} splits will be kept as collections of “{project}”.",
            number,
        ).format(count=number, project=plain(project))
    )


def saved(change: Callable[[SeriesChoices, _T], SeriesChoices]) -> Callable[[WizardDraft, _T], WizardDraft]:
    """Return how a change of the series becomes a change of the draft."""
    return lambda draft, value: replace(draft, series=change(draft.series, value))


def _saved_split(change: Callable[[SplitVariation, _T], SplitVariation]) -> Callable[[WizardDraft, _T], WizardDraft]:
    return saved(lambda choices, value: replace(choices, split=change(choices.split, value)))


def _saved_row(place: int, change: Callable[[Vary, _T], Vary]) -> Callable[[WizardDraft, _T], WizardDraft]:
    def changed(choices: SeriesChoices, value: _T) -> SeriesChoices:
        rows = tuple(change(row, value) if at == place else row for at, row in enumerate(choices.vary))
        return replace(choices, vary=rows)

    return saved(changed)


def _change_rows(draft_id: DraftId, change: Callable[[tuple[Vary, ...]], tuple[Vary, ...]]) -> None:
    change_choices(draft_id, lambda choices: replace(choices, vary=change(choices.vary)))


def change_choices(draft_id: DraftId, change: Callable[[SeriesChoices], SeriesChoices]) -> None:
    """Change what varies in a stored draft; for callbacks."""
    change_draft(draft_id, lambda draft: replace(draft, series=change(draft.series)))
