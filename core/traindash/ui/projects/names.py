"""Classes and tags of a project: renamed, recoloured, merged, added, deleted."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import pandas as pd
import streamlit as st

from traindash.domain.project import ObjectClass, TagMeta, class_color
from traindash.errors import InputError
from traindash.formatting import count, listing, plural
from traindash.plans.data_changes import follow_class, follow_tag
from traindash.plans.facts import ProjectFacts
from traindash.projects.choosing import checked_name, classes_to_merge_into, tags_to_merge_into
from traindash.projects.merging import Kind, NameMerge, merge_names
from traindash.projects.moving import Tell
from traindash.supervisely.client import SuperviselyClient
from traindash.ui import connection
from traindash.ui.projects import work
from traindash.ui.projects.dialogs import Dialog, Dialogs, ask, draw_drafts_naming, draw_end, follow, follower, value
from traindash.ui.projects.work import Outcome
from traindash.ui.state import flash
from traindash.ui.streamlit_internals import table_height
from traindash.ui.theme import plain
from traindash.ui.widgets import chosen_rows, forget_selection_of_others
from traindash.ui.wizard.tables import swatch

_MOST_ROWS = 12
_SHAPES = ("rectangle", "polygon", "bitmap", "any")
_SHAPE_WORDS = {"rectangle": "box", "polygon": "polygon", "bitmap": "mask", "any": "any shape"}
_VALUES = {"none": "no value", "any_string": "text", "any_number": "number", "oneof_string": "one of a list"}


@dataclass(frozen=True, slots=True, kw_only=True)
class _Used:
    """A class or tag, and how much has it."""

    kind: Kind
    item: ObjectClass | TagMeta
    objects: int
    images: int

    @property
    def text(self) -> str:
        images = plural(self.images, "image")
        return f"{plural(self.objects, 'object')} on {images}" if self.kind == "class" else self._of_tag(images)

    def _of_tag(self, images: str) -> str:
        return f"{images} and {plural(self.objects, 'object')}" if self.objects else images


def _used(facts: ProjectFacts, kind: Kind) -> tuple[_Used, ...]:
    if kind == "class":
        counts = {item.name: item for item in facts.statistics.classes}
        return tuple(
            _Used(kind=kind, item=item, objects=counts[item.name].objects, images=counts[item.name].images)
            for item in facts.meta.classes
        )
    of_images, of_objects = facts.statistics.image_tags, facts.statistics.object_tags
    return tuple(
        _Used(kind=kind, item=item, objects=of_objects.get(item.name, 0), images=of_images.get(item.name, 0))
        for item in facts.meta.tags
    )


def _words(kind: Kind) -> tuple[str, str]:
    return ("class", "classes") if kind == "class" else ("tag", "tags")


def draw_names(facts: ProjectFacts, kind: Kind) -> None:
    """Draw the classes or the tags of a project, and what can be done with the chosen ones."""
    one, many = _words(kind)
    rows = _used(facts, kind)
    if not rows:
        st.info(f"This project has no {many} yet.", icon=":material/info:")
        _button(f"Add a {one}", "add", f"add-{kind}", facts)
        return
    key = f"names-{kind}-{facts.project.id}"
    forget_selection_of_others(key, [used.item.id or used.item.name for used in rows])
    st.dataframe(
        pd.DataFrame([_row(used) for used in rows]),
        key=key,
        hide_index=True,
        height=table_height(len(rows), _MOST_ROWS),
        selection_mode="multi-row",
        on_select="rerun",
        column_config={
            "Colour": st.column_config.ImageColumn("", width=40),
            one.capitalize(): st.column_config.TextColumn(width="large"),
            "Objects": st.column_config.NumberColumn(format="localized", width="small"),
            "Images": st.column_config.NumberColumn(format="localized", width="small"),
        },
        alt=f"{many.capitalize()} of the project with their counts",
    )
    chosen = tuple(used.item.name for used in chosen_rows(key, rows))
    with st.container(horizontal=True, vertical_alignment="center", key=f"{key}-actions"):
        _button(f"Add a {one}", "add", f"add-{kind}", facts)
        _button("Edit", "edit", f"edit-{kind}", facts, chosen[:1], off=len(chosen) != 1)
        _button("Merge into…", "merge", f"merge-{kind}", facts, chosen[:1], off=len(chosen) != 1)
        _button("Delete", "delete", f"delete-{kind}", facts, chosen, off=not chosen)
        if not chosen:
            st.caption(f"Choose a {one} to change it.")


def _row(used: _Used) -> dict[str, object]:
    item = used.item
    about = (
        {"Class": item.name, "Shape": _SHAPE_WORDS.get(item.shape, item.shape)}
        if isinstance(item, ObjectClass)
        else {"Tag": item.name, "Value": _VALUES.get(item.value_type, item.value_type)}
    )
    return {"Colour": swatch(item.color), **about, "Objects": used.objects, "Images": used.images}


def _button(
    label: str, icon: str, dialog: str, facts: ProjectFacts, names: Sequence[str] = (), *, off: bool = False
) -> None:
    st.button(
        label,
        icon=f":material/{icon}:",
        key=f"ask-{dialog}",
        disabled=off or work.is_busy(facts.project.id),
        on_click=ask,
        args=(dialog, facts.project.id, *names),
    )


def _find(facts: ProjectFacts, kind: Kind, name: str) -> _Used:
    found = next((used for used in _used(facts, kind) if used.item.name == name), None)
    if found is None:
        raise InputError(f"“{name}” is not in the project any more.", "Close this and choose again.")
    return found


def _id_of(item: ObjectClass | TagMeta) -> int:
    if item.id is None:
        raise InputError(f"The server does not say which number “{item.name}” has.", "Change it on the server itself.")
    return item.id


def _draw_edit(facts: ProjectFacts, about: tuple[Any, ...], kind: Kind) -> None:
    used, (one, _) = _find(facts, kind, about[0]), _words(kind)
    item = used.item
    key = f"{kind}-{item.id}"
    st.text_input("Name", item.name, key=f"{key}-name")
    st.color_picker("Colour", item.color, key=f"{key}-color")
    if isinstance(item, ObjectClass):
        st.caption(f"Shape: {_SHAPE_WORDS.get(item.shape, item.shape)}.")
        if item.shape in _SHAPES[:3]:
            st.toggle(
                "Allow any shape", key=f"{key}-any",
                help="Objects of other shapes can join it then. Training apps of a server may pass over such a class.",
            )  # fmt: skip
    st.caption(f"{used.text.capitalize()} follow." if used.objects or used.images else "Nothing has it yet.")

    def save() -> None:
        name = checked_name(value(f"{key}-name"), {row.item.name for row in _used(facts, kind)}, one, own=item.name)
        color, edits = value(f"{key}-color").upper(), connection.client().project_edits
        if kind == "class":
            edits.edit_class(_id_of(item), name, color, "any" if value(f"{key}-any") else None)
            told = follow(lambda draft: follow_class(draft, facts.project.id, item.name, name))
        else:
            edits.edit_tag(_id_of(item), name, color)
            told = follow(lambda draft: follow_tag(draft, facts.project.id, item.name, name))
        work.forget(facts.project.id)
        flash(f"“{item.name}” is now “{name}”.{told}" if name != item.name else "Saved.")

    draw_end("Save", save)


def _draw_merge(facts: ProjectFacts, about: tuple[Any, ...], kind: Kind) -> None:
    used, (one, many) = _find(facts, kind, about[0]), _words(kind)
    source = used.item
    fitting: Sequence[ObjectClass | TagMeta] = (
        classes_to_merge_into(source, facts.meta.classes)
        if isinstance(source, ObjectClass)
        else tags_to_merge_into(source, facts.meta.tags)
    )
    if not fitting:
        why = (
            f"No other class takes a {_SHAPE_WORDS.get(source.shape, source.shape)}. Allow any shape in one first."
            if isinstance(source, ObjectClass)
            else "No other tag takes the same values."
        )
        st.info(why, icon=":material/info:")
        draw_end("Merge", lambda: None, disabled=True)
        return
    key = f"merge-{kind}-{source.id}"
    target = st.selectbox(f"Merge “{source.name}” into", [item.name for item in fitting], key=key)
    st.caption(f"{used.text.capitalize()} become “{plain(target)}”, then the {one} “{plain(source.name)}” goes.")
    left = len(_used(facts, kind)) - 1 - len(fitting)
    if left > 0:
        why = "another shape" if kind == "class" else "other values"
        st.caption(f"{count(left)} other {one if left == 1 else many} cannot take them: {why}.")

    def merge() -> None:
        wanted = value(key)
        order = NameMerge(
            project_id=facts.project.id, kind=kind, source_id=_id_of(source), source=source.name, target=wanted
        )

        change = follow_class if kind == "class" else follow_tag
        tell_drafts = follower(lambda draft: change(draft, order.project_id, source.name, wanted))

        def run(client: SuperviselyClient, tell: Tell) -> Outcome:
            images = merge_names(client, order, tell)
            told = tell_drafts()
            return Outcome(text=f"“{source.name}” is part of “{wanted}” now, on {plural(images, 'image')}.{told}")

        work.begin(facts.project.id, f"Merging “{source.name}” into “{wanted}”", used.images, run)

    draw_end("Merge", merge)


def _draw_delete(facts: ProjectFacts, about: tuple[Any, ...], kind: Kind) -> None:
    one, many = _words(kind)
    found = [_find(facts, kind, name) for name in about]
    for used in found:
        st.markdown(f"**{plain(used.item.name)}**: {used.text}")
    objects = sum(used.objects for used in found)
    if kind == "class":
        what = f"{plural(objects, 'object')} {'goes' if objects == 1 else 'go'} with it for good." if objects else ""
    else:
        what = "It is taken off everything that has it, for good." if any(u.objects or u.images for u in found) else ""
    st.caption(
        f"{what} This cannot be undone; a clone of the project would keep everything." if what else "Nothing has it."
    )
    if kind == "class":
        draw_drafts_naming(facts, class_names=about)
    else:
        draw_drafts_naming(facts, tags=about)

    def delete() -> None:
        edits = connection.client().project_edits
        for used in found:
            remove = edits.remove_class if kind == "class" else edits.remove_tag
            remove(facts.project.id, _id_of(used.item))
        work.forget(facts.project.id)
        flash(f"Deleted: {listing([used.item.name for used in found])}.")

    label = (
        f"Delete with {plural(objects, 'object')}"
        if kind == "class" and objects
        else f"Delete {plural(len(found), one, many)}"
    )
    draw_end(label, delete)


def _draw_add(facts: ProjectFacts, _about: tuple[Any, ...], kind: Kind) -> None:
    one, many = _words(kind)
    taken = {used.item.name for used in _used(facts, kind)}
    st.text_input("Name", key=f"new-{kind}-name")
    st.color_picker("Colour", class_color(len(taken)), key=f"new-{kind}-color")
    if kind == "class":
        st.selectbox("Shape", _SHAPES, format_func=lambda item: _SHAPE_WORDS[item], key="new-class-shape")

    def add() -> None:
        name = checked_name(value(f"new-{kind}-name") or "", taken, one)
        color = value(f"new-{kind}-color").upper()
        new: dict[str, object] = (
            {"title": name, "shape": value("new-class-shape"), "color": color}
            if kind == "class"
            else {"name": name, "value_type": "none", "color": color}
        )
        connection.client().project_edits.add_to_meta(facts.project.id, {many: [new]})
        work.forget(facts.project.id)
        flash(f"“{name}” is added.")

    draw_end("Add", add)


def _dialogs(kind: Kind) -> Dialogs:
    one, _ = _words(kind)
    return {
        f"add-{kind}": Dialog(f"New {one}", "add", partial(_draw_add, kind=kind)),
        f"edit-{kind}": Dialog(f"Edit this {one}", "edit", partial(_draw_edit, kind=kind)),
        f"merge-{kind}": Dialog(f"Merge this {one}", "merge", partial(_draw_merge, kind=kind)),
        f"delete-{kind}": Dialog("Delete for good?", "delete", partial(_draw_delete, kind=kind)),
    }


DIALOGS: Dialogs = {**_dialogs("class"), **_dialogs("tag")}
