"""One parameter of the search space, and its place in [0, 1]."""

import math
from dataclasses import dataclass
from decimal import Decimal
from functools import cached_property
from typing import Literal

from optuna.distributions import (
    BaseDistribution,
    CategoricalDistribution,
    FloatDistribution,
    IntDistribution,
)

from cotune.recipe.settings import Choice, Domain, Range
from cotune.types import Params, Value


@dataclass(frozen=True)
class Parameter:
    """Something that varies between trials.

    Args:
        name: leaf name of the recipe key.
        setting: where its values come from.
        domain: its legal values; `domain.when` names a parameter of the same space, or is `None`.

    Example:
        >>> Parameter("lr", Range(1e-4, 1e-2, log=True), Domain("float")).from_unit(0.5)
        0.001
    """

    name: str
    setting: Range | Choice
    domain: Domain

    @property
    def fusable(self) -> bool:
        """Whether lanes that differ in it still share one fused step."""
        return self.domain.fusable

    @cached_property
    def kind(self) -> Literal["float", "int", "ordinal", "categorical"]:
        """How its values behave: of an ordinal's neighbours are near, of a categorical's all are equally far."""
        if isinstance(self.setting, Choice):
            return "ordinal" if self.setting.ordinal else "categorical"
        return "int" if self.domain.kind == "int" else "float"

    def active(self, params: Params) -> bool:
        """Whether it has a meaning under `params`; an absent condition does not hold."""
        if self.domain.when is None:
            return True
        name, values = self.domain.when
        return name in params and params[name] in values

    @cached_property
    def points(self) -> tuple[Value, ...] | None:
        """Every value it can take, in order; `None` where they are a continuum or more than ten thousand."""
        match self.setting:
            case Choice(choices):
                return choices
            case Range(low, high, step=step):
                if step is None and self.kind == "float":
                    return None
                width = Decimal(1) if step is None else Decimal(str(step))
                # In decimals, so that 0.1 + 2 · 0.1 is the 0.3 which the user meant.
                count = int((Decimal(str(high)) - Decimal(str(low))) / width) + 1
                if count > 10_000:
                    return None
                return tuple(self._typed(Decimal(str(low)) + i * width) for i in range(count))

    @cached_property
    def middle(self) -> float:
        """Where it starts, in [0, 1]: its prior, or the middle of what is ordered, or the first of what is not."""
        if self.believed is not None:
            return self.believed
        named = self.domain.kind in ("name", "bool")
        if isinstance(self.setting, Choice) and named and not self.setting.ordinal:
            return self.to_unit(self.setting.choices[0])
        return self.to_unit(self.from_unit(0.5))

    @cached_property
    def believed(self) -> float | None:
        """The place of its prior; `None` without one."""
        prior = self.setting.prior
        return None if prior is None else self.to_unit(self.nearest(prior))

    def to_unit(self, value: Value) -> float:
        """The place of `value` in [0, 1]; a categorical's slices are equal, and it sits in their middle."""
        if self._by_slices:
            assert self.points is not None
            return (self.points.index(value) + 0.5) / len(self.points)
        assert isinstance(value, int | float)
        low, high = self._ends
        place = math.log(value) if self._log else float(value)
        return min(max((place - low) / (high - low), 0.0), 1.0)

    def from_unit(self, place: float) -> Value:
        """The value at `place`; whatever lies outside [0, 1] is moved to the nearest end."""
        place = min(max(place, 0.0), 1.0)
        if self._by_slices:
            assert self.points is not None
            return self.points[min(int(place * len(self.points)), len(self.points) - 1)]
        assert isinstance(self.setting, Range)
        low, high = self._ends
        raw = low + place * (high - low)
        number = math.exp(raw) if self._log else raw
        if self.kind == "int":
            number = round(number)
        # exp(log(high)) may lie one ulp above high.
        return self._typed(min(max(number, self.setting.low), self.setting.high))

    def nearest(self, value: Value) -> Value:
        """The value it can take that is nearest to `value`; mends what rounding did to a step."""
        if isinstance(self.setting, Choice) or self.setting.step is None or self.points is None:
            return value
        assert isinstance(value, int | float)
        return min(self.points, key=lambda point: abs(float(point or 0) - value))

    def contains(self, value: Value) -> bool:
        """Whether it can take `value`."""
        if self.points is not None:
            return any(value == point and type(value) is type(point) for point in self.points)
        assert isinstance(self.setting, Range)
        legal = isinstance(value, int if self.kind == "int" else float) and not isinstance(value, bool)
        return legal and self.setting.low <= value <= self.setting.high  # type: ignore[operator]

    def distribution(self) -> BaseDistribution:
        """The same in Optuna's words; of an ordinal the places of the choices, see `to_optuna`."""
        if isinstance(self.setting, Choice):
            if self.setting.ordinal:
                return IntDistribution(0, len(self.setting.choices) - 1)
            return CategoricalDistribution(self.setting.choices)
        low, high, step = self.setting.low, self.setting.high, self.setting.step
        if self.points is not None:
            # Optuna warns when high is not a whole number of steps above low.
            last = self.points[-1]
            assert isinstance(last, int | float)
            high = last
        if self.kind == "int":
            return IntDistribution(int(low), int(high), log=self._log, step=int(step or 1))
        return FloatDistribution(low, high, log=self._log, step=step)

    def to_optuna(self, value: Value) -> Value:
        """What stands for `value` in `distribution`."""
        if isinstance(self.setting, Choice) and self.setting.ordinal:
            return self.setting.choices.index(value)
        return value

    def from_optuna(self, value: Value) -> Value:
        """The value that `to_optuna` made this of; rounding is mended."""
        if isinstance(self.setting, Choice) and self.setting.ordinal:
            assert isinstance(value, int)
            return self.setting.choices[value]
        return self.nearest(value)

    def _typed(self, number: float | Decimal) -> int | float:
        return int(number) if self.kind == "int" else float(number)

    @cached_property
    def _log(self) -> bool:
        return isinstance(self.setting, Range) and self.setting.log

    @cached_property
    def _by_slices(self) -> bool:
        return self.points is not None and not self._log

    @cached_property
    def _ends(self) -> tuple[float, float]:
        assert isinstance(self.setting, Range)
        low, high = float(self.setting.low), float(self.setting.high)
        if self.kind == "int":
            # Half a step more at both ends: the outermost whole numbers get a full share.
            low, high = low - 0.5, high + 0.5
        return (math.log(low), math.log(high)) if self._log else (low, high)
