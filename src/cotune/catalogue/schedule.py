"""Schedules: the course of the learning rate."""

from cotune.catalogue.base import Technique
from cotune.catalogue.derive import stand_in, technique, told
from cotune.engine.schedules import SCHEDULES

KIND = "schedule"

BY_EPOCH = {
    "reduce_on_plateau": "after `plateau_patience` epochs without a gain, rate ← rate · `decay_factor`"
}
"""What a schedule's share of the steps does not say."""


def _row(name: str) -> Technique:
    found = SCHEDULES[name]
    return technique(
        KIND, name, {"schedule": name}, {"schedule": stand_in("schedule", name)}, parameters=found.reads,
        reference=found.source, summary=BY_EPOCH.get(name) or told(found.share),
    )  # fmt: skip


WARMUP = technique(
    KIND, "warmup", {"warmup": 0.05}, {"warmup": 0.0}, parameters=["warmup"],
    reference="Goyal et al. 2017", summary="a linear rise from 0 to the peak rate",
)  # fmt: skip

RANGE_TEST = technique(
    KIND, "lr_range_test", {}, {}, command="cotune lr-find DATA --target COL", parameters=["lr"],
    reference="Smith 2017", summary="many rates are tried for some steps, and one is suggested",
)  # fmt: skip

SCHEDULE_ROWS = (*map(_row, SCHEDULES), WARMUP, RANGE_TEST)
