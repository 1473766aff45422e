"""The verdict on top of a comparison, with the badge that says whether figures may stand side by side."""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, Literal

import streamlit as st

from traindash.comparison.advice import recommend, takes_either
from traindash.comparison.charts.drawing import Drawing, no_evaluation
from traindash.comparison.comparison_basis import ComparisonBasis, basis_of, standing_of
from traindash.comparison.decision import Decision
from traindash.comparison.decision_words import draw_decision, front_title
from traindash.comparison.experiment import CommonSet, Comparison
from traindash.comparison.pictures.crops import draw_crop
from traindash.comparison.pictures.telling import against_runner_up, telling_objects
from traindash.comparison.report.parts import certainty_picture, telling_figure
from traindash.comparison.report.summary import MOST_PICTURES, PICTURE
from traindash.comparison.significance import Significance, resampled
from traindash.comparison.story_changes import reading_of
from traindash.comparison.verdict import Verdict, judge
from traindash.evaluation.comparability import ComparabilityKind
from traindash.language import N_, Language, current, ngettext
from traindash.language import gettext as _
from traindash.ui import connection, screens
from traindash.ui.comparison.charts import draw_lines
from traindash.ui.comparison.decision import query_of
from traindash.ui.comparison.gallery import load_images
from traindash.ui.pictures import original
from traindash.ui.theme import plain

# On what the chosen experiments are compared, computed once for the same experiments; resamples in the background.


# query parameter and its value for the figures as each experiment was measured
FIGURES, AS_MEASURED = "figures", "measured"
_SECONDS = 600
_MOST_KEPT = 40
_CHART = 240  # pixels of the chart beside the words
_MOST_NOTES = 2  # sentences below it
_MOST_RESAMPLED = 8  # ten large evaluations have 40 MB of resamples
_SMALL = 20_000  # detections of all experiments together; up to that, resamples take less than a second
_UNNOTICED_SECONDS = 0.5
_TICK_SECONDS = 1.0


class Resampling:
    """The resamples of a comparison: found on this machine, or made while the person looks at the rest of the page.

    ``known`` is what the images tell without them, ``keep`` the folder that keeps them.
    """

    def __init__(self, known: Significance, keep: Path) -> None:
        self._known = known
        self._done = 0
        pool = ThreadPoolExecutor(1, thread_name_prefix="traindash-significance")
        self._result = pool.submit(resampled, known, keep=keep, told=self._tell)
        pool.shutdown(wait=False)

    def significance(self) -> Significance:
        """Return what is known by now; what is nearly there is waited for."""
        detections = sum(evaluation.table.dt_score.size for evaluation in self._known.aligned.values())
        return self.finished() if detections <= _SMALL else self._within(_UNNOTICED_SECONDS)

    def finished(self) -> Significance:
        """Return what is known in the end; waits for it."""
        return self._result.result()

    def show(self) -> Significance:
        """Return what is known in the end, and show how far it is until then."""
        room = st.empty()
        while (known := self._within(_TICK_SECONDS)).pending:
            room.progress(self.share, text=self.words)
        room.empty()
        return known

    @property
    def is_done(self) -> bool:
        """Whether :meth:`significance` has all it will ever have."""
        return self._result.done()

    @property
    def share(self) -> float:
        """How much is done, 0 to 1."""
        return self._done / max(len(self._known.aligned), 1)

    @property
    def words(self) -> str:
        """How far it is."""
        total = len(self._known.aligned)
        words = ngettext(
            "Drawing the images again and again to see how sure the differences are: {number} of {total} experiment",
            "Drawing the images again and again to see how sure the differences are: {number} of {total} experiments",
            total,
        )
        return words.format(number=self._done, total=total)

    def _within(self, seconds: float) -> Significance:
        try:
            return self._result.result(seconds)
        except TimeoutError:
            return self._known

    def _tell(self, done: int) -> None:
        self._done = done


def on_chosen_basis(measured: Comparison) -> tuple[Comparison, Resampling]:
    """Return the comparison as the person wants to see it, and what the images can tell about it.

    Unlike experiments are scored again on what they have in common, unless the address of the page says otherwise.
    The order and the baseline make no difference to what is computed.
    """
    keys = tuple(sorted((e.key, e.version, e.label) for e in measured.experiments))
    rescore = st.query_params.get(FIGURES) != AS_MEASURED
    spoken = (rescore, current())  # reasons are sentences
    with st.spinner(_("Laying the experiments side by side")):
        basis = _basis(connection.cache_key(), keys, spoken, measured)
    resampling = _resampling(connection.cache_key(), keys, spoken, basis, connection.home() / "cache" / "resamples")
    return basis.applied_to(measured), resampling


