"""Datasets of a project: made, renamed, put elsewhere, merged, split, deleted and brought back."""

from collections.abc import Mapping
from typing import Any

import pandas as pd
import streamlit as st

from traindash.domain.ids import CollectionId, DatasetId, ImageId
from traindash.domain.project import Dataset
from traindash.errors import InputError
from traindash.formatting import count, plural
from traindash.language import N_
from traindash.language import gettext as _
from traindash.plans.data_changes import DatasetMerge
from traindash.plans.facts import ProjectFacts
from traindash.projects.choosing import checked_name, places_for, share_of
from traindash.projects.moving import MergeOrder, Tell, merge_datasets, split_off, whole_deletions
from traindash.supervisely.client import SuperviselyClient
from traindash.ui import connection, lookups
from traindash.ui.projects import work
from traindash.ui.projects.dialogs import Dialog, Dialogs, ask, draw_drafts_naming, draw_end, ending, follower, value
from traindash.ui.projects.project_dialogs import kept_words, until
from traindash.ui.projects.work import Outcome, Undo
from traindash.ui.state import flash, telling_errors
from traindash.ui.streamlit_internals import table_height
from traindash.ui.theme import plain
from traindash.ui.widgets import chosen_rows, forget_selection_of_others
from traindash.ui.wizard.project import dataset_label, dataset_tree, images_below

_MOST_ROWS = 12
_TOP = DatasetId(0)
_SHARE, _TAG, _COLLECTION = N_("A share, drawn at random"), N_("Images with a tag"), N_("Images of a collection")
_OWN, _INSIDE = N_("Own images"), N_("With those inside")


def draw_datasets(facts: ProjectFacts) -> None:
    """Draw the datasets of a project as a tree, what can be done with the chosen one, and those that were deleted."""
    tree = dataset_tree(facts.datasets)
    rows = [item for item, _level in tree]
    key = f"datasets-{facts.project.id}"
    chosen: tuple[Dataset, ...] = ()
    if rows:
        forget_selection_of_others(key, [item.id for item in rows])
        inside = images_below(facts.datasets)
        st.dataframe(
            pd.DataFrame(
                {
                    "Dataset": [dataset_label(item, level) for item, level in tree],
                    _OWN: [item.items_count for item in rows],
                    _INSIDE: [inside[item.id] for item in rows],
                }
            ),
            key=key,
            hide_index=True,
            height=table_height(len(rows), _MOST_ROWS),
            selection_mode="single-row",
            on_select="rerun",
            column_config={
                "Dataset": st.column_config.TextColumn(_("Dataset")),
                **{
                    name: st.column_config.NumberColumn(_(name), format="localized", width="small")
                    for name in (_OWN, _INSIDE)
                },
            },
            alt=_("Datasets of the project, nested ones indented below the one they are in"),
        )
        chosen = chosen_rows(key, rows)
    else:
        st.info(_("This project has no dataset. Images lie in datasets, so make one first."), icon=":material/info:")
    ids = tuple(item.id for item in chosen)
    has_images = bool(chosen and chosen[0].items_count > 1)
    busy = work.is_busy(facts.project.id)
    with st.container(horizontal=True, vertical_alignment="center", key="datasets-actions"):
        for name, label, icon, off in (
            ("add-dataset", _("New dataset"), "create_new_folder", False),
            ("rename-dataset", _("Rename"), "edit", not ids),
            ("place-dataset", _("Move under…"), "drive_file_move", not ids),
            ("merge-dataset", _("Merge into…"), "merge", not ids or len(rows) < 2),  # noqa: PLR2004 - itself and another
            ("split-dataset", _("Split off…"), "call_split", not has_images),
            ("delete-dataset", _("Delete"), "delete", not ids),
        ):
            st.button(
                label, icon=f":material/{icon}:", key=f"ask-{name}", disabled=off or busy, on_click=ask,
                args=(name, facts.project.id, *(ids if name != "add-dataset" else ())),
            )  # fmt: skip
        if not ids and rows:
            st.caption(_("Choose a dataset to change it; with the keyboard by Shift and Space."))
    _draw_deleted(facts)


def _draw_deleted(facts: ProjectFacts) -> None:
    every = whole_deletions(lookups.deleted_datasets(facts.project.id))
    found = [item for item in every if item.items_count]  # merging and restoring leave empty ones behind
    names = facts.dataset_names
    if not found:
        return
    with st.expander(_("Deleted ({count})").format(count=count(len(found))), icon=":material/delete:"):
        for item in found:
            with st.container(horizontal=True, vertical_alignment="center", wrap=False, key=f"gone-{item.id}"):
                with st.container(width="stretch", gap=None):
                    where = names.get(DatasetId(item.parent_id)) if item.parent_id else None
                    inside_of = _("**{dataset}** of {parent}").format(
                        dataset=plain(item.name), parent=plain(where or "")
                    )
                    st.markdown(inside_of if where else f"**{plain(item.name)}**")
                    st.caption(f"{plural(item.items_count, 'image', 'images')}, {until(item.removed_after)}")
                undo = Undo(kind="datasets", ids=(item.id,), project_id=facts.project.id)
                st.button(
                    _("Restore"), icon=":material/undo:", key=f"restore-{item.id}", on_click=_restore, args=(undo,)
                )


