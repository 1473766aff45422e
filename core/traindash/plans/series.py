"""A series: one plan, what varies in it, and the experiments that this makes. Pure."""

import hashlib
import itertools
import json
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import PurePosixPath
from typing import Annotated, Any, Literal, TypeAlias, TypeVar

import msgspec
from msgspec import Meta, Struct, structs

from traindash import formatting
from traindash.domain.ids import AgentId, SeriesId, TaskId
from traindash.domain.plan import (
    CustomCheckpoint,
    ModelChoice,
    PretrainedModel,
    RandomSplit,
    TrainingPlan,
    TrainValSplit,
)
from traindash.errors import InputError, issue_of
from traindash.frameworks.hyperparameter_text import leaves, path_parts, value_text, with_values
from traindash.language import N_
from traindash.language import gettext as _
from traindash.plans.hyperparameters import read_text
from traindash.plans.plan_file import SERIES, model_of, model_text, plan_of
from traindash.plans.varied_values import Value, parse_values, roles_for, values_for

NOT_SET = N_("not set")  # stands for the value of a hyperparameter that a changed plan does not have
MOST_EXPERIMENTS = 100  # more of them are a typing mistake more often than a wish
LONGEST_NAME = 80
_KEY_LETTERS = 10
_LONGEST_PART = 60
_FALLBACK_NAME = "Experiment"

TextOf: TypeAlias = Callable[[ModelChoice], str]  # model → the hyperparameters it trains with when nothing varies


@dataclass(frozen=True, slots=True, kw_only=True)
class SeriesPlace:
    """An experiment of a series, as the key of the series and its own."""

    series_id: SeriesId
    key: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Replaced:
    """What gives way to a training that is started."""

    title: str  # its name
    # its task, which is over or waits; `None` for an experiment of a series that has none
    task_id: TaskId | None = None
    place: SeriesPlace | None = None  # where it stands in a series; `None` for a task by itself


@dataclass(frozen=True, slots=True, kw_only=True)
class Vary:
    """A hyperparameter and the values it takes."""

    key: str = ""  # its path; empty while none is chosen
    text: str = ""  # values as people write them, see :func:`parse_values`


@dataclass(frozen=True, slots=True, kw_only=True)
class SplitVariation:
    """How the experiments of a series come to their images, for a plan with a random split."""

    # `shared`: one split is dealt and kept, and all use it. `several`: each experiment is done on each of several kept
    # splits. `own`: each run deals its images anew
    mode: Literal["shared", "several", "own"] = "shared"
    percents: tuple[int, ...] = ()  # shares of `several`; the plan's own when empty
    draws: int = 1  # how often each share is dealt


@dataclass(frozen=True, slots=True, kw_only=True)
class ExperimentChange:
    """What a person changed in one experiment; ``None`` leaves a thing as the series makes it."""

    name: str | None = None
    hyperparameters: str | None = None
    agent_id: AgentId | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class SeriesChoices:
    """What varies."""

    name: str = ""  # of the series, and begin of the names of its experiments
    models: tuple[ModelChoice, ...] = ()  # the plan's own when empty
    vary: tuple[Vary, ...] = ()  # hyperparameters; those without key or values do not count
    # `grid`: every combination. `list`: the first values together, the second ones together, and so on
    combine: Literal["grid", "list"] = "grid"
    split: SplitVariation = field(default_factory=SplitVariation)  # where the images come from
    repeats: int = 1  # how often each experiment is done, with another seed each time
    # experiments are dealt to these in turn; empty: each goes to the agent that is free first
    agents: tuple[AgentId, ...] = ()
    # Key of an experiment → what was changed in it
    changes: Mapping[str, ExperimentChange] = field(default_factory=dict)
    removed: tuple[str, ...] = ()  # keys of the experiments that shall not be done
    opens_comparison: bool = True  # the comparison opens when the last experiment is over


@dataclass(frozen=True, slots=True, kw_only=True)
class SeriesPlan:
    """A plan and what varies in it."""

    base: TrainingPlan
    choices: SeriesChoices


@dataclass(frozen=True, slots=True, kw_only=True)
class Experiment:
    """One experiment of a series."""

    key: str  # the same for the same variation, whatever else changes
    plan: TrainingPlan  # complete, with its name
    varied: tuple[tuple[str, str], ...] = ()  # what sets it apart, as (thing, value) in words


@dataclass(frozen=True, slots=True, kw_only=True)
class _Variant:
    """One combination before it becomes an experiment."""

    model: ModelChoice
    values: tuple[tuple[str, Value], ...]
    split: TrainValSplit
    turn: int


