"""What a step of the story consists of; how it is drawn is another matter."""

from dataclasses import dataclass

from core.compare.palette import SeriesStyle


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
class Box:
    """A rectangle on an image.

    Attributes:
        left: Pixels from the left.
        top: Pixels from the top.
        width: Pixels.
        height: Pixels.
        label: What it is called.
        right: Whether it is a detection of the object; a wrong one is drawn differently.
    """

    left: float
    top: float
    width: float
    height: float
    label: str
    right: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Side:
    """What one experiment says about an image.

    Attributes:
        name: Of the experiment.
        style: Its look.
        caption: What it does here, as the end of "“name” …".
        boxes: What it detects.
    """

    name: str
    style: SeriesStyle
    caption: str
    boxes: tuple[Box, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Scene:
    """An image on which two experiments say different things.

    Attributes:
        image_id: Id of the image on the platform; ``None`` where the evaluation does not say.
        name: Dataset and file name.
        width: Pixels of the image; 0 where the file does not say.
        height: Pixels of the image.
        truth: The objects that are meant.
        sides: Baseline first.
    """

    image_id: int | None
    name: str
    width: int
    height: int
    truth: tuple[Box, ...]
    sides: tuple[Side, ...]


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
        scene: An image to show; ``None`` for none.
        tone: ``good``, ``bad`` or ``plain``.
    """

    key: str
    step: str
    title: str
    sentences: tuple[str, ...] = ()
    facts: tuple[Fact, ...] = ()
    bars: tuple[Bar, ...] = ()
    bars_title: str = ""
    scene: Scene | None = None
    tone: str = "plain"
