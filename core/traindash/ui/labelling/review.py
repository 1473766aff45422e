"""The page on which a person goes through what a model has labelled, by confidence and class, by keyboard."""

import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import streamlit as st

from traindash import formatting
from traindash.datasets.contours import Outline
from traindash.domain.annotation import Rectangle
from traindash.domain.ids import ImageId, ProjectId, TaskId
from traindash.domain.labelling import ReviewCounts, Word
from traindash.domain.project import Project
from traindash.errors import AppError, InputError, StateError
from traindash.language import N_, ngettext
from traindash.language import gettext as _
from traindash.projects.labelling import Review
from traindash.projects.moving import add_copies, project_of_copies
from traindash.ui import connection, lookups, screens
from traindash.ui.errors import titled
from traindash.ui.import_data import train_on
from traindash.ui.pictures import preview_source
from traindash.ui.state import flash, kept_here, telling_errors
from traindash.ui.theme import plain

_HERE = Path(__file__).parent
_component = st.components.v2.component(
    "traindash_label_review",
    html=(_HERE / "review.html").read_text(encoding="utf-8"),
    css=(_HERE / "review.css").read_text(encoding="utf-8"),
    js=(_HERE / "review.js").read_text(encoding="utf-8"),
)
_KEY, _ASKS = "label-review", "labels-train-asks"
_FEW_IMAGES = 20  # fewer are hardly worth a training: it is asked first
_AHEAD, _BEHIND = 16, 3  # places around the one that is shown which the browser gets with their images
_ALL = N_("All classes")
_UNSURE, _SURE, _BY_IMAGE = N_("Unsure first"), N_("Sure first"), N_("Image by image")
_ORDERS = (_UNSURE, _SURE, _BY_IMAGE)
_EVERY, _OPEN = N_("All labels"), N_("Still open")
_SHOWN = (_OPEN, _EVERY)
_WORDS: Mapping[Word, str] = {"accepted": N_("accepted"), "changed": N_("changed"), "added": N_("added")}


@dataclass(slots=True)
class _Desk:
    """What a tab is working on: the labels, the queue as it was chosen, and the place in it."""

    review: Review
    chosen: tuple[object, ...] = ()
    queue: list[tuple[ImageId, int | None]] = field(default_factory=list)  # image and label; `None`: nothing found
    at: int = 0
    turn: int = 0  # grows where the browser has to follow the server
    sitting: str = ""
    done: int = 0  # number of the browser's last decision that was carried out
    told: str = ""
    lock: threading.Lock = field(default_factory=threading.Lock)


def draw_review(project: str | None, task: str | None) -> None:
    """Draw the page for the labels of a task in a project; both as the address says them.

    Raises:
        InputError: One is missing or no number.
        NotFoundError: The project has no labels of the task.
    """
    with titled(_("Review labels")):
        if not (project and project.isdecimal() and task and task.isdecimal()):
            raise InputError(_("The address names no labels."), _("Open them from the task that made them."))
        project_id, task_id = ProjectId(int(project)), TaskId(int(task))
        client = connection.client()
        key = (connection.server_name(), project_id, task_id)
        desk = kept_here("label-desk", key, lambda: _Desk(review=Review(client, project_id, task_id)))
    names = lookups.project_names()
    screens.link("task", _("The task"), "arrow_back", task=task_id)
    with st.container(
        horizontal=True, horizontal_alignment="distribute", vertical_alignment="bottom", key="labels-head"
    ):
        st.title(_("Review labels"), anchor=False)
        _draw_ends(desk, names.get(project_id, _("Project {number}").format(number=project_id)))
    name = names.get(project_id, str(project_id))
    st.caption(plain(_("{project} · labels of task {task}").format(project=name, task=task_id)))
    _draw_desk(desk)


@st.fragment
def _draw_desk(desk: _Desk) -> None:
    """Draw counts, choice and the label; each decision runs this part alone."""
    _draw_counts(desk.review.counts())
    _choose(desk)
    if desk.told:
        st.warning(plain(desk.told), icon=":material/warning:")
    _component(key=_KEY, data=_data(desk), on_said_change=lambda: _carry_out(desk))


