"""Bounds of YAML."""

import pytest
import yaml

from traindash.yaml_text import compose, problem_of


def test_the_bracket_that_is_too_deep_ends_the_reading() -> None:
    """At its own place: PyYAML would look at all 30,000 first, for seconds."""
    with pytest.raises(yaml.MarkedYAMLError) as raised:
        compose("names: [a]\nx: " + "[" * 30_000)
    problem = problem_of(raised.value)
    assert problem.line == 2
    assert "deep" in problem.message
