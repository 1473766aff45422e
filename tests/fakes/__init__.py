"""Stand-ins that tests pass in where the real part would need another machine."""

import os
from collections.abc import Mapping

from tests.outside import ROOT

FAKE_TRAINER = "tests.fakes.trainer"
"""Module of the trainer that computes nothing."""


def trainer_variables(environment: Mapping[str, str]) -> dict[str, str]:
    """Return an environment of trainers in which the fake one is found, too."""
    paths = [str(ROOT), *filter(None, [environment.get("PYTHONPATH")])]
    return {**environment, "PYTHONPATH": os.pathsep.join(paths)}
