"""The split step: a form per method, and the images that each side gets."""

from base64 import b64encode
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from html import escape
from typing import Literal, TypeVar

import streamlit as st
from msgspec import structs

from traindash.domain.ids import DatasetId, ImageId
from traindash.domain.plan import (
    DatasetsSplit,
    Side,
    SideCounts,
    SplitContent,
    SplitMethod,
    TrainValSplit,
    UntaggedAction,
)
from traindash.domain.project import Image
from traindash.formatting import count, percent, plural
from traindash.language import N_
from traindash.language import gettext as _
from traindash.plans.draft import FIRST_SEED, SplitDraft, TagsChoice, WizardDraft
from traindash.plans.facts import Facts, ProjectFacts, SplitCounts
from traindash.plans.splits import MOST_IMAGES
from traindash.plans.suggestions import suggest_split
from traindash.ui import lookups
from traindash.ui.pictures import thumbnail
from traindash.ui.state import change_draft
from traindash.ui.widgets import draft_choice, draft_many, draft_select, draft_slider, draft_toggle, widget_key

_T = TypeVar("_T")
# word and explanation of each method
_METHODS: Mapping[SplitMethod, tuple[str, str]] = {
    "random": (N_("Random"), N_("Images are dealt to both sides at random.")),
    "datasets": (
        N_("By datasets"),
        N_("Whole datasets go to a side. Datasets on neither side are not used; nested ones are not implied."),
    ),
    "tags": (N_("By tags"), N_("Image tags decide. An image with both tags goes to both sides.")),
    "collections": (
        N_("By collections"),
        N_("Collections of the project decide. Images in none of them are not used."),
    ),
}
_FROZEN = N_(
    "The split is drawn once, and kept as two collections when the training starts. Later "
    "experiments can use the same images on each side, so that their numbers can be "
    "compared. Copies of one image stay on one side. Switched off, every run draws its own "
    "split."
)
_DRAWN_ANEW = N_(
    "Every run draws its own split: two such runs validate on different images, so their "
    "numbers cannot be compared exactly. Frozen, the split is drawn once and shared."
)
_UNTAGGED: Mapping[UntaggedAction, str] = {
    "ignore": N_("leave them out"),
    "train": N_("use for training"),
    "val": N_("use for validation"),
}
_SIDES: Mapping[Side, str] = {"train": N_("training"), "val": N_("validation")}
_LISTS: Mapping[str, str] = {
    "datasets": N_("Datasets for {side}"),
    "collections": N_("Collections for {side}"),
}
_PICTURE = (240, 180)
_PICTURES = 6


def draw_split_form(draft: WizardDraft, facts: Facts) -> None:
    """Draw the choice of the method and the form of the one in force."""
    if facts.project is None:
        return
    draft_choice(
        draft,
        "split-method",
        _("Method"),
        # A method that the training app does not offer stays as long as it is in force, with what is wrong about it.
        options=tuple(name for name in _METHODS if name in facts.app.split_methods or name == draft.split.method),
        value=draft.split.method,
        save=_saved(lambda split, method: replace(split, method=method)),
        text=lambda method: _(_METHODS[method][0]),
    )
    suggestion = suggest_split(facts.project)
    hint = suggestion.reason if draft.split.chosen() == suggestion.split.chosen() else ""
    st.caption(f"{_(_METHODS[draft.split.method][1])} {hint}")
    forms = {"random": _random, "datasets": _datasets, "tags": _tags, "collections": _collections}
    forms[draft.split.method](draft, facts.project)


def draw_split_counts(counts: SplitCounts | None) -> None:
    """Draw how many images each side gets; the place is kept when that is not known yet."""
    with st.grid(3, min_column_width=120, gap="small", key="split-counts"):
        if counts is None:
            # The cards keep their place, with a blank delta for its height.
            for label in (_("Training"), _("Validation"), _("Not used")):
                st.metric(label, "–", delta=" ", delta_color="off", delta_arrow="off", border=True)
            return
        used = counts.train + counts.val
        for label, number in ((_("Training"), counts.train), (_("Validation"), counts.val)):
            share = percent(number / used) if used else percent(0)
            st.metric(
                label,
                count(number),
                _("{share} of those used").format(share=share),
                delta_color="off",
                delta_arrow="off",
                border=True,
            )
        both = (
            _("{images} on both sides").format(images=plural(counts.both, "image", "images"))
            if counts.both
            else _("no image on both sides")
        )
        st.metric(_("Not used"), count(counts.unused), both, delta_color="off", delta_arrow="off", border=True)


