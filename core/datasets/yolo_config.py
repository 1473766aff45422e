"""What a folder in YOLO layout says about itself: class names, and where the images of each dataset lie."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import yaml
from pydantic import BaseModel, ConfigDict, TypeAdapter, ValidationError

from core.datasets.recognition import yolo_config
from core.errors import InputError

NAME_FILES = ("classes.txt", "obj.names", "classes.names", "labels/classes.txt")
_SIDES: Mapping[str, tuple[str, ...]] = {"train": ("train",), "val": ("val", "valid", "validation"), "test": ("test",)}
"""Dataset → the names its folder and its key in ``data.yaml`` go by."""


@dataclass(frozen=True, slots=True, kw_only=True)
class YoloConfig:
    """Classes and datasets.

    Attributes:
        names: Class number → name; empty if nothing names them.
        sides: Dataset → folders with its images, or text files that list them. Absolute, inside the root.
        keypoints: How many numbers of a label line belong to key points; 0 without.
    """

    names: Mapping[int, str]
    sides: Mapping[str, tuple[Path, ...]]
    keypoints: int = 0


class _Wire(BaseModel):
    model_config = ConfigDict(extra="ignore", coerce_numbers_to_str=True)

    names: list[str] | dict[int, str]
    path: str | None = None
    train: str | list[str] | None = None
    val: str | list[str] | None = None
    valid: str | list[str] | None = None
    validation: str | list[str] | None = None
    test: str | list[str] | None = None
    kpt_shape: tuple[int, int] | None = None


_WIRE = TypeAdapter(_Wire)


def read_yolo_config(root: Path) -> YoloConfig:
    """Read ``data.yaml``, or a list of names and the usual folders where there is none.

    Args:
        root: The folder, resolved.

    Raises:
        InputError: ``data.yaml`` is not valid; names the line or key.
    """
    path = yolo_config(root)
    if path is None:
        return YoloConfig(names=_names_from_text(root), sides=_usual_folders(root))
    wire = _parsed(path)
    names = dict(enumerate(wire.names)) if isinstance(wire.names, list) else wire.names
    shape = wire.kpt_shape or (0, 0)
    return YoloConfig(
        names=_checked(names, path.name),
        sides=_named_folders(wire, root) or _usual_folders(root),
        keypoints=shape[0] * shape[1],
    )


def _parsed(path: Path) -> _Wire:
    try:
        return _WIRE.validate_python(yaml.safe_load(path.read_text(encoding="utf-8")))
    except yaml.MarkedYAMLError as error:
        where = f" in line {error.problem_mark.line + 1}" if error.problem_mark is not None else ""
        msg = f"{path.name} is not valid YAML{where}."
        raise InputError(msg, "Correct the file.") from error
    except (yaml.YAMLError, UnicodeDecodeError, RecursionError) as error:
        msg = f"{path.name} is not valid YAML."
        raise InputError(msg, "Correct the file.") from error
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        msg = f"{path.name}, {'.'.join(str(part) for part in first['loc'])}: {first['msg']}."
        raise InputError(msg, "Correct the file; names is a list, or numbers with names.") from error


def _checked(names: Mapping[int, str], place: str) -> dict[int, str]:
    if not names:
        msg = f"{place}, names: there is no class."
        raise InputError(msg, "Write names as a list, or as numbers with names.")
    for name, count in Counter(names.values()).items():
        if count > 1 or not name.strip():
            msg = f"{place}, names: “{name}” {'is there twice' if name.strip() else 'is no name'}."
            raise InputError(msg, "Give every class a name of its own.")
    return dict(sorted(names.items()))


def _names_from_text(root: Path) -> dict[int, str]:
    for name in NAME_FILES:
        path = root / name
        if path.is_file():
            lines = [line.strip() for line in path.read_text(encoding="utf-8", errors="replace").splitlines()]
            return _checked(dict(enumerate(line for line in lines if line)), name)
    return {}


def _named_folders(wire: _Wire, root: Path) -> dict[str, tuple[Path, ...]]:
    sides: dict[str, tuple[Path, ...]] = {}
    for side, keys in _SIDES.items():
        value = next((found for key in keys if (found := getattr(wire, key, None))), None)
        entries = [value] if isinstance(value, str) else value or []
        folders = tuple(path for entry in entries if (path := inside(root, entry, wire.path or "")) is not None)
        if folders:
            sides[side] = folders
    return sides


def inside(root: Path, entry: str, base: str = "") -> Path | None:
    """Return what a path means that was written on another machine: its longest end that exists inside the root.

    Args:
        root: The folder, resolved; nothing outside is ever returned.
        entry: The path.
        base: What it is relative to, if it is relative.
    """
    for text in (f"{base}/{entry}", entry):
        parts = [part for part in text.replace("\\", "/").split("/") if part not in ("", ".", "..")]
        for start in range(len(parts)):
            path = root.joinpath(*parts[start:])
            if path.exists() and path.resolve().is_relative_to(root):
                return path
    return None


def _usual_folders(root: Path) -> dict[str, tuple[Path, ...]]:
    sides: dict[str, tuple[Path, ...]] = {}
    for side, names in _SIDES.items():
        folders = [root / "images" / name for name in names]
        folders += [root / name / "images" for name in names]
        folders += [root / name for name in names]
        if found := next((folder for folder in folders if folder.is_dir()), None):
            sides[side] = (found,)
    images = root / "images"
    return sides or {"dataset": (images if images.is_dir() else root,)}
