"""Short labels of experiments that stand side by side: what tells each apart, instead of what all of them share."""

from collections.abc import Mapping, Sequence
from string import ascii_uppercase

from traindash.comparison.experiment import ComparedExperiment, unique_labels
from traindash.comparison.setup_differences import (
    ABSENT,
    CONSEQUENCES,
    PRETRAINED,
    RANDOM,
    Value,
    compare_settings,
    in_telling_order,
    setting_name,
    setup_of,
)
from traindash.formatting import plural, setting
from traindash.language import N_, Language, current
from traindash.language import gettext as _

LONGEST = 24  # letters of a label that still stands beside its point, in a column's head and on a slide
_MOST_PARTS = 3  # settings that one label names
_FEWEST = 2
# settings whose value says by itself what it is
_SPEAKING = frozenset({"Model", "Project", "Framework", "Task"})
_STARTS = {RANDOM: N_("from scratch"), PRETRAINED: N_("pretrained")}


def short_labels(experiments: Sequence[ComparedExperiment], given: Mapping[str, str] | None = None) -> tuple[str, ...]:
    """Return a label for each, all different.

    First comes what a person called one of them (``given``: key → label). Then names that people chose for all, where
    they are short, without the words that all begin with. Then what differs in model, data and hyperparameters, as few
    settings as tell all apart; letters where nothing does.
    """
    names = [experiment.full_name for experiment in experiments]
    own = None if any(map(_is_made_up, experiments)) else _own_names(names)
    labels = names if len(names) < _FEWEST else own or _by_settings(experiments)
    called = [(given or {}).get(one.key, "") or label for one, label in zip(experiments, labels, strict=True)]
    return unique_labels(called, [one.key for one in experiments])


def _is_made_up(experiment: ComparedExperiment) -> bool:
    """Return whether nobody chose the name: the training app makes ``<task> <project> <model>``."""
    info = experiment.info
    return info is not None and (
        experiment.full_name.startswith(f"{info.task_id} ") and experiment.full_name.endswith(info.model_name)
    )


def _own_names(names: Sequence[str]) -> list[str] | None:
    """Return chosen names without the words that all begin with; ``None`` where they are not short or not different."""
    if len(set(names)) < len(names):
        return None
    words = [name.split() for name in names]
    shared = 0
    while all(len(one) > shared + 1 for one in words) and len({one[shared] for one in words}) == 1:
        shared += 1
    # a bare number says nothing without the word before it
    while shared and not all(any(map(str.isalpha, word)) for word in (one[shared] for one in words)):
        shared -= 1
    rest = [" ".join(one[shared:]) for one in words]
    return rest if all(0 < len(one) <= LONGEST for one in rest) else None


def _by_settings(experiments: Sequence[ComparedExperiment]) -> list[str]:
    labels = ["" for _one in experiments]
    for _part in range(_MOST_PARTS):
        best = max(_columns(experiments), key=lambda column: len(set(_with(labels, column))), default=None)
        if best is None or len(set(_with(labels, best))) == len(set(labels)):
            break
        labels = _with(labels, best)
    return _lettered(labels)


def _with(labels: Sequence[str], column: Sequence[str]) -> list[str]:
    """Return labels with what a setting adds to those that are not alone with theirs yet."""
    return [
        ", ".join(part for part in (label, text) if part) if labels.count(label) > 1 else label
        for label, text in zip(labels, column, strict=True)
    ]


def _columns(experiments: Sequence[ComparedExperiment]) -> list[tuple[str, ...]]:
    """Return the words of each setting that differs and is short enough, the most telling first."""
    rows = (
        *compare_settings([setup_of(one) or None for one in experiments]),
        *compare_settings([one.known_hyperparameters for one in experiments]),
    )
    differing = (row for row in rows if row.differs and row.path not in CONSEQUENCES)
    told = in_telling_order([row for row in differing if not row.path.startswith("Options.")], experiments)
    columns = [tuple(_words(row.path, value) for value in row.values) for row in told]
    return [column for column in columns if all(len(text) <= LONGEST for text in column)]


def _words(path: str, value: Value) -> str:
    """Return a setting in as few words as say what it is: ``epochs 25``, ``YOLO26s``, ``3 classes``."""
    name = path.rsplit(".", 1)[-1].strip('"')
    shown = setting_name(name)
    # German nouns keep their capitals
    lower = shown[:1].lower() + shown[1:] if " " in name and current() is Language.ENGLISH else shown
    match value:
        case _ if value is ABSENT or value is None:
            words = _("no {setting}").format(setting=lower)
        case bool():
            words = (_("with {setting}") if value else _("without {setting}")).format(setting=lower)
        case list() | tuple() if path == "Classes":
            words = plural(len(value), "class", "classes")
        case int() if path == "Training images":
            words = plural(value, "image", "images")
        case str() if path == "Started from":
            start = _STARTS.get(value)
            words = _(start) if start else _("from {checkpoint}").format(checkpoint=value.rsplit("/", 1)[-1])
        case _:
            words = setting(value) if path in _SPEAKING else f"{lower} {setting(value)}"
    return words


def _lettered(labels: Sequence[str]) -> list[str]:
    """Return labels with a letter behind those that are not different."""
    result: list[str] = []
    for place, label in enumerate(labels):
        if labels.count(label) > 1:
            turn = labels[:place].count(label)
            letter = ascii_uppercase[turn] if turn < len(ascii_uppercase) else str(turn + 1)
            label = f"{label} {letter}".strip()  # noqa: PLW2901 - the same label, with its letter
        result.append(label)
    return result
