"""Names that a draft or a plan uses and that are others by now: said one by one, with the new ones to take."""

from collections.abc import Sequence

import streamlit as st

from traindash.domain.ids import ProjectId
from traindash.domain.project import NameKind
from traindash.formatting import listing
from traindash.language import gettext as _
from traindash.plans.data_changes import follow_class, follow_tag
from traindash.plans.draft import DraftId, WizardDraft
from traindash.plans.former_names import FormerNames
from traindash.ui.state import change_draft
from traindash.ui.theme import plain
from traindash.ui.wizard.frame import WizardView


def draw_former(view: WizardView, kind: NameKind) -> None:
    """Draw which classes, or which tags of the split, have another name now; nothing where all are as they were."""
    project, draft = view.facts.project, view.draft
    if project is None:
        return
    if kind == "class":
        used = [(name, project.former.classes[name]) for name in draft.classes or () if name in project.former.classes]
    else:
        tags = draft.split.tags
        chosen = (tags.train_tag, tags.val_tag) if draft.split.method == "tags" else ()
        used = [
            (name, project.former.tags[name]) for name in chosen if name is not None and name in project.former.tags
        ]
    if not used:
        return
    with st.container(border=True, horizontal=True, vertical_alignment="center", key="former-names"):
        st.markdown(f":material/edit_note: {told(used)}", width="stretch")
        st.button(
            _("Use the new name") if len(used) == 1 else _("Use the new names"),
            key="use-new-names",
            icon=":material/check:",
            on_click=_use,
            args=(draft.id, project.project.id, kind, used),
        )


def told(renamed: Sequence[tuple[str, str]]) -> str:
    """Return what is called otherwise now, as text for Markdown."""
    said = [
        _("“{before}” is called “{after}”").format(before=plain(before), after=plain(after))
        for before, after in renamed
    ]
    return _("{names} in this project now.").format(names=listing(said))


def told_of(former: FormerNames) -> str:
    """Return the same of classes and tags together."""
    return told([*former.classes.items(), *former.tags.items()])


def _use(draft_id: DraftId, project_id: ProjectId, kind: NameKind, renamed: Sequence[tuple[str, str]]) -> None:
    follow = follow_class if kind == "class" else follow_tag

    def change(draft: WizardDraft) -> WizardDraft:
        for before, after in renamed:
            draft = follow(draft, project_id, before, after)
        return draft

    change_draft(draft_id, change)
