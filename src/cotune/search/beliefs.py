"""Where a search that learns begins: at what is believed to be good, and around it, and everywhere else too.

Half of the first quasi-random points follow what is believed, and fewer and fewer of the later ones: by then results
say more. All others stay even, so that a belief that is wrong is found out. What is believed are the priors of the
parameters, and the best configurations of earlier studies.

| symbol | meaning                                                                       |
|--------|-------------------------------------------------------------------------------|
| u      | a coordinate of a quasi-random point, in [0, 1]                                |
| μ      | the place of a prior, or of a configuration of an earlier study                |
| σ      | how far from there: 0.5, 0.25, 0.125 for low, medium and high confidence       |
| Φ      | the normal distribution                                                        |

    x = μ + σ Φ⁻¹(Φ(−μ/σ) + u (Φ((1 − μ)/σ) − Φ(−μ/σ)))

is normal, cut at 0 and 1, and as even as u was. Of names the prior is drawn 2, 4 or 6 times as often as another.

Source: Mallik et al., PriorBand: practical hyperparameter optimization in the age of deep learning, NeurIPS 2023.
"""

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtr, ndtri

from cotune.search.seeds import generator, seed_of
from cotune.space import Parameter, Space
from cotune.types import Params

Array = NDArray[np.float64]

SHARE, HALVED = 0.5, 64
"""Share of the first points that follow what is believed, and the trial at which it is half of that."""
SPREADS = {"low": 0.5, "medium": 0.25, "high": 0.125}
WEIGHTS = {"low": 2.0, "medium": 4.0, "high": 6.0}
USUAL_RATES = {
    "sgd": 0.1,
    "nesterov": 0.1,
    "adagrad": 0.01,
    "adadelta": 1.0,
    "lion": 3e-4,
    "muon": 0.02,
}
"""Learning rates of optimizers that are far from those of Adam and its kin, where a range has them: He et al. 2016
(sgd), Duchi et al. 2011, Zeiler 2012, Chen et al. 2023, Jordan et al. 2024. A prior of the recipe goes before them."""
AROUND, AS_IT_WAS = 0.1, 6.0
"""Spread around a configuration of an earlier study, and how many times as often as another its names are drawn."""


def share(number: int) -> float:
    """Chance that point `number` follows what is believed."""
    return SHARE / (1.0 + number / HALVED)


class Beliefs:
    """What is believed of a space.

    Args:
        space: with the priors of its parameters and what earlier studies say.
        seed: of the study.
    """

    def __init__(self, space: Space, *, seed: int) -> None:
        self._space = space
        self._seed = seed_of(seed, "beliefs")
        self._middle = np.array([p.middle for p in space.parameters])
        earlier = space.earlier
        self._firsts = () if earlier is None else earlier.firsts
        self._best = () if earlier is None else earlier.best
        names = [p.name for p in space.parameters]
        open_rate = "lr" in names and space.parameters[names.index("lr")].believed is None
        self._rate = names.index("lr") if open_rate else None
        said = {str(space.fixed.get("optimizer")), *(str(v) for p in space.parameters
                if p.name == "optimizer" for v in p.points or ())}  # fmt: skip
        rates = self._rate is not None and bool(said & USUAL_RATES.keys())
        self._priors = rates or any(p.believed is not None for p in space.parameters)

    def first(self, number: int) -> Params | None:
        """The configuration that trial `number` begins with: of earlier studies, then the centre; `None` for others."""
        if number < len(self._firsts):
            return self._firsts[number]
        if number != len(self._firsts):
            return None
        centre = self._space.anchor or {}
        rate = self._usual(np.array(self._space.to_unit(centre)))
        if rate is not None:
            usual = {**centre, "lr": self._space.parameters[self._rate or 0].from_unit(rate)}
            return usual if self._space.feasible(usual) else centre
        return centre

    def _usual(self, point: Array) -> float | None:
        """The place of the usual learning rate of the optimizer that a point has, if it is to be believed."""
        if self._rate is None:
            return None
        optimizer = self._space.fixed.get("optimizer")
        for p, place in zip(self._space.parameters, point, strict=True):
            if p.name == "optimizer":
                optimizer = p.from_unit(place)
        rate = self._space.parameters[self._rate]
        usual = USUAL_RATES.get(str(optimizer))
        return rate.to_unit(usual) if usual is not None and rate.contains(usual) else None

    def bent(self, point: Array, number: int, shared: NDArray[np.bool_], *, leader: int) -> Array:
        """Point `number`, moved to what is believed if its lot says so.

        Args:
            point: shape [parameter].
            shared: which coordinates a group of trials has in common, shape [parameter]; their lot is the group's.
            leader: the first trial of its group; the first group has the structure of the centre.
        """
        if not leader:
            point = np.where(shared, self._middle, point)
        if not self._priors and not self._best:
            return point
        own = self._drawn(point, number, "own")
        return np.where(shared, self._drawn(point, leader, "group") if leader else point, own)

    def _drawn(self, point: Array, number: int, whose: str) -> Array:
        rng = generator(self._seed, whose, number)
        if rng.random() >= share(number):
            return point
        if self._best and (not self._priors or rng.random() < 0.5):
            chosen = self._best[int(rng.integers(len(self._best)))]
            return np.array(
                [
                    _around(p, u, p.to_unit(chosen[p.name]), AROUND, AS_IT_WAS) if p.name in chosen else u
                    for p, u in zip(self._space.parameters, point, strict=True)
                ]
            )
        bent = np.array(
            [
                u
                if p.believed is None
                else _around(p, u, p.believed, SPREADS[p.setting.confidence], WEIGHTS[p.setting.confidence])
                for p, u in zip(self._space.parameters, point, strict=True)
            ]
        )
        usual = self._usual(bent)
        if self._rate is not None and usual is not None:
            lr = self._space.parameters[self._rate]
            bent[self._rate] = _around(
                lr, float(point[self._rate]), usual, SPREADS["medium"], WEIGHTS["medium"]
            )
        return bent


def _around(parameter: Parameter, u: float, place: float, spread: float, weight: float) -> float:
    if parameter.kind == "categorical":
        assert parameter.points is not None
        favoured = parameter.points.index(parameter.from_unit(place))
        weights = np.ones(len(parameter.points))
        weights[favoured] = weight
        chosen = int(np.searchsorted(np.cumsum(weights) / weights.sum(), u, side="right"))
        return (min(chosen, len(weights) - 1) + 0.5) / len(weights)
    low, high = ndtr(-place / spread), ndtr((1.0 - place) / spread)
    return float(np.clip(place + spread * ndtri(low + u * (high - low)), 0.0, 1.0))
