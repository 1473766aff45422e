"""Bringing data in: choose it, see what it was recognised as, watch, read the report."""

from functools import partial
from pathlib import Path

import streamlit as st

from traindash.datasets.importing import FORMATS, Layout
from traindash.domain.ids import ImportId, ProjectId
from traindash.domain.jobs import DataImport, FirstLook, ImportReport, JobStatus
from traindash.errors import AppError
from traindash.formatting import count, listing, plural, size
from traindash.language import N_, ngettext
from traindash.language import gettext as _
from traindash.plans.suggestions import begin_with
from traindash.server_texts import told
from traindash.ui import connection, lookups, screens
from traindash.ui.errors import draw_trouble
from traindash.ui.import_report import draw_look
from traindash.ui.lazy_part import draw_part
from traindash.ui.projects.browser import draw_health
from traindash.ui.state import attempt, change_draft, flash, start_new_draft, telling_errors
from traindash.ui.theme import plain

IMPORT_PARAM = "import"
_ARCHIVES = ["zip", "tar", "gz", "tgz", "bz2", "tbz2", "xz", "txz"]
_ARCHIVE, _FOLDER = N_("Upload an archive"), N_("Folder on this machine")
_LOOK_SECONDS = 0.7
_UPLOADS = "uploads-done"
_LATEST = 5
_LOOK_KEPT_SECONDS = 600
_STANDING = {
    JobStatus.INSPECTING: (N_("being looked at"), "hourglass_top"),
    JobStatus.READY: (N_("waits for your decision"), "help"),
    JobStatus.RUNNING: (N_("being brought in"), "hourglass_top"),
    JobStatus.FINISHED: (N_("finished"), "check_circle"),
    JobStatus.ERROR: (N_("failed"), "error"),
    JobStatus.CANCELED: (N_("cancelled"), "cancel"),
}
# The commonest layouts: a folder and a sentence of each
_LAYOUT_FOLDERS = (
    (
        Layout.SUPERVISELY,
        "my-project/\n  meta.json\n  dataset 1/\n    img/\n      photo.jpg\n    ann/\n      photo.jpg.json",
        N_("As Supervisely exports a project. Boxes, polygons and bitmap masks; datasets may be nested."),
    ),
    (
        Layout.COCO,
        "my-data/\n  annotations/\n    train.json\n    val.json\n  images/\n    photo.jpg",
        N_("Boxes, polygons and run-length masks. Each annotation file becomes a dataset."),
    ),
    (
        Layout.YOLO,
        "my-data/\n  data.yaml\n  images/\n    train/\n      photo.jpg\n  labels/\n    train/\n      photo.txt",
        N_("Boxes or polygons, a text file per image. data.yaml names the classes and the sides."),
    ),
)


def current_import() -> DataImport | None:
    """Return the import that the URL names, ``None`` without one.

    Raises:
        NotFoundError: The server does not have it.
    """
    named = st.query_params.get(IMPORT_PARAM, "")
    return connection.client().imports.info(ImportId(int(named))) if named.isdecimal() else None


def draw_elsewhere() -> None:
    """Say where data are brought in when the server does not do it."""
    server = connection.address()
    st.info(
        _(
            "{server} brings data in with its own import apps. Import there; the project then appears in the project "
            "step."
        ).format(server=plain(server)),
        icon=":material/info:",
    )
    st.link_button(_("Open Supervisely"), server, icon=":material/open_in_new:", type="primary")


def draw_choice() -> None:
    """Draw the ways to choose data: an archive to upload, or a path on this machine."""
    way = st.segmented_control(
        _("Where are the data?"), [_ARCHIVE, _FOLDER], required=True, key="import-way", default=_ARCHIVE, format_func=_
    )
    if way == _FOLDER:
        with st.form("import-path", border=False):
            path = st.text_input(_("Path of the folder or archive"), placeholder="/home/me/photos")
            if st.form_submit_button(_("Look inside"), type="primary", icon=":material/search:"):
                try:
                    begun = connection.client().imports.inspect(path)
                except AppError as error:  # told where it was typed
                    draw_trouble(error.message, error.hint)
                else:
                    _show(begun)
        st.caption(_("The folder is only read. Its images are copied once into the data directory of the dashboard."))
        return
    if (uploaded := draw_drop_zone(_("Archive with images and annotations"))) is not None:
        _show(uploaded)
    st.caption(_("For more than 2 GB, choose the folder on this machine instead."))


