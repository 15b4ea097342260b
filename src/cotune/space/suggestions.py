"""What `build` is handed: it asks for values by name, in the words of Optuna, of KerasTuner or of a dictionary.

`Trial` answers each question with the value that stands in its parameters, or else with a value of its own choosing;
it writes down what was asked. So the space is found by running `build` (define-by-run, Akiba et al., Optuna, KDD
2019), and a configuration is built by running it again.
"""

import ast
import math
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from decimal import Decimal
from typing import Any

from cotune.errors import RecipeError
from cotune.recipe.module import OwnParameter
from cotune.recipe.settings import CONFIDENCES, Confidence
from cotune.space.adapters.keras_tuner import KerasTunerWords
from cotune.types import Value

Asking = Callable[["Trial"], Mapping[str, Any]]
"""Asks a trial for all values of a space, and returns them by name."""

PLAIN = (bool, int, float, str, type(None))

MOST_LITERAL = 200
"""Letters of a choice that is no number or word."""


class Trial(KerasTunerWords, Mapping[str, Any]):
    """The one argument of `build`.

    Args:
        given: values by name; a name that is asked for and not here gets the middle of its range.
        space: the user's `space=`, as a function that asks for all it has and returns the values by name; what it asks
            for goes before what `build` says of the same names.
        strict: warn where a value is asked for that `given` has not.

    Example:
        >>> def build(trial):
        ...     width = trial.suggest_int("width", 16, 256, log=True)
        ...     return torch.nn.Linear(8, width)
    """

    def __init__(
        self,
        given: Mapping[str, Value] | None = None,
        space: "Asking | None" = None,
        *,
        strict: bool = False,
    ) -> None:
        self._given = dict(given or {})
        self._strict = strict
        self.asked: dict[str, OwnParameter] = {}
        """What was asked for, in order."""
        self.answered: dict[str, Value] = {}
        """What was answered, as parameters are stored."""
        self._values: Mapping[str, Any] = {} if space is None else space(self)
        self._fixed = frozenset(self.asked)

    # ------------------------------------------------------------------ as Optuna has it

    @property
    def number(self) -> int:
        """No number: a network does not depend on which trial it is of."""
        return 0

    @property
    def params(self) -> dict[str, Any]:
        """What was answered so far, by name."""
        return {name: self._decoded(self.asked[name], value) for name, value in self.answered.items()}

    def suggest_int(
        self,
        name: str,
        low: int,
        high: int,
        *,
        step: int = 1,
        log: bool = False,
        prior: int | None = None,
        confidence: Confidence = "medium",
    ) -> int:
        """A whole number of [low, high], by steps or by ratio; `prior` is where the best is believed to be."""
        _check_range(name, low, high, step, log=log, kinds=(int,))
        own = OwnParameter(kind="int", low=low, high=high, log=log, step=None if step == 1 else step)
        found: int = self._ask(name, with_belief(name, own, prior, confidence))
        return found

    def suggest_float(
        self,
        name: str,
        low: float,
        high: float,
        *,
        step: float | None = None,
        log: bool = False,
        prior: float | None = None,
        confidence: Confidence = "medium",
    ) -> float:
        """A number of [low, high], by steps, by ratio, or any; `prior` is where the best is believed to be."""
        _check_range(name, low, high, step, log=log, kinds=(int, float))
        own = OwnParameter(kind="float", low=low, high=high, log=log, step=step)
        return float(self._ask(name, with_belief(name, own, prior, confidence)))

    def suggest_categorical(
        self,
        name: str,
        choices: Sequence[Any],
        *,
        ordered: bool | None = None,
        prior: Any = None,
        confidence: Confidence = "medium",
    ) -> Any:
        """One of the choices: numbers, words, `None`, or tuples and lists of them.

        Args:
            ordered: whether neighbours are near to each other; `None`: rising and falling numbers are.
            prior, confidence: the choice that is believed to be the best, and how surely.
        """
        own = of_choices(name, choices, ordered=ordered)
        if prior is not None and own.literal:
            prior = repr(prior)
        return self._ask(name, with_belief(name, own, prior, confidence))

    def suggest_uniform(self, name: str, low: float, high: float) -> float:
        """As `suggest_float`."""
        return self.suggest_float(name, low, high)

    def suggest_loguniform(self, name: str, low: float, high: float) -> float:
        """As `suggest_float` with `log=True`."""
        return self.suggest_float(name, low, high, log=True)

    def suggest_discrete_uniform(self, name: str, low: float, high: float, q: float) -> float:
        """As `suggest_float` with `step=q`."""
        return self.suggest_float(name, low, high, step=q)

    def report(self, value: float, step: int) -> None:
        """Nothing: cotune trains, and sees every epoch's figure itself."""

    def should_prune(self) -> bool:
        """Never here: cotune stops weak trials by its rungs."""
        return False

    # ------------------------------------------------------------------ as a dictionary

    def __getitem__(self, name: str) -> Any:
        if name not in self._values:
            law = f"build looks up {name!r}, which space= does not have"
            raise RecipeError(f"{law}; name it there, or ask for it with trial.suggest_…")
        return self._values[name]

    def __contains__(self, name: object) -> bool:
        return name in self._values

    def get(self, name: str, default: Any = None) -> Any:
        """The value of space= by this name, or `default`."""
        return self._values.get(name, default)

    def __iter__(self) -> Iterator[str]:
        return iter(self._values)

    def __len__(self) -> int:
        return len(self._values)

    def ask(self, name: str, own: OwnParameter) -> Any:
        """The value of a parameter that is described already; for adapters."""
        return self._ask(name, own)

    # ------------------------------------------------------------------ answering

    def _ask(self, name: str, own: OwnParameter) -> Any:
        if not isinstance(name, str) or not name:
            raise RecipeError(f"a parameter of build must have a name, but got {name!r}; pass a word")
        if name in self.asked:
            before = self.asked[name]
            if name in getattr(self, "_fixed", ()):
                own = before
            elif before.kind != own.kind or before.choices != own.choices:
                raise RecipeError(
                    f"build asks for '{name}' twice, and differently: {said(before)}, then {said(own)}; give one "
                    "of them another name"
                )
            return self._decoded(own, self.answered[name])
        self.asked[name] = own
        if name not in self._given and self._strict:
            warnings.warn(
                f"build asks for '{name}', which it did not ask for when the space was found: it gets the middle of "
                f"its range and is not searched; ask for it always, or name it in space=",
                stacklevel=3,
            )
        value = fitted(own, self._given[name]) if name in self._given else middle(own)
        self.answered[name] = value
        return self._decoded(own, value)

    @staticmethod
    def _decoded(own: OwnParameter, value: Value) -> Any:
        return ast.literal_eval(value) if own.literal and isinstance(value, str) else value