def experiments(series: SeriesPlan, text_of: TextOf) -> tuple[Experiment, ...]:
    """Return the experiments of a series, removed ones left out: models first, then values, splits, seeds.

    Raises:
        InputError: The choices contradict each other, or make too many experiments.
    """
    return tuple(item for item in all_experiments(series, text_of) if item.key not in series.choices.removed)


def all_experiments(series: SeriesPlan, text_of: TextOf) -> tuple[Experiment, ...]:
    """Return the experiments of a series with those that were removed. Errors as :func:`experiments`."""
    base, choices = series.base, series.choices
    models = tuple(dict.fromkeys(choices.models)) or (base.model,)
    splits = _splits(base, choices.split)
    texts = {model: text_of(model) for model in models}
    combinations = _combinations(choices, {roles_for(model, text).key("seed") for model, text in texts.items()})
    count = len(models) * len(combinations) * len(splits) * choices.repeats
    if count > MOST_EXPERIMENTS:
        msg = _("These choices make {count} experiments.").format(count=formatting.count(count))
        hint = _("A series has at most {count}: leave out values, models or seeds.").format(count=MOST_EXPERIMENTS)
        raise InputError(msg, hint)
    made: list[Experiment] = []
    for model, values, split, turn in itertools.product(models, combinations, splits, range(choices.repeats)):
        # The order is that of the table on the page: models change slowest.
        variant = _Variant(model=model, values=values, split=split, turn=turn)
        made.append(_experiment(series, variant, texts, shows=(len(models) > 1, len(splits) > 1)))
    return _with_agents(_with_names(made, series), choices)


def varied_in(varied: Sequence[tuple[str, str]], plan: TrainingPlan) -> tuple[tuple[str, str], ...]:
    """Return what sets an experiment apart after its plan was changed: the same things with the values of today."""
    values = read_text(plan.hyperparameters or "").values

    def now(thing: str, before: str) -> str:
        match thing:
            case "model":
                return model_label(plan.model)
            # A changed plan keeps its label: the share of a frozen split is not in its collections.
            case "split" | "repetition":
                return before
            case _:
                value = values.get(thing)
                return _shown(value) if isinstance(value, str | int | float | list) else NOT_SET

    return tuple((thing, now(thing, before)) for thing, before in varied)


def model_label(model: ModelChoice) -> str:
    """Return a short name of a model: its own, or folder and file of a checkpoint."""
    match model:
        case PretrainedModel(name=name):
            return name
        case CustomCheckpoint(path=path):
            file = PurePosixPath(path)
            return f"{file.parent.parent.name} {file.stem}".strip()


def _combinations(choices: SeriesChoices, seeds: Collection[str | None]) -> tuple[tuple[tuple[str, Value], ...], ...]:
    """Return what the hyperparameters that vary are set to, one after the other; ``seeds`` are keys of seeds."""
    used = [(item.key, parse_values(item.text)) for item in choices.vary if item.key and item.text.strip()]
    keys = [key for key, _values in used]
    for key in keys:
        if keys.count(key) > 1:
            msg = _("The hyperparameter “{key}” varies twice.").format(key=key)
            raise InputError(msg, _("Write all its values into one line."))
    # Repetitions write the seed themselves.
    if choices.repeats > 1 and any(key in seeds for key in keys):
        msg = _("The seed varies twice: by its values and by the repetitions.")
        raise InputError(msg, _("Remove the values, or do each experiment once."))
    if choices.combine == "list" and len({len(values) for _name, values in used}) > 1:
        has = _("{key} has {count}")
        counts = ", ".join(has.format(key=key, count=len(values)) for key, values in used)
        msg = _("Values that go together must be equally many: {counts}.").format(counts=counts)
        raise InputError(msg, _("Add or remove values, or use every combination."))
    columns = [[(key, value) for value in values] for key, values in used]
    if choices.combine == "list" and columns:
        return tuple(zip(*columns, strict=True))
    return tuple(itertools.product(*columns))


def _splits(base: TrainingPlan, wanted: SplitVariation) -> tuple[TrainValSplit, ...]:
    """Return the splits to do each experiment on; those with a seed are drawn once, whoever shares them."""
    split = base.train_val_split
    if not isinstance(split, RandomSplit):
        return (split,)
    # Without a seed nothing is frozen: the app draws, another split for every training.
    if wanted.mode == "own":
        return (structs.replace(split, seed=None),)
    first = split.seed or 0
    if wanted.mode == "shared":
        return (structs.replace(split, seed=first),)
    shares = tuple(dict.fromkeys(wanted.percents)) or (split.percent,)
    seeds = range(first, first + max(wanted.draws, 1))
    return tuple(structs.replace(split, percent=share, seed=seed) for share, seed in itertools.product(shares, seeds))