def _draw_counts(counts: ReviewCounts) -> None:
    with st.container(horizontal=True, gap="medium", key="labels-counts"):
        for title, number in (
            (_("Made"), counts.made),
            (_("Still open"), counts.open),
            (_("Accepted"), counts.accepted),
            (_("Changed"), counts.changed),
            (_("Rejected"), counts.rejected),
            (_("Added"), counts.added),
            (_("Empty images open"), counts.empty),
            (_("Images reviewed"), None),
        ):
            share = _("{number} of {total}").format(number=counts.reviewed, total=counts.images)
            st.metric(title, share if number is None else formatting.count(number), width="content")
    if counts.missing:
        labels = formatting.plural(abs(counts.missing), "label", "labels")
        st.caption(
            _("{labels} of the model were removed elsewhere, in another program.").format(labels=labels)
            if counts.missing > 0
            else _("{labels} of the model came to be elsewhere, in another program.").format(labels=labels)
        )


def _choose(desk: _Desk) -> None:
    review = desk.review
    labels = [label for one in review.images.values() for label in one.labels if label.is_made]
    classes = sorted({label.class_name for label in labels})
    with st.container(horizontal=True, vertical_alignment="bottom", key="labels-choice"):
        shown = st.segmented_control(
            _("Labels"), list(_SHOWN), default=_OPEN, required=True, key="labels-shown", format_func=_
        )
        chosen = st.selectbox(
            _("Class"), [_ALL, *classes], key="labels-class", width=180,
            format_func=lambda name: _(name) if name == _ALL else name,
        )  # fmt: skip
        low, high = st.slider(_("Confidence"), 0.0, 1.0, (0.0, 1.0), 0.01, key="labels-confidence", width=200)
        order = st.segmented_control(
            _("Order"), list(_ORDERS), default=_UNSURE, required=True, key="labels-order", format_func=_
        )
    wanted = (shown, chosen, low, high, order)
    if desk.chosen != wanted:
        desk.chosen = wanted
        desk.queue = _queue(review, wanted)
        desk.at, desk.turn, desk.told = 0, desk.turn + 1, ""


def _queue(review: Review, wanted: tuple[object, ...]) -> list[tuple[ImageId, int | None]]:
    shown, chosen, low, high, order = wanted
    fits = [
        label
        for one in review.images.values()
        for label in one.labels
        if label.is_made
        and (label.is_open or shown == _EVERY)
        and chosen in {_ALL, label.class_name}
        and float(str(low)) <= (label.confidence or 0.0) <= float(str(high))
    ]
    if order != _BY_IMAGE:
        fits.sort(key=lambda label: label.confidence or 0.0, reverse=order == _SURE)
    queue: list[tuple[ImageId, int | None]] = [(label.image_id, label.id) for label in fits]
    if chosen == _ALL and float(str(low)) == 0.0:
        # Images on which nothing was found come last: something may have been missed
        queue += [
            (image_id, None)
            for image_id, one in review.images.items()
            if not one.run.made and (not one.is_reviewed or shown == _EVERY)
        ]
    return queue


def _data(desk: _Desk) -> dict[str, Any]:
    said = _said()
    have = {str(item) for item in said.get("have", ())} if said.get("sitting") == desk.sitting else set()
    first, last = max(0, desk.at - _BEHIND), min(len(desk.queue), desk.at + _AHEAD)
    items = [_item(desk.review, place, *desk.queue[place]) for place in range(first, last)]
    images = {
        str(image_id): preview_source(image_id, (one.image.width, one.image.height))
        for image_id in dict.fromkeys(desk.queue[place][0] for place in range(first, last))
        if str(image_id) not in have and (one := desk.review.images.get(image_id)) is not None
    }
    return {
        "turn": desk.turn,
        "at": desk.at,
        "total": len(desk.queue),
        "labels": sum(label is not None for _image, label in desk.queue),  # they come first
        "sitting": desk.sitting,
        "done": desk.done,
        "undo": desk.review.can_undo,
        "items": items,
        "images": images,
        "classes": [{"name": item.name, "color": item.color} for item in desk.review.classes],
    }


def _item(review: Review, place: int, image_id: ImageId, label_id: int | None) -> dict[str, Any]:
    one = review.images[image_id]
    label = next((label for label in one.labels if label.id == label_id), None)
    shared: dict[str, Any] = {
        "place": place,
        "image": int(image_id),
        "name": one.image.name,
        "size": [one.image.width, one.image.height],
        "others": [_corners(other.box) for other in one.labels if other.id != label_id],
    }
    if label is None:
        word = _("rejected") if label_id is not None else _("reviewed") if one.is_reviewed else None
        return {**shared, "label": None, "class": None, "confidence": None, "box": None, "borders": [], "word": word,
                "editable": None}  # fmt: skip
    return {
        **shared,
        "label": label.id,
        "class": label.class_name,
        "confidence": label.confidence,
        "box": _corners(label.box),
        "borders": [list(map(list, border)) for border in label.borders],
        "word": None if label.word is None else _(_WORDS[label.word]),
        "editable": "box" if label.has_box else "outline" if label.has_outline else None,
    }


