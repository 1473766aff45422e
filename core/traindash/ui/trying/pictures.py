"""Pictures that models shall look at: dropped, pasted, of a project, by camera, or frames of a video."""

import hashlib
from base64 import b64decode
from binascii import Error as Base64Error
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Literal, TypeAlias

import streamlit as st

from traindash.comparison.pictures.crops import embedded
from traindash.datasets.pixels import opened
from traindash.domain.ids import ImageId, ProjectId
from traindash.domain.project import Image
from traindash.errors import AppError, InputError
from traindash.formatting import plural
from traindash.language import N_
from traindash.language import gettext as _
from traindash.ui import lookups
from traindash.ui.errors import draw_trouble
from traindash.ui.pictures import LONGEST_SIDE, preview_source, thumbnail
from traindash.ui.state import flash
from traindash.ui.theme import plain

MOST_PICTURES = 24  # that are looked at side by side
MOST_FRAMES = 60  # of a video
_MEGABYTES = 64
_TYPES = ("jpg", "jpeg", "png", "bmp", "webp", "tif", "tiff")
_PER_PAGE = 12
_PICTURE = (240, 180)
_HERE = Path(__file__).parent
_GIVEN, _PASTED, _FRAMES, _PROJECT = "try-given", "try-pasted", "try-frames", "try-project"
_VIDEO = "try-video"
_SOURCE = "try-source"
_Source: TypeAlias = Literal["Your pictures", "From a project", "Camera", "Video"]
_SOURCES: Mapping[_Source, str] = {
    "Your pictures": N_("Your pictures"),
    "From a project": N_("From a project"),
    "Camera": N_("Camera"),
    "Video": N_("Video"),
}

_FIRST: _Source = "Your pictures"

