"""Bringing data in: choose it, see what it was recognised as, watch, read the report."""

from collections.abc import Callable

import pandas as pd
import streamlit as st

from traindash.datasets.annotation_json import annotation_from_json
from traindash.domain.ids import ImportId, ProjectId
from traindash.domain.jobs import DataImport, FirstLook, ImportReport, JobStatus
from traindash.errors import AppError
from traindash.formatting import count, plural, size
from traindash.plans.suggestions import begin_with
from traindash.ui import connection, lookups, screens
from traindash.ui.pictures import draw_legend, drawn
from traindash.ui.state import attempt, change_draft, flash, start_new_draft, telling_errors
from traindash.ui.streamlit_internals import table_height
from traindash.ui.theme import plain

IMPORT_PARAM = "import"
LAYOUTS = {
    "supervisely": "Supervisely",
    "coco": "COCO",
    "yolo": "YOLO",
    "voc": "Pascal VOC",
    "cvat": "CVAT for images",
    "labelme": "LabelMe",
    "label-studio": "Label Studio",
    "createml": "Create ML",
    "csv": "TensorFlow CSV",
}
_ARCHIVES = ["zip", "tar", "gz", "tgz", "bz2", "tbz2", "xz", "txz"]
_LOOK_SECONDS = 0.7
_UPLOADS = "uploads-done"
_LATEST = 5
_LOOK_KEPT_SECONDS = 600
_STANDING = {
    JobStatus.INSPECTING: ("being looked at", "hourglass_top"),
    JobStatus.READY: ("waits for your decision", "help"),
    JobStatus.RUNNING: ("being brought in", "hourglass_top"),
    JobStatus.FINISHED: ("finished", "check_circle"),
    JobStatus.ERROR: ("failed", "error"),
    JobStatus.CANCELED: ("cancelled", "cancel"),
}
_MAX_ROWS = 10
_EXAMPLES = 5
_MEANINGS = {
    "Images": "What can be taken in; the others are listed below with the reason.",
    "Objects": "What can be taken in; the others are listed below with the reason.",
    "Classes": "Also those without objects.",
    "Changed": "Taken otherwise than it was given, such as a box cut at the border of its image.",
}
# name, folder and a sentence of each layout
_LAYOUT_FOLDERS = (
    (
        "Supervisely",
        "my-project/\n  meta.json\n  dataset 1/\n    img/\n      photo.jpg\n    ann/\n      photo.jpg.json",
        "As Supervisely exports a project. Boxes, polygons and bitmap masks; datasets may be nested.",
    ),
    (
        "COCO",
        "my-data/\n  annotations/\n    train.json\n    val.json\n  images/\n    photo.jpg",
        "Boxes, polygons and run-length masks. Each annotation file becomes a dataset.",
    ),
    (
        "YOLO",
        "my-data/\n  data.yaml\n  images/\n    train/\n      photo.jpg\n  labels/\n    train/\n      photo.txt",
        "Boxes or polygons, a text file per image. data.yaml names the classes and the sides.",
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
        f"{plain(server)} brings data in with its own import apps. Import there; the project then appears in the "
        "project step.",
        icon=":material/info:",
    )
    st.link_button("Open Supervisely", server, icon=":material/open_in_new:", type="primary")


def draw_choice() -> None:
    """Draw the ways to choose data: an archive to upload, or a path on this machine."""
    way = st.segmented_control(
        "Where are the data?", ["Upload an archive", "Folder on this machine"], required=True, key="import-way",
        default="Upload an archive",
    )  # fmt: skip
    if way == "Folder on this machine":
        with st.form("import-path", border=False):
            path = st.text_input("Path of the folder or archive", placeholder="/home/me/photos")
            if st.form_submit_button("Look inside", type="primary", icon=":material/search:"):
                _begin(lambda: connection.client().imports.inspect(path))
        st.caption("The folder is only read. Its images are copied once into the data directory of the dashboard.")
        return
    # Another key for each upload: st.file_uploader keeps its file until its key changes (1.67).
    turn = st.session_state.get(_UPLOADS, 0)
    chosen = st.file_uploader("Archive with images and annotations", type=_ARCHIVES, key=f"import-file-{turn}")
    st.caption("For more than 2 GB, choose the folder on this machine instead.")
    if chosen is not None:
        with st.spinner("Handing the archive over"):
            # What was uploaded is a file in memory already (1.67): it is handed over as it is, without a second copy.
            _begin(lambda: connection.client().imports.upload(chosen.name, chosen, chosen.size))


def draw_latest() -> None:
    """Draw links to the latest imports."""
    latest = connection.client().imports.list()[:_LATEST]
    if not latest:
        return
    st.subheader("Latest imports", anchor=False)
    for item in latest:
        words, icon = _STANDING[item.status]
        st.page_link(
            screens.page("import_data"),
            label=f"{plain(item.name or item.source)}: {words}",
            icon=f":material/{icon}:",
            query_params={IMPORT_PARAM: str(item.id)},
        )


@st.fragment(run_every=_LOOK_SECONDS)
def draw_progress(import_id: ImportId) -> None:
    """Draw how far an import is; the page is drawn anew when it comes to rest."""
    running = connection.client().imports.info(import_id)
    # A fragment cannot change what is around it: the page draws the report.
    if not running.status.is_active:
        st.rerun()
    # The total is an estimate while archives are unpacked.
    share = min(1.0, running.done / running.total) if running.total else 0.0
    st.progress(share, text=progress_text(running))
    st.button("Cancel", icon=":material/close:", on_click=_cancel, args=(import_id,))
    st.caption("Cancelling leaves nothing behind. You can leave this page; the import goes on.")


def progress_text(running: DataImport) -> str:
    """Return how far an import is, in words."""
    images = f", {count(running.done)} of about {count(running.total)}" if running.total else ""
    texts = {
        "unpacking": f"Unpacking, {size(running.done)} written",
        "recognising": "Looking at the layout",
        "looking": "A first look at the images",
        "reading": f"Reading images{images}",
        "saving": f"Saving, {count(running.done)} of {plural(running.total or running.done, 'image')}",
    }
    return texts.get(running.step, "Waiting for the import before this one")


def draw_ready(ready: DataImport) -> None:
    """Draw what the data were recognised as, what they look like in it, and the name; a person may overrule it."""
    layout = _draw_layout_choice(ready)
    can_be_read = True
    try:
        _draw_look(_look(ready.id, layout))
    except AppError as error:
        can_be_read = False
        st.error(f"**{plain(error.message)}**  \n{plain(error.hint)}", icon=":material/error:")
    name = st.text_input(
        "Name of the project", value=ready.name, max_chars=200, key=f"import-name-{ready.id}", disabled=not can_be_read
    )
    with st.container(horizontal=True):
        if can_be_read:
            st.button(
                "Bring it in",
                type="primary",
                icon=":material/download:",
                on_click=attempt,
                args=(lambda: connection.client().imports.start(ready.id, layout=layout, name=name),),
            )
        st.button("Cancel", on_click=_cancel, args=(ready.id,))


def _draw_layout_choice(ready: DataImport) -> str:
    known = {item.name: item for item in ready.layouts}
    titles = {**LAYOUTS, **{item.name: item.title for item in ready.layouts if item.title}}
    if len(known) > 1:
        st.markdown("These data can be read in several ways. Choose one.")
        return st.radio(
            "Layout", list(known), format_func=lambda name: titles[name], key=f"import-layout-{ready.id}",
            captions=[plain(item.reason) for item in known.values()],
        )  # fmt: skip
    (only,) = known.values()
    with st.container(horizontal=True, horizontal_alignment="distribute", vertical_alignment="center"):
        st.markdown(f"**{titles[only.name]} layout.** {plain(only.reason)}", width="stretch")
        with st.popover("Read it otherwise", icon=":material/tune:", width="content"):
            chosen = st.radio(
                "Layout", [only.name, *(name for name in titles if name != only.name)],
                format_func=lambda name: f"{titles[name]}, as recognised" if name == only.name else titles[name],
                key=f"import-layout-{ready.id}",
            )  # fmt: skip
    return chosen


@connection.lookup(seconds=_LOOK_KEPT_SECONDS, most=16)
def _look(import_id: ImportId, layout: str) -> FirstLook:
    return connection.client().imports.look(import_id, layout)


def _draw_look(look: FirstLook) -> None:
    report = look.report
    if not look.is_whole:
        st.caption(
            f"After a first look at {count(report.images)} of {count(report.images_found)} images; the rest is read "
            "when they are brought in."
        )
    _draw_numbers(report, is_whole=look.is_whole)
    if look.images:
        colors = {item.name: item.color for item in look.classes}
        with st.grid(6, min_column_width=130, gap="small"):
            for item in look.images:
                annotation = annotation_from_json(item.annotation)
                names = plural(len(annotation.labels), "object")
                with st.container(gap="xsmall"):
                    st.image(drawn(item.picture, annotation, colors), width="stretch", alt=f"{item.name} with {names}")
                    st.caption(plain(f"{item.dataset} / {item.name}"))
        draw_legend(look.classes)
    datasets = "; ".join(f"{plain(name)} {count(images)}" for name, images in look.datasets.items())
    st.markdown(f"**{plural(len(look.datasets), 'dataset')}** (images): {datasets}")
    _draw_problems(report, "What would be skipped or changed")
    _draw_classes(report)


def draw_end(ended: DataImport) -> None:
    """Draw an import that is over without a project."""
    if ended.status is JobStatus.ERROR:
        st.error(f"**{plain(ended.message)}**  \n{plain(ended.hint)}", icon=":material/error:")
    else:
        st.info("This import was cancelled. Nothing of it was kept.", icon=":material/info:")
    st.button(
        "Choose other data",
        type="primary",
        icon=":material/arrow_back:",
        on_click=st.query_params.from_dict,
        args=({},),
    )


@telling_errors()
def train_on(project_id: ProjectId) -> None:
    """Begin a draft with a project and open its first step; for callbacks."""
    lookups.projects.forget(connection.workspace_id())
    lookups.project.forget(project_id)
    facts = lookups.project(project_id)
    if facts is None:
        flash("The project does not exist any more.", "error")
        return
    # A new one: the open draft may be a plan for another project.
    draft = start_new_draft()
    change_draft(draft.id, lambda current: begin_with(current, facts))
    screens.go("project", draft=draft.id)


def _begin(begin: Callable[[], DataImport]) -> None:
    begun = begin()
    st.session_state[_UPLOADS] = st.session_state.get(_UPLOADS, 0) + 1
    st.query_params[IMPORT_PARAM] = str(begun.id)
    st.rerun()


def _cancel(import_id: ImportId) -> None:
    attempt(lambda: connection.client().imports.cancel(import_id))


def draw_report(finished: DataImport, report: ImportReport) -> None:
    """Draw the numbers, the problems with their first examples, and the classes."""
    st.header(f"“{plain(finished.name)}” is a project now", anchor=False)
    _draw_numbers(report)
    _draw_problems(report, "What was skipped or changed")
    _draw_classes(report)


def _draw_numbers(report: ImportReport, *, is_whole: bool = True) -> None:
    """Draw what was taken, of what there was: taken and skipped add up to what was found."""
    numbers = (
        ("Images", report.images, report.images_found if is_whole else None),
        ("Objects", report.objects, report.objects_found if is_whole else None),
        ("Classes", len(report.classes), None),
        ("Changed", report.changed, None),
    )
    with st.grid(4, min_column_width=110, gap="small"):
        for label, taken, found in numbers:
            with st.container(gap=None):
                st.metric(label, count(taken), help=_MEANINGS[label])
                if found is not None and found != taken:
                    st.caption(f"of {count(found)} found")


def _draw_classes(report: ImportReport) -> None:
    empty = sum(objects == 0 for objects in report.classes.values())
    st.subheader("Classes", anchor=False)
    if empty:
        st.caption(f"{plural(empty, 'class', 'classes')} without objects.")
    frame = pd.DataFrame({"Class": list(report.classes), "Objects": list(report.classes.values())})
    st.dataframe(
        frame,
        hide_index=True,
        height=table_height(len(frame), _MAX_ROWS),
        column_config={"Objects": st.column_config.NumberColumn(format="localized")},
        alt="Classes with the number of objects taken",
    )


def _draw_problems(report: ImportReport, title: str) -> None:
    if not report.problems:
        st.success("Everything is taken as it is.", icon=":material/check_circle:")
        return
    st.subheader(title, anchor=False)
    rows = [
        {
            "What": item.kind.capitalize(),
            "What is done": item.effect.capitalize()
            + (f", with {plural(item.objects, 'object')}" * (item.objects > 0)),
            "How often": item.count,
            "First example": f"{item.examples[0].place}: {item.examples[0].message}" if item.examples else "",
        }
        for item in report.problems
    ]
    st.dataframe(
        pd.DataFrame(rows),
        hide_index=True,
        height=table_height(len(rows)),
        column_config={
            "What": st.column_config.TextColumn(width="medium"),
            "How often": st.column_config.NumberColumn(format="localized", width="small"),
            "What is done": st.column_config.TextColumn(width="medium"),
            "First example": st.column_config.TextColumn(width="large"),
        },
        alt=f"{title}, and how often",
    )
    with st.expander("More examples"):
        for item in report.problems:
            st.markdown(f"**{plain(item.kind.capitalize())}**, {plain(item.effect)}, {count(item.count)} times")
            shown = item.examples[:_EXAMPLES]
            st.markdown("\n".join(f"- {plain(example.place)}: {plain(example.message)}" for example in shown))


def draw_layout_examples() -> None:
    """Draw a folder of each layout."""
    st.subheader("What a folder looks like", anchor=False)
    with st.grid(len(_LAYOUT_FOLDERS), min_column_width=220, gap="small"):
        for name, folder, about in _LAYOUT_FOLDERS:
            with st.container(border=True, height="stretch"):
                st.markdown(f"**{name}**")
                st.code(folder, language=None)
                st.caption(about)
