"""The page on which a project is changed."""

from collections.abc import Callable, Mapping
from typing import Literal, TypeAlias

import streamlit as st

from traindash.domain.ids import ProjectId
from traindash.formatting import count, plural
from traindash.language import N_
from traindash.language import gettext as _
from traindash.plans.facts import ProjectFacts
from traindash.ui import lookups, screens
from traindash.ui.projects import datasets, images, names, project_dialogs
from traindash.ui.projects.dialogs import Dialogs, show
from traindash.ui.projects.project_dialogs import until
from traindash.ui.projects.work import PROJECT_PARAM, draw_notices, draw_work
from traindash.ui.state import DRAFT_PARAM
from traindash.ui.theme import plain

Section: TypeAlias = Literal["Classes", "Tags", "Datasets", "Images"]
_DIALOGS: Dialogs = {**project_dialogs.DIALOGS, **names.DIALOGS, **datasets.DIALOGS, **images.DIALOGS}
_SECTIONS: Mapping[Section, Callable[[ProjectFacts], None]] = {
    "Classes": lambda facts: names.draw_names(facts, "class"),
    "Tags": lambda facts: names.draw_names(facts, "tag"),
    "Datasets": datasets.draw_datasets,
    "Images": images.draw_images,
}
_TITLES: Mapping[Section, str] = {
    "Classes": N_("Classes"),
    "Tags": N_("Tags"),
    "Datasets": N_("Datasets"),
    "Images": N_("Images"),
}


def draw_page() -> None:
    """Draw the project that the address names, or the list of projects where it names none."""
    given = st.query_params.get(PROJECT_PARAM, "")
    if not given.isdecimal():
        _draw_nothing(_("No project is named in the address."))
        return
    number = ProjectId(int(given))
    draw_work(number)
    facts = lookups.project(number)
    if facts is None:
        deleted = next((item for item in lookups.deleted_projects() if item.id == number), None)
        if deleted is None:
            gone = _("Project {number} does not exist on this server, or not any more.").format(number=number)
        else:
            when = until(deleted.removed_after)
            gone = _("“{project}” is deleted and {until}.").format(project=plain(deleted.name), until=when)
        _draw_nothing(gone)
        return
    _draw_heading(facts)
    draw_notices()
    chosen = _draw_sections(facts)
    _SECTIONS[chosen](facts)
    show(_DIALOGS, facts)


def _draw_nothing(sentence: str) -> None:
    st.title(_("Manage a project"), anchor=False)
    draw_notices()
    st.info(sentence, icon=":material/info:")
    _draw_way_back()
    project_dialogs.draw_deleted()


def _draw_way_back() -> None:
    draft = st.query_params.get(DRAFT_PARAM)
    query: dict[str, object] = {DRAFT_PARAM: draft} if draft else {}
    screens.link("project", _("Back to the projects"), "arrow_back", width="content", disabled=False, **query)


def _draw_heading(facts: ProjectFacts) -> None:
    project = facts.project
    with st.container(horizontal=True, horizontal_alignment="distribute", vertical_alignment="center", key="heading"):
        st.title(plain(project.name), anchor=False)
        with st.container(horizontal=True, width="content", vertical_alignment="center"):
            _draw_way_back()
            project_dialogs.draw_menu(facts)
    objects = sum(item.objects for item in facts.statistics.classes)
    held = f"{plural(project.items_count, 'image', 'images')}, {plural(objects, 'object', 'objects')}"
    about = plain(project.description.strip().splitlines()[0]) if project.description.strip() else ""
    st.caption(f"{held}. {about}" if about else held)


def _draw_sections(facts: ProjectFacts) -> Section:
    numbers: Mapping[Section, int] = {
        "Classes": len(facts.meta.classes),
        "Tags": len(facts.meta.tags),
        "Datasets": len(facts.datasets),
        "Images": facts.project.items_count,
    }
    key = f"manage-section-{facts.project.id}"
    chosen: Section = st.segmented_control(
        _("Part of the project"),
        list(numbers),
        default="Classes",
        required=True,
        format_func=lambda item: f"{_(_TITLES[item])} {count(numbers[item])}",
        key=key,
        persist_state="session",
        label_visibility="collapsed",
    )
    return chosen
