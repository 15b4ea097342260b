"""The cube in columns against the space point by point."""

import numpy as np
from toys import CONDITIONAL, FINITE, SMOOTH

from cotune.search.gaussian.cube import Cube


def test_settled_points_are_where_their_configurations_sit() -> None:
    for space in (CONDITIONAL, FINITE, SMOOTH):
        points = np.random.default_rng(0).uniform(-0.1, 1.1, (200, len(space.parameters)))
        plain = np.array([space.to_unit(space.from_unit(p.tolist())) for p in points])
        # A logarithmic range of whole numbers is left smooth: it moves by less than one whole number.
        smooth = [p.kind == "int" and p.points is not None for p in space.parameters]
        settled = Cube(space).settle(points)
        np.testing.assert_allclose(settled[:, ~np.array(smooth)], plain[:, ~np.array(smooth)], atol=1e-12)
        np.testing.assert_allclose(settled, plain, atol=0.02)
