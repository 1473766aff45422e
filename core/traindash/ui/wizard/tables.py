"""The model step: tables of pretrained models and of own checkpoints."""

import base64
import re
from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache, partial
from pathlib import PurePosixPath
from typing import NamedTuple, assert_never
from zlib import crc32

import pandas as pd
import streamlit as st

from traindash.datasets.shape_fit import SEGMENTATION
from traindash.domain.ecosystem import CatalogueModel, MissingEngine
from traindash.domain.experiment import ExperimentInfo
from traindash.domain.plan import CustomCheckpoint, ModelChoice, PretrainedModel
from traindash.domain.project import ObjectClass
from traindash.formatting import count, listing, quoted, shape_word, task_word
from traindash.language import N_, ngettext, pgettext
from traindash.language import gettext as _
from traindash.plans import app_rules
from traindash.plans.draft import DraftId, WizardDraft, choose_model, set_classes
from traindash.plans.facts import Facts, ModelFacts, ProjectFacts
from traindash.plans.lookups import custom_checkpoints
from traindash.plans.suggestions import suggest_classes
from traindash.ui import connection, lookups
from traindash.ui.state import change_draft
from traindash.ui.streamlit_internals import ColumnConfig, table_height
from traindash.ui.theme import plain
from traindash.ui.widgets import chosen_rows, draft_many, mirror_selection, rows_by_name, widget_key

_MAX_ROWS = 10
_MOST_CLASSES = 12
_SEARCH_FROM = 13
_LETTER, _WIDTH_BESIDE, _NARROWEST = 7, 24, 75  # pixels
_NONE = frozenset({"", "-", "–", "N/A"})
_FIGURE = re.compile(r"(\d+(?:\.\d+)?)\s*([A-Za-z%]{0,3})")


def draw_catalogue(draft: WizardDraft, models: Sequence[CatalogueModel], every: Sequence[CatalogueModel]) -> None:
    """Draw pretrained models, a group among every one of the server, with the columns that their framework gives."""
    choices = [PretrainedModel(framework=model.framework, name=model.name) for model in models]
    # Each framework has columns of its own (docs/supervisely-api.md 9.2); what no model of the group fills is left out.
    named = dict.fromkeys(name for model in models for name in model.columns)
    columns = [name for name in named if any(model.columns.get(name) is not None for model in models)]
    figures = {name: found for name in columns if (found := as_figures([m.columns.get(name) for m in models]))}
    # Not every server says it (docs/supervisely-api.md 3.4); where it is the same for all, it stands above the table.
    differ = len({model.pretrained is False for model in every}) > 1
    begin = {True: _("random initialisation"), False: _("published weights")}
    rows = [
        {
            _("Model"): model.name,
            **{name: figures[name].values[row] if name in figures else model.columns.get(name) for name in columns},
            **({_("Starts from"): begin[model.pretrained is False]} if differ else {}),
        }
        for row, model in enumerate(models)
    ]
    # As wide as its longest name: the names of a family begin alike and differ at their ends.
    longest = max(len(model.name) for model in models)
    numbers: dict[str, ColumnConfig] = {
        _("Model"): st.column_config.TextColumn(width=_WIDTH_BESIDE + _LETTER * longest)
    }
    for name in columns:
        if name not in figures:
            numbers[name] = st.column_config.TextColumn(_heading(name))
    for name, (values, unit) in figures.items():
        header = f"{_heading(name)}{f' ({unit})' if unit else ''}"
        # One format for a column, as st.column_config has none for each cell (1.67).
        digits = max(_digits(value) for value in values if value is not None)
        numbers[name] = st.column_config.NumberColumn(
            header, format=f"%.{digits}f", width=max(_NARROWEST, _WIDTH_BESIDE + _LETTER * len(header))
        )
    # Rows are positions of the frame that is drawn, and the browser keeps its tick where the rows change below it
    # (Streamlit 1.67): other models are another table.
    shown = crc32("\n".join(f"{model.framework}/{model.name}" for model in models).encode())
    _table(draft, f"catalogue-{shown}", rows, choices, numbers)


class Figures(NamedTuple):
    """A column of numbers."""

    values: list[float | None]
    unit: str = ""


def as_figures(values: Sequence[str | float | None]) -> Figures | None:
    """Return a column as numbers; ``None`` where it holds something else, or numbers of several units.

    Apps write figures as texts, with a dash for none and a unit behind: “40.9”, “-”, “1.10ms” (DEIM's latency).
    """
    found: list[float | None] = []
    units: set[str] = set()
    for value in values:
        if value is None or (isinstance(value, str) and value.strip() in _NONE):
            found.append(None)
        elif isinstance(value, int | float) and not isinstance(value, bool):
            found.append(float(value))
        elif isinstance(value, str) and (figure := _FIGURE.fullmatch(value.strip())):
            found.append(float(figure[1]))
            units.add(figure[2])
        else:
            return None
    is_one = len(units) <= 1 and any(value is not None for value in found)
    return Figures(found, next(iter(units), "")) if is_one else None


