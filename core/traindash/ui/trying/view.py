"""The page on which models look at pictures, side by side."""

import itertools
from collections.abc import Mapping, Sequence
from typing import Any

import streamlit as st

from traindash import formatting
from traindash.comparison.pictures.predicted import (
    Shown,
    annotated_cell,
    classes_of,
    found_cell,
    silent_cell,
    waiting_cell,
)
from traindash.domain.annotation import Annotation
from traindash.domain.ids import ImageId
from traindash.domain.prediction import ImagePrediction
from traindash.errors import AppError
from traindash.evaluation.operating_points import THRESHOLD_DECIMALS
from traindash.language import N_, ngettext
from traindash.language import gettext as _
from traindash.ui import connection, lookups, screens
from traindash.ui.comparison.gallery import draw_cells, draw_pages, style_sign
from traindash.ui.errors import draw_empty_page, draw_trouble
from traindash.ui.pictures import class_colors
from traindash.ui.state import kept_here
from traindash.ui.theme import plain
from traindash.ui.trying.answers import Answers
from traindash.ui.trying.models import TriedModel, draw_choice, draw_confidences, remember
from traindash.ui.trying.pictures import Picture, annotated, draw_source, is_video

_PER_PAGE = 4
_PATIENCE = 0.7  # seconds; models that are ready answer within it
_LOOK_AGAIN = "0.4s"
_MOST_PILLS = 24
_MASKS, _BOXES = N_("Masks"), N_("Boxes")
_HIDDEN, _CLASSES = "try-hidden", "try-classes"


def draw_try() -> None:
    """Draw the page below its title.

    Raises:
        InputError: The address names something that is no model.
        NotFoundError: It names a model that is not there.
    """
    if not _runs_models():
        _draw_elsewhere()
        return
    models = draw_choice()
    if not models:
        if "try-models" in st.session_state:
            st.info(_("Choose at least one model."), icon=":material/info:")
            return
        draw_empty_page(
            _("No model yet"),
            _("A model that was trained here can look at pictures of yours as soon as its training is over."),
            next_step=_("New training"),
            icon="add_circle",
            screen="project",
        )
        return
    pictures = draw_source(models[0].info.project_id)
    answers: Answers = kept_here("try-answers", connection.cache_key(), lambda: Answers(client=connection.client()))
    done = answers.want(models, _on_screen(pictures), _PATIENCE)
    # Polling stops by itself: a fragment without run_every runs with the page alone
    st.fragment(_results, run_every=None if done else _LOOK_AGAIN)(models, pictures, answers, done)


@connection.lookup(seconds=300, most=20)
def _runs_models() -> bool:
    return connection.client().predictions.ready() is not None


def _draw_elsewhere() -> None:
    """Say what can be done on a server that runs no models for this dashboard."""
    server = connection.address()
    st.info(
        _(
            "{server} runs models in apps that are deployed there. Deploy a model from its experiment or with "
            "“api.nn.deploy”; its app then looks at pictures. On this machine's own platform this page does it by "
            "itself."
        ).format(server=plain(server)),
        icon=":material/info:",
    )
    with st.container(horizontal=True):
        st.link_button(_("Open Supervisely"), server, icon=":material/open_in_new:", type="primary")
        screens.link("experiments", _("All experiments"), "science")
        screens.link("connection", _("Use the platform of this machine"), "lan")


def _results(
    models: Sequence[TriedModel],
    pictures: Sequence[Picture],
    answers: Answers,
    done: bool,  # noqa: FBT001 - of a fragment
) -> None:
    with st.container(key="try-confidences"):
        draw_confidences(models)
    remember(models)
    _draw_states(models, answers)
    if not pictures:
        if done:
            st.caption(_("The models are ready for your pictures."))
        elif answers.want(models, (), 0):
            st.rerun()
        return
    shown = _draw_frame_choice(pictures) if is_video() else _draw_page(pictures)
    complete = answers.want(models, shown, 0.0 if not done else _PATIENCE)
    if is_video():
        complete = _draw_video_progress(models, pictures, answers) and complete
    found = [
        one
        for model in models
        for picture in pictures
        if isinstance(one := answers.of(model, picture), ImagePrediction)
    ]
    colors = class_colors((model.info.project_id for model in models), classes_of(found))
    with st.container(horizontal=True, vertical_alignment="bottom", horizontal_alignment="distribute"):
        hidden = _draw_classes(found, colors)
        look = _draw_look(found, shown)
    columns = [*([{"title": _("Ground truth"), "help": _("As annotated"), "truth": True}] if look["truth"] else [])]
    columns += [_column(model) for model in models]
    rows = [_row(picture, models, answers, (hidden, colors, look)) for picture in shown]
    draw_cells(columns, rows, "try-pictures")
    if complete is not done:
        st.rerun()  # only a run of the whole page changes how often this part of it looks again


def _on_screen(pictures: Sequence[Picture]) -> Sequence[Picture]:
    if is_video():
        return pictures
    page = int(st.session_state.get("try-pages-page", 1) or 1)
    return pictures[(page - 1) * _PER_PAGE : page * _PER_PAGE] or pictures[:_PER_PAGE]


def _draw_page(pictures: Sequence[Picture]) -> Sequence[Picture]:
    page = draw_pages(len(pictures), _PER_PAGE, "try-pages")
    return pictures[(page - 1) * _PER_PAGE : page * _PER_PAGE]