@telling_errors()
def _restore(undo: Undo) -> None:
    work.bring_back(undo)


def _find(facts: ProjectFacts, about: tuple[Any, ...]) -> Dataset:
    found = next((item for item in facts.datasets if item.id == about[0]), None)
    if found is None:
        raise InputError(_("This dataset is not in the project any more."), _("Close this and choose again."))
    return found


def _beside(facts: ProjectFacts, parent: DatasetId | None) -> set[str]:
    return {item.name for item in facts.datasets if item.parent_id == parent}


def _place(options: Mapping[DatasetId, str], label: str, key: str) -> DatasetId:
    chosen: DatasetId = st.selectbox(label, list(options), format_func=lambda item: options[item], key=key)
    return chosen


def _draw_add(facts: ProjectFacts, _about: tuple[Any, ...]) -> None:
    def add() -> None:
        parent = value("dataset-parent") or None
        name = checked_name(value("dataset-name") or "", _beside(facts, parent), "dataset")
        connection.client().writing.add_dataset(facts.project.id, name, parent)
        work.forget(facts.project.id)
        flash(_("“{name}” is made.").format(name=name))

    with ending(_("Make it"), add):
        st.text_input(_("Name"), key="dataset-name")
        _place({_TOP: _("The project itself")} | facts.dataset_names, _("Inside of"), "dataset-parent")


def _draw_rename(facts: ProjectFacts, about: tuple[Any, ...]) -> None:
    item = _find(facts, about)

    def save() -> None:
        beside = _beside(facts, item.parent_id)
        name = checked_name(value(f"dataset-{item.id}-name"), beside, "dataset", own=item.name)
        connection.client().project_edits.rename_dataset(item.id, name)
        work.forget(facts.project.id)
        renamed = _("“{before}” is now “{after}”.").format(before=item.name, after=name)
        flash(renamed if name != item.name else _("Saved."))

    with ending(_("Save"), save):
        st.text_input(_("Name"), item.name, key=f"dataset-{item.id}-name")


def _draw_place(facts: ProjectFacts, about: tuple[Any, ...]) -> None:
    item, names = _find(facts, about), facts.dataset_names
    inside = images_below(facts.datasets)[item.id]
    places = {place.id: names[place.id] for place in places_for(item, facts.datasets) if place.id != item.parent_id}
    options = ({} if item.parent_id is None else {_TOP: _("The project itself")}) | places
    if not options:
        st.info(_("There is no other place for it."), icon=":material/info:")
        draw_end(_("Move"), lambda: None, disabled=True)
        return
    _place(options, _("Move “{name}” under").format(name=plain(item.name)), f"dataset-{item.id}-place")
    along = _("{images} come along, with the datasets inside.")
    st.caption(along.format(images=plural(inside, "image", "images")))

    def move() -> None:
        parent = value(f"dataset-{item.id}-place") or None
        checked_name(item.name, _beside(facts, parent), "dataset")
        connection.client().project_edits.move_dataset(item.id, parent)
        work.forget(facts.project.id)
        flash(_("“{name}” is moved.").format(name=item.name))

    draw_end(_("Move"), move)


def _draw_merge(facts: ProjectFacts, about: tuple[Any, ...]) -> None:
    item, names = _find(facts, about), facts.dataset_names
    options = {place.id: names[place.id] for place in places_for(item, facts.datasets)}
    if not options:
        st.info(_("There is no other dataset to merge it into."), icon=":material/info:")
        draw_end(_("Merge"), lambda: None, disabled=True)
        return
    key = f"dataset-{item.id}-merge"
    target_id = _place(options, _("Merge “{name}” into").format(name=plain(item.name)), key)
    st.caption(
        _(
            "{images} move to “{dataset}” with all that is drawn on them, then the empty dataset goes. "
            "Images whose names are taken get a number. Collections keep them."
        ).format(images=plural(item.items_count, "image", "images"), dataset=plain(options[target_id]))
    )
    draw_drafts_naming(facts, datasets=[item.id])

    def merge() -> None:
        target = next(place for place in facts.datasets if place.id == value(key))
        order = MergeOrder(source=item, target=target, datasets=facts.datasets)
        told = follower(DatasetMerge(project_id=facts.project.id, merged={item.id: target.id}))

        def run(client: SuperviselyClient, tell: Tell) -> Outcome:
            moved = merge_datasets(client, order, tell)
            text = _("{images} of “{source}” are in “{target}” now.").format(
                images=plural(moved, "image", "images"), source=item.name, target=target.name
            )
            return Outcome(text=f"{text}{told()}")

        work.begin(facts.project.id, _("Merging “{name}”").format(name=item.name), item.items_count, run)

    draw_end(_("Merge"), merge)


