"""What each side of the split holds, before going on: images and objects of each class, and some of the images."""

import pandas as pd
import streamlit as st

from core.domain.ids import DatasetId, ImageId
from core.domain.image import Image
from core.domain.plan import DatasetsSplit, TrainValSplit
from core.domain.split import SideCounts, SplitContent
from core.launch.rules.facts import Facts
from core.launch.rules.project_facts import ProjectFacts
from core.ui import lookups
from core.ui.projects.annotation_drawing import thumbnail
from core.ui.streamlit_internals import table_height
from core.wizard.draft import WizardDraft

_MAX_ROWS = 8
_PICTURE = (240, 180)
_PICTURES = 6


def draw_split_sides(draft: WizardDraft, facts: Facts) -> None:
    """Draw what both sides hold, as far as the server counts it, and some of their images."""
    split = draft.split.chosen()
    if facts.project is None or split is None:
        return
    content = facts.split_content
    if content is not None:
        _draw_classes(facts.project, content)
    project = facts.project.project.id
    for side, images in zip(("Training", "Validation"), _samples(facts.project, split, content), strict=True):
        pictures = [(image, thumbnail(project, image, _PICTURE)) for image in images]
        shown = [(image, picture) for image, picture in pictures if picture is not None]
        if not shown:
            continue
        st.markdown(f"**{side}, for example**")
        with st.grid(_PICTURES, min_column_width=90, gap="xsmall"):
            for image, picture in shown:
                st.image(picture, width="stretch", alt=f"{image.name}, an image for {side.lower()}")


def _draw_classes(project: ProjectFacts, content: SplitContent) -> None:
    sides = [(name, content.classes.get(name, SideCounts())) for name in project.class_names]
    frame = pd.DataFrame(
        {
            "Class": [name for name, _ in sides],
            "Training images": [item.train_images for _, item in sides],
            "Training objects": [item.train_objects for _, item in sides],
            "Validation images": [item.val_images for _, item in sides],
            "Validation objects": [item.val_objects for _, item in sides],
        }
    )
    st.dataframe(
        frame,
        hide_index=True,
        height=table_height(len(frame), _MAX_ROWS),
        column_config={
            name: st.column_config.NumberColumn(format="localized") for name in frame.columns if name != "Class"
        },
        alt="Images and objects of each class on both sides",
    )
    if content.shared_contents is None:
        st.caption("In a project this large, nobody looked for identical images on both sides.")


def _samples(
    project: ProjectFacts, split: TrainValSplit, content: SplitContent | None
) -> tuple[tuple[Image, ...], tuple[Image, ...]]:
    """Return some images of both sides, none where that would take a look at every image."""
    if content is not None and (content.train_sample or content.val_sample):
        return _of_ids(project, content.train_sample), _of_ids(project, content.val_sample)
    match split:
        case DatasetsSplit(train_datasets=train, val_datasets=val):
            return _of_dataset(project, train), _of_dataset(project, val)
        case _:
            return (), ()


def _of_ids(project: ProjectFacts, image_ids: tuple[ImageId, ...]) -> tuple[Image, ...]:
    step = max(1, len(image_ids) // _PICTURES)
    return lookups.images_of(project.project.id, image_ids[::step][:_PICTURES])


def _of_dataset(project: ProjectFacts, datasets: tuple[DatasetId, ...]) -> tuple[Image, ...]:
    filled = next((item.id for item in project.datasets if item.id in datasets and item.items_count), None)
    if filled is None:
        return ()
    return lookups.image_page(project.project.id, filled, 1, _PICTURES)
