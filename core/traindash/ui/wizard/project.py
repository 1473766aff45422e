"""The project step: cards to choose from, and what is in the chosen project."""

import contextlib
from collections.abc import Callable, Mapping
from functools import cache
from pathlib import Path

import pandas as pd
import streamlit as st

from traindash.domain.ids import DatasetId, ProjectId, TaskId, WorkspaceId
from traindash.domain.project import Dataset, Project
from traindash.errors import AppError, StorageError
from traindash.formatting import count, plural, size
from traindash.language import N_, ngettext
from traindash.language import gettext as _
from traindash.plans.draft import DraftId, WizardDraft
from traindash.plans.facts import ProjectFacts
from traindash.plans.lookups import DataNotes, note_of, since_last
from traindash.plans.suggestions import begin_with
from traindash.ui import connection, lookups, screens
from traindash.ui.errors import titled
from traindash.ui.experiments.index import all_experiments
from traindash.ui.lazy_part import draw_folded
from traindash.ui.pictures import thumbnail
from traindash.ui.state import change_draft, open_draft, start_new_draft
from traindash.ui.streamlit_internals import table_height
from traindash.ui.theme import plain

# What is in the chosen project: its datasets, and how classes and sizes are spread.

_SHOWN_CLASSES = 12
_INDENT = "\u2003"
_CHART_HEIGHT = 220
_MAX_ROWS = 8
_CARD_PICTURE = (400, 225)
_LOOK_SECONDS = 2.0
_SEARCH_FROM = 5
_MOST_CARDS = 24
_PROJECT_PARAM = "project"
_ORDERS: Mapping[str, Callable[[Project], tuple[int, str]]] = {
    N_("Newest first"): lambda item: (-item.id, ""),
    N_("By name"): lambda item: (0, item.name.casefold()),
    N_("Most images first"): lambda item: (-item.items_count, ""),
}


def dataset_tree(datasets: tuple[Dataset, ...]) -> list[tuple[Dataset, int]]:
    """Return datasets in the order of a tree, each with its depth, favorites before the others beside them.

    One whose parent is unknown stands at the top.
    """
    known = {item.id for item in datasets}
    children: dict[DatasetId | None, list[Dataset]] = {}
    for item in sorted(datasets, key=lambda item: not item.is_favorite):
        children.setdefault(item.parent_id if item.parent_id in known else None, []).append(item)
    found: list[tuple[Dataset, int]] = []
    # A stack instead of recursion: nothing says how deep a server lets datasets be nested.
    waiting = [(item, 0) for item in reversed(children.get(None, []))]
    while waiting:
        item, level = waiting.pop()
        found.append((item, level))
        waiting += [(child, level + 1) for child in reversed(children.get(item.id, []))]
    return found


def dataset_label(item: Dataset, level: int) -> str:
    """Return what stands in a table for a dataset of a tree: its name below the one it is in, a star if pinned."""
    return f"{_INDENT * level}{'★ ' if item.is_favorite else ''}{item.name}"


def draw_dataset_tree(facts: ProjectFacts) -> None:
    """Draw the datasets as a tree with their images, folded; nothing for a single dataset."""
    if len(facts.datasets) < 2:  # noqa: PLR2004 - one dataset is no tree
        return
    label = plural(len(facts.datasets), "dataset", "datasets")
    draw_folded("datasets", label, "account_tree", lambda: _draw_datasets(facts.datasets))


def _draw_datasets(datasets: tuple[Dataset, ...]) -> None:
    tree = dataset_tree(datasets)
    below = images_below(datasets)
    frame = pd.DataFrame(
        {
            _("Dataset"): [dataset_label(item, level) for item, level in tree],
            _("Own images"): [item.items_count for item, _level in tree],
            _("With those inside"): [below[item.id] for item, _level in tree],
        }
    )
    st.dataframe(
        frame,
        hide_index=True,
        height=table_height(len(frame), _MAX_ROWS),
        column_config={
            name: st.column_config.NumberColumn(format="localized", width="small")
            for name in (_("Own images"), _("With those inside"))
        },
        alt=_("Datasets of the project, nested ones indented below the one they are in"),
    )


def images_below(datasets: tuple[Dataset, ...]) -> dict[DatasetId, int]:
    """Return for each dataset its own images and those of all datasets inside it."""
    tree = dataset_tree(datasets)
    found: dict[DatasetId, int] = {}
    for place, (item, level) in enumerate(tree):
        found[item.id] = item.items_count
        for inside, depth in tree[place + 1 :]:
            if depth <= level:
                break
            found[item.id] += inside.items_count
    return found


