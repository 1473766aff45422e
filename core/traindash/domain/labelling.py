"""Labels that a model makes and people review: what is asked for, how such labels are marked, how they are counted.

What a label is stands on the label itself, as tags that every client of the server sees:

- an object that a model found has its ``confidence`` (as Supervisely's own apps write it) and ``labelled by``, with the
  task and the model; a person's word on it is ``review``;
- an image has ``pre-labels`` for each task that looked at it, with how many objects were made there and how many of
  them people rejected, for those are gone; ``reviewed`` says that a person is through with it.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from traindash.domain.ids import ProjectId, TaskId
from traindash.domain.prediction import CONFIDENCE_TAG, LEAST_CONFIDENCE, ModelFile
from traindash.domain.project import TagMeta

MODEL_TAG = "labelled by"  # of objects: `#31 Fruit v1`
REVIEW_TAG = "review"  # of objects
RUN_TAG = "pre-labels"  # of images: `#31 made 5, rejected 1`
REVIEWED_TAG = "reviewed"  # of images

Word = Literal["accepted", "changed", "added"]
WORDS: tuple[Word, ...] = ("accepted", "changed", "added")
TAGS: tuple[TagMeta, ...] = (
    TagMeta(name=CONFIDENCE_TAG, value_type="any_number", color="#7B7F85"),
    TagMeta(name=MODEL_TAG, value_type="any_string", color="#4C5BD4"),
    TagMeta(name=REVIEW_TAG, value_type="oneof_string", values=WORDS, color="#34A470"),
    TagMeta(name=RUN_TAG, value_type="any_string", color="#8E4EC6"),
    TagMeta(name=REVIEWED_TAG, color="#34A470"),
)
_RUN = re.compile(r"#(?P<task>\d{1,18}) made (?P<made>\d{1,9}), rejected (?P<rejected>\d{1,9})")
_MODEL = re.compile(r"#(?P<task>\d{1,18}) .*", re.DOTALL)
_LONGEST_NAME = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class LabelOrder:
    """A model that shall label images of a project: what it finds is added, nothing that is there is touched."""

    project_id: ProjectId
    model: ModelFile
    name: str  # what people call the model, e.g. `Fruit v1`
    only_unlabelled: bool = True  # leave images alone that have objects already
    confidence: float = LEAST_CONFIDENCE  # of an object that is worth a look, 0 to 1
    classes: Mapping[str, float] = field(default_factory=dict)  # of classes that have another one, by name


@dataclass(frozen=True, slots=True, kw_only=True)
class RunOnImage:
    """What a labelling task did on an image, and what people took away of it."""

    task_id: TaskId
    made: int
    rejected: int = 0

    @property
    def text(self) -> str:
        """Value of the tag."""
        return f"#{self.task_id} made {self.made}, rejected {self.rejected}"


def read_run(value: object) -> RunOnImage | None:
    """Read the value of an image's tag; ``None`` for one that somebody wrote otherwise."""
    found = _RUN.fullmatch(value) if isinstance(value, str) else None
    if found is None:
        return None
    return RunOnImage(task_id=TaskId(int(found["task"])), made=int(found["made"]), rejected=int(found["rejected"]))


def model_text(task_id: TaskId, name: str) -> str:
    """Return the value of the tag that says which model made a label."""
    return f"#{task_id} {' '.join(name.split())[:_LONGEST_NAME]}"


def task_of(value: object) -> TaskId | None:
    """Return the task that made a label; ``None`` where its tag does not say."""
    found = _MODEL.fullmatch(value) if isinstance(value, str) else None
    return None if found is None else TaskId(int(found["task"]))


@dataclass(frozen=True, slots=True, kw_only=True)
class ReviewCounts:
    """Where the labels of a task are: every one that was made is in one of the others."""

    made: int = 0
    open: int = 0  # nobody has said anything yet
    accepted: int = 0
    changed: int = 0
    rejected: int = 0
    added: int = 0  # by people, where the model found nothing; not among those made
    images: int = 0
    reviewed: int = 0  # images that people are through with
    empty: int = 0  # images on which the model found nothing, and that wait for a person

    @property
    def missing(self) -> int:
        """How many were removed elsewhere, without a word; negative where a copy made them more."""
        return self.made - self.open - self.accepted - self.changed - self.rejected
