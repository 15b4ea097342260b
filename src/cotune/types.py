"""The vocabulary of cotune, as frozen values that the stages exchange.

| word       | meaning                                                                        |
|------------|--------------------------------------------------------------------------------|
| study      | one tuning run; lives in one directory                                          |
| recipe     | what the user asked for                                                         |
| parameter  | what may vary: fusable (a number per lane) or structural (shapes, operators)    |
| trial      | one configuration; under k folds × s seeds it owns k·s lanes                    |
| lane       | one network being trained: one slot of a population                             |
| population | lanes of equal structure, trained as one computation                            |
| boundary   | the moment after a population's epoch: lanes may leave and join                 |
| rung       | an epoch count at which trials are compared and the weak are stopped            |
| record     | one lane's metrics for one epoch                                                |
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

Value = bool | int | float | str | None
"""What a parameter can be set to."""

Params = Mapping[str, Value]
"""One configuration: parameter name → value."""


class Task(StrEnum):
    """What is to be learned."""

    REGRESSION = "regression"
    BINARY = "binary"
    MULTICLASS = "multiclass"
    GENERATION = "generation"
    """Rows like those at hand; nothing is predicted."""
    OWN = "own"
    """What a loss of the user's own says; there is no class and no value to be predicted."""

    @property
    def is_classification(self) -> bool:
        """Whether the target is a class."""
        return self in (Task.BINARY, Task.MULTICLASS)


class Status(StrEnum):
    """How a trial stands.

    `COMPLETE` trained to its end (all epochs, or early stopping by patience); `STOPPED` was cut off by a
    rung or by a limit of the study; `DIVERGED` met a number that is not finite; `FAILED` could not be run.
    """

    RUNNING = "running"
    COMPLETE = "complete"
    STOPPED = "stopped"
    DIVERGED = "diverged"
    FAILED = "failed"

    @property
    def is_over(self) -> bool:
        """Whether the trial has ended."""
        return self is not Status.RUNNING


@dataclass(frozen=True)
class Parent:
    """Whose networks a trial began as copies of, and after which epoch; its own epochs count on from there."""

    trial: int
    epoch: int


EPOCH_LIMIT = "epoch limit"
"""The reason of a trial for whose next epoch the limit of lane-epochs had no room."""


@dataclass(frozen=True)
class Trial:
    """One configuration that is, or was, trained; from the start, or from where its parent was."""

    number: int
    params: Params
    parent: Parent | None = None


@dataclass(frozen=True, order=True)
class LaneId:
    """A lane's name: the trial it belongs to, and its place among that trial's folds × seeds."""

    trial: int
    index: int


@dataclass(frozen=True)
class Record:
    """One lane's figures for one epoch. `epoch` counts from 1; `step` is the lane's own step counter."""

    lane: LaneId
    epoch: int
    step: int
    train_loss: float
    metrics: Mapping[str, float]
    """Figures on the validation rows, by metric name; contains the study's metric."""
    seconds: float = 0.0
    """Wall-clock seconds of the epoch, divided by the lanes that shared it."""


@dataclass(frozen=True)
class Divergence:
    """Where a lane met its first number that is not finite."""

    lane: LaneId
    step: int
    layer: str


@dataclass(frozen=True)
class TrialResult:
    """A trial and how it went. `score` is the best validation figure, mean over lanes."""

    number: int
    params: Params
    status: Status
    score: float | None
    epochs: int
    seconds: float
    reason: str = ""
    curve: tuple[tuple[int, float, float], ...] = field(default=(), compare=False)
    """(epoch, mean train loss, mean validation figure) for every epoch that all lanes finished.

    Where rungs go by folds or rows a sampler is told stages in place of epochs: (stages done, loss, score) for each."""
    values: tuple[float, ...] = field(default=(), compare=False)
    """Of the further objectives, in the recipe's order, for the networks that have the score."""
    sides: tuple[tuple[float, ...], ...] = field(default=(), compare=False)
    """The same at every epoch of `curve`."""
    share: float = field(default=1.0, compare=False)
    """Which part of the folds the score is of: such as have fewer are ranked behind those that have more."""
    lanes: tuple[float, ...] = field(default=(), compare=False)
    """The best figure of each lane, by its place; their mean is the score."""


@dataclass(frozen=True)
class Progress:
    """How a running study stands; handed to whoever shows it, at every boundary."""

    metric: str
    best: float | None
    best_trial: int | None
    started: int
    ended: Mapping[Status, int]
    lanes: int
    """Lanes in training now."""
    elapsed: float
    """Seconds the study has run."""
    used: float
    """Fraction of the nearest limit that is spent, in [0, 1]."""
    seconds_left: float | None
    """Estimate until that limit, `None` while unknown."""
    stage: str = "training"
    """"reading", "training", "testing" or "finished"."""
    paused: int = 0
    """Trials that a rung has stopped and that may yet go on."""
    note: str = ""
    """What is being done, where that is not a search: shown in place of the best score."""