def _heading(name: str) -> str:
    """Return the heading of a column that a framework names, mAP and its like as they are written."""
    word = name.partition(" ")[0]
    return f"{name[:1].upper()}{name[1:]}" if word.islower() else name


def _digits(value: float) -> int:
    return min(2, len(f"{value:.2f}".rstrip("0").partition(".")[2]))


def draw_checkpoints(draft: WizardDraft, experiments: Sequence[ExperimentInfo]) -> None:
    """Draw the checkpoints of earlier experiments, the best one of each first."""
    found = custom_checkpoints(experiments)
    # A column for each figure that models are measured by: mAP, and mIoU where some of them give pixels a class
    figures = sorted({"mAP", *(score[0] for item in found.values() if (score := item.score) is not None)})
    rows = [
        {
            _("Experiment"): item.experiment_name,
            _("Checkpoint"): PurePosixPath(path).name,
            **{name: _measured(path, item, name) for name in figures},
            _("Model"): item.model_name,
            _("Framework"): item.framework_name,
            pgettext("what a model does", "Task"): task_word(item.task_type),
        }
        for path, item in found.items()
    ]
    choices = [CustomCheckpoint(path=path) for path in found]
    figures_look = dict.fromkeys(figures, st.column_config.NumberColumn(format="%.3f", width="small"))
    _table(draft, "checkpoints", rows, choices, figures_look)


def _table(
    draft: WizardDraft,
    name: str,
    rows: Sequence[Mapping[str, object]],
    choices: Sequence[ModelChoice],
    columns: Mapping[str, ColumnConfig],
) -> None:
    key = widget_key(draft, name)
    _draw_by_name(draft, key, choices)
    mirror_selection(key, choices, lambda choice: choice == draft.model)
    st.dataframe(
        pd.DataFrame(list(rows)),
        key=key,
        hide_index=True,
        height=table_height(len(rows), _MAX_ROWS),
        column_config=columns,
        selection_mode="single-row",
        on_select=lambda: _choose(draft.id, key, choices),
        placeholder="–",
        alt=_("Models to start from"),
    )


def _draw_by_name(draft: WizardDraft, key: str, choices: Sequence[ModelChoice]) -> None:
    with rows_by_name(key) as menu:
        if not menu.open:
            return
        name_key = f"{key}-name"
        st.session_state[name_key] = draft.model if draft.model in choices else None
        st.selectbox(
            _("Model"),
            list(choices),
            key=name_key,
            index=None,
            format_func=_name_of,
            placeholder=_("Type a part of its name"),
            on_change=lambda: _choose_named(draft.id, st.session_state[name_key]),
        )


def _choose_named(draft_id: DraftId, choice: ModelChoice | None) -> None:
    if choice is not None:  # the field can be emptied; the draft keeps its model, as with a click on the chosen row
        choose(draft_id, choice)


def _name_of(choice: ModelChoice) -> str:
    match choice:
        case PretrainedModel(name=name):
            return name
        case CustomCheckpoint(path=path):
            # An experiment keeps several checkpoints, and they are called alike in all of them.
            file = PurePosixPath(path)
            return f"{file.parent.parent.name}, {file.name}"
        case _:
            assert_never(choice)


def choose(draft_id: DraftId, choice: ModelChoice) -> None:
    """Put a model into the draft; for callbacks."""
    team = connection.team_id()
    framework = getattr(lookups.model(team, choice), "framework", None)

    def change(draft: WizardDraft) -> WizardDraft:
        before = None if draft.model is None else lookups.model(team, draft.model)
        same = before is None or before.framework == framework
        return choose_model(draft, choice, same_framework=same)

    change_draft(draft_id, change)


def _choose(draft_id: DraftId, key: str, choices: Sequence[ModelChoice]) -> None:
    chosen = chosen_rows(key, choices)
    if chosen:  # a click on the chosen row would leave none; the draft keeps it
        choose(draft_id, chosen[0])


def _measured(path: str, experiment: ExperimentInfo, figure: str) -> float | None:
    """Return a figure of a checkpoint; only an experiment's best one was evaluated."""
    # The record has the figures of the best checkpoint alone (docs/supervisely-api.md 5.3).
    is_best = PurePosixPath(path).name == experiment.best_checkpoint
    return experiment.evaluation_metrics.get(figure) if is_best else None


