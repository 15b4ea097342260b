"""A space in ConfigSpace's words, for the peers that speak it."""

from typing import Any

from ConfigSpace import ConfigurationSpace
from ConfigSpace.hyperparameters import UniformFloatHyperparameter, UniformIntegerHyperparameter

from search_parts.peers.base import Subject

WIDER = 1e-4
"""Relative: it rounds to 13 decimals, and some ranges begin at 1e-8. `Peer.plain` cuts it off again."""


def space_of(subject: Subject) -> Any:
    """Ranges of numbers, seeded."""
    space = ConfigurationSpace(seed=subject.seed)
    for p in subject.space:
        kind, number = (
            (UniformIntegerHyperparameter, int) if p["kind"] == "int" else (UniformFloatHyperparameter, float)
        )
        low, high = number(p["low"]), number(p["high"])
        if (
            subject.rows and p["kind"] == "float"
        ):  # ConfigSpace rounds the ends, and then refuses rows that lie there
            low, high = low - WIDER * abs(low), high + WIDER * abs(high)
        hyperparameter = kind(p["name"], lower=low, upper=high, log=p["log"])
        add = getattr(space, "add_hyperparameter", None) or space.add  # before and since release 1
        add(hyperparameter)
    return space


def least(subject: Subject) -> float:
    """The lowest budget: three divisions by η = 3 below a full training, two epochs of 52."""
    return subject.epochs / 27.0
