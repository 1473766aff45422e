"""Images of a project, page by page: chosen, then moved, copied, tagged or removed."""

from collections.abc import Sequence
from typing import Any

import streamlit as st

from traindash.domain.ids import DatasetId, ImageId
from traindash.domain.project import Image, TagMeta
from traindash.errors import InputError
from traindash.formatting import count, plural
from traindash.language import N_, ngettext, pgettext
from traindash.language import gettext as _
from traindash.plans.facts import ProjectFacts
from traindash.projects.choosing import checked_name
from traindash.projects.moving import AT_ONCE, MoveOrder, Tell, move_images, remove_images
from traindash.supervisely.client import SuperviselyClient
from traindash.ui import connection, lookups
from traindash.ui.pictures import thumbnail
from traindash.ui.projects import work
from traindash.ui.projects.browser import find_page
from traindash.ui.projects.dialogs import Dialog, Dialogs, ask, draw_end, ending, value
from traindash.ui.projects.work import Outcome, Undo
from traindash.ui.state import flash
from traindash.ui.theme import plain

_PICTURE = (320, 240)
_ON_IMAGES = frozenset({"all", "imagesOnly"})


def _chosen_key(facts: ProjectFacts) -> str:
    return f"images-chosen-{facts.project.id}"


def chosen_images(facts: ProjectFacts) -> tuple[ImageId, ...]:
    """Return the images that are chosen, on all pages."""
    return tuple(sorted(st.session_state.get(_chosen_key(facts), frozenset())))


def draw_images(facts: ProjectFacts) -> None:
    """Draw a page of images with a tick for each, and what can be done with those that are ticked."""
    if not facts.project.items_count:
        st.info(_("This project has no image."), icon=":material/info:")
        return
    choice = find_page(facts, f"manage-images-{facts.project.id}")
    images = () if choice is None else choice.found.images
    _draw_actions(facts, images)
    chosen, turn = frozenset(chosen_images(facts)), st.session_state.get(_turn_key(_chosen_key(facts)), 0)
    with st.grid("auto", min_column_width=150, gap="small"):
        for image in images:
            with st.container(gap="xxsmall", key=f"manage-image-{image.id}"):
                picture = thumbnail(facts.project.id, image, _PICTURE)
                if picture is None:
                    st.caption(_("No picture"))
                else:
                    st.image(
                        picture, width="stretch", alt=f"{image.name}, {plural(image.labels_count, 'object', 'objects')}"
                    )
                # Others with each choice that is made here: what the browser last said of the old ones may come late.
                key = f"tick-{turn}-{image.id}"
                st.session_state[key] = image.id in chosen
                st.checkbox(plain(image.name), key=key, on_change=_tick, args=(_chosen_key(facts), image.id, key))
    if choice is not None:
        choice.draw_pages()


def _draw_actions(facts: ProjectFacts, images: Sequence[Image]) -> None:
    chosen, key = chosen_images(facts), _chosen_key(facts)
    off = not chosen or work.is_busy(facts.project.id)
    with st.container(horizontal=True, vertical_alignment="center", key="images-actions"):
        for name, label, icon in (
            ("move-images", _("Move"), "drive_file_move"),
            ("copy-images", _("Copy"), "content_copy"),
            ("tag-images", pgettext("what is done to images", "Tag"), "sell"),
            ("remove-images", _("Remove"), "delete"),
        ):
            st.button(
                label, icon=f":material/{icon}:", key=f"ask-{name}", disabled=off, on_click=ask,
                args=(name, facts.project.id),
            )  # fmt: skip
        every = frozenset(image.id for image in images)
        st.button(_("Choose this page"), key="images-all", type="tertiary", on_click=_choose, args=(key, every))
        if chosen:
            st.button(_("Choose none"), key="images-none", type="tertiary", on_click=_forget, args=(key,))
        told = _("{images} chosen").format(images=plural(len(chosen), "image", "images"))
        st.caption(told if chosen else _("Tick images to change them."))


def _turn_key(key: str) -> str:
    return f"{key}-turn"


def _set(key: str, chosen: frozenset[ImageId]) -> None:
    st.session_state[key] = chosen
    st.session_state[_turn_key(key)] = st.session_state.get(_turn_key(key), 0) + 1


def _tick(key: str, image: ImageId, tick: str) -> None:
    chosen = st.session_state.get(key, frozenset())
    st.session_state[key] = chosen | {image} if st.session_state[tick] else chosen - {image}


def _choose(key: str, images: frozenset[ImageId]) -> None:
    _set(key, st.session_state.get(key, frozenset()) | images)


def _forget(key: str) -> None:
    _set(key, frozenset())