def _experiment(
    series: SeriesPlan, variant: _Variant, texts: Mapping[ModelChoice, str], *, shows: tuple[bool, bool]
) -> Experiment:
    base, choices, text = series.base, series.choices, texts[variant.model]
    values = values_for(variant.model, variant.values, texts)
    roles, repetition = roles_for(variant.model, text), []
    if choices.repeats > 1 and (key := roles.key("seed")) is not None:
        # From the seed of the plan on: the first repetition is the plan itself.
        seed = read_text(text).values.get(key)
        values[key] = (seed if isinstance(seed, int) and not isinstance(seed, bool) else 0) + variant.turn
    elif choices.repeats > 1:
        repetition = [("repetition", f"{variant.turn + 1}")]
    if values:
        hyperparameters: str | None = _with_values(text, values)
    else:
        # None where the defaults train: the task then says so, instead of a text that happens to be equal.
        hyperparameters = base.hyperparameters if base.hyperparameters == text else None
    key = _key(variant)
    change = choices.changes.get(key, ExperimentChange())
    by_model, by_split = shows
    varied = [("model", model_label(variant.model))] if by_model else []
    varied += [*((name, _shown(value)) for name, value in values.items()), *repetition]
    if by_split and isinstance(variant.split, RandomSplit):
        varied.append(("split", _split_label(variant.split, choices.split)))
    plan = replace(
        base,
        model=variant.model,
        train_val_split=variant.split,
        hyperparameters=hyperparameters if change.hyperparameters is None else change.hyperparameters,
        autostart=True,
    )
    return Experiment(key=key, plan=plan, varied=tuple(varied))


def _with_values(text: str, values: Mapping[str, Value]) -> str:
    errors = read_text(text).errors if text.strip() else ()
    if errors:
        raise InputError(errors[0].message, errors[0].hint)
    return with_values(text, values).lstrip()


def _key(variant: _Variant) -> str:
    split = variant.split
    # Neither name nor hyperparameters of the plan: a person's changes stay with the variation they were made to.
    shape = [model_text(variant.model), variant.values, variant.turn]
    if isinstance(split, RandomSplit) and split.seed is not None:
        shape += [split.percent, split.split, split.seed]
    return hashlib.sha256(json.dumps(shape).encode()).hexdigest()[:_KEY_LETTERS]


def _shown(value: object) -> str:
    return f"{value:g}" if isinstance(value, float) else value_text(value)


def _split_label(split: RandomSplit, wanted: SplitVariation) -> str:
    share = f"{split.percent} %"
    return share if split.seed is None or wanted.draws <= 1 else f"{share} no {split.seed + 1}"


def _with_names(made: Sequence[Experiment], series: SeriesPlan) -> list[Experiment]:
    prefix = series.choices.name.strip() or (series.base.experiment_name or "").strip()
    taken: set[str] = set()
    named: list[Experiment] = []
    for item in made:
        own = series.choices.changes.get(item.key, ExperimentChange()).name
        name = _free_name(own if own is not None and own.strip() else _made_name(prefix, item.varied), taken)
        taken.add(name.casefold())
        named.append(replace(item, plan=replace(item.plan, experiment_name=name)))
    return named


def _made_name(prefix: str, varied: Sequence[tuple[str, str]]) -> str:
    """Join the series' name with what sets the experiment apart; the latter is never cut off by the former."""
    # Of a path its end is enough: there is one such key among those that vary, or the table beside says which
    words = [value if thing in {"model", "split"} else f"{path_parts(thing)[-1]} {value}" for thing, value in varied]
    while len(words) > 1 and len(", ".join(words)) > _LONGEST_PART:  # whole parts are left out, the last ones first
        words.pop()
    own = ", ".join(words)[:_LONGEST_PART].rstrip()
    room = LONGEST_NAME - len(own) - 1
    return f"{prefix[:room].rstrip()} {own}".strip()


def _free_name(wanted: str, taken: set[str]) -> str:
    """Return a name that nobody has, is one line, becomes no path, and is not too long."""
    clean = " ".join("".join(" " if not c.isprintable() else "-" if c in "/\\" else c for c in wanted).split())
    clean = clean[:LONGEST_NAME].rstrip() or _FALLBACK_NAME
    name, number = clean, 1
    # Names become folders, and some file systems do not tell case apart.
    while name.casefold() in taken:
        number += 1
        suffix = f" ({number})"
        name = clean[: LONGEST_NAME - len(suffix)].rstrip() + suffix
    return name


