"""Classes and tags of a project: renamed, recoloured, merged, added, deleted."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import pandas as pd
import streamlit as st

from traindash.domain.project import NameKind, ObjectClass, TagMeta, class_color
from traindash.errors import InputError, StateError
from traindash.formatting import count, listing, plural
from traindash.plans.data_changes import Renaming
from traindash.plans.facts import ProjectFacts
from traindash.projects.choosing import checked_name, classes_to_merge_into, tags_to_merge_into
from traindash.projects.merging import NameMerge, merge_names
from traindash.projects.moving import Tell
from traindash.supervisely.client import SuperviselyClient
from traindash.supervisely.project_edits import RemovedName
from traindash.ui import connection, lookups
from traindash.ui.projects import work
from traindash.ui.projects.dialogs import (
    Dialog,
    Dialogs,
    ask,
    draw_drafts_naming,
    draw_end,
    ending,
    follow,
    follower,
    value,
)
from traindash.ui.projects.project_dialogs import until
from traindash.ui.projects.work import Outcome, Undo
from traindash.ui.state import flash, telling_errors
from traindash.ui.streamlit_internals import table_height
from traindash.ui.theme import plain
from traindash.ui.widgets import chosen_rows, forget_selection_of_others
from traindash.ui.wizard.tables import swatch

_MOST_ROWS = 12
_SHAPES = ("rectangle", "polygon", "bitmap", "any")
_SHAPE_WORDS = {"rectangle": "box", "polygon": "polygon", "bitmap": "mask", "any": "any shape"}
_ONE_OF = "oneof_string"
_VALUES = {"none": "no value", "any_string": "text", "any_number": "number", "oneof_string": "one of a list"}


@dataclass(frozen=True, slots=True, kw_only=True)
class _Used:
    """A class or tag, and how much has it."""

    kind: NameKind
    item: ObjectClass | TagMeta
    objects: int
    images: int

    @property
    def text(self) -> str:
        if not self.objects and not self.images:
            return "nothing has it"
        images = plural(self.images, "image", "images")
        return (
            f"{plural(self.objects, 'object', 'objects')} on {images}" if self.kind == "class" else self._of_tag(images)
        )

    def _of_tag(self, images: str) -> str:
        return f"{images} and {plural(self.objects, 'object', 'objects')}" if self.objects else images


def _used(facts: ProjectFacts, kind: NameKind) -> tuple[_Used, ...]:
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


def _words(kind: NameKind) -> tuple[str, str]:
    return ("class", "classes") if kind == "class" else ("tag", "tags")


def draw_names(facts: ProjectFacts, kind: NameKind) -> None:
    """Draw the classes or the tags of a project, and what can be done with the chosen ones."""
    one, many = _words(kind)
    rows = _used(facts, kind)
    if not rows:
        st.info(f"This project has no {many} yet.", icon=":material/info:")
        _button(f"Add a {one}", "add", f"add-{kind}", facts)
        _draw_deleted(facts, kind)
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
            st.caption(f"Choose a {one} to change it; with the keyboard by Shift and Space.")
    _draw_deleted(facts, kind)


def _draw_deleted(facts: ProjectFacts, kind: NameKind) -> None:
    merged = facts.former.classes if kind == "class" else facts.former.tags
    every = lookups.removed_names(facts.project.id, kind)
    found = [item for item in every if item.items_count or item.name not in merged]  # nothing is left of those
    if not found:
        return
    with st.expander(f"Deleted ({count(len(found))})", icon=":material/delete:"):
        for item in found:
            with st.container(horizontal=True, vertical_alignment="center", wrap=False, key=f"gone-{kind}-{item.id}"):
                with st.container(width="stretch", gap=None):
                    st.markdown(f"**{plain(item.name)}**")
                    st.caption(f"{_held(item, kind)}, {until(item.removed_after)}")
                undo = Undo(kind=kind, ids=(item.id,), project_id=facts.project.id)
                st.button(
                    "Restore", icon=":material/undo:", key=f"restore-{kind}-{item.id}", on_click=_restore, args=(undo,),
                    disabled=work.is_busy(facts.project.id),
                )  # fmt: skip


def _held(item: RemovedName, kind: NameKind) -> str:
    if not item.items_count:
        return "nothing had it"
    noun = plural(item.items_count, "object", "objects") if kind == "class" else f"{count(item.items_count)} times"
    return f"{noun} on {plural(item.images_count, 'image', 'images')}"


@telling_errors()
def _restore(undo: Undo) -> None:
    work.bring_back(undo)


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


def _find(facts: ProjectFacts, kind: NameKind, name: str) -> _Used:
    found = next((used for used in _used(facts, kind) if used.item.name == name), None)
    if found is None:
        raise InputError(f"“{name}” is not in the project any more.", "Close this and choose again.")
    return found


def _id_of(item: ObjectClass | TagMeta) -> int:
    if item.id is None:
        raise InputError(f"The server does not say which number “{item.name}” has.", "Change it on the server itself.")
    return item.id


def _check_unchanged(facts: ProjectFacts, used: _Used) -> None:
    """Raise an error if somebody has renamed or deleted a class or tag since it was drawn."""
    meta = connection.client().projects.meta(facts.project.id)
    items: Sequence[ObjectClass | TagMeta] = meta.classes if used.kind == "class" else meta.tags
    now = next((item.name for item in items if item.id == used.item.id), None)
    if now != used.item.name:
        became = f"is called “{now}” now" if now else "is deleted"
        work.forget(facts.project.id)
        raise StateError(f"“{used.item.name}” {became}: somebody else changed it.", "Close this and choose again.")


def _draw_edit(facts: ProjectFacts, about: tuple[Any, ...], kind: NameKind) -> None:
    used, (one, _) = _find(facts, kind, about[0]), _words(kind)
    item = used.item
    key = f"{kind}-{item.id}"

    def save() -> None:
        name = checked_name(value(f"{key}-name"), {row.item.name for row in _used(facts, kind)}, one, own=item.name)
        _check_unchanged(facts, used)
        color, edits = value(f"{key}-color").upper(), connection.client().project_edits
        if kind == "class":
            edits.edit_class(_id_of(item), name, color, "any" if value(f"{key}-any") else None)
        else:
            edits.edit_tag(_id_of(item), name, color)
        told = follow(Renaming(project_id=facts.project.id, kind=kind, before=item.name, after=name))
        work.forget(facts.project.id)
        flash(f"“{item.name}” is now “{name}”.{told}" if name != item.name else "Saved.")

    with ending("Save", save):
        st.text_input("Name", item.name, key=f"{key}-name")
        st.color_picker("Colour", item.color, key=f"{key}-color")
        if isinstance(item, ObjectClass):
            st.caption(f"Shape: {_SHAPE_WORDS.get(item.shape, item.shape)}.")
            if item.shape in _SHAPES[:3]:
                st.toggle(
                    "Allow any shape", key=f"{key}-any",
                    help="Objects of other shapes can join it then. Training apps of a server may pass over it.",
                )  # fmt: skip
        st.caption(f"{used.text.capitalize()} follow." if used.objects or used.images else "Nothing has it yet.")


def _draw_merge(facts: ProjectFacts, about: tuple[Any, ...], kind: NameKind) -> None:
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
    target = st.selectbox(f"Merge “{plain(source.name)}” into", [item.name for item in fitting], key=key)
    st.caption(f"{used.text.capitalize()} become “{plain(target)}”, then the {one} “{plain(source.name)}” goes.")
    left = len(_used(facts, kind)) - 1 - len(fitting)
    if left > 0:
        why = (
            ("its shape is another" if left == 1 else "their shapes are others") if kind == "class" else "other values"
        )
        st.caption(f"{count(left)} other {one if left == 1 else many} cannot take them: {why}.")

    def merge() -> None:
        wanted = value(key)
        order = NameMerge(
            project_id=facts.project.id, kind=kind, source_id=_id_of(source), source=source.name, target=wanted
        )
        tell_drafts = follower(Renaming(project_id=order.project_id, kind=kind, before=source.name, after=wanted))

        def run(client: SuperviselyClient, tell: Tell) -> Outcome:
            images = merge_names(client, order, tell)
            told = tell_drafts()
            return Outcome(
                text=f"“{source.name}” is part of “{wanted}” now, on {plural(images, 'image', 'images')}.{told}"
            )

        work.begin(facts.project.id, f"Merging “{source.name}” into “{wanted}”", used.images, run)

    draw_end("Merge", merge)


def _draw_delete(facts: ProjectFacts, about: tuple[Any, ...], kind: NameKind) -> None:
    one, many = _words(kind)
    found = [_find(facts, kind, name) for name in about]
    for used in found:
        st.markdown(f"**{plain(used.item.name)}**: {used.text}")
    objects = sum(used.objects for used in found)
    it = "it" if len(found) == 1 else "them"
    if kind == "class":
        what = (
            f"{plural(objects, 'object', 'objects')} {'goes' if objects == 1 else 'go'} with {it}." if objects else ""
        )
    else:
        what = f"Everything that has {it} loses {it}." if any(u.objects or u.images for u in found) else ""
    kept = (
        f"{'All of it' if what else it.capitalize()} can be brought back for 30 days."
        if lookups.can_restore()
        else "This cannot be undone here; a clone of the project would keep everything."
    )
    st.caption(f"{what} {kept}".strip())
    if kind == "class":
        draw_drafts_naming(facts, class_names=about)
    else:
        draw_drafts_naming(facts, tags=about)

    def delete() -> None:
        edits, number = connection.client().project_edits, facts.project.id
        ids = tuple(_id_of(used.item) for used in found)
        for own_id in ids:
            edits.remove_name(number, kind, own_id)
        named = listing([f"“{used.item.name}”" for used in found])
        verb = "is" if len(found) == 1 else "are"
        text = f"{(one if len(found) == 1 else many).capitalize()} {named} {verb} deleted."
        # Backwards: each comes to the place that it had while the ones before were still there.
        undo = Undo(kind=kind, ids=ids[::-1], project_id=number) if lookups.can_restore() else None
        work.tell_outcome(number, Outcome(text=text, undo=undo))

    label = (
        f"Delete with {plural(objects, 'object', 'objects')}"
        if kind == "class" and objects
        else f"Delete {one if len(found) == 1 else plural(len(found), one, many)}"
    )
    draw_end(label, delete)


def _draw_add(facts: ProjectFacts, _about: tuple[Any, ...], kind: NameKind) -> None:
    one, many = _words(kind)
    taken = {used.item.name for used in _used(facts, kind)}

    def add() -> None:
        name = checked_name(value(f"new-{kind}-name") or "", taken, one)
        color = value(f"new-{kind}-color").upper()
        new: dict[str, object] = (
            {"title": name, "shape": value("new-class-shape"), "color": color}
            if kind == "class"
            else {"name": name, "color": color, **_values_of_new_tag()}
        )
        connection.client().project_edits.add_to_meta(facts.project.id, {many: [new]})
        work.forget(facts.project.id)
        flash(f"“{name}” is added.")

    if kind == "tag":
        st.selectbox("Value", list(_VALUES), format_func=lambda item: _VALUES[item], key="new-tag-kind")
    with ending("Add", add):
        st.text_input("Name", key=f"new-{kind}-name")
        if kind == "tag" and value("new-tag-kind") == _ONE_OF:
            st.text_input("Values, with commas between", key="new-tag-values")
        st.color_picker("Colour", class_color(len(taken)), key=f"new-{kind}-color")
        if kind == "class":
            st.selectbox("Shape", _SHAPES, format_func=lambda item: _SHAPE_WORDS[item], key="new-class-shape")


def _values_of_new_tag() -> dict[str, object]:
    """Return what the fields say of the values of a new tag, as a meta does."""
    chosen = value("new-tag-kind")
    if chosen != _ONE_OF:
        return {"value_type": chosen}
    values = tuple(dict.fromkeys(part.strip() for part in (value("new-tag-values") or "").split(",") if part.strip()))
    if not values:
        raise InputError("The tag takes one of a list, and the list is empty.", "Type its values.")
    return {"value_type": chosen, "values": list(values)}


def _dialogs(kind: NameKind) -> Dialogs:
    one, _ = _words(kind)
    return {
        f"add-{kind}": Dialog(f"New {one}", "add", partial(_draw_add, kind=kind)),
        f"edit-{kind}": Dialog(f"Edit this {one}", "edit", partial(_draw_edit, kind=kind)),
        f"merge-{kind}": Dialog(f"Merge this {one}", "merge", partial(_draw_merge, kind=kind)),
        f"delete-{kind}": Dialog(f"Delete this {one}?", "delete", partial(_draw_delete, kind=kind)),
    }


DIALOGS: Dialogs = {**_dialogs("class"), **_dialogs("tag")}
