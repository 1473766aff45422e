"""What is behind a bar, a cell or a point of a chart, as a question about objects and predictions.

A chart says with an :class:`ImageQuery` what it counted; :func:`core.compare.image_hits.find` returns the same rows
again, so that the number on a bar and the number of entries behind it are one number.
"""

from dataclasses import dataclass
from enum import StrEnum
from typing import Literal, NamedTuple

import numpy as np


class Outcome(StrEnum):
    """What became of an object or a prediction.

    ``CONFUSED`` and ``ON_NOTHING`` are the two kinds of false alarms: on an object, mostly of another class, or beside
    all objects. A query for ``FALSE_ALARM`` means both.
    """

    FOUND = "found"
    MISSED = "missed"
    FALSE_ALARM = "false alarm"
    CONFUSED = "confused"
    ON_NOTHING = "on nothing"


class FlowChange(StrEnum):
    """What changed for an object or a false alarm from the baseline to another experiment."""

    GAINED = "gained"
    LOST = "lost"
    SWAPPED = "swapped"
    SHIFTED = "shifted"
    NEW_ALARM = "new false alarm"
    VANISHED_ALARM = "vanished false alarm"


class Span(NamedTuple):
    """Numbers from ``low`` to ``high``, both included."""

    low: float
    high: float


def half_open(low: float, high: float) -> Span:
    """Return the span without its upper end, as the bins of most histograms are."""
    return Span(low, float(np.nextafter(high, -np.inf)))


def open_below(low: float, high: float) -> Span:
    """Return the span without its lower end."""
    return Span(float(np.nextafter(low, np.inf)), high)


@dataclass(frozen=True, slots=True, kw_only=True)
class ImageQuery:
    """Entries to look at; what is ``None`` or empty does not restrict them.

    Attributes:
        title: What they are, in words, for the head of the dialog: ``Missed “lemon” in “Model B”``.
        experiment: Key of the experiment; ``None`` for all.
        class_name: The class under which an entry is counted: that of the object, for false alarms that of the
            prediction. With ``predicted`` always that of the object.
        size: ``small``, ``medium`` or ``large`` by COCO's areas: of what the class is taken from.
        predicted: Only predictions of this class that cover an object, right or wrong (a cell of a confusion matrix).
        outcomes: Only these.
        confidence: Threshold of the predictions; ``None`` for the one of each evaluation (F1-optimal by default), 0
            for all predictions.
        score: Confidence of the prediction; leaves out missed objects.
        iou: IoU of a found object and its prediction; leaves out everything else.
        change: Only what changed in this way against the baseline; at the thresholds of the evaluations.
        disagree: Only objects that some of the experiments find and others miss, and false alarms in images where
            their number differs.
    """

    title: str
    experiment: str | None = None
    class_name: str | None = None
    size: Literal["small", "medium", "large"] | None = None
    predicted: str | None = None
    outcomes: tuple[Outcome, ...] = ()
    confidence: float | None = None
    score: Span | None = None
    iou: Span | None = None
    change: FlowChange | None = None
    disagree: bool = False

    @property
    def noun(self) -> tuple[str, str]:
        """What the entries are called, one and many: ``missed object``, ``missed objects``."""
        if self.change is not None:
            is_alarm = self.change in {FlowChange.NEW_ALARM, FlowChange.VANISHED_ALARM}
            return (self.change.value, f"{self.change.value}s") if is_alarm else ("object", "objects")
        if len(self.outcomes) == 1:
            return _NOUNS[self.outcomes[0]]
        if self.outcomes == (Outcome.FOUND, Outcome.MISSED):
            return "object", "objects"
        if self.score is not None or self.predicted is not None or Outcome.MISSED not in (self.outcomes or Outcome):
            return "prediction", "predictions"
        return "object or false alarm", "objects and false alarms"


_NOUNS = {
    Outcome.FOUND: ("found object", "found objects"),
    Outcome.MISSED: ("missed object", "missed objects"),
    Outcome.FALSE_ALARM: ("false alarm", "false alarms"),
    Outcome.CONFUSED: ("false alarm on an object", "false alarms on objects"),
    Outcome.ON_NOTHING: ("false alarm", "false alarms"),
}
