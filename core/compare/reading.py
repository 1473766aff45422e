"""The small files of an experiment, from their content to values; whoever gets the content is somebody else."""

from collections.abc import Mapping
from typing import Annotated

import yaml
from pydantic import BaseModel, Field, TypeAdapter, ValidationError

from core.compare.experiment import Maybe, Missing

_MAPPING: TypeAdapter[dict[str, object]] = TypeAdapter(dict[str, object])


class _Split(BaseModel):
    train: Annotated[list[int] | None, Field(default=None)]


def parse_hyperparameters(text: str) -> Maybe[Mapping[str, object]]:
    """Read ``hyperparameters.yaml``."""
    try:
        return _MAPPING.validate_python(yaml.safe_load(text))
    except (yaml.YAMLError, ValidationError):
        return Missing(reason="has hyperparameters that are not valid YAML")


def parse_app_state(content: bytes) -> Maybe[Mapping[str, object]]:
    """Read ``app_state.json``."""
    try:
        return _MAPPING.validate_json(content)
    except ValidationError:
        return Missing(reason="has settings that cannot be read")


def parse_train_images(content: bytes) -> frozenset[int] | None:
    """Read the ids of the training images from ``train_val_split.json``; ``None`` where it does not say."""
    try:
        split = _Split.model_validate_json(content)
    except ValidationError:
        return None
    return None if split.train is None else frozenset(split.train)