def _corners(box: Rectangle) -> list[float]:
    # A rectangle of Supervisely ends with its last pixel, a drawn one behind it
    return [box.left, box.top, box.right + 1, box.bottom + 1]


def _said() -> Mapping[str, Any]:
    answer = (st.session_state.get(_KEY) or {}).get("said")
    return answer if isinstance(answer, dict) else {}


def _carry_out(desk: _Desk) -> None:
    """Carry out what the browser has decided and the server has not heard of; in a callback."""
    said = _said()
    with desk.lock:  # a late answer of the browser may come beside the next
        if said.get("sitting") != desk.sitting:
            desk.sitting, desk.done = str(said.get("sitting", "")), 0
        desk.told = ""
        for one in said.get("list", ()):
            if one["number"] <= desk.done:
                continue
            desk.done = one["number"]
            try:
                _decide(desk, one)
            except AppError as error:
                desk.told = str(error)
                desk.at, desk.turn = int(one["place"]), desk.turn + 1
                return
        last = next((one["kind"] for one in said.get("list", ()) if one["number"] == desk.done), "")
        if last not in {"undo", "finish"}:  # where to be after these is what the server says
            desk.at = max(0, min(int(said.get("at", desk.at)), max(0, len(desk.queue) - 1)))


def _decide(desk: _Desk, one: Mapping[str, Any]) -> None:
    review, image_id, label_id = desk.review, ImageId(int(one["image"] or 0)), one["label"]
    match one["kind"]:
        case "accept":
            review.accept(label_id)
        case "reject":
            review.reject(label_id)
        case "change":
            before = {label.id for label in review.images[image_id].labels}
            review.change(label_id, str(one["class"]), _outlines(one.get("outlines")) or _box(one["box"]))
            made = next((label.id for label in review.images[image_id].labels if label.id not in before), label_id)
            desk.queue = [(image, made if label == label_id else label) for image, label in desk.queue]
        case "add":
            box = _box(one["box"])
            if box is None:
                raise InputError(_("The new box has no place."))
            review.add(image_id, str(one["class"]), box)
        case "finish":
            review.finish(image_id)
            left = range(int(one["place"]) + 1, len(desk.queue))
            desk.at = next(
                (place for place in left if _is_open(review, *desk.queue[place])), max(0, len(desk.queue) - 1)
            )
            desk.turn += 1
        case "undo":
            image, label = review.undo()
            places = [place for place, item in enumerate(desk.queue) if item == (image, label) or item[0] == image]
            exact = [place for place in places if desk.queue[place][1] == label]
            desk.at, desk.turn = next(iter(exact or places), desk.at), desk.turn + 1
        case _:
            raise InputError(_("The browser asked for something that is not known."), _("Reload the page."))


def _is_open(review: Review, image_id: ImageId, label_id: int | None) -> bool:
    one = review.images[image_id]
    if label_id is None:
        return not one.is_reviewed
    return any(label.id == label_id and label.is_open for label in one.labels)


def _box(corners: Any) -> Rectangle | None:  # noqa: ANN401 - JSON of the browser
    if corners is None:
        return None
    left, top, right, bottom = (float(side) for side in corners)
    return Rectangle(left=left, top=top, right=max(left, right - 1), bottom=max(top, bottom - 1))


def _outlines(given: Any) -> tuple[Outline, ...]:  # noqa: ANN401 - JSON of the browser
    return tuple(tuple((float(x), float(y)) for x, y in outline) for outline in given or ())


def _draw_ends(desk: _Desk, project: str) -> None:
    """Offer what follows a review: training on it, and taking away what nobody has looked at."""
    with st.container(horizontal=True, width="content", vertical_alignment="center"):
        with (
            st.popover(_("More"), icon=":material/more_horiz:"),
            st.container(key="review-menu-items", gap=None),
        ):
            st.button(
                _("Read the labels again"), icon=":material/refresh:", key="labels-again", width="stretch",
                type="tertiary", on_click=_forget,
            )  # fmt: skip
            st.button(
                _("Remove what is still open"),
                icon=":material/delete_sweep:",
                key="labels-remove",
                width="stretch",
                type="tertiary",
                on_click=_remove_open,
                args=(desk,),
                help=_("Takes the labels away that nobody has said anything about. U takes it back in this sitting."),
            )
        st.button(
            _("Train on what is reviewed"),
            icon=":material/model_training:",
            key="labels-train",
            type="primary",
            on_click=_ask_or_train,
            args=(desk, project),
            help=_(
                "Copies the reviewed images with their labels into a project of their own and opens a new training."
            ),
        )
    if st.session_state.get(_ASKS):
        dialog = st.dialog(
            _("Train on what is reviewed?"), icon=":material/model_training:", on_dismiss=_close_question
        )
        dialog(_draw_question)(desk, project)