@st.fragment(run_every=_TICK_SECONDS)
def draw_progress(resampling: Resampling) -> None:
    """Say how far the resamples are, and draw the page again when they are there."""
    if resampling.is_done:
        st.rerun()
    st.progress(resampling.share, text=resampling.words)


@st.cache_resource(ttl=_SECONDS, max_entries=_MOST_KEPT, show_spinner=False)
def _basis(
    server: str,
    keys: tuple[tuple[str, str, str], ...],
    spoken: tuple[bool, Language],
    _comparison: Comparison,
) -> ComparisonBasis:
    del server, keys
    return basis_of(_comparison, rescore=spoken[0])


@st.cache_resource(ttl=_SECONDS, max_entries=_MOST_RESAMPLED, show_spinner=False)
def _resampling(
    server: str,
    keys: tuple[tuple[str, str, str], ...],
    spoken: tuple[bool, Language],
    _basis: ComparisonBasis,
    _keep: Path,
) -> Resampling:
    del server, keys, spoken
    return Resampling(_basis.significance, _keep)


_ICONS = {
    "winner": ":material/trophy:",
    "tie": ":material/balance:",
    "open": ":material/hourglass_top:",
    "unlike": ":material/warning:",
    "none": ":material/block:",
    "nothing": ":material/info:",
}
_BADGES: dict[str, tuple[str, Literal["green", "blue", "orange", "gray"]]] = {
    "alike": (":material/check_circle:", "green"),
    "reserved": (":material/help:", "orange"),
    "rescored": (":material/join_inner:", "blue"),
    "unlike": (":material/warning:", "orange"),
    "unknown": (":material/help:", "gray"),
}
_CHOICES = {N_("Common images"): None, N_("As each was measured"): AS_MEASURED}
_KEY = "compare-figures"
_MOST_LINKS = 3  # beside each other, to write a choice down


def draw_verdict(comparison: Comparison, significance: Significance, decision: Decision) -> None:
    """Draw what to take, how sure that is, and the choice between common images and the figures as measured."""
    verdict = recommend(comparison, significance, decision)
    standing = standing_of(comparison, significance)
    with st.container(border=True, key=f"verdict-{verdict.kind}"):
        with st.container(horizontal=True, wrap=False, vertical_alignment="top", key="head-of-verdict"):
            st.markdown(f"## {_ICONS[verdict.kind]} {plain(verdict.headline)}", anchors=False, width="stretch")
            if len(comparison.experiments) > 1:
                icon, color = _BADGES[standing.kind]
                with st.popover(standing.words, icon=icon, key=f"standing-{color}", help=_("Why")):
                    st.markdown(_paragraphs(standing.reasons))
        drawing = draw_decision(decision) if len(decision.candidates) > 1 and decision.comparable else None
        words, chart = st.columns([7, 5], gap="medium") if drawing and drawing.panels else (st.container(), None)
        with words:
            if verdict.sentences:
                st.markdown(_paragraphs(verdict.sentences))
            if not comparison.evaluated:  # nothing below would say before it is opened why there are no figures
                st.markdown(plain(no_evaluation(comparison).empty))
            if verdict.winner is not None and (picture := certainty_picture(decision)):
                st.html(picture)
            if verdict.warnings:
                st.caption(_paragraphs(verdict.warnings))
            if verdict.kind == "unlike":
                with st.container(key="link-of-verdict-elsewhere", horizontal=True):
                    screens.link("experiments", _("Choose other experiments"), "science")
            _draw_choice_link(comparison, decision)
        if drawing and chart:
            with chart:
                _draw_first_chart(drawing, decision)
        _draw_more(judge(comparison, significance), verdict)
        if comparison.common is not None or (
            significance.judgement is not None and significance.judgement.kind is ComparabilityKind.RESCORE
        ):
            _draw_choice(comparison)
        if comparison.common is not None:
            _draw_left_out(comparison.common)


