"""One process of the official SDK for all cases."""

from collections.abc import Iterator

import pytest

from tests.contract.evaluation.sdk import SdkEvaluator


@pytest.fixture(scope="session")
def sdk(sdk_python: str) -> Iterator[SdkEvaluator]:
    """The SDK's own evaluator."""
    with SdkEvaluator(sdk_python) as evaluator:
        yield evaluator
