"""The plain twin is held against every way in which lanes step."""

from collections.abc import Iterator

import pytest

from cotune.engine.population import WAYS, Way
from engine import lanes


@pytest.fixture(params=WAYS, autouse=True, scope="module")
def way(request: pytest.FixtureRequest) -> Iterator[Way]:
    """The way that `engine.lanes` takes while a module's tests run."""
    before = lanes.WAY
    lanes.WAY = request.param
    yield request.param
    lanes.WAY = before
