"""A setting is a fixed value or a part of the search space, and a domain says which of them are legal.

In a recipe every tunable key takes three forms:

```yaml
lr: 0.01                                # fixed
lr: {low: 1e-4, high: 1e-2, log: true}  # searched over a range
activation: [relu, gelu]                # searched over choices (also {choices: [relu, gelu]})
```

A range and choices may say where the best is believed to be (`prior: 3e-3, confidence: high`), and choices whether
neighbours are near to each other (`ordered: true`), as rising or falling numbers are unless it says otherwise.
"""

import math
from collections.abc import Callable
from dataclasses import asdict, dataclass
from itertools import pairwise
from typing import Any, Literal

from pydantic import GetCoreSchemaHandler, GetJsonSchemaHandler
from pydantic_core import CoreSchema, PydanticCustomError, core_schema

from cotune.errors import did_you_mean
from cotune.types import Value

Confidence = Literal["low", "medium", "high"]
"""How sure someone is of a prior."""

CONFIDENCES: tuple[Confidence, ...] = ("low", "medium", "high")


@dataclass(frozen=True)
class Range:
    """Searched between `low` and `high`, both included; `log` spaces it by ratio, `step` by difference.

    `prior` is where the best is believed to be.
    """

    low: float
    high: float
    log: bool = False
    step: float | None = None
    prior: float | None = None
    confidence: Confidence = "medium"


@dataclass(frozen=True)
class Choice:
    """Searched among `choices`, one of which may be believed to be the best.

    Args:
        ordered: whether neighbours are near to each other; `None`: rising and falling numbers are.
    """

    choices: tuple[Value, ...]
    ordered: bool | None = None
    prior: Value = None
    confidence: Confidence = "medium"

    @property
    def ordinal(self) -> bool:
        """Whether the choices stand in an order."""
        if self.ordered is not None:
            return self.ordered
        numbers = [v for v in self.choices if isinstance(v, int | float) and not isinstance(v, bool)]
        if len(numbers) < len(self.choices):
            return False
        pairs = tuple(pairwise(numbers))
        return all(a < b for a, b in pairs) or all(a > b for a, b in pairs)


Setting = Value | Range | Choice
"""A fixed value, or where to search."""


def _fault(law: str) -> PydanticCustomError:
    # The law is passed as context, not as template: it may contain braces.
    return PydanticCustomError("setting", "{law}", {"law": law})


