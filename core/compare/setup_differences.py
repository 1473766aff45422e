"""Which settings two experiments differ in that may explain a difference in quality, the most telling first."""

from collections.abc import Mapping

from core.compare.differences import SettingRow, compare_settings
from core.compare.experiment import ComparedExperiment, Missing
from core.compare.training_setup import setup_of

FIRST = (
    "Model",
    "Started from",
    "Project",
    "Project version",
    "Training images",
    "Classes",
    "epochs",
    "imgsz",
    "batch",
    "optimizer",
    "lr0",
    "lrf",
    "freeze",
    "seed",
    "mosaic",
)
"""Settings that people ask for first, in this order; the others follow as they come."""

CONSEQUENCES = frozenset(
    {
        "Training time",
        "Checkpoint size",
        "Exports",
        "Device",
        "Validation images",
        "Evaluated images",
        "Evaluated classes",
    }
)
"""What does not explain how well a model learned."""


def telling_differences(first: ComparedExperiment, second: ComparedExperiment) -> tuple[SettingRow, ...]:
    """Return the settings the two differ in; a value that one of them lacks is a difference."""
    rows = (
        *compare_settings([setup_of(first) or None, setup_of(second) or None]),
        *compare_settings([_hyperparameters(first), _hyperparameters(second)]),
    )
    differing = [
        row for row in rows if row.differs and row.path not in CONSEQUENCES and not row.path.startswith("Options.")
    ]
    return tuple(sorted(differing, key=lambda row: FIRST.index(row.path) if row.path in FIRST else len(FIRST)))


def _hyperparameters(experiment: ComparedExperiment) -> Mapping[str, object] | None:
    return None if isinstance(experiment.hyperparameters, Missing) else experiment.hyperparameters