def _draw_frame_choice(pictures: Sequence[Picture]) -> Sequence[Picture]:
    """Draw the slider over the frames of a video and return the chosen one."""
    if len(pictures) == 1:
        return pictures
    places = range(len(pictures))
    key = "try-frame"
    if st.session_state.get(key) not in places:
        st.session_state[key] = 0
    chosen = st.select_slider(
        _("Frame"),
        places,
        format_func=lambda place: _("{number} of {total}").format(number=place + 1, total=len(pictures)),
        key=key,
        help=_("Arrow keys go from frame to frame."),
    )
    return pictures[chosen : chosen + 1]


def _draw_video_progress(models: Sequence[TriedModel], pictures: Sequence[Picture], answers: Answers) -> bool:
    """Draw how far the models are with the frames; returns whether they are done."""
    pairs = list(itertools.product(models, pictures))
    ready = sum(answers.of(model, picture) is not None for model, picture in pairs)
    if ready < len(pairs):
        looked = ngettext("{number} of {total} frame looked at", "{number} of {total} frames looked at", len(pictures))
        st.progress(ready / len(pairs), text=looked.format(number=ready // len(models), total=len(pictures)))
    return ready == len(pairs)


def _draw_states(models: Sequence[TriedModel], answers: Answers) -> None:
    """Say which models are still being loaded, and which cannot be."""
    states = [(model, answers.state(model)) for model in models]
    loading = [model.label for model, state in states if state is None]
    with st.container():
        if loading:
            names = formatting.listing([formatting.quoted(name) for name in loading])
            st.caption(
                plain(_("Loading {names}. A model that is loaded stays ready for some minutes.").format(names=names))
            )
        for model, state in states:
            if isinstance(state, str):
                draw_trouble(_("“{name}” cannot look at pictures.").format(name=model.label), state)
        if answers.has_failed:
            st.button(_("Try again"), icon=":material/refresh:", key="try-again", on_click=answers.forget_failures)


def _draw_classes(found: Sequence[ImagePrediction], colors: Mapping[str, str]) -> frozenset[str]:
    """Draw the choice of classes and return those that are hidden."""
    names = tuple(name for name in colors if name in set(classes_of(found)))
    if len(names) < 2:  # noqa: PLR2004 - one class is no choice
        return frozenset()
    # Seeded before drawing and saved in the callback: which classes there are to choose from grows with each answer
    hidden: frozenset[str] = st.session_state.get(_HIDDEN, frozenset())
    st.session_state[_CLASSES] = [name for name in names if name not in hidden]
    if len(names) <= _MOST_PILLS:
        st.pills(_("Classes"), names, selection_mode="multi", key=_CLASSES, on_change=_hide, args=(frozenset(names),))
    else:
        st.multiselect(_("Classes"), names, key=_CLASSES, on_change=_hide, args=(frozenset(names),))
    return hidden


def _hide(names: frozenset[str]) -> None:
    hidden: frozenset[str] = st.session_state.get(_HIDDEN, frozenset())
    st.session_state[_HIDDEN] = (hidden - names) | (names - frozenset(st.session_state[_CLASSES]))


def _draw_look(found: Sequence[ImagePrediction], shown: Sequence[Picture]) -> dict[str, bool]:
    """Draw how objects are shown: as masks or boxes, beside what is annotated or alone."""
    has_masks = any(one.mask is not None for prediction in found for one in prediction.objects)
    has_truth = bool(annotated(shown))
    look = {"boxes": False, "truth": False}
    if not (has_masks or has_truth):
        return look
    with st.container(horizontal=True, vertical_alignment="center", width="content"):
        if has_masks:
            chosen = st.segmented_control(
                _("Drawn as"), (_MASKS, _BOXES), default=_MASKS, required=True, key="try-outline",
                format_func=_, label_visibility="collapsed",
            )  # fmt: skip
            look["boxes"] = chosen == _BOXES
        if has_truth:
            look["truth"] = st.toggle(_("Show what is annotated"), value=True, key="try-truth")
    return look


def _column(model: TriedModel) -> dict[str, object]:
    confidence = formatting.decimal(model.confidence, THRESHOLD_DECIMALS)
    words = _("{name}: objects from {confidence} on").format(name=model.name, confidence=confidence)
    return {
        "title": model.label,
        "help": words,
        "note": _("confidence from {confidence}").format(confidence=confidence),
        **style_sign(model.style),
    }


def _row(
    picture: Picture,
    models: Sequence[TriedModel],
    answers: Answers,
    how: tuple[frozenset[str], Mapping[str, str], Mapping[str, bool]],
) -> dict[str, Any]:
    hidden, colors, look = how
    cells: list[dict[str, Any]] = []
    if look["truth"]:
        truth = _annotation(picture)
        cells.append(
            silent_cell(_("Nothing is known of this picture"))
            if truth is None
            else annotated_cell(truth, hidden, colors, boxes=look["boxes"])
        )
    for model in models:
        match answers.of(model, picture):
            case None:
                cells.append(waiting_cell())
            case str() as words:
                cells.append(silent_cell(words))
            case ImagePrediction() as found:
                shown = Shown(confidence=model.confidence, hidden=hidden)
                time = formatting.duration(found.milliseconds / 1000)
                cells.append({**found_cell(found, shown, colors, boxes=look["boxes"]), "note": time})
    width, height = picture.size
    return {
        "key": picture.key,
        "name": picture.name,
        "source": picture.source(),
        "width": width,
        "height": height,
        "cells": cells,
    }


def _annotation(picture: Picture) -> Annotation | None:
    if picture.image is None:
        return None
    try:
        found: dict[ImageId, Annotation] = lookups.annotations((picture.image,))
    except AppError:
        return None
    return found.get(picture.image.id)
