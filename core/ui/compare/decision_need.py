"""The need that a person chose, in the address: it survives a refresh, can be sent on and is what is presented."""

from collections.abc import Mapping

import streamlit as st

from core.compare.decision import Requirements
from core.errors import InputError
from core.evaluation import BestF1, Goal, MissCosts, PrecisionAtLeast, RecallAtLeast

GOAL, LATENCY, SIZE = "goal", "latency", "size"
_NOW = "need-now"


class PresentRequirements:
    """The need that the page has now; what is made later from the page, a report for example, reads it then.

    Attributes:
        requirements: Changes with each choice.
    """

    def __init__(self) -> None:
        self.requirements = Requirements()


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
    query = {}
    match requirements.goal:
        case BestF1():
            pass
        case RecallAtLeast(recall=value):
            query[GOAL] = f"recall-{value:g}"
        case PrecisionAtLeast(precision=value):
            query[GOAL] = f"precision-{value:g}"
        case MissCosts(false_alarms=value):
            query[GOAL] = f"miss-{value:g}"
    if requirements.latency is not None:
        query[LATENCY] = f"{requirements.latency:g}"
    if requirements.size is not None:
        query[SIZE] = f"{requirements.size:g}"
    return query


def _goal(text: str) -> Goal:
    if not text:
        return BestF1()
    kind, _, number = text.partition("-")
    value = _positive(number)
    if kind == "miss" and value is not None:
        return MissCosts(false_alarms=value)
    if kind == "recall" and value is not None and value <= 1:
        return RecallAtLeast(recall=value)
    if kind == "precision" and value is not None and value <= 1:
        return PrecisionAtLeast(precision=value)
    msg = f"“{text}” is no goal."
    raise InputError(msg, "Choose the goal on the compare page, under “Which one to take”.")


def _number(query: Mapping[str, str], name: str) -> float | None:
    text = query.get(name)
    if not text:
        return None
    value = _positive(text)
    if value is None:
        msg = f"“{text}” is no limit for {name}."
        raise InputError(msg, "Choose the limit on the compare page, under “Which one to take”.")
    return value


def _positive(text: str) -> float | None:
    """Return a finite number above 0, ``None`` for anything else."""
    try:
        value = float(text)
    except ValueError:
        return None
    return value if 0 < value < float("inf") else None
