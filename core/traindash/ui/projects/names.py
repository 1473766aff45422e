"""Classes and tags of a project: renamed, recoloured, merged, added, deleted."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import pandas as pd
import streamlit as st

from traindash.domain.project import NameKind, ObjectClass, TagMeta, class_color
from traindash.errors import InputError, StateError
from traindash.formatting import count, listing, plural, quoted, shape_word
from traindash.language import N_, ngettext
from traindash.language import gettext as _
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
_ONE_OF = "oneof_string"
_VALUES = {
    "none": N_("no value"),
    "any_string": N_("text"),
    "any_number": N_("number"),
    "oneof_string": N_("one of a list"),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class _Words:
    """What is said of classes, or of tags."""

    name: str
    nothing: str
    table: str
    add: str
    choose: str
    becomes: str  # where something has the one that is merged
    goes: str  # where nothing has it
    delete: str
    gone: str
    titles: tuple[str, str, str, str]  # of the dialogs that add, edit, merge and delete


_WORDS: Mapping[NameKind, _Words] = {
    "class": _Words(
        name=N_("Class"),
        nothing=N_("This project has no classes yet."),
        table=N_("Classes of the project with their counts"),
        add=N_("Add a class"),
        choose=N_("Choose a class to change it; with the keyboard by Shift and Space."),
        becomes=N_("{what} become “{target}”, then the class “{source}” goes."),
        goes=N_("Nothing has it yet. The class “{source}” goes."),
        delete=N_("Delete class"),
        gone=N_("This class is not in the project any more."),
        titles=(N_("New class"), N_("Edit this class"), N_("Merge this class"), N_("Delete this class?")),
    ),
    "tag": _Words(
        name=N_("Tag"),
        nothing=N_("This project has no tags yet."),
        table=N_("Tags of the project with their counts"),
        add=N_("Add a tag"),
        choose=N_("Choose a tag to change it; with the keyboard by Shift and Space."),
        becomes=N_("{what} become “{target}”, then the tag “{source}” goes."),
        goes=N_("Nothing has it yet. The tag “{source}” goes."),
        delete=N_("Delete tag"),
        gone=N_("This tag is not in the project any more."),
        titles=(N_("New tag"), N_("Edit this tag"), N_("Merge this tag"), N_("Delete this tag?")),
    ),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class _Used:
    """A class or tag, and how much has it."""

    kind: NameKind
    item: ObjectClass | TagMeta
    objects: int
    images: int

    @property
    def identity(self) -> int | str:
        """What it is known by while it may be renamed: a button that was drawn before knows the name before."""
        return self.item.name if self.item.id is None else self.item.id

    @property
    def text(self) -> str:
        if not self.objects and not self.images:
            return _("nothing has it")
        images, objects = plural(self.images, "image", "images"), plural(self.objects, "object", "objects")
        if self.kind == "class":
            return _("{objects} on {images}").format(objects=objects, images=images)
        return _("{images} and {objects}").format(images=images, objects=objects) if self.objects else images


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


def draw_names(facts: ProjectFacts, kind: NameKind) -> None:
    """Draw the classes or the tags of a project, and what can be done with the chosen ones."""
    words = _WORDS[kind]
    rows = _used(facts, kind)
    if not rows:
        st.info(_(words.nothing), icon=":material/info:")
        _button(_(words.add), "add", f"add-{kind}", facts)
        _draw_deleted(facts, kind)
        return
    key = f"names-{kind}-{facts.project.id}"
    forget_selection_of_others(key, [used.identity for used in rows])
    st.dataframe(
        pd.DataFrame([_row(used) for used in rows]),
        key=key,
        hide_index=True,
        height=table_height(len(rows), _MOST_ROWS),
        selection_mode="multi-row",
        on_select="rerun",
        column_config={
            "Colour": st.column_config.ImageColumn("", width=40),
            words.name: st.column_config.TextColumn(_(words.name), width="medium"),
            "Shape": st.column_config.TextColumn(_("Shape")),
            "Value": st.column_config.TextColumn(_("Value")),
            "Images": st.column_config.NumberColumn(_("Images"), format="localized", width="small"),
            "Objects": st.column_config.NumberColumn(_("Objects"), format="localized", width="small"),
        },
        alt=_(words.table),
    )
    chosen = tuple(used.identity for used in chosen_rows(key, rows))
    with st.container(horizontal=True, vertical_alignment="center", key=f"{key}-actions"):
        _button(_(words.add), "add", f"add-{kind}", facts)
        _button(_("Edit"), "edit", f"edit-{kind}", facts, chosen[:1], off=len(chosen) != 1)
        _button(_("Merge into…"), "merge", f"merge-{kind}", facts, chosen[:1], off=len(chosen) != 1)
        _button(_("Delete"), "delete", f"delete-{kind}", facts, chosen, off=not chosen)
        if not chosen:
            st.caption(_(words.choose))
    _draw_deleted(facts, kind)


def _draw_deleted(facts: ProjectFacts, kind: NameKind) -> None:
    merged = facts.former.classes if kind == "class" else facts.former.tags
    every = lookups.removed_names(facts.project.id, kind)
    found = [item for item in every if item.items_count or item.name not in merged]  # nothing is left of those
    if not found:
        return
    with st.expander(_("Deleted ({count})").format(count=count(len(found))), icon=":material/delete:"):
        for item in found:
            with st.container(horizontal=True, vertical_alignment="center", wrap=False, key=f"gone-{kind}-{item.id}"):
                with st.container(width="stretch", gap=None):
                    st.markdown(f"**{plain(item.name)}**")
                    st.caption(f"{_held(item, kind)}, {until(item.removed_after)}")
                undo = Undo(kind=kind, ids=(item.id,), project_id=facts.project.id)
                st.button(
                    _("Restore"), icon=":material/undo:", key=f"restore-{kind}-{item.id}", on_click=_restore,
                    args=(undo,), disabled=work.is_busy(facts.project.id),
                )  # fmt: skip


def _held(item: RemovedName, kind: NameKind) -> str:
    if not item.items_count:
        return _("nothing had it")
    images = plural(item.images_count, "image", "images")
    if kind == "class":
        return _("{objects} on {images}").format(objects=plural(item.items_count, "object", "objects"), images=images)
    return _("{count} times on {images}").format(count=count(item.items_count), images=images)


@telling_errors()
def _restore(undo: Undo) -> None:
    work.bring_back(undo)


def _row(used: _Used) -> dict[str, object]:
    item = used.item
    about = (
        {"Class": item.name, "Shape": shape_word(item.shape)}
        if isinstance(item, ObjectClass)
        else {"Tag": item.name, "Value": _(_VALUES.get(item.value_type, item.value_type))}
    )
    return {"Colour": swatch(item.color), **about, "Images": used.images, "Objects": used.objects}


def _button(
    label: str, icon: str, dialog: str, facts: ProjectFacts, chosen: Sequence[int | str] = (), *, off: bool = False
) -> None:
    st.button(
        label,
        icon=f":material/{icon}:",
        key=f"ask-{dialog}",
        disabled=off or work.is_busy(facts.project.id),
        on_click=ask,
        args=(dialog, facts.project.id, *chosen),
    )


def _find(facts: ProjectFacts, kind: NameKind, identity: int | str) -> _Used:
    found = next((used for used in _used(facts, kind) if used.identity == identity), None)
    if found is None:
        raise InputError(_(_WORDS[kind].gone), _("Close this and choose again."))
    return found


def _id_of(item: ObjectClass | TagMeta) -> int:
    if item.id is None:
        msg = _("The server does not say which number “{name}” has.").format(name=item.name)
        raise InputError(msg, _("Change it on the server itself."))
    return item.id


def _check_unchanged(facts: ProjectFacts, used: _Used) -> None:
    """Raise an error if somebody has renamed or deleted a class or tag since it was drawn."""
    meta = connection.client().projects.meta(facts.project.id)
    items: Sequence[ObjectClass | TagMeta] = meta.classes if used.kind == "class" else meta.tags
    now = next((item.name for item in items if item.id == used.item.id), None)
    if now != used.item.name:
        work.forget(facts.project.id)
        msg = (
            _("“{name}” is called “{now}” now: somebody else changed it.")
            if now
            else _("“{name}” is deleted: somebody else changed it.")
        )
        raise StateError(msg.format(name=used.item.name, now=now), _("Close this and choose again."))


def _draw_edit(facts: ProjectFacts, about: tuple[Any, ...], kind: NameKind) -> None:
    used = _find(facts, kind, about[0])
    item = used.item
    key = f"{kind}-{item.id}"

    def save() -> None:
        name = checked_name(value(f"{key}-name"), {row.item.name for row in _used(facts, kind)}, kind, own=item.name)
        _check_unchanged(facts, used)
        color, edits = value(f"{key}-color").upper(), connection.client().project_edits
        if kind == "class":
            edits.edit_class(_id_of(item), name, color, "any" if value(f"{key}-any") else None)
        else:
            edits.edit_tag(_id_of(item), name, color)
        told = follow(Renaming(project_id=facts.project.id, kind=kind, before=item.name, after=name))
        work.forget(facts.project.id)
        renamed = _("“{before}” is now “{after}”.").format(before=item.name, after=name)
        flash(f"{renamed}{told}" if name != item.name else _("Saved."))

    with ending(_("Save"), save):
        st.text_input(_("Name"), item.name, key=f"{key}-name")
        st.color_picker(_("Colour"), item.color, key=f"{key}-color")
        if isinstance(item, ObjectClass):
            st.caption(_("Shape: {shape}.").format(shape=shape_word(item.shape)))
            if item.shape in _SHAPES[:3]:
                st.toggle(
                    _("Allow any shape"), key=f"{key}-any",
                    help=_("Objects of other shapes can join it then. Training apps of a server may pass over it."),
                )  # fmt: skip
        follow_it = _("{what} follow.").format(what=used.text)
        st.caption(follow_it if used.objects or used.images else _("Nothing has it yet."))


def _draw_merge(facts: ProjectFacts, about: tuple[Any, ...], kind: NameKind) -> None:
    used = _find(facts, kind, about[0])
    source = used.item
    fitting: Sequence[ObjectClass | TagMeta] = (
        classes_to_merge_into(source, facts.meta.classes)
        if isinstance(source, ObjectClass)
        else tags_to_merge_into(source, facts.meta.tags)
    )
    if not fitting:
        why = (
            _("No other class takes a {shape}. Allow any shape in one first.").format(shape=shape_word(source.shape))
            if isinstance(source, ObjectClass)
            else _("No other tag takes the same values.")
        )
        st.info(why, icon=":material/info:")
        draw_end(_("Merge"), lambda: None, disabled=True)
        return
    key = f"merge-{kind}-{source.id}"
    target = st.selectbox(
        _("Merge “{name}” into").format(name=plain(source.name)), [item.name for item in fitting], key=key
    )
    words = _WORDS[kind]
    what = _(words.becomes if used.objects or used.images else words.goes)
    st.caption(what.format(what=used.text, target=plain(target), source=plain(source.name)))
    if (left := len(_used(facts, kind)) - 1 - len(fitting)) > 0:
        st.caption(_others_left(kind, left))

    def merge() -> None:
        wanted = value(key)
        order = NameMerge(
            project_id=facts.project.id, kind=kind, source_id=_id_of(source), source=source.name, target=wanted
        )
        tell_drafts = follower(Renaming(project_id=order.project_id, kind=kind, before=source.name, after=wanted))

        def run(client: SuperviselyClient, tell: Tell) -> Outcome:
            images = merge_names(client, order, tell)
            told = tell_drafts()
            text = _("“{source}” is part of “{target}” now, on {images}.").format(
                source=source.name, target=wanted, images=plural(images, "image", "images")
            )
            return Outcome(text=f"{text}{told}")

        title = _("Merging “{source}” into “{target}”").format(source=source.name, target=wanted)
        work.begin(facts.project.id, title, used.images, run)

    draw_end(_("Merge"), merge)


def _others_left(kind: NameKind, left: int) -> str:
    """Say why a number of classes or tags is not offered to merge into."""
    why = (
        ngettext(
            "{count} other class cannot take them: its shape is another.",
            "{count} other classes cannot take them: their shapes are others.",
            left,
        )
        if kind == "class"
        else ngettext(
            "{count} other tag cannot take them: other values.",
            "{count} other tags cannot take them: other values.",
            left,
        )
    )
    return why.format(count=count(left))


def _draw_delete(facts: ProjectFacts, about: tuple[Any, ...], kind: NameKind) -> None:
    found = [_find(facts, kind, identity) for identity in about]
    for used in found:
        st.markdown(f"**{plain(used.item.name)}**: {used.text}")
    objects = sum(used.objects for used in found)
    what = _lost(kind, found, objects)
    st.caption(f"{what} {_kept(len(found), is_all=bool(what))}".strip())
    if kind == "class":
        draw_drafts_naming(facts, class_names=[used.item.name for used in found])
    else:
        draw_drafts_naming(facts, tags=[used.item.name for used in found])

    def delete() -> None:
        edits, number = connection.client().project_edits, facts.project.id
        ids = tuple(_id_of(used.item) for used in found)
        for own_id in ids:
            edits.remove_name(number, kind, own_id)
        sentence = (
            ngettext("Class {names} is deleted.", "Classes {names} are deleted.", len(found))
            if kind == "class"
            else ngettext("Tag {names} is deleted.", "Tags {names} are deleted.", len(found))
        )
        text = sentence.format(names=listing([quoted(used.item.name) for used in found]))
        # Backwards: each comes to the place that it had while the ones before were still there.
        undo = Undo(kind=kind, ids=ids[::-1], project_id=number) if lookups.can_restore() else None
        work.tell_outcome(number, Outcome(text=text, undo=undo))

    draw_end(_delete_label(kind, len(found), objects), delete)


def _lost(kind: NameKind, found: Sequence[_Used], objects: int) -> str:
    """Return what goes with classes or tags; empty where nothing has them."""
    is_one = len(found) == 1
    if kind == "class":
        sentence = (
            ngettext("{count} object goes with it.", "{count} objects go with it.", objects)
            if is_one
            else ngettext("{count} object goes with them.", "{count} objects go with them.", objects)
        )
        return sentence.format(count=count(objects)) if objects else ""
    if not any(used.objects or used.images for used in found):
        return ""
    return _("Everything that has it loses it.") if is_one else _("Everything that has them loses them.")


def _kept(number: int, *, is_all: bool) -> str:
    """Return whether it can come back, where so many are deleted; ``is_all``: with what has them."""
    if not lookups.can_restore():
        return _("This cannot be undone here; a clone of the project would keep everything.")
    if is_all:
        return _("All of it can be brought back for 30 days.")
    return _("It can be brought back for 30 days.") if number == 1 else _("They can be brought back for 30 days.")


def _delete_label(kind: NameKind, number: int, objects: int) -> str:
    if kind == "class" and objects:
        label = ngettext("Delete with {count} object", "Delete with {count} objects", objects)
        return label.format(count=count(objects))
    if number == 1:
        return _(_WORDS[kind].delete)
    names = plural(number, "class", "classes") if kind == "class" else plural(number, "tag", "tags")
    return _("Delete {names}").format(names=names)


def _draw_add(facts: ProjectFacts, _about: tuple[Any, ...], kind: NameKind) -> None:
    taken = {used.item.name for used in _used(facts, kind)}

    def add() -> None:
        name = checked_name(value(f"new-{kind}-name") or "", taken, kind)
        color = value(f"new-{kind}-color").upper()
        new: dict[str, object] = (
            {"title": name, "shape": value("new-class-shape"), "color": color}
            if kind == "class"
            else {"name": name, "color": color, **_values_of_new_tag()}
        )
        connection.client().project_edits.add_to_meta(
            facts.project.id, {"classes" if kind == "class" else "tags": [new]}
        )
        work.forget(facts.project.id)
        flash(_("“{name}” is added.").format(name=name))

    with ending(_("Add"), add):
        st.text_input(_("Name"), key=f"new-{kind}-name")
        st.color_picker(_("Colour"), class_color(len(taken)), key=f"new-{kind}-color")
        if kind == "class":
            st.selectbox(_("Shape"), _SHAPES, format_func=shape_word, key="new-class-shape")
        else:
            st.selectbox(_("Value"), list(_VALUES), format_func=lambda item: _(_VALUES[item]), key="new-tag-kind")
            # Always there: fields of a form cannot come and go with what is chosen in it
            st.text_input(
                _("Values, with commas between"), key="new-tag-values", placeholder=_("only for “one of a list”")
            )


def _values_of_new_tag() -> dict[str, object]:
    """Return what the fields say of the values of a new tag, as a meta does."""
    chosen = value("new-tag-kind")
    values = tuple(dict.fromkeys(part.strip() for part in (value("new-tag-values") or "").split(",") if part.strip()))
    if chosen != _ONE_OF and values:
        raise InputError(
            _("Values are typed, and the tag does not take one of a list."),
            _("Choose “one of a list”, or empty the field."),
        )
    if chosen != _ONE_OF:
        return {"value_type": chosen}
    if not values:
        raise InputError(_("The tag takes one of a list, and the list is empty."), _("Type its values."))
    return {"value_type": chosen, "values": list(values)}


def _dialogs(kind: NameKind) -> Dialogs:
    new, edit, merge, delete = _WORDS[kind].titles
    return {
        f"add-{kind}": Dialog(new, "add", partial(_draw_add, kind=kind)),
        f"edit-{kind}": Dialog(edit, "edit", partial(_draw_edit, kind=kind)),
        f"merge-{kind}": Dialog(merge, "merge", partial(_draw_merge, kind=kind)),
        f"delete-{kind}": Dialog(delete, "delete", partial(_draw_delete, kind=kind)),
    }


DIALOGS: Dialogs = {**_dialogs("class"), **_dialogs("tag")}
