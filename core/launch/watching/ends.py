"""Which tasks have ended since somebody looked last."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from core.domain.ids import TaskId
from core.domain.task import Task


@dataclass(slots=True)
class EndWatch:
    """Remembers which tasks were on their way.

    Attributes:
        open: Tasks that were not over at the last look.
        together: Tasks that ended since the first of those that are open began; told as one when the last one ends.
    """

    open: set[TaskId] = field(default_factory=set)
    together: list[Task] = field(default_factory=list)

    def look(self, tasks: Sequence[Task]) -> tuple[Task, ...]:
        """Return the tasks that have ended since the last look, oldest first.

        Args:
            tasks: The newest tasks. What was open and is not among them any more is forgotten.
        """
        ended = tuple(sorted((t for t in tasks if t.id in self.open and t.status.is_terminal), key=lambda t: t.id))
        self.open = {task.id for task in tasks if not task.status.is_terminal}
        self.together.extend(ended)
        return ended

    def all_over(self) -> tuple[Task, ...]:
        """Return all tasks that ended together once none is open any more, and begin anew; before that, none."""
        if self.open or not self.together:
            return ()
        over, self.together = tuple(self.together), []
        return over
