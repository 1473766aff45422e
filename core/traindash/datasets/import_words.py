"""What came of an import in words for people: what was found, taken, left out and changed, and why.

Reports are kept with the imports, so the words are made when they are read: kinds that this version does not know are
told by their own names.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from traindash.datasets.import_log import Effect, ProblemKind
from traindash.domain.jobs import ImportProblems, ImportReport
from traindash.formatting import count, listing, nouns, plural
from traindash.language import N_, ngettext
from traindash.language import gettext as _

_Noun = tuple[str, str]  # one, many
_IMAGE, _OBJECT, _FILE = nouns("image", "images"), nouns("object", "objects"), nouns("file", "files")
_NOUNS: Mapping[str, _Noun] = {
    Effect.IMAGE_SKIPPED: _IMAGE,
    Effect.OBJECT_SKIPPED: _OBJECT,
    Effect.FILE_SKIPPED: _FILE,
}
# How places in data are told; a report is kept, so these are recognised and not filled in
PLACES = (
    *(N_("{file}, object {number}"), N_("{file}, line {number}"), N_("{file}, image {number}")),
    *(N_("{file}, annotation {number}"), N_("{file}, task {number}"), N_("{file}, region {number}")),
    *(N_("{file}, shape {number}"), N_("{file}, categories")),
)
# What stands after the noun, whether there is one of it or many
_CLAUSES: Mapping[str, str] = {
    ProblemKind.UNREADABLE_IMAGE: N_("that cannot be read"),
    ProblemKind.MISSING_IMAGE: N_("whose file is not there"),
    ProblemKind.UNNAMED_IMAGE: N_("that no annotation or list names"),
    ProblemKind.SEVERAL_FILES: N_("that share images with another file"),
    ProblemKind.DUPLICATE_NAME: N_("with the name of another"),
    ProblemKind.UNREADABLE_ANNOTATION: N_("with annotations that cannot be read"),
    ProblemKind.MISSING_ANNOTATION: N_("without annotations"),
    ProblemKind.WRONG_SIZE: N_("of another size than the annotation says"),
    ProblemKind.DAMAGED_OBJECT: N_("that cannot be used"),
    ProblemKind.DUPLICATE_OBJECT: N_("that had been drawn twice"),
    ProblemKind.BOX_AND_OUTLINE: N_("whose box and outline disagree"),
    ProblemKind.CROWD: N_("marked as a crowd"),
    ProblemKind.CAPTION: N_("with a caption"),
    ProblemKind.KEY_POINTS: N_("with key points"),
    ProblemKind.UNKNOWN_CLASS: N_("of a class that is not listed"),
    ProblemKind.ROOT_CATEGORY: N_("made for grouping only"),
    ProblemKind.MISSING_SIDE: N_("of a side that is not there"),
    ProblemKind.UNKNOWN_TAG: N_("that cannot be kept"),
    ProblemKind.UNSUPPORTED_GEOMETRY: N_("of a shape that nothing is trained on"),
    ProblemKind.OUTSIDE: N_("outside the image"),
    ProblemKind.CUT: N_("reaching over the border of the image"),
    ProblemKind.EMPTY: N_("without area"),
    ProblemKind.SEVERAL_PICTURES: N_("with several pictures in one file"),
    ProblemKind.UNKNOWN_MEMBER: N_("of collections that name no image"),
    ProblemKind.OTHER_FILE: N_("of another kind"),
    ProblemKind.OTHER_VERSION: N_("annotated several times"),
    ProblemKind.PREDICTION: N_("with predictions of a model"),
    ProblemKind.LINK: N_("behind links out of the folder"),
}
# Where an effect makes it another thing
_SPECIAL: Mapping[tuple[str, str], str] = {
    (ProblemKind.MISSING_IMAGE, Effect.OBJECT_SKIPPED): N_("whose image is not there"),
    (ProblemKind.CAPTION, Effect.OBJECT_SKIPPED): N_("with a caption in place of a shape"),
    (ProblemKind.DUPLICATE_NAME, Effect.IMAGE_SKIPPED): N_("named twice"),
    (ProblemKind.DAMAGED_OBJECT, Effect.CHANGED): N_("of which a part cannot be used"),
    (ProblemKind.EMPTY, Effect.CHANGED): N_("with an outline without area"),
    (ProblemKind.UNKNOWN_CLASS, Effect.CHANGED): N_("with several classes"),
    (ProblemKind.UNSUPPORTED_GEOMETRY, Effect.OBJECT_SKIPPED): N_("of a shape that cannot be taken"),
    (ProblemKind.UNSUPPORTED_GEOMETRY, Effect.CHANGED): N_("of a shape that is taken as another"),
}
# What is changed or only told of is not named by its effect
_CHANGED_NOUNS: Mapping[str, _Noun] = {
    ProblemKind.SEVERAL_FILES: nouns("annotation file", "annotation files"),
    ProblemKind.MISSING_ANNOTATION: _IMAGE,
    ProblemKind.SEVERAL_PICTURES: _IMAGE,
    ProblemKind.UNNAMED_IMAGE: _IMAGE,
    ProblemKind.OTHER_VERSION: _IMAGE,
    ProblemKind.PREDICTION: _IMAGE,
    ProblemKind.ROOT_CATEGORY: nouns("category", "categories"),
    ProblemKind.UNKNOWN_TAG: nouns("tag or attribute", "tags or attributes"),
    ProblemKind.UNKNOWN_MEMBER: nouns("entry", "entries"),
}
# What no noun with a clause would say
_WHOLE: Mapping[tuple[str, str], _Noun] = {
    (ProblemKind.KEY_POINTS, Effect.NOTED): nouns("file of key points", "files of key points"),
    (ProblemKind.EMPTY, Effect.NOTED): nouns(
        "dataset whose coordinates look like shares", "datasets whose coordinates look like shares"
    ),
    (ProblemKind.CUT, Effect.NOTED): nouns(
        "file whose boxes look like two corners", "files whose boxes look like two corners"
    ),
    (ProblemKind.CROWD, Effect.NOTED): nouns("file with crowds only", "files with crowds only"),
    (ProblemKind.DUPLICATE_NAME, Effect.NOTED): nouns("name of several categories", "names of several categories"),
    (ProblemKind.DUPLICATE_NAME, Effect.CHANGED): nouns(
        "image with the name of another", "images with the name of another"
    ),
    (ProblemKind.UNKNOWN_CLASS, Effect.NOTED): nouns(
        "remark on the names of classes", "remarks on the names of classes"
    ),
    (ProblemKind.ROOT_CATEGORY, Effect.NOTED): nouns(
        "category that only groups others", "categories that only group others"
    ),
    (ProblemKind.MISSING_SIDE, Effect.FILE_SKIPPED): nouns("side without its images", "sides without their images"),
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
        (_("Left out"), f"{listing(lost)}.", left_out),
        (
            _("Changed"),
            _("Adjusted while reading."),
            tuple(item for item in others if item.effect == Effect.CHANGED),
        ),
        (_("To know"), _("Taken as it is."), tuple(item for item in others if item.effect != Effect.CHANGED)),
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
    # Translators: such as "2 images" and "without annotations"
    words = _("{things} {clause}").format(things=plural(problem.count, *noun), clause=_(clause))
    if not problem.objects:
        return words
    on_them = ngettext("{problem}, with {objects} on it", "{problem}, with {objects} on them", problem.count)
    return on_them.format(problem=words, objects=plural(problem.objects, "object", "objects"))


def balance(report: ImportReport) -> Iterator[tuple[str, str]]:
    """Yield what was found, taken, left out and changed, each with its numbers: ``Taken``, ``38 images, 126 objects``.

    What is found is not told for reports of versions that did not count it.
    """
    classes = plural(len(report.classes), "class", "classes")
    if report.images_found is not None and report.objects_found is not None:
        yield _("Found"), _both(report.images_found, report.objects_found)
    yield _("Taken"), _("{taken}, in {classes}").format(taken=_both(report.images, report.objects), classes=classes)
    yield _("Left out"), _both(report.images_skipped, report.objects_skipped)
    yield _("Changed"), count(report.changed)


def _both(images: int, objects: int) -> str:
    return f"{plural(images, 'image', 'images')}, {plural(objects, 'object', 'objects')}"
