"""The live summary beside the form, and the review at the end: one line per step in words."""

import html
from collections.abc import Mapping
from dataclasses import dataclass
from typing import assert_never

import streamlit as st

from core.compare.formatting import count, listing, percent, plural, setting
from core.domain.plan import CustomCheckpoint, PretrainedModel
from core.launch.rules.facts import Facts
from core.launch.rules.hyperparameters import differences, read_text
from core.launch.rules.problems import Problem, Step
from core.wizard.draft import WizardDraft
from core.wizard.steps import STEPS, errors

_UNKNOWN = "not chosen yet"
_SHOWN_CHANGES = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class SummaryLine:
    """What was chosen in a step.

    Attributes:
        value: In a few words.
        detail: Smaller, below; may be empty.
        is_set: Something was chosen.
    """

    step: Step
    label: str
    value: str
    detail: str = ""
    is_set: bool = True


def summary_lines(draft: WizardDraft, facts: Facts) -> tuple[SummaryLine, ...]:
    """Return the summary of a draft, one line per step in their order."""
    texts: dict[Step, tuple[str, str]] = {
        "project": _project(draft, facts),
        "model": _model(draft, facts),
        "classes": _classes(draft, facts),
        "split": _split(draft, facts),
        "hyperparameters": _hyperparameters(draft, facts),
        "benchmark": _benchmark(draft),
        "export": _export(draft),
        "launch": _launch(draft, facts),
    }
    return tuple(
        SummaryLine(
            step=step.id,
            label=step.title,
            value=texts[step.id][0] or _UNKNOWN,
            detail=texts[step.id][1],
            is_set=bool(texts[step.id][0]),
        )
        for step in STEPS
    )


def default_name(draft: WizardDraft, facts: Facts) -> str:
    """Return the name that the training app gives an experiment without one."""
    project = facts.project.project.name if facts.project else "project name"
    match draft.model:
        case PretrainedModel(name=name):
            model = name
        case CustomCheckpoint() if facts.model is not None:
            model = facts.model.name
        case _:
            model = "model name"
    return f"<task id> {project} {model}"


def draw_summary(lines: tuple[SummaryLine, ...], problems: Mapping[Step, tuple[Problem, ...]]) -> None:
    """Draw the summary card."""
    rows = "".join(_row(line, problems[line.step]) for line in lines)
    with st.container(border=True, key="summary"):
        st.markdown("##### Summary")
        st.html(f'<dl class="td-summary">{rows}</dl>')


def _row(line: SummaryLine, problems: tuple[Problem, ...]) -> str:
    mark = ""
    if line.is_set and errors(problems):
        mark = '<span class="td-mark td-error">needs attention</span>'
    elif line.is_set and problems:
        mark = f'<span class="td-mark td-warning">{plural(len(problems), "warning")}</span>'
    detail = f'<span class="td-detail">{html.escape(line.detail)}</span>' if line.detail else ""
    state = "" if line.is_set else ' class="td-unset"'
    return f"<dt>{html.escape(line.label)}</dt><dd{state}>{html.escape(line.value)}{mark}{detail}</dd>"


def _project(draft: WizardDraft, facts: Facts) -> tuple[str, str]:
    if facts.project is None:
        return ("" if draft.project_id is None else f"project {draft.project_id}"), ""
    project = facts.project.project
    cache = "kept on the agent" if draft.cache_project else "not kept on the agent"
    return project.name, f"{plural(project.items_count, 'image')}, {cache}"


def _model(draft: WizardDraft, facts: Facts) -> tuple[str, str]:
    match draft.model:
        case None:
            return "", ""
        case PretrainedModel(framework=framework, name=name):
            title, kind = name, framework
        case CustomCheckpoint(path=path):
            title = facts.model.name if facts.model else path
            kind = f"{facts.model.framework}, {facts.model.checkpoint}" if facts.model else "checkpoint"
        case _:
            assert_never(draft.model)
    if facts.model is None:
        return title, kind
    start = ", from random initialisation" if facts.model.starts_random else ""
    return title, f"{kind}, {facts.model.task_type}{start}"


def _classes(draft: WizardDraft, facts: Facts) -> tuple[str, str]:
    if facts.project is None:
        return "", ""
    every = facts.project.class_names
    chosen = every if draft.classes is None else tuple(name for name in every if name in draft.classes)
    value = f"all {count(len(every))}" if chosen == every else f"{count(len(chosen))} of {count(len(every))}"
    return value, listing(chosen)


def _split(draft: WizardDraft, facts: Facts) -> tuple[str, str]:
    if facts.project is None:
        return "", ""
    ways = {
        "random": f"random, {draft.split.random.percent} % {draft.split.random.split}, "
        f"{'drawn anew' if draft.split.random.seed is None else 'frozen at the start'}",
        "datasets": "by datasets",
        "tags": "by tags",
        "collections": "by collections",
    }
    if facts.split is None:
        return ways[draft.split.method], ""
    shares = f"{count(facts.split.train)} train, {count(facts.split.val)} val"
    return ways[draft.split.method], f"{shares} ({percent(facts.split.train_share)} train)"


def _hyperparameters(draft: WizardDraft, facts: Facts) -> tuple[str, str]:
    if draft.hyperparameters is None:
        return ("framework defaults" if facts.model else ""), ""
    found = read_text(draft.hyperparameters)
    if found.errors:
        return "edited", "cannot be read"
    defaults = read_text(facts.model.default_hyperparameters).values if facts.model else {}
    changes = differences(found.values, defaults)
    if not changes:
        return "framework defaults", ""
    shown = [f"{item.key} {'removed' if item.is_removed else setting(item.value)}" for item in changes]
    return f"{plural(len(changes), 'change')} from the defaults", listing(shown, limit=_SHOWN_CHANGES)


def _benchmark(draft: WizardDraft) -> tuple[str, str]:
    if not draft.enable_benchmark:
        return "off", ""
    return ("evaluation and speed test" if draft.enable_speedtest else "evaluation"), ""


def _export(draft: WizardDraft) -> tuple[str, str]:
    names = [name for name, on in (("ONNX", draft.export_onnx), ("TensorRT", draft.export_tensorrt)) if on]
    return (listing(names) or "PyTorch checkpoint only"), ""


def _launch(draft: WizardDraft, facts: Facts) -> tuple[str, str]:
    agent = next((item.name for item in facts.agents if item.id == draft.agent_id), None)
    where = "automatic agent" if draft.agent_id is None else f"agent {agent or draft.agent_id}"
    return where, "starts at once" if draft.autostart else "waits for “Start training”"
