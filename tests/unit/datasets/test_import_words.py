"""What came of an import is told in sentences that people read."""

import pytest

from traindash.datasets.import_log import Effect, ProblemKind
from traindash.datasets.import_words import balance, in_words, problem_groups
from traindash.domain.jobs import ImportProblems, ImportReport


def problem(kind: str, effect: str, count: int, objects: int = 0) -> ImportProblems:
    """So many problems without examples."""
    return ImportProblems(kind=kind, effect=effect, count=count, objects=objects)


REPORT = ImportReport(
    images=38,
    objects=126,
    images_found=43,
    objects_found=139,
    classes={"cat": 126, "dog": 0},
    problems=(
        problem(ProblemKind.UNREADABLE_IMAGE, Effect.IMAGE_SKIPPED, 2, objects=7),
        problem(ProblemKind.UNNAMED_IMAGE, Effect.IMAGE_SKIPPED, 3),
        problem(ProblemKind.DAMAGED_OBJECT, Effect.OBJECT_SKIPPED, 6),
        problem(ProblemKind.OTHER_FILE, Effect.FILE_SKIPPED, 1),
        problem(ProblemKind.CUT, Effect.CHANGED, 4),
        problem(ProblemKind.SEVERAL_PICTURES, Effect.NOTED, 1),
    ),
)


def test_found_is_taken_and_left_out() -> None:
    assert dict(balance(REPORT)) == {
        "Found": "43 images, 139 objects",
        "Taken": "38 images, 126 objects, in 2 classes",
        "Left out": "5 images, 13 objects",
        "Changed": "4",
    }


def test_reports_that_did_not_count_what_was_found_do_not_say_it() -> None:
    old = ImportReport(images=1, objects=2, classes={"cat": 2})
    assert [name for name, _ in balance(old)] == ["Taken", "Left out", "Changed"]
    assert problem_groups(old) == ()


def test_problems_stand_by_what_was_done_the_most_frequent_first() -> None:
    left_out, changed, noted = problem_groups(REPORT)
    assert (left_out.title, left_out.about) == ("Left out", "5 images, 13 objects and 1 other entry.")
    assert [item.count for item in left_out.problems] == [6, 3, 2, 1]
    assert [in_words(item) for item in changed.problems] == ["4 objects reaching over the border of the image"]
    assert [in_words(item) for item in noted.problems] == ["1 image with several pictures in one file"]


@pytest.mark.parametrize(
    ("kind", "effect", "count", "objects", "words"),
    [
        (ProblemKind.UNREADABLE_IMAGE, Effect.IMAGE_SKIPPED, 1, 3, "1 image that cannot be read, with 3 objects on it"),
        (ProblemKind.MISSING_IMAGE, Effect.IMAGE_SKIPPED, 2, 0, "2 images whose file is not there"),
        (ProblemKind.MISSING_IMAGE, Effect.OBJECT_SKIPPED, 1200, 0, "1,200 objects whose image is not there"),
        (ProblemKind.UNKNOWN_TAG, Effect.CHANGED, 2, 0, "2 tags or attributes that cannot be kept"),
        ("kind of a later version", Effect.CHANGED, 2, 0, "2 objects (kind of a later version)"),
    ],
)
def test_a_kind_is_a_phrase(kind: str, effect: str, count: int, objects: int, words: str) -> None:
    assert in_words(problem(kind, effect, count, objects)) == words


@pytest.mark.parametrize("effect", Effect)
@pytest.mark.parametrize("kind", ProblemKind)
def test_every_kind_has_words_of_its_own(kind: ProblemKind, effect: Effect) -> None:
    for count in (1, 2):
        words = in_words(problem(kind, effect, count))
        assert words.startswith(f"{count} ")
        assert "(" not in words