def _draw_first_chart(drawing: Drawing, decision: Decision) -> None:
    with st.container(key="first-chart"):
        st.markdown(f"**{front_title(decision)}**")
        draw_lines(drawing.panels[0], "first-front", height=_CHART)
        if drawing.notes:
            st.caption(" ".join(map(plain, drawing.notes[:_MOST_NOTES])))


def _draw_choice_link(comparison: Comparison, decision: Decision) -> None:
    """Offer to write the choice down: of who is named, of either where either will do, or of the only one there is."""
    keys = [experiment.key for experiment in comparison.experiments]
    named = [decision.winner.key] if decision.winner is not None else []
    if takes_either(decision) and len(decision.equals) <= _MOST_LINKS:
        named = [one.key for one in decision.equals]
    offered = [key for key in (named or (keys if len(keys) == 1 else [])) if key.isdecimal()]
    labels = {one.key: one.label for one in comparison.experiments}
    need: dict[str, Any] = dict(query_of(decision.requirements))
    with st.container(key="link-of-verdict", horizontal=True):
        for chosen in offered:
            others = ",".join(key for key in keys if key != chosen)
            text = _("Choose “{name}” and hand it over") if len(offered) == 1 else _("Choose “{name}”")
            text = text.format(name=plain(labels[chosen]))
            screens.link("handover", text, "verified", task=chosen, beside=others, **need)


def _draw_more(figures: Verdict, verdict: Verdict) -> None:
    """Offer what else is to be known of the choice, and what the average precision says, where that is not above."""
    told = figures.headline == verdict.headline or figures.kind == "nothing"
    sentences = [plain(one) for one in verdict.details]
    if not told:
        sentences += [f"**{plain(figures.headline)}**", *map(plain, figures.sentences)]
    if sentences:
        with st.expander(_("More about this choice"), icon=":material/query_stats:"):
            st.markdown("\n\n".join(sentences))


def draw_telling(comparison: Comparison, significance: Significance, decision: Decision) -> None:
    """Draw the three pictures on which the recommended one and the next one differ most."""
    against = against_runner_up(comparison, significance, decision)
    if against is None or decision.winner is None:
        return
    images = load_images(against)
    told = telling_objects(images, images.keys.index(decision.winner.key), MOST_PICTURES)
    if not told:
        return
    st.markdown(f"### {_(_DIFFER)}", unsafe_allow_html=False)
    st.caption(plain(reading_of(images)))
    for cell, one in zip(st.columns(MOST_PICTURES, gap="medium"), told, strict=False):
        crop = draw_crop(one.subject, images, original, PICTURE)
        with cell:
            st.html(telling_figure(crop, one.words))


_DIFFER = N_("Where they differ most")


def _paragraphs(sentences: Sequence[str]) -> str:
    return "\n\n".join(map(plain, sentences))


def _draw_choice(comparison: Comparison) -> None:
    st.session_state[_KEY] = next(iter(_CHOICES)) if comparison.common is not None else list(_CHOICES)[1]
    with st.container(horizontal=True, vertical_alignment="center", key="figures-choice"):
        choices = list(_CHOICES)
        st.segmented_control(
            _("Figures on this page"),
            choices,
            format_func=_,
            key=_KEY,
            required=True,
            label_visibility="collapsed",
            on_change=_set,
        )
        if comparison.common is None:
            st.caption(_("These figures were not measured alike: they are not ranked and have no differences."))


def _set() -> None:
    value = _CHOICES[st.session_state[_KEY]]
    if value is None:
        st.query_params.pop(FIGURES, None)
    else:
        st.query_params[FIGURES] = value


@st.fragment
def _draw_left_out(common: CommonSet) -> None:
    """List what is not on the page, for each experiment; the table of images, which is 1.2 MB of code, while open."""
    room = st.expander(_("What was left out"), icon=":material/filter_alt:", key="left-out", on_change="rerun")
    with room:
        for one in common.left_out:
            st.markdown(plain(one.words))
        rows = [(one.label, image) for one in common.left_out for image in one.images]
        if rows and room.open:
            st.dataframe(
                {
                    _("Experiment"): [label for label, _image in rows],
                    _("Dataset"): [image.dataset for _label, image in rows],
                    _("Image"): [image.name for _label, image in rows],
                    _("Why"): [image.reason for _label, image in rows],
                },
                hide_index=True,
                height=min(320, 38 + 36 * len(rows)),
                alt=_("Images that were left out"),
            )