def _draw_move(facts: ProjectFacts, _about: tuple[Any, ...], *, keeps: bool = False) -> None:
    chosen, names = chosen_images(facts), facts.dataset_names
    new = DatasetId(0)
    own = {image.dataset_id for image in lookups.images_of(facts.project.id, chosen)}
    # Where all of them are already is no place to move them to.
    here = own if len(own) == 1 and not keeps else set()
    options = {number: name for number, name in names.items() if number not in here} | {new: _("A new dataset")}
    where = st.selectbox(_("To"), list(options), format_func=lambda item: options[item], key="images-target")
    sentence = (
        ngettext(
            "{count} image is copied with all that is drawn on them. Names that are taken there get a number.",
            "{count} images are copied with all that is drawn on them. Names that are taken there get a number.",
            len(chosen),
        )
        if keeps
        else ngettext(
            "{count} image is moved with all that is drawn on them. Names that are taken there get a number. "
            "Collections keep them.",
            "{count} images are moved with all that is drawn on them. Names that are taken there get a number. "
            "Collections keep them.",
            len(chosen),
        )
    )
    st.caption(sentence.format(count=count(len(chosen))))

    def start() -> None:
        target, title = value("images-target"), ""
        if target == new:
            beside = {item.name for item in facts.datasets if item.parent_id is None}
            title = checked_name(value("images-new-name") or "", beside, "dataset")

        def run(client: SuperviselyClient, tell: Tell) -> Outcome:
            made = client.writing.add_dataset(facts.project.id, title).id if title else target
            order = MoveOrder(
                project_id=facts.project.id, images=_those_elsewhere(client, chosen, made, facts, keeps=keeps),
                dataset_id=made, keeps_originals=keeps,
            )  # fmt: skip
            done = move_images(client, order, tell)
            text = _("{images} copied to “{dataset}”.") if keeps else _("{images} moved to “{dataset}”.")
            images = plural(done, "image", "images")
            return Outcome(text=text.format(images=images, dataset=title or names[target]))

        work.begin(facts.project.id, _("Copying") if keeps else _("Moving"), len(chosen), run)
        _forget(_chosen_key(facts))

    with ending(_("Copy") if keeps else _("Move"), start, disabled=not chosen):
        if where == new:
            st.text_input(_("Name of the new dataset"), key="images-new-name")


def _those_elsewhere(
    client: SuperviselyClient, chosen: Sequence[ImageId], target: DatasetId, facts: ProjectFacts, *, keeps: bool
) -> tuple[ImageId, ...]:
    """Leave out images that are in the dataset already, unless another copy of them is wanted."""
    if keeps:
        return tuple(chosen)
    return tuple(image.id for image in client.images.get(facts.project.id, chosen) if image.dataset_id != target)


def _draw_copy(facts: ProjectFacts, about: tuple[Any, ...]) -> None:
    _draw_move(facts, about, keeps=True)


def _draw_tag(facts: ProjectFacts, _about: tuple[Any, ...]) -> None:
    chosen = chosen_images(facts)
    tags = {tag.name: tag for tag in facts.meta.tags if tag.applicable_type in _ON_IMAGES}
    if not tags:
        st.info(_("This project has no tag for images. Add one on “Tags” first."), icon=":material/info:")
        draw_end(pgettext("what is done to images", "Tag"), lambda: None, disabled=True)
        return
    tag = tags[st.selectbox(_("Tag"), list(tags), key="images-tag")]
    off = st.toggle(_("Take it off instead"), key="images-untag")
    if not off:
        _draw_value(tag)
    images = plural(len(chosen), "image", "images")
    st.caption((_("Taken off {images}.") if off else _("Put on {images}.")).format(images=images))

    def apply() -> None:
        given = tags[value("images-tag")]
        if given.id is None:
            msg = _("The server does not say which number “{name}” has.").format(name=given.name)
            raise InputError(msg, _("Tag them on the server."))
        edits = connection.client().image_edits
        for start in range(0, len(chosen), AT_ONCE):
            some = chosen[start : start + AT_ONCE]
            if value("images-untag"):
                edits.remove_tag(given.id, some)
            else:
                edits.add_tag(given.id, some, None if given.value_type == "none" else value("images-tag-value"))
        work.forget(facts.project.id)
        told = _("“{tag}” is off {images}.") if value("images-untag") else _("“{tag}” is on {images}.")
        flash(told.format(tag=given.name, images=images))

    draw_end(_("Take it off") if off else pgettext("what is done to images", "Tag"), apply, disabled=not chosen)


def _draw_value(tag: TagMeta) -> None:
    match tag.value_type:
        case "oneof_string":
            st.selectbox(_("Value"), list(tag.values), key="images-tag-value")
        case "any_number":
            st.number_input(_("Value"), value=0.0, key="images-tag-value")
        case "any_string":
            st.text_input(_("Value"), key="images-tag-value")
        case _:
            pass


def _draw_remove(facts: ProjectFacts, _about: tuple[Any, ...]) -> None:
    chosen = chosen_images(facts)
    images = plural(len(chosen), "image", "images")
    objects = sum(image.labels_count for image in lookups.images_of(facts.project.id, chosen))
    st.markdown(
        _("**{images}** with {objects} go from the project.").format(
            images=images, objects=plural(objects, "object", "objects")
        )
    )
    can_restore = lookups.can_restore()
    st.caption(_("They can be brought back for 30 days.") if can_restore else _("The server keeps them in its trash."))

    def remove() -> None:
        def run(client: SuperviselyClient, tell: Tell) -> Outcome:
            removed = remove_images(client, facts.project.id, chosen, tell)
            undo = Undo(kind="datasets", ids=removed.datasets, project_id=facts.project.id)
            text = _("{images} removed.").format(images=plural(removed.count, "image", "images"))
            return Outcome(text=text, undo=undo)

        work.begin(facts.project.id, _("Removing"), len(chosen), run)
        _forget(_chosen_key(facts))

    draw_end(_("Remove {images}").format(images=images), remove, disabled=not chosen)


DIALOGS: Dialogs = {
    "move-images": Dialog(N_("Move images"), "drive_file_move", _draw_move),
    "copy-images": Dialog(N_("Copy images"), "content_copy", _draw_copy),
    "tag-images": Dialog(N_("Tag images"), "sell", _draw_tag),
    "remove-images": Dialog(N_("Remove images?"), "delete", _draw_remove),
}