# Above the model table: what is recommended here, what training starts from, what the table is narrowed to.


def draw_recommendation(draft: WizardDraft, recommended: CatalogueModel | None) -> None:
    """Draw which model suits agents without a GPU; nothing where there is one."""
    if recommended is None:
        return
    choice = PretrainedModel(framework=recommended.framework, name=recommended.name)
    is_used = choice == draft.model
    with st.container(horizontal=True, vertical_alignment="center", wrap=False, key="recommendation"):
        by_outline = recommended.task_type == SEGMENTATION
        text = (
            _(
                "The agents have no GPU. **{name}** is the smallest model for outlines, as this project has them, "
                "and the one that a CPU trains soonest."
            )
            if by_outline
            else _("The agents have no GPU. **{name}** is the smallest model and the one that a CPU trains soonest.")
        )
        st.markdown(
            ":material/lightbulb: " + text.format(name=plain(recommended.name)),
            width="stretch",
        )
        st.button(
            _("In use") if is_used else _("Use it"),
            key="use-it",
            icon=":material/check:" if is_used else None,
            disabled=is_used,
            on_click=choose,
            args=(draft.id, choice),
        )


def draw_missing(missing: MissingEngine | None) -> None:
    """Say what has to be installed before the models that are shown can be trained; nothing where all is there."""
    if missing is not None:
        st.info(f"{plain(missing.message)} {plain(missing.hint)}", icon=":material/download:")


def draw_start_note(catalogue: Sequence[CatalogueModel], chosen: ModelFacts | None) -> None:
    """Say plainly when training starts from random initialisation."""
    if all(model.pretrained is False for model in catalogue):
        st.warning(
            _(
                "**Every model starts from random initialisation here:** no published weights are "
                "available on this server. Expect lower accuracy, and a longer training, than with "
                "pretrained weights."
            ),
            icon=":material/casino:",
        )
    elif chosen is not None and (note := start_note(chosen)):
        st.warning(plain(note), icon=":material/casino:")


def start_note(model: ModelFacts) -> str:
    """Return the plain statement about where the weights come from, empty when they are pretrained."""
    if not model.starts_random:
        return ""
    return _(
        "Training of {name} starts from random initialisation: no published weights are "
        "available on this server. Expect lower accuracy, and a longer training, than with "
        "pretrained weights."
    ).format(name=model.name)


def narrow(
    models: Sequence[CatalogueModel],
    label: str,
    group: Callable[[CatalogueModel], str],
    chosen: ModelFacts | None,
    first: str = "",
) -> Sequence[CatalogueModel]:
    """Let the person choose one group of models, and return its models; the label is a message.

    At first it is the chosen model's group; while none is chosen, the one called ``first``, if there is one.
    """
    groups = tuple(dict.fromkeys(group(model) for model in models))
    if len(groups) == 1:
        return models
    begin = first if first in groups else groups[0]
    own = next((group(model) for model in models if chosen is not None and model.name == chosen.name), begin)
    shown = st.segmented_control(
        _(label),
        groups,
        default=own,
        required=True,
        key=f"narrow-{label}",
        format_func=lambda name: _(name[:1].upper() + name[1:]),
    )
    return [model for model in models if group(model) == shown]


# The classes step: a table to choose from.


def draw_class_search(draft: WizardDraft, project: ProjectFacts) -> str:
    """Draw the search over the classes of a project and return what is looked for; empty for few classes."""
    if len(project.meta.classes) < _SEARCH_FROM:
        return ""
    return st.text_input(
        _("Search classes"),
        key=widget_key(draft, "class-search"),
        placeholder=_("Search {count} classes").format(count=count(len(project.meta.classes))),
        label_visibility="collapsed",
        icon=":material/search:",
    ).strip()


def draw_left_out(draft: WizardDraft, project: ProjectFacts) -> None:
    """Say why classes are not ticked that nobody has unticked."""
    proposed = suggest_classes(project)
    if proposed is None or draft.classes != proposed:
        return
    default = project.default_classes
    empty = [name for name in default if name not in proposed]
    key_points = [name for name in project.class_names if name not in default]
    for left_out, why in (
        (empty, _("without objects there is nothing to learn.")),
        (key_points, _("key points repeat objects that other classes have.")),
    ):
        if left_out:
            names = listing([quoted(plain(name)) for name in left_out])
            st.caption(
                ngettext("{names} is left out: {why}", "{names} are left out: {why}", len(left_out)).format(
                    names=names, why=why
                )
            )