_clipboard = st.components.v2.component("traindash_clipboard", js=(_HERE / "clipboard.js").read_text(encoding="utf-8"))
_frames = st.components.v2.component(
    "traindash_frames",
    html='<div class="frames"></div>',
    css=(_HERE / "frames.css").read_text(encoding="utf-8"),
    js=(_HERE / "frames.js").read_text(encoding="utf-8"),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Picture:
    """A picture that models look at."""

    key: str  # the same for the same content
    name: str
    size: tuple[int, int]  # width and height as people see it; of a project's image as its annotation counts
    content: bytes = b""  # of a file; empty for an image of a project
    image: Image | None = None  # of a project
    project: ProjectId | None = None  # which one

    def source(self) -> str:
        """Return a data URI for a page; empty where the picture cannot be had."""
        if self.image is not None:
            return preview_source(self.image.id, self.size)
        return _preview(self.key, self.content)


def draw_source(suggested: ProjectId | None) -> tuple[Picture, ...]:
    """Draw the ways to give pictures and return those that were given; ``suggested`` is a project that fits."""
    _take_pasted()
    source: _Source = st.segmented_control(
        _("Pictures"),
        list(_SOURCES),
        default=_FIRST,
        required=True,
        key=_SOURCE,
        format_func=lambda one: _(_SOURCES[one]),
        persist_state="session",
    )
    match source:
        case "Your pictures":
            return _draw_files(suggested)
        case "From a project":
            return _draw_project(suggested)
        case "Camera":
            return _draw_camera()
        case "Video":
            return _draw_video()


def is_video() -> bool:
    """Return whether the pictures are frames of a video, which are shown one by one."""
    return st.session_state.get(_SOURCE) == "Video"


def read_picture(name: str, content: bytes) -> Picture:
    """Return a picture of a file's content.

    Raises:
        InputError: It is no picture that can be read, or too large; names it.
    """
    if len(content) > _MEGABYTES * 2**20:
        large = _("“{name}” has more than {size} MB.").format(name=name, size=_MEGABYTES)
        raise InputError(large, _("Save it smaller, as JPEG for example."))
    try:
        with opened(content) as file:
            size = file.seen_size
    except InputError as error:
        unusable = _("“{name}” cannot be used. {why}").format(name=name, why=error.message)
        raise InputError(unusable, error.hint) from error
    return Picture(key=hashlib.sha256(content).hexdigest(), name=name, size=size, content=content)


@st.cache_data(max_entries=2 * (MOST_PICTURES + MOST_FRAMES), show_spinner=False)
def _preview(key: str, _content: bytes) -> str:
    del key
    try:
        return embedded(_content, LONGEST_SIDE, None)
    except InputError:  # the models say the same of it
        return ""


def _draw_files(suggested: ProjectId | None) -> tuple[Picture, ...]:
    files = st.file_uploader(
        _("Drop pictures here, or paste one with Ctrl+V"),
        type=list(_TYPES),
        accept_multiple_files=True,
        key="try-files",
        max_upload_size=_MEGABYTES,
    )
    given: dict[str, Picture] = st.session_state.setdefault(_GIVEN, {})
    for gone in given.keys() - {file.file_id for file in files}:
        del given[gone]
    for file in files:
        if file.file_id not in given:
            try:
                given[file.file_id] = read_picture(file.name, file.getvalue())
            except InputError as error:
                draw_trouble(error.message, error.hint)
    pasted: list[Picture] = st.session_state.get(_PASTED, [])
    if pasted:
        st.button(
            _("Remove {pictures}").format(pictures=plural(len(pasted), "pasted picture", "pasted pictures")),
            icon=":material/close:",
            on_click=pasted.clear,
        )
    # The newest first: that is the one to look at
    found = {one.key: one for one in (*reversed(pasted), *reversed(given.values()))}
    if not found:
        _offer_samples(suggested)
        found = {one.key: one for one in _samples(suggested)}
    if len(found) > MOST_PICTURES:
        wait = _("{count} pictures are looked at; the others wait until some are removed.")
        st.caption(wait.format(count=MOST_PICTURES))
    return tuple(found.values())[:MOST_PICTURES]


def _offer_samples(suggested: ProjectId | None) -> None:
    facts = None if suggested is None else lookups.project(suggested)
    if facts is not None and facts.project.items_count:
        st.toggle(
            _("Until then, show some pictures of “{name}”").format(name=plain(facts.project.name)),
            value=True,
            key="try-samples",
            help=_("From the project that the first model was trained on."),
        )


def _samples(suggested: ProjectId | None) -> tuple[Picture, ...]:
    if suggested is None or not st.session_state.get("try-samples", False):
        return ()
    return tuple(_of_project(image, suggested) for image in lookups.sample_images(suggested, 3))


def _take_pasted() -> None:
    """Take in what was pasted anywhere on the page, since the last run."""
    pasted = _clipboard(key="try-clipboard", data={}, on_pasted_change=lambda: None).pasted
    if not pasted:
        return
    kept: list[Picture] = st.session_state.setdefault(_PASTED, [])
    try:
        taken = read_picture(str(pasted.get("name") or _("Pasted picture"))[:80], _decoded(pasted))
    except InputError as error:
        flash(str(error), "error")
        return
    others = [one for one in kept if one.key != taken.key]
    kept[:] = [*others[-MOST_PICTURES + 1 :], taken]
    st.session_state[_SOURCE] = _FIRST


def _decoded(sent: dict[str, Any]) -> bytes:
    try:
        return b64decode(str(sent.get("data", "")), validate=True)
    except Base64Error as error:
        raise InputError(_("What was pasted is no picture."), _("Copy a picture, then paste it here.")) from error


def _draw_project(suggested: ProjectId | None) -> tuple[Picture, ...]:
    names = lookups.project_names()
    if not names:
        st.info(_("There is no project on this server yet."), icon=":material/info:")
        return ()
    ids = sorted(names, key=lambda number: (number != suggested, names[number].casefold()))
    with st.container(horizontal=True, vertical_alignment="bottom"):
        project = st.selectbox(_("Project"), ids, format_func=lambda number: names[number], key=_PROJECT, width=360)
        facts = lookups.project(project)
        if facts is None or not facts.project.items_count:
            st.info(_("This project has no image."), icon=":material/info:")
            return ()
        pages = -(-facts.project.items_count // _PER_PAGE)
        page = st.pagination(pages, key=f"try-page-{project}", width="stretch") if pages > 1 else 1
    images = lookups.image_page(project, None, page, _PER_PAGE)
    ticked: dict[ImageId, Picture] = st.session_state.setdefault(f"try-ticked-{project}", {})
    with st.grid("auto", min_column_width=130, gap="small"):
        for image in images:
            with st.container(gap="xxsmall", key=f"try-image-{image.id}"):
                small = thumbnail(project, image, _PICTURE)
                if small is not None:
                    st.image(
                        small, width="stretch", alt=f"{image.name}, {plural(image.labels_count, 'object', 'objects')}"
                    )
                key = f"try-tick-{project}-{image.id}"
                st.session_state[key] = image.id in ticked
                picture = _of_project(image, project)
                st.checkbox(plain(image.name), key=key, on_change=_tick, args=(ticked, picture, key))
    if not ticked:
        st.caption(_("Tick images; the models look at them at once."))
    return tuple(ticked.values())[:MOST_PICTURES]


def _tick(ticked: dict[ImageId, Picture], picture: Picture, key: str) -> None:
    if picture.image is None:
        return
    if st.session_state[key]:
        ticked[picture.image.id] = picture
    else:
        ticked.pop(picture.image.id, None)


def _of_project(image: Image, project: ProjectId) -> Picture:
    size = (image.width, image.height)
    return Picture(key=f"image-{image.id}", name=image.name, size=size, image=image, project=project)


def _draw_camera() -> tuple[Picture, ...]:
    taken = st.camera_input(_("Take a picture"), key="try-camera", width=480)
    if taken is None:
        return ()
    try:
        return (read_picture(_("Camera"), taken.getvalue()),)
    except InputError as error:
        draw_trouble(error.message, error.hint)
        return ()


@dataclass(slots=True)
class _Film:
    """What has come of a video so far."""

    film: str = ""  # which one the browser takes frames of
    done: int = 0  # messages that have come
    frames: list[Picture] = field(default_factory=list)


def _draw_video() -> tuple[Picture, ...]:
    """Take frames of a video in the browser, which plays more kinds of them than any library here reads."""
    film: _Film = st.session_state.setdefault(_FRAMES, _Film())
    _frames(
        key=_VIDEO,
        data={"most": MOST_FRAMES, "longest": LONGEST_SIDE, "film": film.film, "done": film.done},
        on_taken_change=lambda: _take_frames(film),
    )
    return tuple(film.frames)


def _take_frames(film: _Film) -> None:
    """Take in a message of the browser, which may come twice; in a callback, for the page is told that it has come."""
    sent = st.session_state[_VIDEO].get("taken")
    if not isinstance(sent, dict):
        return
    name, number = str(sent.get("film", "")), int(sent.get("number", 0))
    if name != film.film:
        film.film, film.done = name, 0
        film.frames.clear()
    if number <= film.done:
        return
    film.done = number
    for frame in sent.get("frames", ())[: MOST_FRAMES - len(film.frames)]:
        try:
            picture = read_picture(str(frame["name"])[:120], _decoded(frame))
        except (AppError, KeyError):
            flash(_("A frame of the video could not be read."), "error")
        else:
            film.frames.append(replace(picture, key=f"{len(film.frames)}-{frame['name']}"))


def annotated(pictures: Sequence[Picture]) -> tuple[Image, ...]:
    """Return the images of projects among pictures."""
    return tuple(one.image for one in pictures if one.image is not None)
