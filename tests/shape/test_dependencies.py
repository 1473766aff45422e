"""The lock file and the bounds of pyproject.toml agree, so that what the gate ran with is what people get."""

import re
import tomllib

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from tests.outside import ROOT

PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
DECLARED = [
    Requirement(text)
    for texts in (PROJECT["dependencies"], *PROJECT["optional-dependencies"].values())
    for text in texts
    if not text.startswith("traindash[")  # an extra that is made of others
]
LOCKED = {
    canonicalize_name(name): version
    for name, version in re.findall(
        r"^([A-Za-z0-9._-]+)==([^\s;]+)", (ROOT / "requirements.lock").read_text(encoding="utf-8"), re.MULTILINE
    )
}


@pytest.mark.parametrize("requirement", DECLARED, ids=str)
def test_the_lock_has_a_version_within_the_bounds(requirement: Requirement) -> None:
    version = LOCKED.get(canonicalize_name(requirement.name))
    assert version is not None, f"{requirement.name} is not in requirements.lock; CONTRIBUTING.md says how to renew it"
    assert requirement.specifier.contains(version), f"{requirement} does not admit {version} of requirements.lock"


@pytest.mark.parametrize("requirement", DECLARED, ids=str)
def test_every_dependency_is_bounded_on_both_sides(requirement: Requirement) -> None:
    operators = {part.operator for part in requirement.specifier}
    assert operators == {"=="} or {">=", "<"} <= operators, f"{requirement} has no bounds"