def draw_drop_zone(label: str) -> DataImport | None:
    """Draw the place to drop an archive on; return the look at it that has begun, ``None`` while there is none."""
    # Another key for each upload: st.file_uploader keeps its file until its key changes (1.67).
    turn = st.session_state.get(_UPLOADS, 0)
    chosen = st.file_uploader(label, type=_ARCHIVES, key=f"import-file-{turn}")
    if chosen is None:
        return None
    with st.spinner(_("Handing the archive over")):
        # What was uploaded is a file in memory already (1.67): it is handed over as it is, without a second copy.
        begun = connection.client().imports.upload(chosen.name, chosen, chosen.size)
    st.session_state[_UPLOADS] = turn + 1
    return begun


def draw_latest() -> None:
    """Draw links to the latest imports."""
    latest = connection.client().imports.list()[:_LATEST]
    if not latest:
        return
    st.header(_("Latest imports"), anchor=False)
    with st.container(gap="xsmall"):
        for item in latest:
            words, icon = _STANDING[item.status]
            label = f"{plain(item.name or _short(item.source))}: {_(words)}"
            st.page_link(
                screens.page("import_data"),
                label=label,
                icon=f":material/{icon}:",
                query_params={IMPORT_PARAM: str(item.id)},
            )


def draw_running(running: DataImport) -> None:
    """Draw an import that is at work."""
    name = plain(running.name or _short(running.source))
    title = _("Bringing “{name}” in") if running.status is JobStatus.RUNNING else _("Looking at “{name}”")
    st.header(title.format(name=name), anchor=False)
    _draw_progress(running.id)


@st.fragment(run_every=_LOOK_SECONDS)
def _draw_progress(import_id: ImportId) -> None:
    """Draw how far an import is; the page is drawn anew when it comes to rest."""
    running = connection.client().imports.info(import_id)
    # A fragment cannot change what is around it: the page draws the report.
    if not running.status.is_active:
        st.rerun()
    # The total is an estimate while archives are unpacked.
    share = min(1.0, running.done / running.total) if running.total else 0.0
    st.progress(share, text=progress_text(running))
    st.button(_("Cancel"), icon=":material/close:", on_click=_cancel, args=(import_id,))
    st.caption(_("Cancelling leaves nothing behind. You can leave this page; the import goes on."))


def progress_text(running: DataImport) -> str:
    """Return how far an import is, in words."""
    total = running.total or running.done
    texts = {
        "unpacking": _("Unpacking, {size} written"),
        "recognising": _("Looking at the layout"),
        "looking": _("A first look at the images"),
        "reading": _("Reading images, {done} of about {total}") if running.total else _("Reading images"),
        "saving": ngettext("Saving, {done} of {total} image", "Saving, {done} of {total} images", total),
    }
    words = texts.get(running.step, _("Waiting for the import before this one"))
    return words.format(size=size(running.done), done=count(running.done), total=count(total))


