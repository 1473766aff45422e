"""What a step of the story consists of; how it is drawn is another matter."""

from dataclasses import dataclass

from core.compare.image_set import ImageSet
from core.compare.palette import SeriesStyle
from core.compare.pictures.crops import Subject


@dataclass(frozen=True, slots=True, kw_only=True)
class Fact:
    """A number with what it counts.

    Attributes:
        value: As it is written.
        label: What it is.
    """

    value: str
    label: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Bar:
    """One row of a bar chart.

    Attributes:
        name: Of the row.
        share: Length, 0 to 1 of the room there is.
        text: The value as it is written.
        style: Look of the experiment; ``None`` for what belongs to no experiment.
        best: It is the one to look at.
    """

    name: str
    share: float
    text: str
    style: SeriesStyle | None = None
    best: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """What an experiment makes of an object.

    Attributes:
        name: Of the experiment.
        style: Its look.
        words: What it reports there.
    """

    name: str
    style: SeriesStyle
    words: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Slide:
    """One step.

    Attributes:
        key: Stable name.
        step: What this step is about, two or three words.
        title: What it says, one sentence.
        sentences: What supports or limits it.
        facts: Numbers to show large.
        bars: Rows of a bar chart.
        bars_title: What the bars are, with the unit.
        subject: An object to show on its image; ``None`` for none.
        seen: What each of the two experiments makes of it.
        caption: Where it is.
        tone: ``good``, ``bad`` or ``plain``.
    """

    key: str
    step: str
    title: str
    sentences: tuple[str, ...] = ()
    facts: tuple[Fact, ...] = ()
    bars: tuple[Bar, ...] = ()
    bars_title: str = ""
    subject: Subject | None = None
    seen: tuple[Seen, ...] = ()
    caption: str = ""
    tone: str = "plain"


@dataclass(frozen=True, slots=True, kw_only=True)
class Story:
    """The steps, and the images that their subjects are on."""

    slides: tuple[Slide, ...]
    images: ImageSet
