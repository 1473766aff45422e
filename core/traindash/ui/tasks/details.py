"""Sample predictions: what the model finds on a few validation images, epoch by epoch."""

import html
import io
import re
from base64 import b64encode
from collections.abc import Callable, Mapping, Sequence

import streamlit as st

from traindash import formatting
from traindash.comparison.pictures.marks import outlines_data
from traindash.datasets.pixels import small_copy
from traindash.domain.experiment import SampleBox, SampleImage
from traindash.domain.ids import ImageId, ProjectId
from traindash.errors import AppError
from traindash.language import N_
from traindash.language import gettext as _
from traindash.tasks.progress import Resources, TaskProgress
from traindash.ui import connection, lookups
from traindash.ui.comparison.charts import draw_bars
from traindash.ui.lazy_part import draw_part, watch_parts
from traindash.ui.tasks.charts import class_panel
from traindash.ui.tasks.live import CHARTS_EVERY, LiveState

_SIDE = 440  # longer side of the pictures in pixels; they are drawn at about 300
_SECONDS = 3600
_EPOCH, _SCORE, _TRUTH, _CHOSEN = "samples-epoch", "samples-score", "samples-truth", "samples-chosen"
_OTHER_COLOR = "#7B7F85"
_COLOR = re.compile(r"#[0-9A-Fa-f]{6}")
_NAMED = 4
_LOW = 0.9  # share of the height below which a label has no room under its box's upper edge
_MOST_LABELS = 6  # on one image: more of them hide what they are about
_MASK_STYLE = (
    "path{fill-rule:evenodd;fill-opacity:.4;stroke-width:2;stroke-linejoin:round;vector-effect:non-scaling-stroke}"
    ".truth,.rim{fill:none}.rim{stroke:#000;stroke-opacity:.5;stroke-width:3}"
    ".truth{stroke:#FFF;stroke-width:1.5;stroke-dasharray:4 3}"
)
_HEIGHT = 348
# title, what it means, how it is written, and where it stands
_USES: tuple[tuple[str, str, Callable[[float], str], Callable[[Resources], float | None]], ...] = (
    (N_("Processor"), N_("100 % is one core that is fully used."), "{:.0f} %".format, lambda row: row.cpu_percent),
    (N_("Memory"), N_("Main memory of all processes of the task."), formatting.size, lambda row: row.memory_bytes),
    ("GPU", N_("How busy the task's GPU is."), "{:.0f} %".format, lambda row: row.gpu_percent),
    (N_("GPU memory"), N_("What is taken of it."), formatting.size, lambda row: row.gpu_memory_bytes),
)


def draw_samples(progress: TaskProgress) -> None:
    """Draw the images with a slider over the epochs; nothing where the log has no samples."""
    if not progress.samples:
        return
    with st.container(border=True, key="live-samples"):
        st.markdown(_("**What the model finds on validation images**"))
        if not progress.predictions:
            st.caption(_("Found objects appear after the first evaluated epoch."))
        with st.container(horizontal=True, vertical_alignment="bottom", gap="large"):
            epoch = _draw_slider(sorted(progress.predictions))
            least = st.slider(_("Confidence at least"), 0.1, 0.9, 0.25, 0.05, key=_SCORE, width=220)
            with_truth = st.toggle(_("Show what is annotated"), value=True, key=_TRUTH)
        found = progress.predictions.get(epoch, {})
        colors = _colors(progress.task.project_id)
        figures = [
            figure(
                image,
                [box for box in found.get(image.id, ()) if (box.score or 0) >= least],
                colors=colors,
                picture=_picture(image.id, (image.width, image.height)),
                with_truth=with_truth,
            )
            for image in progress.samples
        ]
        st.html(f'<div class="cx-samples">{"".join(figures)}</div>')


def _draw_slider(epochs: Sequence[int]) -> int:
    """Draw the slider. It follows the newest epoch until somebody moves it away from there."""
    if not epochs:
        return 0
    newest = epochs[-1]
    if len(epochs) == 1:
        st.markdown(_("Epoch {number}").format(number=newest), width="stretch")
        return newest
    # The slider's own key is set before drawing: it has no value of its own that could be older than the newest epoch.
    chosen = st.session_state.get(_CHOSEN)
    st.session_state[_EPOCH] = chosen if chosen in epochs else newest

    def moved() -> None:
        value = st.session_state[_EPOCH]
        st.session_state[_CHOSEN] = None if value == newest else value

    return st.select_slider(_("Epoch"), epochs, key=_EPOCH, on_change=moved)