def draw_ready(ready: DataImport) -> None:
    """Draw what the data were recognised as, what they look like in it, and the name; a person may overrule it."""
    st.header(_("First look at “{name}”").format(name=plain(_short(ready.source))), anchor=False)
    layout = _draw_layout_choice(ready)
    try:
        look = _look(ready.id, layout)
    except AppError as error:
        _draw_refusal(error.message, error.hint)
        st.button(_("Choose other data"), icon=":material/arrow_back:", on_click=_leave, args=(ready.id,))
        return
    draw_look(look)
    name = st.text_input(_("Name of the project"), value=ready.name, max_chars=200, key=f"import-name-{ready.id}")
    with st.container(horizontal=True, vertical_alignment="center"):
        st.button(
            _("Bring it in"),
            type="primary",
            icon=":material/download:",
            disabled=not look.report.images,
            on_click=attempt,
            args=(lambda: connection.client().imports.start(ready.id, layout=layout, name=name),),
        )
        st.button(_("Cancel"), on_click=_cancel, args=(ready.id,))
        st.caption(
            _("Nothing is brought in yet.") if look.report.images else _("There is no image that can be brought in.")
        )


def _draw_layout_choice(ready: DataImport) -> str:
    known = {item.name: item for item in ready.layouts}
    titles = {layout.value: _(known.title) for layout, known in FORMATS.items()}
    if len(known) > 1:
        seen = {name: _seen(ready.id, name) for name in known}
        st.markdown(_("These data can be read in several ways. Choose the one that shows what you expect."))
        return st.radio(
            _("Layout"), list(known), format_func=lambda name: titles[name], key=f"import-layout-{ready.id}",
            index=next((at for at, (_words, can_be_read) in enumerate(seen.values()) if can_be_read), 0),
            captions=[plain(f"{told(item.reason)} {seen[item.name][0]}") for item in known.values()],
        )  # fmt: skip
    (only,) = known.values()
    offered = [only.name, *(name for name in titles if name != only.name)]
    with st.container(horizontal=True, horizontal_alignment="distribute", vertical_alignment="center"):
        line = st.container(width="stretch")
        with st.popover(_("Read it otherwise"), icon=":material/tune:", width="content"):
            chosen = st.radio(
                _("Layout"), offered,
                format_func=lambda name: (
                    _("{layout}, as recognised").format(layout=titles[name]) if name == only.name else titles[name]
                ),
                captions=[plain(_(FORMATS[Layout(name)].about)) for name in offered],
                key=f"import-layout-{ready.id}",
            )  # fmt: skip
    if chosen == only.name:
        layout = _("{layout} layout.").format(layout=titles[chosen])
        line.markdown(f"**{layout}** {plain(told(only.reason))}")
    else:
        layout = _("{layout} layout, as you chose.").format(layout=titles[chosen])
        recognised = _("By itself it was recognised as {layout}: {reason}").format(
            layout=titles[only.name], reason=plain(told(only.reason))
        )
        line.markdown(f"**{layout}** {recognised}")
    return chosen


@connection.lookup(seconds=_LOOK_KEPT_SECONDS, most=16)
def _look(import_id: ImportId, layout: str) -> FirstLook:
    return connection.client().imports.look(import_id, layout)


def _seen(import_id: ImportId, layout: str) -> tuple[str, bool]:
    """What a layout shows, a sentence, and whether the data can be read in it."""
    try:
        look = _look(import_id, layout)
    except AppError as error:
        return _("It cannot be read so: {why}").format(why=told(error.message)), False
    images, objects = plural(look.report.images, "image", "images"), plural(look.report.objects, "object", "objects")
    seen = _("{images} with {objects}.") if look.is_whole else _("{images} with {objects} at first sight.")
    return seen.format(images=images, objects=objects), True


def _draw_refusal(message: str, hint: str) -> None:
    step, *choices = told(hint).splitlines() or [""]
    if not choices:
        draw_trouble(told(message), step)
        return
    draw_trouble(told(message))
    st.markdown(plain(step))
    st.markdown("\n".join(f"- {plain(choice)}" for choice in choices))


