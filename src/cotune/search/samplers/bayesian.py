"""Bayesian optimisation by the model that suits the space and the study.

| where                                                              | model                            |
|--------------------------------------------------------------------|----------------------------------|
| at most `FEW` trials are allowed, at most `SMALL` train at once     | `gp`: each is modelled in full   |
| more than `WIDE` parameters, or more than `BRANCHED` conditional    | `tpe`: it models what is there   |
| else                                                               | `auto`: one fit for a whole batch |

A Gaussian process measures distances between whole configurations: with very many parameters, or many of which some
exist in half of the trials only, most of what it measures is chance. Log expected improvement, optimised for each trial
in turn, takes seconds a trial, which few long trials are worth.
"""

from collections.abc import Callable, Mapping

from cotune.search.course import UNKNOWN, Course
from cotune.search.gaussian.batches import gaussian
from cotune.search.sampler import Sampler
from cotune.search.samplers.gp import gp
from cotune.search.samplers.tpe import tpe
from cotune.space import Space

FEW, SMALL = 50, 4
"""Trials of a study, and trials at once."""

WIDE, BRANCHED = 30, 8
"""Parameters, and those of them that hang on others."""

MODELS: Mapping[str, Callable[..., Sampler]] = {"gp": gp, "tpe": tpe, "auto": gaussian}


def best_model(space: Space, *, trials: int | None, at_once: int | None) -> tuple[str, str]:
    """(name of the strategy, why), by the table above.

    Args:
        trials: that the study may start; `None` where that is not known.
        at_once: trials that train at once.
    """
    if trials is not None and at_once is not None and trials <= FEW and at_once <= SMALL:
        return "gp", f"{trials} trials, {at_once} at once: few enough to model each in full"
    parameters = len(space.parameters)
    branched = sum(p.domain.when is not None for p in space.parameters)
    if parameters > WIDE:
        return "tpe", f"{parameters} parameters, more than {WIDE}"
    if branched > BRANCHED:
        return "tpe", f"{branched} conditional parameters, more than {BRANCHED}"
    size = f"{parameters} parameter{'s' if parameters != 1 else ''}"
    return "auto", f"{size}, and trials come in batches: one fit for each batch"


def bayesian(space: Space, *, maximize: bool, seed: int, course: Course = UNKNOWN) -> Sampler:
    """The model for the space; a study knows its trials and lanes too, and settles the rest before it begins."""
    name, _ = best_model(space, trials=None, at_once=None)
    more = {} if name == "gp" else {"course": course}
    return MODELS[name](space, maximize=maximize, seed=seed, **more)
