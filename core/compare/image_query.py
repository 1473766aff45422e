"""What is behind a bar, a cell or a point of a chart, as a question about objects and predictions.

A chart says with an :class:`ImageQuery` what it counted; :func:`core.compare.image_hits.find` returns the same rows
again, so that the number on a bar and the number of entries behind it are one number.
"""

from dataclasses import dataclass
from enum import StrEnum
from typing import NamedTuple, TypeAlias

import numpy as np

from core.evaluation.size_slices import SizeName


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
    MOVED_BOX = "shifted"
    NEW_ALARM = "new false alarm"
    VANISHED_ALARM = "vanished false alarm"


class Agreement(StrEnum):
    """How the experiments of a comparison stand to an object or a false alarm, each at its own threshold.

    ``DISPUTED``: objects that some find and others miss, and false alarms in images where their number differs.
    ``ALONE``: what only this experiment finds, misses or wrongly reports. ``TOGETHER``: what all of them do. A false
    alarm is the same where image and class are and the boxes overlap by IoU 0.75 or more.
    """

    DISPUTED = "they disagree"
    ALONE = "only this one"
    TOGETHER = "all of them"


@dataclass(frozen=True, slots=True, kw_only=True)
class CountedAs:
    """Entries that are counted under a class: that of the object, for false alarms that of the prediction."""

    class_name: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Covering:
    """Predictions that cover an object, right or wrong.

    Attributes:
        true: Class of the object; ``None`` for any.
        predicted: Class of the prediction; ``None`` for any.
    """

    true: str | None = None
    predicted: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class TakenForEachOther:
    """Predictions of one class that cover an object of the other, in either direction."""

    first: str
    second: str


ClassChoice: TypeAlias = CountedAs | Covering | TakenForEachOther


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
        classes: Only entries of these classes; ``None`` for all.
        size: ``small``, ``medium`` or ``large`` by COCO's areas: of the object where there is one that is found, missed
            or asked for by ``classes``, otherwise of the prediction.
        outcomes: Only these.
        confidence: Threshold of the predictions; ``None`` for the one of each evaluation (F1-optimal by default), 0
            for all predictions.
        score: Confidence of the prediction; leaves out missed objects.
        iou: IoU of a found object and its prediction; leaves out everything else.
        change: Only what changed in this way against the baseline; at the thresholds of the evaluations.
        agreement: Only entries to which the experiments of the comparison stand like this.
    """

    title: str
    experiment: str | None = None
    classes: ClassChoice | None = None
    size: SizeName | None = None
    outcomes: tuple[Outcome, ...] = ()
    confidence: float | None = None
    score: Span | None = None
    iou: Span | None = None
    change: FlowChange | None = None
    agreement: Agreement | None = None

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
        covering = isinstance(self.classes, Covering | TakenForEachOther)
        if covering or self.score is not None or Outcome.MISSED not in (self.outcomes or Outcome):
            return "prediction", "predictions"
        return "object or false alarm", "objects and false alarms"


_NOUNS = {
    Outcome.FOUND: ("found object", "found objects"),
    Outcome.MISSED: ("missed object", "missed objects"),
    Outcome.FALSE_ALARM: ("false alarm", "false alarms"),
    Outcome.CONFUSED: ("false alarm on an object", "false alarms on objects"),
    Outcome.ON_NOTHING: ("false alarm", "false alarms"),
}
