"""A plan file with a section ``series``: what varies in the plan."""

from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from core.domain.ids import AgentId
from core.errors import InputError
from core.launch.plan_file import SERIES, model_of, plan_of
from core.launch.rules.hyperparameter_values import value_text
from core.launch.rules.value_lists import Scalar
from core.launch.series.plan import SeriesChoices, SeriesPlan, SplitVariation, Vary

_EXAMPLE = "For example series: {hyperparameters: {lr0: [0.001, 0.01]}, seeds: 3}."
_MOST_TIMES = 100


class _Series(BaseModel):
    """The keys of the section; all may be left out."""

    model_config = ConfigDict(extra="forbid", defer_build=True)

    name: str = ""
    models: list[str] = []
    hyperparameters: dict[str, list[Scalar]] = {}
    combine: Literal["grid", "list"] = "grid"
    split: Literal["shared", "several", "own"] = "shared"
    percents: list[Annotated[int, Field(ge=1, le=99)]] = []
    draws: Annotated[int, Field(ge=1, le=_MOST_TIMES)] = 1
    seeds: Annotated[int, Field(ge=1, le=_MOST_TIMES)] = 1
    agents: list[Annotated[int, Field(gt=0)]] = []


def read_series(content: Mapping[str, Any], lines: Mapping[str, int]) -> SeriesPlan:
    """Read a plan file that has a section ``series``.

    Beside the keys of a plan, ``series`` holds any of ``name``, ``models``, ``hyperparameters`` (key → list of values),
    ``combine`` (grid or list), ``split`` (shared, several or own) with ``percents`` and ``draws``, ``seeds`` (how often
    each experiment is done) and ``agents``.

    Args:
        content: Key → value, with the key :data:`core.launch.plan_file.SERIES`.
        lines: Key → its line in the file, for messages.

    Raises:
        InputError: A value cannot be used; the message names the key.
    """
    section = _section(content[SERIES])
    base = plan_of({key: value for key, value in content.items() if key != SERIES}, lines)
    return SeriesPlan(
        base=base,
        choices=SeriesChoices(
            name=section.name,
            models=tuple(model_of(name) for name in section.models),
            vary=tuple(Vary(key=key, text=_text(values)) for key, values in section.hyperparameters.items()),
            combine=section.combine,
            split=SplitVariation(mode=section.split, percents=tuple(section.percents), draws=section.draws),
            repeats=section.seeds,
            agents=tuple(AgentId(agent) for agent in section.agents),
        ),
    )


def _section(value: Any) -> _Series:  # noqa: ANN401 - whatever the file says
    try:
        return _Series.model_validate(value, strict=True)
    except ValidationError as error:
        problem = error.errors(include_url=False)[0]
        where = ".".join(str(part) for part in (SERIES, *problem["loc"][:2]))
        if problem["type"] == "extra_forbidden":
            msg = f"{where} is not a key of a series."
            raise InputError(msg, f"Known keys: {', '.join(_Series.model_fields)}.") from error
        msg = f"{where}: {problem['msg'].lower()}."
        raise InputError(msg, _EXAMPLE) from error


def _text(values: list[Scalar]) -> str:
    return value_text(values)[1:-1]