def _is_end(end: object, kinds: tuple[type, ...]) -> bool:
    legal = isinstance(end, kinds) and not isinstance(end, bool)
    return legal and isinstance(end, int | float) and math.isfinite(end)


def _check_range(
    name: str, low: object, high: object, step: object, *, log: bool, kinds: tuple[type, ...]
) -> None:
    noun = "whole numbers" if kinds == (int,) else "numbers"
    ends = (low, high) if step is None else (low, high, step)
    if not all(_is_end(end, kinds) for end in ends):
        raise RecipeError(f"the range of '{name}' must be of {noun}, but build asks for [{low!r}, {high!r}]")
    assert isinstance(low, int | float)
    assert isinstance(high, int | float)
    if low > high:
        raise RecipeError(
            f"low <= high must hold for '{name}', but build has ({low:g}, {high:g}); swap them?"
        )
    if log and low <= 0:
        raise RecipeError(f"a log range needs low > 0, but '{name}' has low={low:g}; raise it, or drop log")
    if step is not None and not step > 0:  # type: ignore[operator]
        raise RecipeError(f"step must be above 0, but '{name}' has {step:g}")
    if log and step not in (None, 1):
        raise RecipeError(f"log and step cannot be had together, but '{name}' has both: drop one of them")


def with_belief(name: str, own: OwnParameter, prior: Any, confidence: object = "medium") -> OwnParameter:
    """The parameter with a prior, the value that is believed to be the best.

    Raises:
        RecipeError: it cannot take that value, or the confidence is neither low, medium nor high.
    """
    if prior is None:
        return own
    if confidence not in CONFIDENCES:
        raise RecipeError(f"confidence must be low, medium or high, but '{name}' has {confidence!r}")
    if own.kind == "choice":
        legal = prior in own.choices
    else:
        legal = _is_end(prior, (int,) if own.kind == "int" else (int, float)) and own.low <= prior <= own.high
    if not legal:
        raise RecipeError(
            f"the prior of '{name}' must be a value it can take, {said(own)}, but got {prior!r}"
        )
    return own.model_copy(update={"prior": prior, "confidence": confidence})


def of_choices(name: str, choices: Sequence[Any], *, ordered: bool | None = None) -> OwnParameter:
    """A parameter with these choices.

    Raises:
        RecipeError: there are none, or one is neither a number nor a word, nor a tuple of them.
    """
    found = list(choices)
    if not found:
        raise RecipeError(f"choices must have at least one value, but those of '{name}' have none")
    if all(isinstance(value, PLAIN) for value in found):
        values: tuple[Value, ...] = tuple(dict.fromkeys(found))
        return OwnParameter(kind="choice", choices=values, ordered=ordered)
    labels = []
    for value in found:
        label = repr(value)
        try:
            same = ast.literal_eval(label) == value
        except (ValueError, SyntaxError):
            same = False
        if not same or len(label) > MOST_LITERAL:
            raise RecipeError(
                f"choices must be numbers, words, None or tuples of them, but '{name}' has {label[:60]}; choose "
                "among words, and look them up in build"
            )
        labels.append(label)
    return OwnParameter(kind="choice", choices=tuple(dict.fromkeys(labels)), ordered=ordered, literal=True)


def middle(own: OwnParameter) -> Value:
    """The prior, or the middle of a range (geometric where it is logarithmic), or the first of the choices."""
    if own.prior is not None:
        return own.prior
    if own.kind == "choice":
        return own.choices[0]
    at = math.sqrt(own.low * own.high) if own.log else (own.low + own.high) / 2
    return fitted(own, at)


def fitted(own: OwnParameter, value: Value) -> Value:
    """A value brought into the range that is asked for now: ranges may depend on other values."""
    if own.kind == "choice":
        return value
    assert isinstance(value, int | float)
    found = min(max(float(value), own.low), own.high)
    if own.step is not None:
        steps = round((found - own.low) / own.step)
        steps -= own.low + steps * own.step > own.high + 1e-9 * own.step
        # In decimals, as `Parameter.points` has it: 3 · 0.1 is the 0.3 which the user meant.
        found = float(Decimal(str(own.low)) + steps * Decimal(str(own.step)))
    return round(found) if own.kind == "int" else found


def said(own: OwnParameter) -> str:
    """A parameter in words."""
    if own.kind == "choice":
        return f"among {', '.join(map(repr, own.choices))}"
    return f"from {own.low:g} to {own.high:g}{' by ratio' if own.log else ''}"