def _random(draft: WizardDraft, project: ProjectFacts) -> None:
    side = draft.split.random.split
    draft_slider(
        draft,
        f"split-percent-{side}",
        _("Share of the images for {side}").format(side=_(_SIDES[side])),
        bounds=(1, 99),
        value=draft.split.random.percent,
        save=_saved(lambda split, value: replace(split, random=structs.replace(split.random, percent=value))),
    )
    seed = draft.split.random.seed
    with st.container(border=True, key="freeze-split"):
        draft_toggle(
            draft,
            "split-freeze",
            _("Freeze this split"),
            value=seed is not None,
            save=_saved(lambda split, on: _with_seed(split, FIRST_SEED if on else None)),
            help_text=_(_FROZEN if seed is not None else _DRAWN_ANEW),
            disabled=seed is None and project.project.items_count > MOST_IMAGES,
        )
        if project.project.items_count > MOST_IMAGES:
            st.caption(_("Splits of up to {count} images can be frozen.").format(count=count(MOST_IMAGES)))
        if seed is not None:
            with st.container(horizontal=True, vertical_alignment="center", key="split-draw-again-option"):
                st.button(
                    _("Draw another split"),
                    icon=":material/shuffle:",
                    key=widget_key(draft, "split-draw"),
                    help=_("Deals the images another way, for example when a class is missing on one side."),
                    on_click=change_draft,
                    args=(draft.id, _drawn_again),
                )
                st.markdown(f":gray[{_('This one is drawn with seed {seed}.').format(seed=seed)}]")


def _drawn_again(draft: WizardDraft) -> WizardDraft:
    seed = draft.split.random.seed
    return replace(draft, split=_with_seed(draft.split, FIRST_SEED if seed is None else seed + 1))


def _with_seed(split: SplitDraft, seed: int | None) -> SplitDraft:
    return replace(split, random=structs.replace(split.random, seed=seed))


def _datasets(draft: WizardDraft, project: ProjectFacts) -> None:
    names, sizes = project.dataset_names, {item.id: item.items_count for item in project.datasets}
    chosen = draft.split.datasets
    _draw_both_sides(
        draft,
        "datasets",
        {item: f"{name} ({plural(sizes[item], 'image', 'images')})" for item, name in names.items()},
        {"train": chosen.train_datasets, "val": chosen.val_datasets},
    )


def _collections(draft: WizardDraft, project: ProjectFacts) -> None:
    names, sizes = project.collection_names, {item.id: item.items_count for item in project.collections}
    if not names:
        st.info(_("This project has no collections. Choose another method."), icon=":material/info:")
        return
    chosen = draft.split.collections
    # Supervisely does not say in every answer how many images a collection holds.
    texts = {
        item: name if (number := sizes[item]) is None else f"{name} ({plural(number, 'image', 'images')})"
        for item, name in names.items()
    }
    _draw_both_sides(draft, "collections", texts, {"train": chosen.train_collections, "val": chosen.val_collections})


def _draw_both_sides(
    draft: WizardDraft,
    things: Literal["datasets", "collections"],
    texts: Mapping[_T, str],
    chosen: Mapping[Side, Sequence[_T]],
) -> None:
    """Draw what goes to each side; ``things`` is how the field of the split is called, ``texts`` has all there are."""

    def saved(side: Side) -> Callable[[WizardDraft, tuple[_T, ...]], WizardDraft]:
        def change(split: SplitDraft, items: tuple[_T, ...]) -> SplitDraft:
            part = structs.replace(getattr(split, things), **{f"{side}_{things}": items})
            return replace(split, **{things: part})

        return _saved(change)

    for side, word in _SIDES.items():
        draft_many(
            draft,
            f"split-{side}-{things}",
            _(_LISTS[things]).format(side=_(word)),
            options=tuple(texts),
            value=chosen[side],
            save=saved(side),
            text=lambda item: texts[item],
            placeholder=_("Choose datasets") if things == "datasets" else _("Choose collections"),
        )