def _forget() -> None:
    st.session_state.pop("label-desk", None)


def _remove_open(desk: _Desk) -> None:
    with telling_errors():
        number = desk.review.remove_open()
        desk.chosen = ()
        flash(_("{labels} removed.").format(labels=formatting.plural(number, "label", "labels")))


def _reviewed(desk: _Desk) -> tuple[ImageId, ...]:
    return tuple(image_id for image_id, one in desk.review.images.items() if one.is_reviewed)


def _name_of_copies(project: str) -> str:
    return _("{project}, reviewed").format(project=project)


def _earlier_copies(project: str) -> Project | None:
    """Return the newest project that such copies went into."""
    name = _name_of_copies(project)
    found = [
        item
        for item in lookups.projects(connection.workspace_id())
        if item.name == name or item.name.startswith(f"{name} ")
    ]
    return max(found, key=lambda item: item.id, default=None)


def _ask_or_train(desk: _Desk, project: str) -> None:
    with telling_errors():
        images = _reviewed(desk)
        if not images:
            raise StateError(
                _("No image is reviewed yet."), _("Decide on all labels of an image, or press D where all is right.")
            )
        if len(images) < _FEW_IMAGES or _earlier_copies(project) is not None:
            st.session_state[_ASKS] = True
        else:
            _train(desk, project, None)


def _draw_question(desk: _Desk, project: str) -> None:
    """Say what would be made; images may join those that were reviewed earlier."""
    images, earlier = _reviewed(desk), _earlier_copies(project)
    if len(images) < _FEW_IMAGES:
        few = ngettext(
            "Only {count} of {total} images is reviewed. A part of the images is kept for measuring, so hardly any is "
            "left to learn from: review some dozens first.",
            "Only {count} of {total} images are reviewed. A part of the images is kept for measuring, so few are left "
            "to learn from: review some dozens first.",
            len(images),
        )
        total = formatting.count(len(desk.review.images))
        st.warning(few.format(count=formatting.count(len(images)), total=total), icon=":material/warning:")
    target = None
    if earlier is not None:
        words = _("“{project}” ({images})")
        size = formatting.plural(earlier.items_count, "image", "images")
        names = {True: words.format(project=earlier.name, images=size), False: _("A new project")}
        joins = st.radio(
            _("Where the copies go"), [True, False], format_func=lambda one: plain(names[one]), key="labels-train-to"
        )
        target = earlier if joins else None
    copied = formatting.plural(len(images), "reviewed image", "reviewed images")
    st.caption(
        plain(
            _("“{project}” is made with {images} and their labels, and a new training opens.").format(
                project=_name_of_copies(project), images=copied
            )
            if target is None
            else _("Of {images} those that are not there yet are copied; a new training opens.").format(images=copied)
        )
    )
    with st.container(horizontal=True, horizontal_alignment="right"):
        if st.button(_("Review more"), key="labels-train-no"):
            _close_question()
            st.rerun()
        if st.button(_("Train on them"), type="primary", icon=":material/model_training:", key="labels-train-yes"):
            _close_question()
            _train(desk, project, target)


def _close_question() -> None:
    st.session_state.pop(_ASKS, None)


def _train(desk: _Desk, project: str, target: Project | None) -> None:
    """Copy what is reviewed, into a project of its own or to earlier copies, and open a new training on it."""
    client, images = connection.client(), _reviewed(desk)
    with telling_errors():
        if target is None:
            made = project_of_copies(
                client, desk.review.project_id, _name_of_copies(project), images, keeps_labels=True
            )
            reviewed = formatting.plural(len(images), "reviewed image", "reviewed images")
            flash(_("“{project}” has {images}.").format(project=made.name, images=reviewed))
        else:
            made = target
            number = add_copies(client, desk.review.project_id, target.id, images)
            added = formatting.plural(number, "image", "images")
            flash(_("{images} added to “{project}”.").format(images=added, project=made.name))
        train_on(made.id)
