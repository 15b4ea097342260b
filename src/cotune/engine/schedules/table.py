"""The schedules by the names that recipes use."""

from cotune.engine.schedules import cycles, decays, drops, flat, plateau
from cotune.engine.schedules.base import Schedule

SCHEDULES: dict[str, Schedule] = {
    "constant": decays.CONSTANT,
    "linear": decays.LINEAR,
    "cosine": decays.COSINE,
    "polynomial": decays.POLYNOMIAL,
    "exponential": decays.EXPONENTIAL,
    "inverse_time": decays.INVERSE_TIME,
    "inverse_sqrt": decays.INVERSE_SQRT,
    "step": drops.STEP,
    "multistep": drops.MULTISTEP,
    "wsd": flat.WSD,
    "flat_cosine": flat.FLAT_COSINE,
    "cosine_restarts": cycles.COSINE_RESTARTS,
    "one_cycle": cycles.ONE_CYCLE,
    "cyclic": cycles.CYCLIC,
    "coslog4": cycles.COSLOG4,
    plateau.NAME: plateau.REDUCE_ON_PLATEAU,
}