def _draw_split(facts: ProjectFacts, about: tuple[Any, ...]) -> None:
    item = _find(facts, about)
    ways = [_SHARE, *([_TAG] if facts.meta.tags else []), *([_COLLECTION] if facts.collections else [])]
    way = st.radio(_("From “{name}”, split off").format(name=plain(item.name)), ways, format_func=_, key="split-way")
    if way == _SHARE:
        st.slider(_("Share"), 1, 99, 20, format="%d %%", key="split-percent")
    elif way == _TAG:
        st.selectbox(_("Tag"), [tag.name for tag in facts.meta.tags], key="split-tag")
    else:
        names = facts.collection_names
        st.selectbox(_("Collection"), list(names), format_func=lambda number: names[number], key="split-collection")
    images = _part(facts, item)
    st.caption(
        _("{images} of {total} move, with all that is drawn on them.").format(
            images=plural(len(images), "image", "images"), total=count(item.items_count)
        )
    )

    def split() -> None:
        name = checked_name(value("split-name") or "", _beside(facts, None), "dataset")
        part = _part(facts, item)
        if not part:
            raise InputError(
                _("No image of the dataset is meant by that."), _("Choose another tag, collection or share.")
            )

        def run(client: SuperviselyClient, tell: Tell) -> Outcome:
            split_off(client, facts.project.id, name, part, tell)
            images = plural(len(part), "image", "images")
            return Outcome(text=_("{images} are in “{dataset}” now.").format(images=images, dataset=name))

        work.begin(facts.project.id, _("Splitting “{name}”").format(name=item.name), len(part), run)

    with ending(_("Split off"), split, disabled=not images):
        part_name = _("{name} part").format(name=item.name)
        st.text_input(_("Name of the new dataset"), part_name, key="split-name")


def _part(facts: ProjectFacts, dataset: Dataset) -> tuple[ImageId, ...]:
    """Return the images that the fields of the dialog mean."""
    images = lookups.images_in(facts.project.id, dataset.id)
    match value("split-way"):
        case way if way == _TAG:
            tag = value("split-tag")
            return tuple(image.id for image in images if any(own.name == tag for own in image.tags))
        case way if way == _COLLECTION:
            number = CollectionId(value("split-collection") or 0)
            if not number:
                return ()
            members = connection.client().images.list(project_id=facts.project.id, collection_id=number)
            return tuple(image.id for image in members if image.dataset_id == dataset.id)
        case _:
            return share_of([image.id for image in images], value("split-percent") or 20, seed=dataset.id)


def _draw_delete(facts: ProjectFacts, about: tuple[Any, ...]) -> None:
    item = _find(facts, about)
    held = images_below(facts.datasets)[item.id]
    nested = len(facts.datasets) - len(places_for(item, facts.datasets)) - 1
    sentence = (
        _("**{dataset}** with {images} and {datasets} inside goes from the project.")
        if nested
        else _("**{dataset}** with {images} goes from the project.")
    )
    images, datasets = plural(held, "image", "images"), plural(nested, "dataset", "datasets")
    st.markdown(sentence.format(dataset=plain(item.name), images=images, datasets=datasets))
    st.caption(kept_words())
    draw_drafts_naming(facts, datasets=[item.id])

    def delete() -> None:
        connection.client().project_edits.archive_dataset(item.id)
        undo = Undo(kind="datasets", ids=(item.id,), project_id=facts.project.id)
        text = _("Dataset “{name}” is deleted ({images}).").format(name=item.name, images=images)
        work.tell_outcome(facts.project.id, Outcome(text=text, undo=undo))

    draw_end(_("Delete dataset"), delete)


DIALOGS: Dialogs = {
    "add-dataset": Dialog(N_("New dataset"), "create_new_folder", _draw_add),
    "rename-dataset": Dialog(N_("Rename this dataset"), "edit", _draw_rename),
    "place-dataset": Dialog(N_("Move this dataset"), "drive_file_move", _draw_place),
    "merge-dataset": Dialog(N_("Merge this dataset"), "merge", _draw_merge),
    "split-dataset": Dialog(N_("Split this dataset"), "call_split", _draw_split),
    "delete-dataset": Dialog(N_("Delete this dataset?"), "delete", _draw_delete),
}