@dataclass(frozen=True)
class Domain:
    """The legal values of one parameter, and what varying it costs.

    Args:
        kind: "float", "int", "bool" or "name".
        low, high: closed bounds of a number.
        below: open upper bound, for fractions that must stay under 1.
        options: the names allowed when `kind` is "name".
        fusable: whether lanes that differ in it still share one fused step.
        when: (parameter, values): it only has meaning while that parameter has one of those values.
        words: words allowed in place of a value, such as "auto"; they cannot be searched.
        step: legal whole numbers are low, low + step, low + 2 step, …
        source: where the meaning, or the default range, was published.
    """

    kind: Literal["float", "int", "bool", "name"]
    low: float = -math.inf
    high: float = math.inf
    below: float | None = None
    options: tuple[str, ...] = ()
    fusable: bool = False
    when: tuple[str, tuple[Value, ...]] | None = None
    words: tuple[str, ...] = ()
    step: int = 1
    source: str = ""

    def check(self, value: object) -> Value:
        """Return `value` in the domain's own type, or raise a law-stating fault."""
        match self.kind:
            case "bool":
                if not isinstance(value, bool):
                    raise _fault(f"must be true or false, but got {value!r}")
                return value
            case "name":
                word = "none" if value is None else value
                if word not in self.options:
                    raise _fault(
                        f"must be one of {', '.join((*self.words, *self.options))}, but got {value!r}"
                        + did_you_mean(str(value), self.options)
                    )
                return str(word)
            case "int" | "float":
                return self._number(value)

    def _number(self, value: object) -> int | float:
        noun = "a whole number" if self.kind == "int" else "a number"
        if isinstance(value, str):  # YAML 1.1 reads 1e-4 as a word
            try:
                value = float(value)
            except ValueError:
                words = f" or {', '.join(self.words)}" if self.words else ""
                raise _fault(f"must be {noun}{words}, but got {value!r}") from None
        if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
            raise _fault(f"must be {noun}, but got {value!r}")
        if self.kind == "int" and value != int(value):
            raise _fault(f"must be a whole number, but got {value!r}")
        if not self.low <= value <= self.high or (self.below is not None and value >= self.below):
            raise _fault(f"must lie in {self.interval}, but got {value!r}")
        if self.step > 1 and (value - self.low) % self.step:
            raise _fault(f"must be {self.ladder}, but got {value!r}")
        return int(value) if self.kind == "int" else float(value)

    @property
    def interval(self) -> str:
        """The bounds as mathematicians write them."""
        left = f"[{self.low:g}" if math.isfinite(self.low) else "(-∞"
        if self.below is not None:
            return f"{left}, {self.below:g})"
        return f"{left}, {self.high:g}]" if math.isfinite(self.high) else f"{left}, ∞)"

    @property
    def ladder(self) -> str:
        """The first legal numbers, where not all whole ones are."""
        first = ", ".join(f"{self.low + i * self.step:g}" for i in range(3))
        return f"one of {first}, …"

    def parse(self, raw: object) -> Setting:
        """A fixed value, a `Range` or a `Choice` from what stands in a recipe."""
        if isinstance(raw, Range | Choice):
            raw = asdict(raw)
        if isinstance(raw, list | tuple):
            return self._choice({"choices": list(raw)})
        if isinstance(raw, dict):
            return self._choice(raw) if "choices" in raw else self._range(raw)
        if isinstance(raw, str) and raw in self.words:
            return raw
        return self.check(raw)

    def _choice(self, raw: dict[str, Any]) -> Choice:
        _must_know(raw, "choices", ("choices", "ordered", "prior", "confidence"))
        given, ordered = raw["choices"], raw.get("ordered")
        if not isinstance(given, list | tuple) or not given:
            raise _fault(f"choices must be a list with at least one value, but got {given!r}")
        values = tuple(self.check(v) for v in given)
        if len(set(values)) < len(values):
            raise _fault(f"choices must differ, but got {list(given)!r}")
        if ordered is not None and not isinstance(ordered, bool):
            raise _fault(f"ordered must be true or false, but got {ordered!r}")
        prior = raw.get("prior")
        if prior is not None:
            prior = self.check(prior)
            if prior not in values:
                raise _fault(f"prior must be one of the choices {list(values)!r}, but got {prior!r}")
        return Choice(values, ordered, prior, _confidence(raw))

    def _range(self, raw: dict[str, Any]) -> Range:
        _must_know(raw, "a range", ("low", "high", "log", "step", "prior", "confidence"), also=("choices",))
        if self.kind in ("bool", "name"):
            raise _fault(
                "takes choices, not a range: write it as a list, e.g. "
                + (f"[{', '.join(self.options[:2])}]" if self.options else "[true, false]")
            )
        if not {"low", "high"} <= set(raw):
            raise _fault(f"a range needs both low and high, but got {raw!r}")
        low, high = (self._number(raw[k]) for k in ("low", "high"))
        log, step = raw.get("log", False), raw.get("step")
        if not isinstance(log, bool):
            raise _fault(f"log must be true or false, but got {log!r}")
        if low > high:
            raise _fault(f"low <= high must hold, but got (low={low:g}, high={high:g}); swap them?")
        if log and low <= 0:
            raise _fault(f"a log range needs low > 0, but got low={low:g}; set log: false, or raise low")
        if self.step > 1 and log:
            raise _fault(f"takes only {self.ladder}, so a log range cannot be had: write a list of choices")
        if self.step > 1 and step is None:
            step = self.step
        if step is not None:
            if isinstance(step, bool) or not isinstance(step, int | float) or not step > 0:
                raise _fault(f"step must be a number above 0, but got {step!r}")
            if log:
                raise _fault("log and step cannot be had together: drop one of them")
            if self.kind == "int" and step != int(step):
                raise _fault(f"step must be a whole number here, but got {step!r}")
            if self.step > 1 and step % self.step:
                raise _fault(f"step must be a multiple of {self.step} here, but got {step!r}")
        prior = raw.get("prior")
        if prior is not None:
            prior = self._number(prior)
            if not low <= prior <= high:
                raise _fault(f"prior must lie in [{low:g}, {high:g}], but got {prior:g}; widen the range?")
        return Range(low, high, log, step, prior, _confidence(raw))

    def __get_pydantic_core_schema__(self, _: Any, __: GetCoreSchemaHandler) -> CoreSchema:
        dump = core_schema.plain_serializer_function_ser_schema(to_plain)
        return core_schema.no_info_plain_validator_function(self.parse, serialization=dump)

    def __get_pydantic_json_schema__(self, _: CoreSchema, __: GetJsonSchemaHandler) -> dict[str, Any]:
        value = _VALUE_SCHEMAS[self.kind](self)
        belief = {"prior": value, "confidence": {"enum": list(CONFIDENCES)}}
        forms: list[dict[str, Any]] = [value]
        if self.words:
            forms.append({"enum": list(self.words)})
        several = {"type": "array", "items": value, "minItems": 1, "uniqueItems": True}
        forms += [
            several,
            {
                "type": "object",
                "properties": {"choices": several, "ordered": {"type": "boolean"}, **belief},
                "required": ["choices"],
                "additionalProperties": False,
            },
        ]
        if self.kind in ("int", "float"):
            ends = {
                "low": value,
                "high": value,
                "log": {"type": "boolean"},
                "step": {"type": ["number", "null"]},
                **belief,
            }
            forms.append(
                {
                    "type": "object",
                    "properties": ends,
                    "required": ["low", "high"],
                    "additionalProperties": False,
                }
            )
        return {"anyOf": forms}


