"""Which settings two experiments differ in that may explain a difference in quality, the most telling first."""

import enum
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Final, Literal, TypeAlias

from traindash import formatting
from traindash.comparison.experiment import ComparedExperiment
from traindash.domain.experiment import ExperimentInfo
from traindash.evaluation.evaluation import Evaluation
from traindash.formatting import MISSING, setting, task_word
from traindash.frameworks.hyperparameter_text import leaves
from traindash.frameworks.registry import framework_or_none, roles_of
from traindash.frameworks.spec import Role, Roles
from traindash.language import N_
from traindash.language import gettext as _

# What a training may have started from, other than a checkpoint
RANDOM, PRETRAINED = N_("Random initialisation"), N_("Pretrained weights")
_STARTS = frozenset({RANDOM, PRETRAINED})
_COUNTED = {"epoch": N_("{number} epochs"), "iteration": N_("{number} iterations")}
# What differs between the settings of experiments. Settings are nested as they are; a leaf is named by its path, in
# which a key with a dot of its own is quoted.
#
# A setting that one side lacks is a difference. Values are equal only if they are of one kind: the number 1, the text
# "1" and the truth value true are three things; the numbers 1 and 1.0 are one. NaN equals NaN.


class _Absent(enum.Enum):
    ABSENT = "absent"


ABSENT: Final = _Absent.ABSENT  # stands for "this experiment has no such setting", which is not the same as ``null``

Value: TypeAlias = object | Literal[_Absent.ABSENT]


@dataclass(frozen=True, slots=True, kw_only=True)
class SettingRow:
    """One setting over all experiments."""

    path: str
    values: tuple[Value, ...]  # one for each experiment; :data:`ABSENT` where it has none
    differs: bool  # whether not all of them are equal

    def lacks(self, place: int) -> bool:
        """Return whether an experiment has no such setting."""
        return self.values[place] is ABSENT

    @property
    def title(self) -> str:
        """Its name as it is shown: hyperparameters are called as their framework calls them."""
        return setting_name(self.path)

    @property
    def texts(self) -> tuple[str, ...]:
        """The values as they are shown."""
        return tuple(MISSING if value is ABSENT else value_text(value) for value in self.values)


def value_text(value: Value) -> str:
    """Return a value of the setup as it is shown; words that are not a person's own are in the current language."""
    return _(value) if isinstance(value, str) and value in _STARTS else task_word(setting(value))


def compare_settings(settings: Sequence[Mapping[str, object] | None]) -> tuple[SettingRow, ...]:
    """Return a row for every setting that at least one experiment has, in the order of first appearance.

    Settings are nested as they are. Unknown ones (``None``) make no difference: absent in every row, but not compared.
    """
    flat = [None if item is None else leaves(item) for item in settings]
    paths: dict[str, None] = {}
    for item in flat:
        paths.update(dict.fromkeys(item or ()))
    rows = []
    for path in paths:
        known = [item.get(path, ABSENT) for item in flat if item is not None]
        values = tuple(ABSENT if item is None else item.get(path, ABSENT) for item in flat)
        differs = any(not same(known[0], other) for other in known[1:])
        rows.append(SettingRow(path=path, values=values, differs=differs))
    return tuple(rows)


# What hyperparameters of several frameworks are for, by which they can be told side by side though their keys differ
_ROLE_WORDS: Mapping[Role, str] = {
    "length": N_("Length"),
    "image_size": N_("Image size"),
    "batch": N_("Batch size"),
    "optimizer": N_("Optimizer"),
    "learning_rate": N_("Learning rate"),
    "seed": N_("Seed"),
}


def compare_hyperparameters(experiments: Sequence[ComparedExperiment]) -> tuple[SettingRow, ...]:
    """Return a row for every hyperparameter; those of several frameworks begin with what they are for.

    “epochs” of one framework and “epoches” of another are two keys and one length: the first rows say that.
    """
    return (*_by_role(experiments), *compare_settings([one.known_hyperparameters for one in experiments]))


def _by_role(experiments: Sequence[ComparedExperiment]) -> tuple[SettingRow, ...]:
    if not differ_in_framework(experiments):
        return ()
    roles = [_roles(one) for one in experiments]
    counted = {one.counts for one in roles}
    rows = []
    for role, words in _ROLE_WORDS.items():
        values = tuple(
            _role_value(one, experiment, role, with_unit=len(counted) > 1)
            for one, experiment in zip(roles, experiments, strict=True)
        )
        known = [value for value in values if value is not ABSENT]
        if len(known) > 1:
            title = f"{words} ({next(iter(counted))}s)" if role == "length" and len(counted) == 1 else words
            differs = any(not same(known[0], other) for other in known[1:])
            rows.append(SettingRow(path=title, values=values, differs=differs))
    return tuple(rows)


def _role_value(roles: Roles, experiment: ComparedExperiment, role: Role, *, with_unit: bool) -> Value:
    key, known = roles.key(role), leaves(experiment.known_hyperparameters or {})
    if key is None or key not in known:
        return ABSENT
    value: Value = known[key]
    if role == "image_size" and isinstance(value, list) and value and all(side == value[0] for side in value):
        side: Value = value[0]  # one number is a square
        return side
    if role == "length" and with_unit:
        return _(_COUNTED.get(roles.counts, f"{{number}} {roles.counts}s")).format(number=setting(value))
    return value


def differ_in_framework(experiments: Sequence[ComparedExperiment]) -> bool:
    """Return whether experiments are of more than one framework."""
    return len({one.info.framework_name for one in experiments if one.info is not None}) > 1


