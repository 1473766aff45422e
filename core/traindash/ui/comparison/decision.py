"""Which one to take: a need is chosen, and the experiment that suits it is named."""

from collections.abc import Callable, Mapping, Sequence

import streamlit as st

from traindash.comparison.advice import advise
from traindash.comparison.decision import PRICES, Contender, Requirements, contenders_of, decide, limits, number_of
from traindash.comparison.decision_words import GOAL_NAMES, PRICE_OF_A_MISS, READING_FIGURES, draw_decision
from traindash.comparison.experiment import Comparison
from traindash.comparison.exports import decision_records
from traindash.comparison.report.parts import decision_table
from traindash.comparison.significance import Significance
from traindash.errors import InputError
from traindash.evaluation.operating_points import BestF1, Goal, MissCosts, PrecisionAtLeast, RecallAtLeast
from traindash.formatting import quantity, shortest, size
from traindash.language import N_
from traindash.language import gettext as _
from traindash.ui.comparison.charts import draw_drawing
from traindash.ui.saving import draw_chart_saving, draw_table_saving
from traindash.ui.theme import plain

# The need that a person chose, in the address: it survives a refresh, can be sent on and is what is presented.

# names in the address: links that people have sent on hold them
GOAL, LATENCY, SIZE = "goal", "latency", "size"
_NOW = "need-now"


class PresentRequirements:
    """The need that the page has now; what is made later from the page, a report for example, reads it then."""

    def __init__(self) -> None:
        self.requirements = Requirements()  # changes with each choice


def present_requirements() -> PresentRequirements:
    """Return the need of this session's comparison."""
    now: PresentRequirements = st.session_state.setdefault(_NOW, PresentRequirements())
    return now


def requirements_of(query: Mapping[str, str]) -> Requirements:
    """Read a need from the address; what it does not say is the default.

    Raises:
        InputError: The address holds something that is no need.
    """
    return Requirements(goal=_goal(query.get(GOAL, "")), latency=_number(query, LATENCY), size=_number(query, SIZE))


def query_of(requirements: Requirements) -> dict[str, str]:
    """Write a need into the address; defaults are left out."""
    kind, number = number_of(requirements.goal)
    query = {} if kind == "f1" else {GOAL: f"{kind}-{number:g}"}
    if requirements.latency is not None:
        query[LATENCY] = f"{requirements.latency:g}"
    if requirements.size is not None:
        query[SIZE] = f"{requirements.size:g}"
    return query


def _goal(text: str) -> Goal:
    if not text:
        return BestF1()
    kind, _dash, number = text.partition("-")
    value = _positive(number)
    if kind == "miss" and value is not None:
        return MissCosts(false_alarms=value)
    if kind == "recall" and value is not None and value <= 1:
        return RecallAtLeast(recall=value)
    if kind == "precision" and value is not None and value <= 1:
        return PrecisionAtLeast(precision=value)
    raise InputError(
        _("“{text}” is no goal.").format(text=text),
        _("Choose the goal on the compare page, under “Which one to take”."),
    )


def _number(query: Mapping[str, str], name: str) -> float | None:
    text = query.get(name)
    if not text:
        return None
    value = _positive(text)
    if value is None:
        msg = _("“{text}” is no limit for {name}.").format(text=text, name=name)
        raise InputError(msg, _("Choose the limit on the compare page, under “Which one to take”."))
    return value


def _positive(text: str) -> float | None:
    """Return a finite number above 0, ``None`` for anything else."""
    try:
        value = float(text)
    except ValueError:
        return None
    return value if 0 < value < float("inf") else None


_PRICE_OF_A_MISS = 10.0  # false alarms; where the slider stands first
_FRONT = N_("Quality, time and size")
_SHARE, _LEAST_SHARE = 0.9, 0.5  # first and lowest place of the sliders for recall and precision
_ICONS = {
    "winner": ":material/check_circle:",
    "tie": ":material/balance:",
    "none": ":material/block:",
    "unlike": ":material/warning:",
    "nothing": ":material/info:",
}


def draw_decision_helper(comparison: Comparison, significance: Significance) -> None:
    """Draw goal and budgets, who is named for them, the chart and the table."""
    contenders = contenders_of(comparison, significance)
    if not contenders:
        st.info(_("None of these experiments has an evaluation, so none can be recommended."), icon=":material/info:")
        return
    _draw(contenders, significance.are_comparable)


