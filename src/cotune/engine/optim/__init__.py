"""Optimizers: each one file, one pure update in place over rows of weights."""

from cotune.engine.optim.adam import ADAM, ADAMW
from cotune.engine.optim.base import Optimizer as Optimizer
from cotune.engine.optim.base import Rates as Rates
from cotune.engine.optim.sgd import NESTEROV, SGD

OPTIMIZERS: dict[str, Optimizer] = {o.name: o for o in (SGD, NESTEROV, ADAM, ADAMW)}
"""By the name that recipes use."""