def _tags(draft: WizardDraft, project: ProjectFacts) -> None:
    uses = project.statistics.image_tags
    # Tags of single objects do not sort images (docs/supervisely-api.md 4).
    names = tuple(tag.name for tag in project.meta.tags if tag.applicable_type != "objectsOnly")
    if not names:
        st.info(_("This project has no image tags. Choose another method."), icon=":material/info:")
        return

    def text(name: str) -> str:
        return f"{name} ({plural(uses.get(name, 0), 'image', 'images')})"

    tags = draft.split.tags
    draft_select(
        draft, "split-train-tag", _("Tag of the images for training"), options=names, value=tags.train_tag,
        save=_saved_tags(lambda tags, name: replace(tags, train_tag=name)), text=text, placeholder=_("Choose a tag"),
    )  # fmt: skip
    draft_select(
        draft, "split-val-tag", _("Tag of the images for validation"), options=names, value=tags.val_tag,
        save=_saved_tags(lambda tags, name: replace(tags, val_tag=name)), text=text, placeholder=_("Choose a tag"),
    )  # fmt: skip
    draft_choice(
        draft, "split-untagged", _("Images with neither tag"), options=tuple(_UNTAGGED), value=tags.untagged_action,
        save=_saved_tags(lambda tags, action: replace(tags, untagged_action=action)),
        text=lambda action: _(_UNTAGGED[action]),
    )  # fmt: skip


def _saved(change: Callable[[SplitDraft, _T], SplitDraft]) -> Callable[[WizardDraft, _T], WizardDraft]:
    """Return how a change of the split becomes a change of the draft."""
    return lambda draft, value: replace(draft, split=change(draft.split, value))


def _saved_tags(change: Callable[[TagsChoice, _T], TagsChoice]) -> Callable[[WizardDraft, _T], WizardDraft]:
    return _saved(lambda split, value: replace(split, tags=change(split.tags, value)))


def draw_split_sides(draft: WizardDraft, facts: Facts) -> None:
    """Draw what both sides hold, as far as the server counts it, and some of their images."""
    split = draft.split.chosen()
    if facts.project is None or split is None:
        return
    content = facts.split_content
    if content is not None:
        _draw_classes(facts.project, content)
    project = facts.project.project.id
    for side, images in zip((_("training"), _("validation")), _samples(facts.project, split, content), strict=True):
        shown = "".join(
            f'<img src="data:image/jpeg;base64,{b64encode(picture).decode()}" title="{escape(image.name)}" '
            f'alt="{escape(_("{name}, an image for {side}").format(name=image.name, side=side))}">'
            for image in images
            if (picture := thumbnail(project, image, _PICTURE)) is not None
        )
        if shown:
            title = escape(_("Images for {side}, for example").format(side=side))
            # One element for all: each st.image is drawn once empty and once more with its picture (Streamlit 1.67)
            st.html(f'<p class="td-pictures-title"><b>{title}</b></p><div class="td-pictures">{shown}</div>')


def _draw_classes(project: ProjectFacts, content: SplitContent) -> None:
    if content.classes is not None:
        _draw_counts([(name, content.classes.get(name, SideCounts())) for name in project.class_names])
    if content.shared_contents is None:
        st.caption(_("In a project this large, nobody looked for identical images on both sides."))


def _draw_counts(sides: Sequence[tuple[str, SideCounts]]) -> None:
    """Draw what each class has on both sides, as HTML: the code of ``st.dataframe`` is 1.2 MB (Streamlit 1.67)."""
    heads = (
        _("Class"),
        _("Training images"),
        _("Training objects"),
        _("Validation images"),
        _("Validation objects"),
    )
    cells = "".join(f'<th scope="col" tabindex="0">{head}</th>' for head in heads)
    rows = "".join(
        f'<tr><th scope="row">{escape(name)}</th>{"".join(map(_cell, numbers))}</tr>'
        for name, one in sides
        for numbers in [(one.train_images, one.train_objects, one.val_images, one.val_objects)]
    )
    about = _("Images and objects of each class on both sides")
    st.html(
        f'<div class="cx-scroll td-split-classes" role="region" tabindex="0" aria-label="{about}">'
        f'<table class="cx-table cx-sortable"><thead><tr>{cells}</tr></thead><tbody>{rows}</tbody></table></div>'
    )


def _cell(number: int) -> str:
    return f'<td data-sort="{number}">{count(number)}</td>'


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
    # Spread over the side: neighbours are often frames of one film.
    step = max(1, len(image_ids) // _PICTURES)
    return lookups.images_of(project.project.id, image_ids[::step][:_PICTURES])


def _of_dataset(project: ProjectFacts, datasets: tuple[DatasetId, ...]) -> tuple[Image, ...]:
    filled = next((item.id for item in project.datasets if item.id in datasets and item.items_count), None)
    if filled is None:
        return ()
    return lookups.image_page(project.project.id, filled, 1, _PICTURES)