def draw_end(ended: DataImport) -> None:
    """Draw an import that is over without a project, and what can be done next."""
    st.header(_("“{name}” was not brought in").format(name=plain(_short(ended.source))), anchor=False)
    if ended.status is JobStatus.ERROR:
        for layout in ended.layouts:
            title = _("{layout} layout.").format(layout=plain(layout.title))
            st.markdown(f"**{title}** {plain(told(layout.reason))}")
        _draw_refusal(ended.message, ended.hint)
    else:
        st.info(_("This import was cancelled. Nothing of it was kept."), icon=":material/info:")
    with st.container(horizontal=True):
        st.button(_("Choose other data"), type="primary", icon=":material/arrow_back:", on_click=_leave)
        # What was uploaded is gone; a folder may have been corrected by now.
        if Path(ended.source).is_absolute() and st.button(_("Look at it again"), icon=":material/refresh:"):
            _show(connection.client().imports.inspect(ended.source))


def _short(source: str) -> str:
    """The file or folder that data come from, without the folders around it."""
    return Path(source).name or source


def draw_next_steps(project_id: ProjectId, report: ImportReport) -> None:
    """Draw what can be done with a project that was brought in, and what strikes in its data."""
    lookups.projects.forget(connection.workspace_id())
    facts = lookups.project(project_id)
    if facts is None:
        st.info(_("The project does not exist any more."), icon=":material/info:")
        return
    with st.container(horizontal=True, vertical_alignment="center"):
        if report.objects:
            st.button(
                _("Train on this project"), type="primary", icon=":material/arrow_forward:", on_click=train_on,
                args=(project_id,),
            )  # fmt: skip
        else:
            st.button(_("Label images"), type="primary", icon=":material/label:", on_click=_label, args=(project_id,))
        screens.link("manage", _("Manage this project"), "tune", of=project_id)
    if report.objects:
        draw_part("data-health", partial(draw_health, facts))


def _label(project_id: ProjectId) -> None:
    screens.go("label", project=project_id)


@telling_errors()
def train_on(project_id: ProjectId) -> None:
    """Begin a draft with a project and open its first step; for callbacks."""
    lookups.projects.forget(connection.workspace_id())
    lookups.forget_project(project_id)
    facts = lookups.project(project_id)
    if facts is None:
        flash(_("The project does not exist any more."), "error")
        return
    # A new one: the open draft may be a plan for another project.
    draft = start_new_draft()
    change_draft(draft.id, lambda current: begin_with(current, facts))
    screens.go("project", draft=draft.id)


def _show(begun: DataImport) -> None:
    st.query_params[IMPORT_PARAM] = str(begun.id)
    st.rerun()


def _leave(import_id: ImportId | None = None) -> None:
    """Go back to where data are chosen; an import that waits is given up."""
    if import_id is not None:
        _cancel(import_id)
    st.query_params.from_dict({})


def _cancel(import_id: ImportId) -> None:
    attempt(lambda: connection.client().imports.cancel(import_id))


def draw_layout_examples() -> None:
    """Draw a folder of the commonest layouts, and what the others consist of."""
    st.header(_("What a folder looks like"), anchor=False)
    with st.grid(len(_LAYOUT_FOLDERS), min_column_width=220, gap="small"):
        for layout, folder, about in _LAYOUT_FOLDERS:
            with st.container(border=True, height="stretch"):
                st.markdown(f"**{_(FORMATS[layout].title)}**")
                st.code(folder, language=None)
                st.caption(_(about))
    shown = {layout for layout, _folder, _about in _LAYOUT_FOLDERS}
    others = [known for layout, known in FORMATS.items() if layout not in shown]
    with st.expander(
        _("Also read: {layouts}").format(layouts=listing([_(known.title) for known in others], limit=len(others)))
    ):
        st.markdown("\n".join(f"- **{_(known.title)}** {plain(_(known.about))}" for known in others))
        st.caption(_("Other formats are named when they are met, with the way to one of these."))


def layouts_sentence() -> str:
    """Return what can be brought in."""
    titles = [known.title for layout, known in FORMATS.items() if layout is not Layout.IMAGES]
    sentence = _(
        "Images with annotations become a project to train on. The layout is recognised by itself: {layouts}. Images "
        "alone are taken, too; a model can label them."
    )
    return sentence.format(layouts=listing(titles, limit=len(titles)))