def _with_agents(made: Sequence[Experiment], choices: SeriesChoices) -> tuple[Experiment, ...]:
    """Deal the kept experiments to the chosen agents in turn, except where a person chose another one."""
    turns = itertools.cycle(choices.agents or (None,))
    done: list[Experiment] = []
    for item in made:
        own = choices.changes.get(item.key, ExperimentChange()).agent_id
        # A removed experiment takes no turn, so that the others are spread evenly.
        dealt = None if item.key in choices.removed else next(turns)
        done.append(replace(item, plan=replace(item.plan, agent_id=own if own is not None else dealt)))
    return tuple(done)


# A plan file with a section ``series``: what varies in the plan.

_MOST_TIMES = 100
_ReadT = TypeVar("_ReadT")


class _Section(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The keys of the section; all may be left out. They are fewer than :class:`SeriesChoices` and easier to write."""

    name: str = ""
    models: tuple[str, ...] = ()
    hyperparameters: dict[str, Any] = {}
    combine: Literal["grid", "list"] = "grid"
    split: Literal["shared", "several", "own"] = "shared"
    percents: tuple[Annotated[int, Meta(ge=1, le=99)], ...] = ()
    draws: Annotated[int, Meta(ge=1, le=_MOST_TIMES)] = 1
    seeds: Annotated[int, Meta(ge=1, le=_MOST_TIMES)] = 1
    agents: tuple[Annotated[AgentId, Meta(gt=0)], ...] = ()


def read_series(content: Mapping[str, Any], lines: Mapping[str, int]) -> SeriesPlan:
    """Read a plan file that has a section ``series``.

    Beside the keys of a plan, ``series`` holds any of ``name``, ``models``, ``hyperparameters`` (key → list of values;
    a key in a group is named by its path, ``optimizer.lr``, or stands in its group), ``combine`` (grid or list),
    ``split`` (shared, several or own) with ``percents`` and ``draws``, ``seeds`` (how often each experiment is done)
    and ``agents``.

    The content has the key :data:`traindash.plans.plan_file.SERIES`; ``lines`` are those of the keys, for messages.

    Raises:
        InputError: A value cannot be used; the message names the key.
    """
    section = _read(_Section, content[SERIES], SERIES)
    _refuse_empty(content[SERIES])
    base = plan_of({key: value for key, value in content.items() if key != SERIES}, lines)
    return SeriesPlan(
        base=base,
        choices=SeriesChoices(
            name=section.name,
            models=tuple(model_of(name) for name in section.models),
            # One by one: msgspec does not tell in which key of a mapping a value is wrong.
            vary=tuple(
                Vary(key=key, text=value_text(_read(list[Value], values, f"{SERIES}.hyperparameters.{key}"))[1:-1])
                for key, values in _paths(section.hyperparameters).items()
            ),
            combine=section.combine,
            split=SplitVariation(mode=section.split, percents=section.percents, draws=section.draws),
            repeats=section.seeds,
            agents=section.agents,
        ),
    )


def _refuse_empty(section: Mapping[str, Any]) -> None:
    """Refuse lists without a value: they would vary nothing, which nobody writes a list for."""
    values = section.get("hyperparameters")
    named = {f"hyperparameters.{key}": value for key, value in _paths(values or {}).items()}
    for key, value in {**section, **named}.items():
        if value == []:
            msg = _("{key} is an empty list.").format(key=f"{SERIES}.{key}")
            raise InputError(msg, _("Write at least one value, or leave the key out to use the plan's own."))


def _paths(values: Mapping[str, object]) -> dict[str, object]:
    """Return path → value, whether a key is written as a path or stands in its group."""
    inner = {
        f"{key}.{path}": leaf
        for key, group in values.items()
        if isinstance(group, Mapping)
        for path, leaf in leaves(group).items()
    }
    return {key: value for key, value in values.items() if not isinstance(value, Mapping)} | inner


def _read(kind: type[_ReadT], value: object, where: str) -> _ReadT:
    try:
        return msgspec.convert(value, kind)
    except msgspec.ValidationError as error:
        issue = issue_of(error)
        place = ".".join((where, *issue.path))
        if issue.kind == "unknown":
            msg = _("{key} is not a key of a series.").format(key=place)
            hint = _("Known keys: {keys}.").format(keys=", ".join(_Section.__struct_fields__))
            raise InputError(msg, hint) from error
        hint = _("For example {example}.").format(example="series: {hyperparameters: {name: [0.001, 0.01]}, seeds: 3}")
        raise InputError(f"{place}: {issue.reason}.", hint) from error
