"""What is in data that are brought in: numbers, pictures, datasets, classes, and what is left out or changed."""

import html
from collections.abc import Mapping

import pandas as pd
import streamlit as st

from traindash.datasets.annotation_json import annotation_from_json
from traindash.datasets.import_log import ProblemKind
from traindash.datasets.import_words import in_words, problem_groups
from traindash.datasets.importing import Layout
from traindash.domain.jobs import DataImport, FirstLook, ImportProblems, ImportReport, LookedAtImage
from traindash.domain.project import ObjectClass
from traindash.formatting import count, nouns, plural
from traindash.language import gettext as _
from traindash.language import ngettext
from traindash.server_texts import told
from traindash.ui.pictures import draw_legend, drawn
from traindash.ui.streamlit_internals import table_height
from traindash.ui.theme import plain

_MAX_ROWS = 8
_EXAMPLES = 20
_IN_LEGEND = 12
_NAME_WIDTH, _NUMBER_WIDTH = 170, 110  # pixels


def draw_look(look: FirstLook) -> None:
    """Draw what data look like in a layout, before they are taken in."""
    report = look.report
    if not look.is_whole:
        st.caption(
            _(
                "The first {number} of {total} images were looked at. The others are read when the data are brought "
                "in, and the report then counts all of them."
            ).format(number=count(report.images + report.images_skipped), total=count(report.images_found))
        )
    _draw_numbers(report, is_whole=look.is_whole)
    if not report.images:
        none = (
            _("None of the {count} images can be brought in. The reasons are below.")
            if report.images_found
            else _("No image can be brought in. The reasons are below.")
        )
        st.error(none.format(count=count(report.images_found)), icon=":material/error:")
    elif look.layout == Layout.IMAGES:
        _draw_unlabelled(report, is_whole=look.is_whole)
    elif not report.objects:
        message = (
            _(
                "There is not one object on these images. They can be brought in and labelled with a model; nothing "
                "can be learned from them before."
            )
            if look.is_whole
            else _(
                "At first sight there is not one object on these images. They can be brought in and labelled with a "
                "model; nothing can be learned from them before."
            )
        )
        st.warning(message, icon=":material/warning:")
    _draw_pictures(look)
    _draw_problems(report, is_whole=look.is_whole)
    _draw_contents(report, look.datasets, is_whole=look.is_whole)


def draw_report(finished: DataImport, report: ImportReport) -> None:
    """Draw what came of an import."""
    st.header(_("“{name}” is a project now").format(name=plain(finished.name)), anchor=False)
    _draw_numbers(report)
    if report.images and not report.objects:
        _draw_unlabelled(report)
    _draw_problems(report)
    _draw_contents(report)


def _draw_unlabelled(report: ImportReport, *, is_whole: bool = True) -> None:
    """Say that images have no labels yet, and where they come from."""
    number = report.images if is_whole else report.images_found or report.images
    text = ngettext(
        "{count} image without annotations: label it with a model, or bring it in again with annotations. Training "
        "needs labels.",
        "{count} images without annotations: label them with a model, or bring them in again with annotations. "
        "Training needs labels.",
        number,
    )
    st.info(text.format(count=count(number)), icon=":material/label:")


def _draw_numbers(report: ImportReport, *, is_whole: bool = True) -> None:
    """Draw what was taken, of what there was: taken and left out add up to what was found."""
    empty = sum(objects == 0 for objects in report.classes.values())
    lacking = _("{count} without objects") if is_whole else _("{count} not seen so far")
    without = lacking.format(count=count(empty)) if empty else _("all with objects")
    if not report.classes:
        without = _("none found") if is_whole else _("none so far")
    # Nobody knows how many objects there are in annotations that cannot be read.
    unread = any(item.kind == ProblemKind.UNREADABLE_ANNOTATION for item in report.problems)
    everything = _("all that could be read") if unread else _("all that were found")
    found, left_out = report.objects_found, report.objects_skipped
    numbers = (
        (_("Images"), report.images, _of_found(report.images_found, report.images_skipped, is_whole=is_whole)),
        (_("Objects"), report.objects, _of_found(found, left_out, is_whole=is_whole, everything=everything)),
        (_("Classes"), len(report.classes), without),
        (
            _("Changed"),
            report.changed,
            _("adjusted while reading") if report.changed else _("all as it was given"),
        ),
    )
    with st.grid(4, min_column_width=130, gap="small"):
        for label, number, note in numbers:
            with st.container(gap=None):
                st.metric(label, count(number))
                st.caption(note)