def draw_distributions(facts: ProjectFacts) -> None:
    """Draw how objects are spread over classes, and the sizes of images and objects."""
    if not st.toggle(_("Show distributions"), key=f"distributions-{facts.project.id}"):
        return
    ranked = sorted(facts.statistics.classes, key=lambda item: -item.objects)
    _bars(_("Objects per class"), {item.name: item.objects for item in ranked[:_SHOWN_CLASSES]}, _("objects"))
    if len(ranked) > _SHOWN_CLASSES:
        st.caption(
            _("The {shown} classes with the most objects, of {count}.").format(
                shown=_SHOWN_CLASSES, count=count(len(ranked))
            )
        )
    # Behind a switch: it reads the annotations of 200 images.
    profile = lookups.data_profile(facts.project.id)
    with st.container(key="distribution-columns"):
        left, right = st.columns(2, gap="medium")
    with left:
        _bars(_("Image sizes (longer side)"), _named(profile.image_sizes), _("images"))
    with right:
        _bars(_("Object sizes (as a square)"), _named(profile.object_sizes), _("objects"))
    if profile.images < facts.project.items_count:
        sample = _("Sizes from a sample of {images} with {objects}, evenly from all datasets.")
        images, objects = (
            plural(profile.images, "image", "images"),
            plural(profile.objects, "object", "objects"),
        )
        st.caption(sample.format(images=images, objects=objects))


def _named(sizes: Mapping[str, int]) -> dict[str, int]:
    return {_(name): number for name, number in sizes.items()}


def _bars(title: str, values: Mapping[str, int], unit: str) -> None:
    st.markdown(f"**{title}**")
    frame = pd.DataFrame({"name": list(values), "number": list(values.values())})
    told = ", ".join(f"{name}: {number}" for name, number in values.items())
    st.bar_chart(
        frame, x="name", y="number", x_label="", y_label=unit, horizontal=True, sort=False,
        height=_CHART_HEIGHT if len(frame) < _SHOWN_CLASSES // 2 + 1 else 320, alt=f"{title}. {told}",
    )  # fmt: skip


def draw_project_search(projects: tuple[Project, ...]) -> tuple[Project, ...]:
    """Draw search and order for many projects; return those to show, in that order."""
    if len(projects) < _SEARCH_FROM:
        return projects
    with st.container(horizontal=True, vertical_alignment="bottom"):
        wanted = st.text_input(
            _("Search projects"), key="project-search", placeholder=_("Search projects"), label_visibility="collapsed",
            icon=":material/search:",
        )  # fmt: skip
        order = st.selectbox(
            _("Order"), list(_ORDERS), format_func=_, key="project-order", label_visibility="collapsed", width=200
        )
    found = [item for item in projects if wanted.strip().casefold() in item.name.casefold()]
    found.sort(key=_ORDERS[order])
    if not found:
        st.info(
            _("No project is called “{name}” or the like.").format(name=plain(wanted.strip())), icon=":material/info:"
        )
    if len(found) > _MOST_CARDS:
        st.caption(
            _("The first {count} of {projects}. Search to find the others.").format(
                count=_MOST_CARDS, projects=plural(len(found), "project", "projects")
            )
        )
    return tuple(found[:_MOST_CARDS])


def draw_project_cards(draft: WizardDraft, projects: tuple[Project, ...]) -> None:
    """Draw a card per project, the chosen one marked."""
    with st.grid("auto", min_column_width=260, gap="small"):
        for project in projects:
            is_chosen = project.id == draft.project_id
            with st.container(
                border=True, height="stretch", key=f"card-{'chosen' if is_chosen else 'other'}-{project.id}"
            ):
                first = lookups.sample_images(project.id, 1)
                picture = thumbnail(project.id, first[0], _CARD_PICTURE) if first else None
                if picture is None:
                    st.caption(_("No picture"))
                else:
                    st.image(picture, width="stretch", alt=_("An image of {name}").format(name=project.name))
                st.markdown(f"**{plain(project.name)}**")
                st.caption(
                    ngettext(
                        "{images} in {count} dataset, {size}",
                        "{images} in {count} datasets, {size}",
                        project.datasets_count,
                    ).format(
                        images=plural(project.items_count, "image", "images"),
                        count=count(project.datasets_count),
                        size=size(project.size_bytes),
                    )
                )
                st.button(
                    _("Chosen") if is_chosen else _("Choose"),
                    key=f"choose-project-{project.id}",
                    icon=":material/check:" if is_chosen else None,
                    disabled=is_chosen,
                    width="stretch",
                    on_click=_choose,
                    args=(draft.id, project),
                )