def figure(
    image: SampleImage,
    found: Sequence[SampleBox],
    *,
    colors: Mapping[str, str],
    picture: str,
    with_truth: bool,
) -> str:
    """Return one image with its boxes as HTML: what the model finds, best first, and what is annotated if wanted.

    ``colors`` says ``#RRGGBB`` by class name; the address of the picture is empty if there is none.
    """
    # Pictures have a text alternative that says what is on them.
    annotated = _in_words(image.objects, scores=False) or _("nothing")
    seen = _in_words(found, scores=True) or _("nothing")
    words = html.escape(
        _("{name}: annotated {annotated}; found {seen}").format(name=image.name, annotated=annotated, seen=seen)
    )
    # Every image gets the same room, so that rows stay even; a tall one is as high as the room and less wide.
    width = min(100.0, 75 * image.width / image.height)
    shape = f"aspect-ratio:{image.width}/{image.height};width:{width:.2f}%"
    inside = [f'<img src="{picture}" alt="{words}">' if picture else f"<p>{_('The image cannot be loaded.')}</p>"]
    outlined = [box for box in (*reversed(found), *(image.objects if with_truth else ())) if box.outlines]
    if outlined:
        inside.append(f'<img class="masks" alt="" src="{_masks(outlined, image, colors)}">')
    if with_truth:
        inside += [f'<i class="truth" style="{_place(box, image)}"></i>' for box in image.objects if not box.outlines]
    for place, box in reversed(list(enumerate(found))):  # the best one last, on top
        color = colors.get(box.class_name, _OTHER_COLOR)
        line = "transparent" if box.outlines else color
        label = _label(box, color, image) if place < _MOST_LABELS else ""
        inside.append(f'<i style="{_place(box, image)};border-color:{line}">{label}</i>')
    return (
        f'<figure><div class="room"><div style="{shape}">{"".join(inside)}</div></div>'
        f"<figcaption><b>{html.escape(image.name)}</b>"
        f"<span>{html.escape(_('Annotated: {objects}').format(objects=annotated))}</span>"
        f"<span>{html.escape(_('Found: {objects}').format(objects=seen))}</span></figcaption></figure>"
    )


def _masks(boxes: Sequence[SampleBox], image: SampleImage, colors: Mapping[str, str]) -> str:
    """Return the address of a picture: masks of what was found, filled, and outlines of what is annotated."""
    paths = []
    for box in boxes:
        data, color = outlines_data(box.outlines), colors.get(box.class_name, _OTHER_COLOR)
        if box.score is None:
            paths.append(f'<path class="rim" d="{data}"/><path class="truth" d="{data}"/>')
        else:
            paths.append(f'<path d="{data}" fill="{color}" stroke="{color}"/>')
    # st.html takes SVG out of what it is given (Streamlit 1.67); as the source of an image it stays.
    drawing = (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {image.width} {image.height}" '
        f'preserveAspectRatio="none"><style>{_MASK_STYLE}</style>{"".join(paths)}</svg>'
    )
    return f"data:image/svg+xml;base64,{b64encode(drawing.encode()).decode()}"


def _place(box: SampleBox, image: SampleImage) -> str:
    """Return where a box is on its image, in percent, so that it fits at any size."""
    across, down = 100 / image.width, 100 / image.height
    return (
        f"left:{box.left * across:.2f}%;top:{box.top * down:.2f}%;"
        f"width:{box.width * across:.2f}%;height:{box.height * down:.2f}%"
    )


def _label(box: SampleBox, color: str, image: SampleImage) -> str:
    red, green, blue = (int(color[start : start + 2], 16) for start in (1, 3, 5))
    # Rec. 601 luma: how bright a mixture of red, green and blue is to the eye. Letters are what can be read on it.
    ink = "#000000" if 0.299 * red + 0.587 * green + 0.114 * blue > 140 else "#FFFFFF"  # noqa: PLR2004 - of 255
    text = html.escape(f"{box.class_name} {formatting.decimal(box.score or 0, 2)}")
    # Into the picture from whichever side is nearer: a long one would be cut at its edge.
    at_right = "right" if box.left + box.width / 2 > image.width / 2 else "left"
    at_top = "bottom" if box.top > _LOW * image.height else "top"
    return f'<u class="{at_top} {at_right}" style="background:{color};color:{ink}">{text}</u>'