def draw_class_table(draft: WizardDraft, facts: Facts, project: ProjectFacts, search: str = "") -> None:
    """Draw the classes of a project with their counts; a tick takes part. What a search hides stays as it is."""
    model, app, convert = facts.model, facts.app, draft.convert_class_shapes
    # Searched here and not in the table's own search: its selection would count rows of the hidden ones, too.
    classes = tuple(item for item in project.meta.classes if search.casefold() in item.name.casefold())
    if not classes:
        st.info(_("No class is called “{name}” or the like.").format(name=plain(search)), icon=":material/info:")
        return
    counts = {item.name: item for item in project.statistics.classes}
    chosen = frozenset(project.default_classes if draft.classes is None else draft.classes)
    rows = [
        {
            _("Colour"): swatch(item.color),
            _("Class"): item.name,
            _("Images"): counts[item.name].images if item.name in counts else 0,
            _("Objects"): counts[item.name].objects if item.name in counts else 0,
            # The bar stands beside its number; with more than a dozen classes it is what is read first.
            _("Share"): counts[item.name].objects if item.name in counts else 0,
            _("Shape"): shape_word(item.shape),
            _("What happens"): app_rules.effect(item, model.task_type, app, convert=convert) if model else "",
        }
        for item in classes
    ]
    most = max((item.objects for item in project.statistics.classes), default=0)
    # Rows are positions of the frame that is drawn (Streamlit 1.67): what another search shows is another table.
    key = widget_key(draft, f"classes-{search.casefold()}" if search else "classes")
    mirror_selection(key, classes, lambda item: item.name in chosen)
    st.dataframe(
        pd.DataFrame(rows),
        key=key,
        hide_index=True,
        height=table_height(len(rows), _MOST_CLASSES),
        selection_mode="multi-row",
        on_select=lambda: _choose_classes(draft.id, key, classes, project),
        column_config={
            _("Colour"): st.column_config.ImageColumn("", width=40),
            _("Images"): st.column_config.NumberColumn(format="localized", width="small"),
            _("Objects"): st.column_config.NumberColumn(format="localized", width="small"),
            _("Share"): st.column_config.ProgressColumn(
                "", min_value=0, max_value=max(most, 1), format=" ", width="small"
            ),
        },
        alt=_("Classes of the project; ticked ones are trained"),
    )


def draw_class_buttons(draft: WizardDraft, project: ProjectFacts, search: str = "") -> None:
    """Draw the ways to choose many classes at once, with a search also those that were found."""
    every = project.class_names
    filled = tuple(item.name for item in project.statistics.classes if item.objects)
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        found = tuple(name for name in every if search.casefold() in name.casefold())
        more = ((N_("Only those found"), found),) if search else ()
        for label, names in ((N_("All"), every), (N_("With objects"), filled), (N_("None"), ()), *more):
            st.button(
                _(label),
                key=f"classes-{label}",
                on_click=change_draft,
                args=(draft.id, partial(set_classes, chosen=names, meta=project.meta)),
            )
        with rows_by_name(widget_key(draft, "classes")) as menu:
            if menu.open:
                chosen = project.default_classes if draft.classes is None else draft.classes
                draft_many(
                    draft,
                    "classes-named",
                    _("Classes that are trained"),
                    options=every,
                    value=[name for name in every if name in chosen],
                    save=lambda known, names: set_classes(known, names, project.meta),
                    placeholder=_("Type a part of a name"),
                )


def _choose_classes(draft_id: DraftId, key: str, shown: Sequence[ObjectClass], project: ProjectFacts) -> None:
    # Those that the search hides keep what they were.
    picked = {item.name for item in chosen_rows(key, shown)}
    hidden = frozenset(project.class_names) - {item.name for item in shown}

    def change(draft: WizardDraft) -> WizardDraft:
        before = project.default_classes if draft.classes is None else draft.classes
        return set_classes(draft, picked | (hidden & frozenset(before)), project.meta)

    change_draft(draft_id, change)


# 1,000 classes have 1,000 swatches in every redraw.
@lru_cache(maxsize=4096)
def swatch(color: str) -> str:
    """Return a picture of a colour for a cell of a table."""
    # The colour is text from a server that goes into a drawing.
    safe = color if color.startswith("#") and color[1:].isalnum() else "#7B7F85"
    shape = f'<rect x="16" y="8" width="16" height="16" rx="4" fill="{safe}"/>'
    svg = f'<svg xmlns="http://www.w3.org/2000/svg" width="48" height="32">{shape}</svg>'
    return "data:image/svg+xml;base64," + base64.b64encode(svg.encode()).decode("ascii")
