"""The images of a project: what strikes in them, some at first, all on demand, searched, as large as the window."""

from collections.abc import Mapping
from dataclasses import dataclass

import streamlit as st

from traindash.comparison.pictures.marks import outlines_data
from traindash.datasets.contours import outlines
from traindash.datasets.geometry import bounds
from traindash.datasets.strokes import strokes
from traindash.domain.annotation import Annotation, Label, OtherGeometry, Rectangle
from traindash.domain.ids import DatasetId
from traindash.domain.project import NO_COLOR, Image, ObjectClass
from traindash.errors import AppError, InputError
from traindash.formatting import count, plural
from traindash.language import N_, ngettext
from traindash.language import gettext as _
from traindash.plans.data_health import remarks
from traindash.plans.facts import ProjectFacts
from traindash.supervisely.images import ImageOrder, ImagePage, ImageSearch
from traindash.ui import lookups
from traindash.ui.comparison.gallery import draw_grid
from traindash.ui.errors import draw_trouble
from traindash.ui.pictures import LONGEST_SIDE, draw_legend, preview_source
from traindash.ui.theme import plain
from traindash.ui.wizard.project import dataset_label, dataset_tree

_FIRST = 8  # images that are shown before somebody asks for all
PER_PAGE = 24
_SMALL = 360  # longer side of a picture of the grid, in pixels
_ALL_CLASSES = N_("All classes")
_LABELLED: Mapping[str, bool | None] = {
    N_("With and without objects"): None,
    N_("With objects"): True,
    N_("Without objects"): False,
}
_ORDERS: Mapping[str, tuple[ImageOrder, bool]] = {
    N_("As in the project"): ("id", False),
    N_("By name"): ("name", False),
    N_("Most objects first"): ("labelsCount", True),
    N_("Widest first"): ("width", True),
    N_("Narrowest first"): ("width", False),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class ImageChoice:
    """What was chosen to look at, and the page of it that is open."""

    found: ImagePage
    page: int = 1
    page_key: str = ""  # of the widget that turns the pages; empty where there is one page

    @property
    def first(self) -> int:
        """The place of the page's first image in all that was found, 1 for the first."""
        return (self.page - 1) * PER_PAGE + 1

    def draw_pages(self) -> None:
        """Draw what turns the pages; nothing for a single one."""
        pages = -(-self.found.total // PER_PAGE)
        if pages > 1:
            with st.container(horizontal=True, horizontal_alignment="center"):
                st.pagination(pages, key=self.page_key)


def draw_browser(facts: ProjectFacts) -> None:
    """Draw some images with their annotations, or all of them where that is wanted, and the legend of classes."""
    key = f"all-images-{facts.project.id}"
    if not facts.project.items_count:
        return
    if st.toggle(_("Look through all images"), key=key):
        _draw_found(facts, key)
    else:
        images = lookups.sample_images(facts.project.id, _FIRST)
        _draw_grid(facts, ImageChoice(found=ImagePage(images=images, total=len(images))), f"{key}-some")
    draw_legend(facts.meta.classes)


def draw_health(facts: ProjectFacts) -> None:
    """Draw what strikes in the data, a sentence each, and on how many images that rests."""
    if not facts.project.items_count:
        return
    images, profile = lookups.looked_at(facts.project.id), lookups.data_profile(facts.project.id)
    found = remarks(facts, images, profile)
    with st.container(border=True, gap="xsmall", key="data-health"):
        st.markdown(_("**Data health**"))
        for remark in sorted(found, key=lambda item: not item.is_notice):
            icon = ":orange[:material/warning:]" if remark.is_notice else ":green[:material/check_circle:]"
            st.markdown(f"{icon} {plain(remark.text)}")
        st.caption(_looked_at_words(facts.project.items_count, len(images), profile.images))


def _looked_at_words(every: int, listed: int, profiled: int) -> str:
    if listed >= every:
        counted = ngettext("Of all {count} image.", "Of all {count} images.", every)
    else:
        counted = ngettext(
            "Objects of classes are counted in all {count} image; the rest is of {listed}.",
            "Objects of classes are counted in all {count} images; the rest is of {listed}.",
            every,
        )
    sizes = ngettext(
        "Sizes of objects are those on {count} image.", "Sizes of objects are those on {count} images.", profiled
    )
    told = counted.format(count=count(every), listed=count(listed))
    return told if profiled >= every else f"{told} {sizes.format(count=count(profiled))}"


def _draw_found(facts: ProjectFacts, key: str) -> None:
    """Draw the search, a page of what it finds, and what turns the pages."""
    choice = find_page(facts, key)
    if choice is None:
        return
    _draw_grid(facts, choice, f"{key}-grid")
    choice.draw_pages()


def find_page(facts: ProjectFacts, key: str) -> ImageChoice | None:
    """Draw the search and how much it finds; return the page of that which is open, ``None`` where there is nothing."""
    dataset, search = _draw_search(facts, key)
    # A page of its own for each search: page 7 of one would be kept for the next, which may have three.
    page_key = f"{key}-page-{hash((dataset, search))}"
    page = int(st.session_state.get(page_key) or 1)
    try:
        found = lookups.find_images(facts.project.id, dataset, search, page, PER_PAGE)
    except AppError as error:  # not every server can search by everything
        draw_trouble(error.message, f"{error.hint} {_('Search for something else.')}".strip())
        return None
    if not found.images:
        st.info(_("No image fits. Change the search."), icon=":material/info:")
        return None
    st.caption(plural(found.total, "image", "images"))
    return ImageChoice(found=found, page=page, page_key=page_key)


def _draw_search(facts: ProjectFacts, key: str) -> tuple[DatasetId | None, ImageSearch]:
    tree = dataset_tree(facts.datasets)
    texts: dict[DatasetId | None, str] = {None: _("All datasets")}
    texts |= {item.id: dataset_label(item, level + 1) for item, level in tree}
    sizes: dict[DatasetId | None, int] = {None: facts.project.items_count}
    sizes |= {item.id: item.items_count for item, _level in tree}
    # A class without a number on the server cannot be asked for
    classes = {_ALL_CLASSES: None} | {item.name: item.id for item in facts.meta.classes if item.id is not None}
    with st.grid(3, min_column_width=180, gap="small", key="image-search"):
        name = st.text_input(
            _("Name of an image"), key=f"{key}-name", placeholder=_("Part of a file name"),
            label_visibility="collapsed", icon=":material/search:",
        )  # fmt: skip
        dataset = st.selectbox(
            _("Dataset"), list(texts), key=f"{key}-dataset", label_visibility="collapsed",
            format_func=lambda item: f"{texts[item]} ({plural(sizes[item], 'image', 'images')})",
        )  # fmt: skip
        chosen = st.selectbox(
            _("Class"), list(classes), key=f"{key}-class", label_visibility="collapsed",
            format_func=lambda name: _(name) if name == _ALL_CLASSES else name,
        )  # fmt: skip
        labelled = st.selectbox(
            _("Objects"), list(_LABELLED), key=f"{key}-labelled", label_visibility="collapsed", format_func=_
        )
        order = st.selectbox(_("Order"), list(_ORDERS), key=f"{key}-order", label_visibility="collapsed", format_func=_)
    by, descending = _ORDERS[order]
    return dataset, ImageSearch(
        name=name.strip(),
        class_id=classes[chosen],
        labelled=_LABELLED[labelled],
        order=by,
        descending=descending,
    )


def _draw_grid(facts: ProjectFacts, choice: ImageChoice, key: str) -> None:
    """Draw a page of images; the one that is open, and those beside it, with pictures as large as a window."""
    images = choice.found.images
    classes = {item.name: item for item in facts.meta.classes}
    annotations = lookups.annotations(images)
    wanted = st.session_state.get(key, {}).get("wanted")
    place = next((number for number, image in enumerate(images) if str(image.id) == wanted), None)
    near = set() if place is None else {place - 1, place, place + 1}

    def turn(by: int) -> None:
        st.session_state[choice.page_key] = choice.page + by

    draw_grid(
        [
            _row_json(image, annotations.get(image.id), classes, large=number in near)
            for number, image in enumerate(images)
        ],
        key,
        title=_("Annotated"),
        first=choice.first,
        total=choice.found.total,
        on_turn=turn,
    )


def _row_json(
    image: Image, annotation: Annotation | None, classes: Mapping[str, ObjectClass], *, large: bool
) -> dict[str, object]:
    width, height = (annotation.width, annotation.height) if annotation else (image.width, image.height)
    labels = annotation.labels if annotation else ()
    size = (width, height)
    row: dict[str, object] = {
        "key": str(image.id),
        "name": image.name,
        "source": preview_source(image.id, size, _SMALL),
        "width": max(width, 1),
        "height": max(height, 1),
        "cells": [
            {
                "measured": True,
                "counts": {"truth": len(labels)},
                "marks": [mark for label in labels if (mark := _mark(label, classes.get(label.class_name)))],
            }
        ],
    }
    # A picture that is small itself is as large as it gets.
    if max(size) <= _SMALL or large:
        row["large"] = row["source"] if max(size) <= _SMALL else preview_source(image.id, size, LONGEST_SIDE)
    return row


def _mark(label: Label, known: ObjectClass | None) -> dict[str, object] | None:
    """Return an object for the component that draws it; ``None`` where it cannot be drawn."""
    try:
        box = bounds(label.geometry)
        path = "" if isinstance(label.geometry, Rectangle) else _path(label, known)
    except InputError:  # a damaged mask must not hide the image
        return None
    if box is None:
        return None
    return {
        "box": [round(value, 1) for value in (box.left, box.top, box.right - box.left, box.bottom - box.top)],
        "path": path,
        "open": isinstance(label.geometry, OtherGeometry),
        "kind": "truth",
        "color": known.color if known else NO_COLOR,
        "label": label.class_name,
        "words": label.class_name,
        "strong": True,
    }


def _path(label: Label, known: ObjectClass | None) -> str:
    if isinstance(label.geometry, OtherGeometry):
        dots, lines = strokes(label.geometry, known)
        drawn = "".join(f"M{' '.join(f'{x:g},{y:g}' for x, y in line)}" for line in lines)
        return drawn + "".join(f"M{x:g},{y:g}h.01" for x, y in dots)  # a round end of a line of no length is a dot
    parts = outlines(label.geometry)
    return outlines_data(border for part in parts for border in (part.exterior, *part.interior))