def _in_words(boxes: Sequence[SampleBox], *, scores: bool) -> str:
    if scores:
        return formatting.listing(
            [f"{box.class_name} {formatting.decimal(box.score or 0, 2)}" for box in boxes], limit=_NAMED
        )
    counts: dict[str, int] = {}
    for box in boxes:
        counts[box.class_name] = counts.get(box.class_name, 0) + 1
    return formatting.listing([name if n == 1 else f"{n} × {name}" for name, n in counts.items()], limit=_NAMED)


def _colors(project_id: ProjectId | None) -> Mapping[str, str]:
    facts = None if project_id is None else lookups.project(project_id)
    known = facts.meta.classes if facts else ()
    return {item.name: item.color for item in known if _COLOR.fullmatch(item.color)}


def _picture(image_id: ImageId, size: tuple[int, int]) -> str:
    """Return a small copy of an image as a ``data:`` address; empty if the server has no such image any more."""
    try:
        return _small_copy(image_id, size)
    # Outside the look-up: a picture that could not be had is asked for again and not missing for an hour.
    except AppError:
        return ""


@connection.lookup(seconds=_SECONDS, most=200)
def _small_copy(image_id: ImageId, size: tuple[int, int]) -> str:
    # They travel in the page itself, each time that it is drawn.
    picture = small_copy(connection.client().images.download(image_id), (_SIDE, _SIDE), size)
    buffer = io.BytesIO()
    picture.save(buffer, format="JPEG", quality=80)
    return f"data:image/jpeg;base64,{b64encode(buffer.getvalue()).decode()}"


def draw_usage(progress: TaskProgress) -> None:
    """Draw processor, memory and GPU over the last minutes, or why there is nothing to draw."""
    with st.container(border=True, height=_HEIGHT, key="live-usage"):
        st.markdown(_("**What the training uses**"))
        usage = progress.usage
        if not usage:
            st.caption(
                _("Numbers appear a few seconds after the process has started.")
                if progress.reports_phases or not progress.log
                else _("This server does not say what a task uses.")
            )
            return
        span = (usage[-1].at - usage[0].at).total_seconds()
        st.caption(_("The last {time}").format(time=formatting.duration(span)) if span else _("Measured once so far"))
        cells = [cell for _row in range(2) for cell in st.columns(2)]
        for cell, (title, note, write, read) in zip(cells, _USES, strict=True):
            with cell:
                _card(_(title), _(note), write, [value for row in usage if (value := read(row)) is not None])


def _card(title: str, note: str, write: Callable[[float], str], values: Sequence[float]) -> None:
    if not values:
        return
    highest = max(values)
    st.metric(
        title,
        write(values[-1]),
        _("at most {value}").format(value=write(highest)),
        delta_color="off",
        delta_arrow="off",
        chart_data=[round(value, 1) for value in values],
        chart_type="area",
        help=note,
    )


def draw_details(state: LiveState) -> None:
    """Draw samples, the AP of each class and what the training uses, every five seconds.

    Of a task that is over they wait until the person comes near: its numbers alone bring 1.2 MB of another library.
    """
    if state.progress.task.status.is_terminal:
        draw_part("task-details", lambda: _details(state), lazy=bool(state.progress.usage), height=_HEIGHT)
        watch_parts()
    else:
        st.fragment(_details, run_every=state.every(CHARTS_EVERY))(state)


def _details(state: LiveState) -> None:
    progress = state.progress
    draw_samples(progress)
    panel = class_panel(progress)
    # A finished task of another server has neither: no empty cards.
    if panel is None and not progress.usage:
        return
    with st.container(key="details-columns"):
        left, right = st.columns([2, 1], gap="medium")
    with left, st.container(border=True, height=_HEIGHT, key="live-classes"):
        if panel is None:
            st.markdown(_("**AP of each class**"))
            over = progress.task.status.is_terminal
            st.caption(_("No epoch was evaluated.") if over else _("It appears after the first evaluated epoch."))
        else:
            draw_bars(panel)
    with right:
        draw_usage(progress)
