"""A builder in KerasTuner's words: `def build(hp)` with `hp.Int`, `hp.Float`, `hp.Choice`, `hp.Boolean`, `hp.Fixed`.

Source: O'Malley et al., KerasTuner, 2019; keras_tuner.engine.hyperparameters.HyperParameters.
"""

from abc import abstractmethod
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from cotune.errors import RecipeError


class KerasTunerWords:
    """The methods of `hp`, put into Optuna's.

    `parent_name` and `conditional_scope` need no care: where a value is asked for is seen by running `build`. A
    `default` is not used: searches begin in the middle.
    """

    @abstractmethod
    def suggest_int(self, name: str, low: int, high: int, *, step: int = 1, log: bool = False) -> int:
        """See `cotune.space.suggestions.Trial`."""

    @abstractmethod
    def suggest_float(
        self, name: str, low: float, high: float, *, step: float | None = None, log: bool = False
    ) -> float:
        """See `cotune.space.suggestions.Trial`."""

    @abstractmethod
    def suggest_categorical(self, name: str, choices: Sequence[Any], *, ordered: bool | None = None) -> Any:
        """See `cotune.space.suggestions.Trial`."""

    def Int(  # noqa: N802
        self,
        name: str,
        min_value: int,
        max_value: int,
        step: int | None = None,
        sampling: str | None = "linear",
        default: int | None = None,  # noqa: ARG002
        parent_name: str | None = None,  # noqa: ARG002
        parent_values: Any = None,  # noqa: ARG002
    ) -> int:
        """A whole number; with `sampling="log"` and a step, the powers of the step."""
        log = _is_log(name, sampling)
        if log and step is not None:
            found: int = self.suggest_categorical(name, _powers(name, min_value, max_value, step))
            return found
        return self.suggest_int(name, min_value, max_value, step=step or 1, log=log)

    def Float(  # noqa: N802
        self,
        name: str,
        min_value: float,
        max_value: float,
        step: float | None = None,
        sampling: str | None = "linear",
        default: float | None = None,  # noqa: ARG002
        parent_name: str | None = None,  # noqa: ARG002
        parent_values: Any = None,  # noqa: ARG002
    ) -> float:
        """A number; with `sampling="log"` and a step, the powers of the step."""
        log = _is_log(name, sampling)
        if log and step is not None:
            return float(self.suggest_categorical(name, _powers(name, min_value, max_value, step)))
        return self.suggest_float(name, min_value, max_value, step=step, log=log)

    def Choice(  # noqa: N802
        self,
        name: str,
        values: Sequence[Any],
        ordered: bool | None = None,
        default: Any = None,  # noqa: ARG002
        parent_name: str | None = None,  # noqa: ARG002
        parent_values: Any = None,  # noqa: ARG002
    ) -> Any:
        """One of the values; numbers in order count as ordered unless `ordered=False`."""
        return self.suggest_categorical(name, values, ordered=ordered)

    def Boolean(  # noqa: N802
        self,
        name: str,
        default: bool = False,  # noqa: ARG002
        parent_name: str | None = None,  # noqa: ARG002
        parent_values: Any = None,  # noqa: ARG002
    ) -> bool:
        """False or true."""
        found: bool = self.suggest_categorical(name, [False, True])
        return found

    def Fixed(  # noqa: N802
        self,
        name: str,
        value: Any,
        parent_name: str | None = None,  # noqa: ARG002
        parent_values: Any = None,  # noqa: ARG002
    ) -> Any:
        """The value itself."""
        return self.suggest_categorical(name, [value])

    @contextmanager
    def conditional_scope(self, parent_name: str, parent_values: Any) -> Iterator[None]:  # noqa: ARG002
        """Nothing: a builder that asks for values under a condition asks only where it holds."""
        yield

    @contextmanager
    def name_scope(self, name: str) -> Iterator[None]:  # noqa: ARG002
        """Nothing: names stand for themselves."""
        yield


def _is_log(name: str, sampling: str | None) -> bool:
    if sampling not in (None, "linear", "log"):
        law = f"sampling must be 'linear' or 'log', but '{name}' has {sampling!r}"
        raise RecipeError(f"{law}; reverse the range in build where 'reverse_log' is meant")
    return sampling == "log"


def _powers(name: str, low: float, high: float, ratio: float) -> list[float]:
    if not (low > 0 and ratio > 1):
        raise RecipeError(
            f"a log range with a step needs min_value > 0 and step > 1, but '{name}' has {low:g} and {ratio:g}"
        )
    found: list[float] = [low]
    while found[-1] * ratio <= high * (1 + 1e-9):
        found.append(found[-1] * ratio)
    return found
