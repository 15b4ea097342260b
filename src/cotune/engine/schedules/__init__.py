"""Learning-rate schedules: each one pure function of where a lane stands in its training."""

from cotune.engine.schedules.base import Schedule as Schedule
from cotune.engine.schedules.factors import factors as factors
from cotune.engine.schedules.table import SCHEDULES as SCHEDULES
