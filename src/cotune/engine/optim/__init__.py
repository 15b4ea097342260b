"""Optimizers: each one file, one pure update in place over rows of weights."""

from cotune.engine.optim.adadelta import ADADELTA
from cotune.engine.optim.adagrad import ADAGRAD
from cotune.engine.optim.adam import ADAM, ADAMW
from cotune.engine.optim.adamax import ADAMAX
from cotune.engine.optim.amsgrad import AMSGRAD
from cotune.engine.optim.base import Matrix as Matrix
from cotune.engine.optim.base import Optimizer as Optimizer
from cotune.engine.optim.base import Rates as Rates
from cotune.engine.optim.lion import LION
from cotune.engine.optim.muon import MUON
from cotune.engine.optim.nadam import NADAM
from cotune.engine.optim.radam import RADAM
from cotune.engine.optim.rmsprop import RMSPROP
from cotune.engine.optim.schedule_free import SCHEDULE_FREE
from cotune.engine.optim.sgd import NESTEROV, SGD

OPTIMIZERS: dict[str, Optimizer] = {
    o.name: o
    for o in (
        SGD,
        NESTEROV,
        ADAM,
        ADAMW,
        ADAGRAD,
        ADADELTA,
        RMSPROP,
        ADAMAX,
        NADAM,
        RADAM,
        AMSGRAD,
        LION,
        MUON,
        SCHEDULE_FREE,
    )
}
"""By the name that recipes use."""
