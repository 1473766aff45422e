"""Starts the experiments of series, each exactly once, and stops those of cancelled ones.

What is known is on disk at every moment: the mark before a start is sent, the task after it. So the process may die
anywhere: the next one looks for the task of an open mark before it sends anything, and goes on with the rest.
"""

import contextlib
import logging
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial

from msgspec import structs

from traindash.domain.ecosystem import Agent
from traindash.domain.ids import AgentId, SeriesId, TaskId
from traindash.domain.plan import ModelChoice, PretrainedModel, TrainingPlan
from traindash.errors import AppError, StateError, StorageError
from traindash.language import gettext as _
from traindash.periodic_worker import PeriodicWorker
from traindash.plans.facts import gather
from traindash.plans.series import TextOf
from traindash.plans.splits import with_fixed_split
from traindash.supervisely.client import SuperviselyClient
from traindash.supervisely.errors import (
    ApiError,
    ConnectionFailedError,
    MissingError,
    RateLimitedError,
    RequestTimeoutError,
    ServerFailedError,
    UnauthorizedError,
)
from traindash.tasks.launcher import (
    LOOKS,
    StartMark,
    choose_agent,
    find_started,
    gather_startable,
    launch,
    request_for,
    send,
)
from traindash.tasks.series_record import (
    Member,
    Refusal,
    Series,
    SeriesStore,
    waits_for_start,
    waits_for_stop,
    with_member,
)


class PlanChangedError(StateError):
    """The plan was changed right before its start was sent; nothing was sent."""


_LOOK_BACK = 500  # so many of the newest tasks are looked through for one that an earlier process may have started
_RETRY_SECONDS = 10.0
_PATIENCE_SECONDS = 20.0
# nothing is wrong with the plan: the same is tried again later
_PASSING = (
    ConnectionFailedError,
    RequestTimeoutError,
    ServerFailedError,
    RateLimitedError,
    UnauthorizedError,
    StorageError,
    PlanChangedError,
)
_log = logging.getLogger("traindash.series")


@dataclass(frozen=True, slots=True, kw_only=True)
class Access:
    """How to reach a server."""

    client: SuperviselyClient
    # seconds before each further look for a task that an earlier process may have started there
    looks: Sequence[float] = LOOKS


class SeriesStarter:
    """Works on all series of all servers that can be reached.

    ``access`` says in each round how to reach a server, ``None`` while nobody has given its token; ``started`` is told
    of each task that was started, as server and task, and may be told of one again.
    """

    def __init__(
        self,
        store: SeriesStore,
        access: Callable[[str], Access | None],
        *,
        sleep: Callable[[float], None] = time.sleep,
        started: Callable[[str, TaskId], object] = lambda _server, _task: None,
    ) -> None:
        self._store = store
        self._access = access
        self._sleep = sleep
        self._started = started
        self._worker = PeriodicWorker("series", self._round, retry=_RETRY_SECONDS)
        self._trouble: dict[SeriesId, AppError] = {}

    def start(self) -> None:
        """Begin to work, with what an earlier process left."""
        self._worker.start()

    def wake(self) -> None:
        """Look for work now."""
        self._worker.wake()

    def close(self) -> None:
        """End after the start that is under way. Closing twice does nothing."""
        self._worker.close(_PATIENCE_SECONDS)

    def trouble(self, series_id: SeriesId) -> AppError | None:
        """Return what holds a series up for the moment; it is tried again by itself."""
        return self._trouble.get(series_id)

    def round(self) -> bool:
        """Work on every series once; return whether something has to be tried again."""
        again = False
        for series in self._store.with_work():
            access = self._access(series.server)
            if access is None:
                again = True
                continue
            try:
                self._advance(access, series)
            except AppError as error:  # its own trouble, which must not keep the other series
                _log.info("Series %s is held up: %s", series.id, error)
                self._trouble[series.id] = error
                again = True
            else:
                self._trouble.pop(series.id, None)
        return again

    def _round(self) -> float | None:
        try:
            again = self.round()
        except AppError as error:
            _log.info("Series are held up: %s", error)
            again = True
        return _RETRY_SECONDS if again else None

    def _advance(self, access: Access, series: Series) -> None:
        # By key, from the store each time: a person may change, remove or cancel while this loop runs.
        for key in [member.key for member in series.members]:
            if self._worker.is_closing:
                return
            current = self._store.load(series.id)  # it may have been cancelled meanwhile
            member = current.member(key)
            if current.is_cancelled and waits_for_stop(member):
                self._stop(access, current, member)
            elif not current.is_cancelled and waits_for_start(member):
                self._start(access, current, member)

    def _start(self, access: Access, series: Series, member: Member) -> None:
        # An open mark first: the start may have arrived though nobody was told.
        if self._adopt(access, series, member) is not None:
            return
        try:
            task_id, agent_id = self._send(access.client, series, member)
        # The others say something about the plan: it is written down and not tried again.
        except _PASSING:
            raise
        except AppError as error:
            refusal = Refusal(message=error.message, hint=error.hint)
            self._store.change(series.id, member.key, lambda known: replace(known, refusal=refusal))
        else:
            self._started(series.server, task_id)
            self._store.change(series.id, member.key, lambda known: replace(known, task_id=task_id, agent_id=agent_id))

    def _send(self, client: SuperviselyClient, series: Series, member: Member) -> tuple[TaskId, AgentId | None]:
        facts, _warnings = gather_startable(client, member.plan)
        request = request_for(member.plan, facts)
        if member.plan.agent_id is None:
            request = structs.replace(request, agent_id=spread(facts.facts.agents, series))

        def note(mark: StartMark) -> None:
            self._store.change(series.id, member.key, lambda known: _marked(known, member.plan, mark))

        return send(client, request, sleep=self._sleep, note=note), request.agent_id

    def _adopt(self, access: Access, series: Series, member: Member) -> TaskId | None:
        """Look for the task of a start whose outcome was never written down."""
        mark = member.mark
        if mark is None:
            return None
        found = find_started(access.client, mark, _LOOK_BACK)
        for pause in access.looks:
            if found is not None:
                break
            self._sleep(pause)
            found = find_started(access.client, mark, _LOOK_BACK)
        if found is not None:
            self._started(series.server, found)
            self._store.change(series.id, member.key, lambda known: replace(known, task_id=found))
        return found

    def _stop(self, access: Access, series: Series, member: Member) -> None:
        task_id = member.task_id if member.task_id is not None else self._adopt(access, series, member)
        if task_id is not None:
            try:
                if not access.client.tasks.get(task_id).status.is_terminal:
                    access.client.tasks.stop(task_id)
            except _PASSING:
                raise
            except MissingError:
                pass  # a task that is gone needs no stop
            except ApiError as error:
                _log.info("Task %s of series %s cannot be stopped: %s", task_id, series.id, error)
        self._store.change(series.id, member.key, lambda known: replace(known, is_stopped=True))