def _must_know(raw: dict[str, Any], what: str, known: tuple[str, ...], also: tuple[str, ...] = ()) -> None:
    unknown = sorted(str(key) for key in set(raw) - set(known))
    if unknown:
        takes = f"{', '.join(known[:-1])} and {known[-1]}"
        raise _fault(
            f"{what} takes {takes}, but got '{unknown[0]}'" + did_you_mean(unknown[0], (*known, *also))
        )


def _confidence(raw: dict[str, Any]) -> Confidence:
    found = raw.get("confidence")
    if found is None:
        return "medium"
    if found not in CONFIDENCES:
        raise _fault(
            f"confidence must be low, medium or high, but got {found!r}"
            + did_you_mean(str(found), CONFIDENCES)
        )
    if raw.get("prior") is None and found != "medium":
        raise _fault(f"confidence: {found} says how sure a prior is, but there is none: add prior: VALUE")
    return found  # type: ignore[no-any-return]


def _number_schema(domain: Domain) -> dict[str, Any]:
    schema: dict[str, Any] = {"type": "integer" if domain.kind == "int" else "number"}
    if math.isfinite(domain.low):
        schema["minimum"] = domain.low
    if math.isfinite(domain.high):
        schema["maximum"] = domain.high
    if domain.below is not None:
        schema["exclusiveMaximum"] = domain.below
    if domain.step > 1 and domain.low % domain.step == 0:
        schema["multipleOf"] = domain.step
    return schema


_VALUE_SCHEMAS: dict[str, Callable[[Domain], dict[str, Any]]] = {
    "int": _number_schema,
    "float": _number_schema,
    "bool": lambda _: {"type": "boolean"},
    "name": lambda domain: {"enum": list(domain.options)},
}


def to_plain(setting: object) -> Any:
    """The setting as YAML and JSON write it."""
    match setting:
        case Range():
            plain: dict[str, Any] = {"low": setting.low, "high": setting.high}
            if setting.log:
                plain["log"] = True
            if setting.step is not None:
                plain["step"] = setting.step
            return plain | _plain_belief(setting)
        case Choice(choices, ordered):
            extra = (
                _plain_belief(setting) if ordered is None else {"ordered": ordered, **_plain_belief(setting)}
            )
            return {"choices": list(choices), **extra} if extra else list(choices)
        case _:
            return setting


def _plain_belief(setting: Range | Choice) -> dict[str, Any]:
    return {} if setting.prior is None else {"prior": setting.prior, "confidence": setting.confidence}
