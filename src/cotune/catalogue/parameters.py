"""What may be set of a technique: the recipe's own bounds, and whether lanes of one step may differ in it."""

from dataclasses import dataclass
from typing import Any

from pydantic import TypeAdapter

from cotune.recipe.schema import leaves
from cotune.recipe.settings import Choice, Domain, Range


@dataclass(frozen=True)
class Parameter:
    """A recipe key as a technique has it.

    Args:
        name: of the key.
        range: lowest and highest value, `None` where there is no bound; or the names to choose from.
        scale: "log" or "linear" for numbers, "choice" for names, "fixed" for what cannot be searched.
        fusable: whether lanes that differ in it share one fused step.
    """

    name: str
    range: tuple[float | str | bool | None, ...]
    scale: str
    fusable: bool


def parameter(name: str) -> Parameter:
    """The parameter of a recipe key: the default range where it has one, else what is legal."""
    field = leaves()[name][1]
    default = field.get_default(call_default_factory=True)
    domain = next((extra for extra in field.metadata if isinstance(extra, Domain)), None)
    if domain is None:
        return Parameter(name, _bounds(TypeAdapter(field.annotation).json_schema(), field), "fixed", False)
    match default:
        case Range(low, high, log, _):
            return Parameter(name, (low, high), "log" if log else "linear", domain.fusable)
        case Choice(choices) if domain.kind != "name":
            ends = [choice for choice in choices if isinstance(choice, int | float)]
            return Parameter(name, (min(ends), max(ends)), "linear", domain.fusable)
    match domain.kind:
        case "name":
            return Parameter(name, domain.options, "choice", domain.fusable)
        case "bool":
            return Parameter(name, (False, True), "choice", domain.fusable)
    high = domain.high if domain.below is None else domain.below
    return Parameter(name, (_finite(domain.low), _finite(high)), "linear", domain.fusable)


def _finite(bound: float) -> float | None:
    return None if abs(bound) == float("inf") else bound


def _bounds(schema: dict[str, Any], field: Any) -> tuple[float | str | bool | None, ...]:
    """Of a key that cannot be searched: its names, or its bounds."""
    if "enum" in schema:
        return tuple(schema["enum"])
    numbers = [each for each in schema.get("anyOf", ()) if each.get("type") in ("number", "integer")]
    if numbers:  # a number or a word
        return tuple(
            numbers[0].get(f"exclusive{end}", numbers[0].get(end.lower())) for end in ("Minimum", "Maximum")
        )
    limits = {type(limit).__name__: limit for limit in field.metadata}
    low, high = limits.get("Ge") or limits.get("Gt"), limits.get("Le") or limits.get("Lt")
    return (
        getattr(low, "ge", getattr(low, "gt", None)),
        getattr(high, "le", getattr(high, "lt", None)),
    )