def _of_found(found: int | None, left_out: int, *, is_whole: bool, everything: str = "") -> str:
    if found is None:  # a report of a version that did not count it
        return _("{count} left out").format(count=count(left_out)) if left_out else _("taken")
    if not is_whole:
        return _("so far, {count} left out").format(count=count(left_out))
    if not found:
        return _("none found")
    if left_out:
        return _("of {found} found, {count} left out").format(found=count(found), count=count(left_out))
    return everything or _("all that were found")


def _draw_pictures(look: FirstLook) -> None:
    if not look.images:
        return
    classes = {item.name: item for item in look.classes}
    with st.container(key="import-pictures"), st.grid(6, min_column_width=130, gap="small"):
        for item in look.images:
            _draw_picture(item, classes)
    shown = {label["classTitle"] for item in look.images for label in item.annotation.get("objects", ())}
    draw_legend([item for item in look.classes if item.name in shown], most=_IN_LEGEND)


def _draw_picture(item: LookedAtImage, classes: Mapping[str, ObjectClass]) -> None:
    annotation = annotation_from_json(item.annotation)
    objects = plural(len(annotation.labels), "object", "objects")
    with st.container(gap="xsmall"):
        st.image(
            drawn(item.picture, annotation, classes),
            width="stretch",
            alt=_("{name} with {objects}").format(name=item.name, objects=objects),
        )
        st.html(
            f'<p class="td-picture-name" title="{html.escape(f"{item.dataset} / {item.name}")}">'
            f"{html.escape(item.name)}<br><span>{html.escape(item.dataset)}</span></p>"
        )


def _draw_contents(report: ImportReport, datasets: Mapping[str, int] | None = None, *, is_whole: bool = True) -> None:
    """Draw datasets with their images, if they are known, beside classes with their objects."""
    tables = [(*nouns("class", "classes"), _("Class"), _("Objects"), report.classes)] if report.classes else []
    if datasets:
        tables.insert(0, (*nouns("dataset", "datasets"), _("Dataset"), _("Images"), datasets))
    if not tables:
        return
    with st.grid(2, min_column_width=300, gap="medium"):
        for one, many, name, number, items in tables:
            with st.container():
                st.subheader(plural(len(items), one, many), anchor=False)
                if items:
                    _draw_counts(name, number if is_whole else _("{what} so far").format(what=number), items)


def _draw_counts(name: str, number: str, items: Mapping[str, int]) -> None:
    st.dataframe(
        pd.DataFrame({name: list(items), number: list(items.values())}),
        hide_index=True,
        column_order=(name, number),
        height=table_height(len(items), _MAX_ROWS),
        column_config={
            # However long the names are, the number is seen
            name: st.column_config.TextColumn(width=_NAME_WIDTH),
            number: st.column_config.NumberColumn(format="localized", width=_NUMBER_WIDTH),
        },
        alt=f"{name}, {number}",
    )


def _draw_problems(report: ImportReport, *, is_whole: bool = True) -> None:
    groups = problem_groups(report)
    if not groups:
        if report.objects:
            taken = _("Everything is taken as it is.") if is_whole else _("So far everything is taken as it is.")
            st.success(taken, icon=":material/check_circle:")
        return
    for group in groups:
        with st.container(gap="xsmall"):
            st.subheader(group.title, anchor=False)
            st.caption(group.about)
            st.html(f'<div class="td-problems">{"".join(map(_problem, group.problems))}</div>')


def _example(place: str, message: str) -> str:
    """The HTML of an example, in which a sentence that begins with its place does not name it twice."""
    rest = message.removeprefix(place) if message.startswith(f"{place} ") else f": {message}"
    return f"<i>{html.escape(place)}</i>{html.escape(rest)}"


def _problem(problem: ImportProblems) -> str:
    """The HTML of a kind of problem: what it is, an example, and more of them on demand."""
    said = f"<b>{html.escape(in_words(problem))}</b>"
    examples = [
        f"<span>{_example(told(item.place), told(item.message))}</span>" for item in problem.examples[:_EXAMPLES]
    ]
    if len(examples) <= 1:
        return f"<div>{said}{''.join(examples)}</div>"
    rest = problem.count - len(examples)
    more = "".join(f"<li>{item}</li>" for item in examples[1:]) + (
        f"<li>{_('and {count} more').format(count=count(rest))}</li>" if rest > 0 else ""
    )
    return f"<details><summary>{said}{examples[0]}</summary><ul>{more}</ul></details>"