def _marked(known: Member, sent: TrainingPlan, mark: StartMark) -> Member:
    # Compared in the same step in which the mark is written, so no change can slip in between.
    if known.plan != sent:
        raise PlanChangedError(
            _("The settings of “{name}” were changed.").format(name=known.name), _("They are sent next.")
        )
    return replace(known, mark=mark)


def spread(agents: tuple[Agent, ...], series: Series) -> AgentId | None:
    """Return the agent that the next experiment of a series goes to.

    ``None`` where the server keeps queues: whichever agent is free first takes it. Otherwise the agent with the fewest
    experiments of this series that were sent already, of these the one with most free memory.
    """
    if any(agent.queue_paused is not None for agent in agents):
        return None
    # Without queues on the server an agent that is given everything does one after the other.
    sent = Counter(member.agent_id for member in series.members if member.task_id is not None)
    least = min((sent[agent.id] for agent in agents), default=0)
    return choose_agent(tuple(agent for agent in agents if sent[agent.id] == least))


# From a series that is planned to one that starts: splits are drawn, the record is written.


def place(client: SuperviselyClient, store: SeriesStore, series: Series) -> Series:
    """Draw the splits and keep a new series; its starter does the rest. Until this returns, nothing was started.

    Raises:
        InputError: A split cannot be frozen.
        NotFoundError: The project does not exist.
        StorageError: The record cannot be written.
        ApiError: The server refuses, or could not be asked.
    """
    known = store.find(series.id)
    return store.add(series.id, _settled(client, series)) if known is None else known


def texts(client: SuperviselyClient, base: TrainingPlan) -> TextOf:
    """Return how to find the hyperparameters of a model without a draft: the plan's, or the framework's defaults."""

    def framework_of(model: ModelChoice) -> str:
        if isinstance(model, PretrainedModel):
            return model.framework
        facts = gather(client, replace(base, model=model)).facts
        return facts.model.framework if facts.model else ""

    own = framework_of(base.model)

    def text_of(model: ModelChoice) -> str:
        framework = framework_of(model)
        if base.hyperparameters is not None and framework == own:
            return base.hyperparameters
        return client.ecosystem.default_hyperparameters(framework) or ""

    return text_of


def start_now(client: SuperviselyClient, store: SeriesStore, series: Series) -> Iterator[TaskId]:
    """Draw the splits and start the experiments one after the other; gives each task as soon as there is one.

    For programs that end when everything is started. The record grows with each start and never has one that waits, so
    that no dashboard starts it as well. Errors as :func:`place`, and those of a start.
    """
    for waiting in _settled(client, series).members:
        task_id = launch(client, waiting.plan)
        member = replace(waiting, task_id=task_id)
        with contextlib.suppress(StorageError):  # the trainings count; without a record they only lack a page
            if store.find(series.id) is None:
                store.add(series.id, replace(series, members=(member,)))
            else:
                store.update(series.id, partial(with_member, member=member))
        yield task_id


def _settled(client: SuperviselyClient, series: Series) -> Series:
    """Return the series on splits that are fixed; experiments that share a split share its collections."""
    # One request per split, not per experiment: freezing lists every image.
    plans = {member.plan.train_val_split: member.plan for member in series.members}
    splits = {split: with_fixed_split(client, plan).train_val_split for split, plan in plans.items()}
    members = [
        replace(member, plan=replace(member.plan, train_val_split=splits[member.plan.train_val_split]))
        for member in series.members
    ]
    return replace(series, members=tuple(members))