def open_named_project() -> None:
    """Open the project that the address names, as links of the SDK do, in a draft that is on it or a new one."""
    named = st.query_params.get(_PROJECT_PARAM, "")
    if not named:
        return
    # A reload must not make another draft.
    del st.query_params[_PROJECT_PARAM]
    with titled(_("New training")):
        facts = lookups.project(ProjectId(int(named))) if named.isascii() and named.isdecimal() else None
    if facts is None:
        st.toast(_("Project {id} does not exist on this server.").format(id=plain(named[:20])), icon=":material/error:")
        return
    drafts = connection.drafts()
    latest = drafts.latest_open(connection.server_name())
    if latest is not None and latest.project_id == facts.project.id:
        open_draft(latest.id)
    else:
        change_draft(start_new_draft().id, lambda draft: begin_with(draft, facts))


def draw_evaluation_copies(draft: WizardDraft, copies: tuple[Project, ...]) -> None:
    """Draw the copies that training apps left, folded away: few people train on them, and reports need them."""
    if not copies:
        return
    with st.expander(
        _("{copies} that training apps made to evaluate with").format(copies=plural(len(copies), "copy", "copies")),
        icon=":material/content_copy:",
        expanded=any(item.id == draft.project_id for item in copies),
    ):
        st.caption(
            _("Reports of experiments show their pictures. To train, choose the project that they were made from.")
        )
        for project in sorted(copies, key=lambda item: -item.id)[:_MOST_CARDS]:
            is_chosen = project.id == draft.project_id
            with st.container(horizontal=True, vertical_alignment="center", key=f"copy-{project.id}"):
                st.markdown(
                    f"{plain(project.name)} :gray[{plural(project.items_count, 'image', 'images')}]", width="stretch"
                )
                st.button(
                    _("Chosen") if is_chosen else _("Choose"),
                    key=f"choose-project-{project.id}",
                    disabled=is_chosen,
                    on_click=_choose,
                    args=(draft.id, project),
                )
        if len(copies) > _MOST_CARDS:
            st.caption(_("The newest {shown} of {copies}.").format(shown=_MOST_CARDS, copies=count(len(copies))))


# At the first start a page may be open before the sample project is in.
@st.fragment(run_every=_LOOK_SECONDS)
def draw_no_project(workspace: WorkspaceId) -> None:
    """Say that there is no project in a workspace, and look for one from time to time."""
    # Past the look-up, which would answer for ten seconds what it has kept.
    if any(item.type == "images" for item in connection.client().projects.list(workspace)):
        lookups.projects.forget(workspace)
        st.rerun()
    st.info(_("This workspace has no image project yet. One that is brought in appears here by itself."))


def draw_counts(facts: ProjectFacts) -> None:
    """Draw how much there is of what."""
    numbers = (
        (_("Images"), facts.project.items_count),
        (_("Objects"), sum(item.objects for item in facts.statistics.classes)),
        (_("Classes"), len(facts.meta.classes)),
        (_("Datasets"), len(facts.datasets)),
    )
    with st.grid(4, min_column_width=110, gap="small"):
        for label, number in numbers:
            st.metric(label, count(number))


def _choose(draft_id: DraftId, project: Project) -> None:
    facts = lookups.project(project.id)
    # Deleted since the cards were drawn: the next run shows them without it.
    if facts is not None:
        change_draft(draft_id, lambda draft: begin_with(draft, facts))


def draw_since_last(project: ProjectFacts) -> None:
    """Draw the changes since the newest experiment of the project; nothing where there is none."""
    server = connection.server_name()
    number = project.project.id
    found = since_last(
        project,
        all_experiments(),
        _notes(connection.home()),
        server,
        lambda image: lookups.count_after(number, image),
    )
    if found is None:
        return
    if found.changes:
        text = _("changed since then: {changes}.").format(changes="; ".join(found.changes))
    elif found.is_exact:
        text = _("the data is the same as then.")
    elif found.used is not None and found.used == found.images:
        text = _("it used all {images} that the project has now.").format(
            images=plural(found.images, "image", "images")
        )
    elif found.used is not None:
        text = _("it used {used} of the {images} images that the project has now.").format(
            used=count(found.used), images=count(found.images)
        )
    else:
        text = _("its record does not say what the data was like.")
    with st.container(horizontal=True, vertical_alignment="center", wrap=False, key="since-last"):
        st.markdown(
            ":material/history: "
            + _("Last trained as **{name}**; {text}").format(name=plain(found.title), text=plain(text)),
            width="stretch",
        )
        screens.link("task", _("Open"), "open_in_new", task=found.task_id)


def note_data(task_id: TaskId, project: ProjectFacts) -> None:
    """Note what the data is like at a start; a disk that refuses keeps nobody from training."""
    newest = None
    with contextlib.suppress(AppError):
        newest = connection.client().images.newest(project.project.id)
    with contextlib.suppress(StorageError):
        _notes(connection.home()).keep(connection.server_name(), task_id, note_of(project, newest))


@cache
def _notes(home: Path) -> DataNotes:
    """Return the one object per file, whose lock all sessions share."""
    return DataNotes(home / "data_notes.json")
