"""What the store acknowledges at once."""

from dataclasses import dataclass

from cotune.types import Record, Trial, TrialResult


@dataclass(frozen=True)
class Boundary:
    """What one transaction acknowledges.

    Args:
        number: counts from 1 without gaps.
        elapsed: seconds the study has run, all its sittings together.
        lane_steps: optimizer steps trained since the boundary before, summed over lanes.
        capacity_steps: optimizer steps that the slots in memory could have held in that time; 0 for the boundary
            that closes a study, whose epoch was broken off.
        started: trials that joined before the epoch that this boundary ends.
        records: one per lane that trained an epoch.
        ended: trials that are over.
        paused: numbers of trials that a rung stopped, and that wait with all their state.
        thawed: numbers of trials that had been paused, and went on in the epoch that this boundary ends.
    """

    number: int
    elapsed: float
    lane_steps: int
    capacity_steps: int
    started: tuple[Trial, ...] = ()
    records: tuple[Record, ...] = ()
    ended: tuple[TrialResult, ...] = ()
    paused: tuple[int, ...] = ()
    thawed: tuple[int, ...] = ()