def same(first: object, second: object) -> bool:
    """Return whether two settings are equal in kind and value."""
    if isinstance(first, bool) or isinstance(second, bool):
        return first is second
    if isinstance(first, int | float) and isinstance(second, int | float):
        return first == second or (math.isnan(first) and math.isnan(second))
    if isinstance(first, Mapping) and isinstance(second, Mapping):
        return first.keys() == second.keys() and all(same(first[key], second[key]) for key in first)
    if isinstance(first, list | tuple) and isinstance(second, list | tuple):
        return len(first) == len(second) and all(map(same, first, second))
    return type(first) is type(second) and first == second


def setup_of(experiment: ComparedExperiment) -> Mapping[str, object]:
    """Return what is known of the model, the data, the options and the cost, by the names people use."""
    result: dict[str, object] = {}
    if (info := experiment.info) is not None:
        known = {
            "Framework": info.framework_name,
            "Model": info.model_name,
            "Task": info.task_type,
            "Started from": start_of(info),
            "Project": project_name(info),
            "Project version": (info.project_version or {}).get("version"),
            "Training images": info.train_size,
            "Validation images": info.val_size,
            "Device": info.device,
            "Training time": None if info.training_duration is None else formatting.duration(info.training_duration),
            "Exports": formatting.listing(sorted(info.export)) or None,
        }
        result.update({name: value for name, value in known.items() if value is not None})
    if isinstance(experiment.app_state, Mapping):
        for key, name in (("classes", "Classes"), ("train_val_split", "Split"), ("options", "Options")):
            if (value := experiment.app_state.get(key)) is not None:
                result[name] = value
    if isinstance(experiment.evaluation, Evaluation):
        pair = experiment.evaluation.pair
        result["Evaluated images"] = len(pair.images.file_names)
        result["Evaluated classes"] = list(pair.classes)
    if experiment.checkpoint_bytes is not None:
        result["Checkpoint size"] = formatting.size(experiment.checkpoint_bytes)
    return result


def project_name(info: ExperimentInfo) -> str:
    """Return the project's name from the artifacts directory ``/experiments/<id>_<name>/…``, else its id."""
    parts = PurePosixPath(info.artifacts_dir).parts
    prefix = f"{info.project_id}_"
    return next((part[len(prefix) :] for part in parts if part.startswith(prefix)), "") or _("Project {number}").format(
        number=info.project_id
    )


def start_of(info: ExperimentInfo) -> str:
    """Return what the training started from."""
    if info.random_initialization:
        return RANDOM
    return info.base_checkpoint or PRETRAINED


# Names of settings that are ours; keys of hyperparameters are nobody's words
_NAMES = frozenset(
    {
        *(N_("Framework"), N_("Model"), N_("Task"), N_("Started from"), N_("Project"), N_("Project version")),
        *(N_("Training images"), N_("Validation images"), N_("Device"), N_("Training time"), N_("Exports")),
        *(N_("Classes"), N_("Split"), N_("Options"), N_("Evaluated images"), N_("Evaluated classes")),
        *(N_("Checkpoint size"), N_("Length (epochs)"), N_("Length (iterations)")),
        *_ROLE_WORDS.values(),
    }
)


def setting_name(path: str) -> str:
    """Return what a setting is called; below a setting of ours are keys of others."""
    own, dot, rest = path.partition(".")
    return f"{_(own)}{dot}{rest}" if own in _NAMES else path


# What people ask for first, in this order: of the set-up, and of the hyperparameters by their roles
_FIRST = ("Framework", "Model", "Started from", "Project", "Project version", "Training images", "Classes")
_LENGTHS = ("Length (epochs)", "Length (iterations)")
_FIRST_ROLES: tuple[Role, ...] = ("length", "image_size", "batch", "optimizer", "learning_rate")

# what does not explain how well a model learned
CONSEQUENCES = frozenset(
    {"Training time", "Checkpoint size", "Exports", "Device"}
    | {"Validation images", "Evaluated images", "Evaluated classes"}
)


def telling_differences(first: ComparedExperiment, second: ComparedExperiment) -> tuple[SettingRow, ...]:
    """Return the settings the two differ in; a value that one of them lacks is a difference.

    Not so a key of one framework that another framework does not have: that says nothing.
    """
    hyperparameters = compare_hyperparameters((first, second))
    if differ_in_framework((first, second)):
        hyperparameters = tuple(row for row in hyperparameters if ABSENT not in row.values)
    rows = (*compare_settings([setup_of(first) or None, setup_of(second) or None]), *hyperparameters)
    differing = [
        row for row in rows if row.differs and row.path not in CONSEQUENCES and not row.path.startswith("Options.")
    ]
    return in_telling_order(differing, (first, second))


def in_telling_order(rows: Sequence[SettingRow], experiments: Sequence[ComparedExperiment]) -> tuple[SettingRow, ...]:
    """Return the rows of these experiments that people ask for first before the others, which follow as they come."""
    first = dict.fromkeys((*_FIRST, *_ROLE_WORDS.values(), *_LENGTHS))
    for role in _FIRST_ROLES:
        first |= dict.fromkeys(key for item in experiments if (key := _roles(item).key(role)) is not None)
    for item in experiments:
        known = None if item.info is None else framework_or_none(item.info.framework_name)
        seed = _roles(item).key("seed")
        first |= dict.fromkeys([*(known.telling if known else ()), *([seed] if seed else [])])
    order = {path: place for place, path in enumerate(first)}
    return tuple(sorted(rows, key=lambda row: order.get(row.path, len(order))))


def _roles(experiment: ComparedExperiment) -> Roles:
    name = None if experiment.info is None else experiment.info.framework_name
    return roles_of(name, leaves(experiment.known_hyperparameters or {}))
