"""What is in the chosen project: all its images, page by page, and how classes and sizes are spread."""

from collections.abc import Mapping

import pandas as pd
import streamlit as st

from traindash.domain.ids import DatasetId
from traindash.domain.project import Dataset, Image
from traindash.formatting import count, plural
from traindash.plans.facts import ProjectFacts
from traindash.ui import lookups
from traindash.ui.streamlit_internals import table_height

_PER_PAGE = 12
_SHOWN_CLASSES = 12
_INDENT = "\u2003"
_CHART_HEIGHT = 220
_MAX_ROWS = 8


def draw_image_choice(facts: ProjectFacts) -> tuple[Image, ...] | None:
    """Draw the choice of a dataset and a page; return the images of the page.

    Returns:
        ``None`` while a person only wants some images from all over the project.
    """
    key = f"all-images-{facts.project.id}"
    if not st.toggle("Look through all images", key=key):
        return None
    tree = dataset_tree(facts.datasets)
    levels = {item.id: level for item, level in tree}
    sizes = {item.id: item.items_count for item in facts.datasets}
    names = {item.id: item.name for item in facts.datasets}

    def text(item: DatasetId | None) -> str:
        if item is None:
            return f"All datasets ({plural(facts.project.items_count, 'image')})"
        return f"{_INDENT * (levels[item] + 1)}{names[item]} ({plural(sizes[item], 'image')})"

    chosen = st.selectbox(
        "Dataset", [None, *levels], format_func=text, key=f"{key}-dataset", label_visibility="collapsed"
    )
    total = facts.project.items_count if chosen is None else sizes[chosen]
    pages = max(1, -(-total // _PER_PAGE))
    page = st.pagination(pages, key=f"{key}-page-{chosen}") if pages > 1 else 1
    return lookups.image_page(facts.project.id, chosen, page, _PER_PAGE)


def dataset_tree(datasets: tuple[Dataset, ...]) -> list[tuple[Dataset, int]]:
    """Return datasets in the order of a tree, each with its depth; one whose parent is unknown stands at the top."""
    known = {item.id for item in datasets}
    children: dict[DatasetId | None, list[Dataset]] = {}
    for item in datasets:
        children.setdefault(item.parent_id if item.parent_id in known else None, []).append(item)
    found: list[tuple[Dataset, int]] = []
    waiting = [(item, 0) for item in reversed(children.get(None, []))]
    while waiting:
        item, level = waiting.pop()
        found.append((item, level))
        waiting += [(child, level + 1) for child in reversed(children.get(item.id, []))]
    return found


def draw_dataset_tree(facts: ProjectFacts) -> None:
    """Draw the datasets as a tree with their images, folded; nothing for a single dataset."""
    if len(facts.datasets) < 2:  # noqa: PLR2004 - one dataset is no tree
        return
    tree = dataset_tree(facts.datasets)
    below = images_below(facts.datasets)
    frame = pd.DataFrame(
        {
            "Dataset": [f"{_INDENT * level}{item.name}" for item, level in tree],
            "Own images": [item.items_count for item, _ in tree],
            "With those inside": [below[item.id] for item, _ in tree],
        }
    )
    with st.expander(plural(len(tree), "dataset"), icon=":material/account_tree:"):
        st.dataframe(
            frame,
            hide_index=True,
            height=table_height(len(frame), _MAX_ROWS),
            column_config={
                name: st.column_config.NumberColumn(format="localized", width="small")
                for name in ("Own images", "With those inside")
            },
            alt="Datasets of the project, nested ones indented below the one they are in",
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
    if not st.toggle("Show distributions", key=f"distributions-{facts.project.id}"):
        return
    ranked = sorted(facts.statistics.classes, key=lambda item: -item.objects)
    _bars("Objects per class", {item.name: item.objects for item in ranked[:_SHOWN_CLASSES]}, "objects")
    if len(ranked) > _SHOWN_CLASSES:
        st.caption(f"The {_SHOWN_CLASSES} classes with the most objects, of {count(len(ranked))}.")
    profile = lookups.data_profile(facts.project.id)
    with st.container(key="distribution-columns"):
        left, right = st.columns(2, gap="medium")
    with left:
        _bars("Image sizes (longer side)", profile.image_sizes, "images")
    with right:
        _bars("Object sizes (as a square)", profile.object_sizes, "objects")
    if profile.images < facts.project.items_count:
        about = f"{plural(profile.images, 'image')} with {plural(profile.objects, 'object')}"
        st.caption(f"Sizes from a sample of {about}, evenly from all datasets.")


def _bars(title: str, values: Mapping[str, int], unit: str) -> None:
    st.markdown(f"**{title}**")
    frame = pd.DataFrame({"name": list(values), "number": list(values.values())})
    told = ", ".join(f"{name}: {number}" for name, number in values.items())
    st.bar_chart(
        frame, x="name", y="number", x_label="", y_label=unit, horizontal=True, sort=False,
        height=_CHART_HEIGHT if len(frame) < _SHOWN_CLASSES // 2 + 1 else 320, alt=f"{title}. {told}",
    )  # fmt: skip
