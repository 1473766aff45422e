"""What came of an import in words for people: what was found, taken, left out and changed, and why.

Reports are kept with the imports, so the words are made when they are read: kinds that this version does not know are
told by their own names.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from traindash.datasets.import_log import Effect, ProblemKind
from traindash.domain.jobs import ImportProblems, ImportReport
from traindash.formatting import count, listing, plural

_Noun = tuple[str, str]  # one, many
_IMAGE, _OBJECT, _FILE = ("image", "images"), ("object", "objects"), ("file", "files")
_NOUNS: Mapping[str, _Noun] = {
    Effect.IMAGE_SKIPPED: _IMAGE,
    Effect.OBJECT_SKIPPED: _OBJECT,
    Effect.FILE_SKIPPED: _FILE,
}
# What stands after the noun, whether there is one of it or many
_CLAUSES: Mapping[str, str] = {
    ProblemKind.UNREADABLE_IMAGE: "that cannot be read",
    ProblemKind.MISSING_IMAGE: "whose file is not there",
    ProblemKind.UNNAMED_IMAGE: "that no annotation or list names",
    ProblemKind.SEVERAL_FILES: "that share images with another file",
    ProblemKind.DUPLICATE_NAME: "with the name of another",
    ProblemKind.UNREADABLE_ANNOTATION: "with annotations that cannot be read",
    ProblemKind.MISSING_ANNOTATION: "without annotations",
    ProblemKind.WRONG_SIZE: "of another size than the annotation says",
    ProblemKind.DAMAGED_OBJECT: "that cannot be used",
    ProblemKind.DUPLICATE_OBJECT: "that had been drawn twice",
    ProblemKind.BOX_AND_OUTLINE: "whose box and outline disagree",
    ProblemKind.CROWD: "marked as a crowd",
    ProblemKind.CAPTION: "with a caption",
    ProblemKind.KEY_POINTS: "with key points",
    ProblemKind.UNKNOWN_CLASS: "of a class that is not listed",
    ProblemKind.ROOT_CATEGORY: "made for grouping only",
    ProblemKind.MISSING_SIDE: "of a side that is not there",
    ProblemKind.UNKNOWN_TAG: "that cannot be kept",
    ProblemKind.UNSUPPORTED_GEOMETRY: "of a shape that nothing is trained on",
    ProblemKind.OUTSIDE: "outside the image",
    ProblemKind.CUT: "reaching over the border of the image",
    ProblemKind.EMPTY: "without area",
    ProblemKind.SEVERAL_PICTURES: "with several pictures in one file",
    ProblemKind.UNKNOWN_MEMBER: "of collections that name no image",
    ProblemKind.OTHER_FILE: "of another kind",
    ProblemKind.OTHER_VERSION: "annotated several times",
    ProblemKind.PREDICTION: "with predictions of a model",
    ProblemKind.LINK: "behind links out of the folder",
}
# Where an effect makes it another thing
_SPECIAL: Mapping[tuple[str, str], str] = {
    (ProblemKind.MISSING_IMAGE, Effect.OBJECT_SKIPPED): "whose image is not there",
    (ProblemKind.CAPTION, Effect.OBJECT_SKIPPED): "with a caption in place of a shape",
    (ProblemKind.DUPLICATE_NAME, Effect.IMAGE_SKIPPED): "named twice",
    (ProblemKind.DAMAGED_OBJECT, Effect.CHANGED): "of which a part cannot be used",
    (ProblemKind.EMPTY, Effect.CHANGED): "with an outline without area",
    (ProblemKind.UNKNOWN_CLASS, Effect.CHANGED): "with several classes",
    (ProblemKind.UNSUPPORTED_GEOMETRY, Effect.OBJECT_SKIPPED): "of a shape that cannot be taken",
    (ProblemKind.UNSUPPORTED_GEOMETRY, Effect.CHANGED): "of a shape that is taken as another",
}
# What is changed or only told of is not named by its effect
_CHANGED_NOUNS: Mapping[str, _Noun] = {
    ProblemKind.SEVERAL_FILES: ("annotation file", "annotation files"),
    ProblemKind.MISSING_ANNOTATION: _IMAGE,
    ProblemKind.SEVERAL_PICTURES: _IMAGE,
    ProblemKind.UNNAMED_IMAGE: _IMAGE,
    ProblemKind.OTHER_VERSION: _IMAGE,
    ProblemKind.PREDICTION: _IMAGE,
    ProblemKind.ROOT_CATEGORY: ("category", "categories"),
    ProblemKind.UNKNOWN_TAG: ("tag or attribute", "tags or attributes"),
    ProblemKind.UNKNOWN_MEMBER: ("entry", "entries"),
}
# What no noun with a clause would say
_WHOLE: Mapping[tuple[str, str], _Noun] = {
    (ProblemKind.KEY_POINTS, Effect.NOTED): ("file of key points", "files of key points"),
    (ProblemKind.EMPTY, Effect.NOTED): (
        "dataset whose coordinates look like shares",
        "datasets whose coordinates look like shares",
    ),
    (ProblemKind.CUT, Effect.NOTED): (
        "file whose boxes look like two corners",
        "files whose boxes look like two corners",
    ),
    (ProblemKind.CROWD, Effect.NOTED): ("file with crowds only", "files with crowds only"),
    (ProblemKind.DUPLICATE_NAME, Effect.NOTED): ("name of several categories", "names of several categories"),
    (ProblemKind.DUPLICATE_NAME, Effect.CHANGED): ("image with the name of another", "images with the name of another"),
    (ProblemKind.UNKNOWN_CLASS, Effect.NOTED): ("remark on the names of classes", "remarks on the names of classes"),
    (ProblemKind.ROOT_CATEGORY, Effect.NOTED): (
        "category that only groups others",
        "categories that only group others",
    ),
    (ProblemKind.MISSING_SIDE, Effect.FILE_SKIPPED): ("side without its images", "sides without their images"),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class ProblemGroup:
    """What was done in one way about problems."""

    title: str
    about: str  # a sentence
    problems: tuple[ImportProblems, ...]  # the most frequent first


def problem_groups(report: ImportReport) -> tuple[ProblemGroup, ...]:
    """Return the problems by what was done about them: left out, changed, to know; groups without any are missing."""
    left_out = tuple(item for item in report.problems if item.effect in _NOUNS)
    files = sum(item.count for item in left_out if item.effect == Effect.FILE_SKIPPED)
    lost = [
        words
        for number, words in (
            (report.images_skipped, plural(report.images_skipped, "image", "images")),
            (report.objects_skipped, plural(report.objects_skipped, "object", "objects")),
            (files, plural(files, "other entry", "other entries")),
        )
        if number
    ]
    others = [item for item in report.problems if item.effect not in _NOUNS]
    groups = (
        ("Left out", f"{listing(lost)}.", left_out),
        (
            "Changed",
            "Taken otherwise than it was given.",
            tuple(item for item in others if item.effect == Effect.CHANGED),
        ),
        ("To know", "Taken as it is.", tuple(item for item in others if item.effect != Effect.CHANGED)),
    )
    return tuple(
        ProblemGroup(title=title, about=about, problems=tuple(sorted(problems, key=lambda item: -item.count)))
        for title, about, problems in groups
        if problems
    )


def in_words(problem: ImportProblems) -> str:
    """Return how many there are of what: ``2 images that no annotation or list names``."""
    key = problem.kind, problem.effect
    if key in _WHOLE:
        return plural(problem.count, *_WHOLE[key])
    clause = _SPECIAL.get(key) or _CLAUSES.get(problem.kind) or f"({problem.kind})"
    noun = _NOUNS.get(problem.effect) or _CHANGED_NOUNS.get(problem.kind, _OBJECT)
    with_them = f", with {plural(problem.objects, 'object', 'objects')} on {'it' if problem.count == 1 else 'them'}"
    return f"{plural(problem.count, *noun)} {clause}{with_them if problem.objects else ''}"


def balance(report: ImportReport) -> Iterator[tuple[str, str]]:
    """Yield what was found, taken, left out and changed, each with its numbers: ``Taken``, ``38 images, 126 objects``.

    What is found is not told for reports of versions that did not count it.
    """
    classes = plural(len(report.classes), "class", "classes")
    if report.images_found is not None and report.objects_found is not None:
        yield "Found", _both(report.images_found, report.objects_found)
    yield "Taken", f"{_both(report.images, report.objects)}, in {classes}"
    yield "Left out", _both(report.images_skipped, report.objects_skipped)
    yield "Changed", count(report.changed)


def _both(images: int, objects: int) -> str:
    return f"{plural(images, 'image', 'images')}, {plural(objects, 'object', 'objects')}"
