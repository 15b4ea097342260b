"""What a configuration's model costs, known before it is trained: weights, multiplications, milliseconds.

A trial's model has a network for each fold and seed, and all of them are asked: figures are sums over a trial's lanes.
What is measured is measured once for a shape of network, and kept in the store at once: whoever resumes the study
reads it there, on whatever machine, so that the same is proposed and the same is stopped.
"""

import hashlib
import json
import math
from collections.abc import Callable, Mapping, Sequence

from cotune.engine.lanes import Lane
from cotune.engine.parallel import one_thread_a_kernel
from cotune.nets import families
from cotune.recipe.names import COSTS
from cotune.space import Space
from cotune.study.lanes import LaneFactory
from cotune.study.several.latency import ROWS, milliseconds
from cotune.types import Params, Trial

Figures = dict[str, float]
"""By the names of `COSTS`."""


class Costs:
    """The costs of configurations; each shape of network is looked at once.

    Args:
        factory: makes lanes.
        space: of the study.
        names: of what is asked for; latencies are measured only where one of them is.
        known: what was measured before, by shape.
        keep: called with what is measured anew.
    """

    def __init__(
        self,
        factory: LaneFactory,
        space: Space,
        names: Sequence[str],
        *,
        known: Mapping[str, Figures] | None = None,
        keep: Callable[[str, Figures], None] | None = None,
    ) -> None:
        self._factory = factory
        self._names = tuple(name for name in COSTS if name in names)
        self._fusable = {p.name for p in space.fusable}
        self._known = dict(known or {})
        self._keep = keep
        self._found: dict[tuple[object, ...], Figures] = {}

    @property
    def known(self) -> dict[str, Figures]:
        """What was measured, by shape."""
        return dict(self._known)

    def of(self, params: Params) -> Figures:
        """What the model of a configuration costs. Numbers that differ from lane to lane cost nothing."""
        key = tuple((name, value) for name, value in sorted(params.items()) if name not in self._fusable)
        if key not in self._found:
            self._found[key] = self._of(params)
        return self._found[key]

    def _of(self, params: Params) -> Figures:
        lanes = self._factory.lanes_of_folds(params)
        seeds = self._factory.lanes_per_trial // len(lanes)
        found = [self._of_lane(lane, params) for lane in lanes]
        return {name: math.fsum(figures[name] for figures in found) * seeds for name in self._names}

    def _of_lane(self, lane: Lane, params: Params) -> Figures:
        padded, width = lane.structure.network, lane.width
        exact = {
            "size": float(sum(math.prod(padded.real_shape(weight, width)) for weight in padded.weights())),
            "multiplications": float(families.at_width(padded, width).products),
        }
        measured = [name for name in self._names if name in ROWS]
        return exact if not measured else {**exact, **self._measured(lane, params, measured)}

    def _measured(self, lane: Lane, params: Params, names: Sequence[str]) -> Figures:
        shape = shape_of(lane)
        if shape not in self._known:
            pipeline = self._factory.pipeline(lane.id, params)
            with one_thread_a_kernel():
                self._known[shape] = {name: milliseconds(lane, pipeline, ROWS[name]) for name in names}
            if self._keep is not None:
                self._keep(shape, self._known[shape])
        return self._known[shape]


def shape_of(lane: Lane) -> str:
    """A name for what a lane's forward pass depends on; the same on every machine."""
    tree = families.to_json(families.at_width(lane.structure.network, lane.width))
    text = json.dumps([tree, lane.activation], sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()[:16]


class TrialCosts:
    """The costs of a study's trials, each kept in the store when it begins.

    Args:
        costs: of configurations.
        known: of trials, by number, as the store has them.
        keep: called with the costs of trials that begin.
        wanted: whether anything asks for them.
    """

    def __init__(
        self,
        costs: Costs,
        *,
        known: Mapping[str, Figures],
        keep: Callable[[Mapping[str, Figures]], None],
        wanted: bool,
    ) -> None:
        self._costs, self._keep, self._wanted = costs, keep, wanted
        self._of = {int(number): dict(figures) for number, figures in known.items()}

    def note(self, trials: Sequence[Trial]) -> None:
        """These trials begin, or are taken up again."""
        new = [trial for trial in trials if trial.number not in self._of] if self._wanted else []
        if new:
            found = {trial.number: self._costs.of(trial.params) for trial in new}
            self._of.update(found)
            self._keep({str(number): figures for number, figures in found.items()})

    def of(self, number: int) -> Figures:
        """Of a trial that has begun."""
        return self._of.get(number, {})