@st.fragment
def _draw(contenders: Sequence[Contender], comparable: bool) -> None:  # noqa: FBT001 - a fragment's arguments
    with st.container(border=True, key="decision-need"):
        requirements = _choose_requirements(contenders)
        _remember(requirements)
        decision = decide(requirements, contenders, comparable=comparable)
        advice = advise(decision)
        with st.container(key=f"advice-{advice.kind}", gap="xsmall"):
            st.markdown(f"### {_ICONS[advice.kind]} {plain(advice.headline)}", anchors=False)
            for sentence in (*advice.sentences, *advice.details):
                st.markdown(plain(sentence))
        st.html(decision_table(decision))
        draw_table_saving("decision", lambda: decision_records(decision))
        st.caption(_(READING_FIGURES))
    if len(contenders) == 1:  # one point says nothing that the table does not say
        return
    with st.container(border=True, key="chart-decision"):
        drawing = draw_decision(decision)
        with st.container(horizontal=True, horizontal_alignment="distribute", vertical_alignment="center"):
            st.subheader(_(_FRONT), anchor="front", width="stretch")
            draw_chart_saving("front", _(_FRONT), drawing, lambda: draw_decision(decision))
        st.caption(
            _("Upper left is better; a larger point is a larger checkpoint. Nobody lies beyond the dashed front.")
        )
        draw_drawing(drawing, "chart-decision")


def _choose_requirements(contenders: Sequence[Contender]) -> Requirements:
    """Offer goal and limits; they begin with what the address says."""
    try:
        begin = requirements_of(st.query_params)
    except InputError as error:  # nonsense in the address is told, and left behind by the first choice
        st.warning(plain(f"{error.message} {error.hint}"), icon=":material/warning:")
        begin = Requirements()
    times = [contender.latency for contender in contenders if contender.latency]
    sizes = [float(contender.bytes) for contender in contenders if contender.bytes]
    key = _seed("decision-goal", GOAL_NAMES[type(begin.goal)])
    chosen = st.segmented_control(_("What matters"), list(GOAL_NAMES.values()), required=True, key=key, format_func=_)
    kind = next((kind for kind, name in GOAL_NAMES.items() if name == chosen), BestF1)
    goal_column, time_column, size_column = st.columns(3, gap="large")
    with goal_column:
        goal = choose_goal(kind, begin.goal)
    with time_column:
        latency = _choose_limit(
            _("Time for one image, at most"), LATENCY, times, begin.latency, lambda value: f"{quantity(value)} ms"
        )
    with size_column:
        weight = _choose_limit(_("Checkpoint, at most"), SIZE, sizes, begin.size, size)
    return Requirements(goal=goal, latency=latency, size=weight)


def _remember(requirements: Requirements) -> None:
    """Write the need into the address, where it is not there already."""
    changed = present_requirements().requirements != requirements
    present_requirements().requirements = requirements
    wanted = query_of(requirements)
    for name in (GOAL, LATENCY, SIZE):
        if st.query_params.get(name) != wanted.get(name):
            if name in wanted:
                st.query_params[name] = wanted[name]
            else:
                del st.query_params[name]
    if changed:  # what stands first on the page follows the need
        st.rerun()


def _seed(key: str, value: object) -> str:
    st.session_state.setdefault(key, value)
    return key


def choose_goal(kind: type[Goal], begin: Goal) -> Goal:
    """Draw what a kind of goal asks for besides, and return the goal; ``begin`` is where its number stands first."""
    if kind is RecallAtLeast:
        share = begin.recall if isinstance(begin, RecallAtLeast) else _SHARE
        return RecallAtLeast(
            recall=_choose_share(
                "recall", _("Recall, at least"), share, _("Share of the objects that has to be found.")
            )
        )
    if kind is PrecisionAtLeast:
        share = begin.precision if isinstance(begin, PrecisionAtLeast) else _SHARE
        return PrecisionAtLeast(
            precision=_choose_share(
                "precision", _("Precision, at least"), share, _("Share of the detections that has to be right.")
            )
        )
    if kind is MissCosts:
        price = begin.false_alarms if isinstance(begin, MissCosts) else _PRICE_OF_A_MISS
        near = min(PRICES, key=lambda step: abs(step - price))
        key = _seed("decision-price", near)
        chosen = st.select_slider(_(PRICE_OF_A_MISS), PRICES, format_func=shortest, key=key)
        return MissCosts(false_alarms=float(chosen))
    st.caption(_("The threshold with the best F1 is taken for each: as much found as right."))
    return BestF1()


def _choose_share(name: str, label: str, begin: float, about: str) -> float:
    key = _seed(f"decision-{name}", min(1.0, max(_LEAST_SHARE, round(begin, 2))))
    return st.slider(label, _LEAST_SHARE, 1.0, step=0.01, format="%.2f", help=about, key=key)


def _choose_limit(
    label: str, name: str, values: Sequence[float], begin: float | None, write: Callable[[float], str]
) -> float | None:
    """Return the chosen limit, ``None`` at the right end of the slider or where nothing is known."""
    if not values:
        st.caption(_("{limit}: not measured for any of these experiments.").format(limit=label))
        return None
    steps: list[float | None] = [*limits(values), None]
    near = next((step for step in steps if step is None or (begin is not None and step >= begin)), None)
    return st.select_slider(
        label,
        steps,
        format_func=lambda value: _("any") if value is None else write(value),
        key=_seed(f"decision-{name}", near if begin is not None else None),
    )
