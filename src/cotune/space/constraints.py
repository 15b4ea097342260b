"""What must hold of a configuration, as sentences over parameters: "width * depth <= 512".

A sentence is an expression in Python's words: numbers, words in quotes, names of parameters, + - * / // % **,
comparisons, `and`, `or`, `not`, `in`, `x if c else y`, and a few functions. It is read into a tree, looked through
node by node, and made of closures: nothing is ever handed to Python to be run.

A parameter that has no meaning in a configuration (momentum, beside adamw) has no value there. What hangs on it is
unknown, in the logic of three values of Kleene (1938); and a sentence that is unknown forbids nothing. One that
cannot be computed, such as a division by zero, does forbid.
"""

import ast
import math
import operator
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from cotune.errors import RecipeError, did_you_mean
from cotune.types import Value

Values = Mapping[str, Value]
Meaning = Callable[[Values], Any]
"""From the values of a configuration to what an expression is there."""

LONGEST = 500
"""Letters of a sentence."""

_UNKNOWN = object()


def _power(base: float, exponent: float) -> float:
    return math.pow(base, exponent)  # whole numbers could become too large to be written down


def _of_numbers(function: Callable[[Any, Any], Any]) -> Callable[[Any, Any], Any]:
    """The function for numbers alone: a word times a million is a word that fills memory."""

    def checked(one: Any, other: Any) -> Any:
        if not (isinstance(one, int | float) and isinstance(other, int | float)):
            raise TypeError
        return function(one, other)

    return checked


_ARITHMETIC: dict[type[ast.operator], Callable[[Any, Any], Any]] = {
    ast.Add: _of_numbers(operator.add),
    ast.Sub: _of_numbers(operator.sub),
    ast.Mult: _of_numbers(operator.mul),
    ast.Div: _of_numbers(operator.truediv),
    ast.FloorDiv: _of_numbers(operator.floordiv),
    ast.Mod: _of_numbers(operator.mod),
    ast.Pow: _of_numbers(_power),
}
_COMPARISONS: dict[type[ast.cmpop], Callable[[Any, Any], bool]] = {
    ast.Lt: operator.lt,
    ast.LtE: operator.le,
    ast.Gt: operator.gt,
    ast.GtE: operator.ge,
    ast.Eq: operator.eq,
    ast.NotEq: operator.ne,
    ast.In: lambda one, several: one in several,
    ast.NotIn: lambda one, several: one not in several,
}
FUNCTIONS: dict[str, Callable[..., Any]] = {
    "abs": abs,
    "min": min,
    "max": max,
    "round": round,
    "log": math.log,
    "log2": math.log2,
    "log10": math.log10,
    "sqrt": math.sqrt,
}
"""What a sentence may call."""


@dataclass(frozen=True)
class Constraint:
    """One sentence.

    Args:
        text: as the user wrote it.
        names: the parameters it speaks of.
        meaning: what it is in a configuration; the text says it all, so it is not compared.
    """

    text: str
    names: frozenset[str]
    meaning: Meaning = field(compare=False, repr=False)

    def holds(self, config: Values) -> bool:
        """Whether it holds, or cannot be said, in a full configuration."""
        try:
            found = self.meaning(config)
        except (ArithmeticError, ValueError, TypeError):
            return False
        return found is _UNKNOWN or bool(found)

    def check(self, config: Values) -> None:
        """Raise `RecipeError` if it compares or computes what cannot be, such as a word with a number."""
        try:
            self.meaning(config)
        except (ArithmeticError, ValueError):
            return
        except TypeError:
            here = ", ".join(f"{name} is {config[name]!r}" for name in sorted(self.names) if name in config)
            raise _fault(self.text, f"cannot be computed where {here}", "compare like with like") from None


def read_constraint(text: str, known: Mapping[str, str], *, switches: Iterable[str] = ()) -> Constraint:
    """A constraint from its text.

    Args:
        text: the expression.
        known: name as it may stand in the text → parameter.
        switches: parameters that are true or false, which may stand alone.

    Raises:
        RecipeError: it is no expression, has what must not be there, names what is no parameter, or is not
            true or false.

    Example:
        >>> read_constraint("width * depth <= 512", {"width": "width", "depth": "depth"}).holds(
        ...     {"width": 256, "depth": 3}
        ... )
        False
    """
    if len(text) > LONGEST:
        raise _fault(text[:40] + "…", f"has {len(text)} letters", f"write several, of at most {LONGEST} each")
    reader = _Reader(text, known, frozenset(switches))
    try:
        meaning = reader.truth(ast.parse(text.strip(), mode="eval").body)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        raise _fault(text, "is no expression", "write it as in 'width * depth <= 512'") from None
    if not reader.names:
        raise _fault(text, "names no parameter", "write it as in 'width * depth <= 512'")
    return Constraint(text, frozenset(reader.names), meaning)


def _fault(text: str, law: str, remedy: str) -> RecipeError:
    return RecipeError(f"search.constraints: '{text}' {law}; {remedy}")


class _Reader:
    """Makes closures of a tree."""

    def __init__(self, text: str, known: Mapping[str, str], switches: frozenset[str]) -> None:
        self._text, self._known, self._switches = text, known, switches
        self.names: set[str] = set()

    def truth(self, node: ast.expr) -> Meaning:
        """An expression that is true or false."""
        match node:
            case ast.BoolOp(op, values):
                parts = [self.truth(value) for value in values]
                return _any(parts) if isinstance(op, ast.Or) else _all(parts)
            case ast.UnaryOp(ast.Not(), operand):
                return _lifted(operator.not_, [self.truth(operand)])
            case ast.Compare(left, operators, others):
                return self._compared(left, operators, others)
            case ast.IfExp(test, body, other):
                return _chosen(self.truth(test), self.truth(body), self.truth(other))
            case ast.Constant(bool()):
                return _constant(node.value)
            case ast.Name() | ast.Attribute():
                name = self._name(node)
                if name in self._switches:
                    return _value_of(name)
            case ast.Call():
                self.value(node)
        shown = ast.unparse(node)
        raise _fault(
            self._text,
            f"must be true or false, but {shown} is neither",
            f"compare it, as in '{shown} <= 512'",
        )

    def _compared(self, left: ast.expr, operators: list[ast.cmpop], others: list[ast.expr]) -> Meaning:
        sides = [self.value(each) for each in (left, *others)]
        parts = []
        for place, kind in enumerate(operators):
            compare = _COMPARISONS.get(type(kind))
            if compare is None:
                raise self._unknown("is")
            parts.append(_lifted(compare, sides[place : place + 2]))
        return _all(parts)

    def value(self, node: ast.expr) -> Meaning:
        """An expression that has a value."""
        match node:
            case ast.Constant(bool() | int() | float() | str() | None):
                return _constant(node.value)
            case ast.Name() | ast.Attribute():
                return _value_of(self._name(node))
            case ast.BinOp(left, op, right) if type(op) in _ARITHMETIC:
                return _lifted(_ARITHMETIC[type(op)], [self.value(left), self.value(right)])
            case ast.UnaryOp(ast.USub(), operand):
                return _lifted(operator.neg, [self.value(operand)])
            case ast.UnaryOp(ast.UAdd(), operand):
                return _lifted(operator.pos, [self.value(operand)])
            case ast.List(elements) | ast.Tuple(elements) | ast.Set(elements):
                return _lifted(lambda *several: several, [self.value(each) for each in elements])
            case ast.IfExp(test, body, other):
                return _chosen(self.truth(test), self.value(body), self.value(other))
            case ast.Call(ast.Name(id=name), arguments, []) if name in FUNCTIONS and arguments:
                return _lifted(FUNCTIONS[name], [self.value(each) for each in arguments])
            case ast.Call(function):
                shown = ast.unparse(function)
                raise _fault(self._text, f"may not call {shown}", f"it may call {', '.join(FUNCTIONS)}")
            case ast.BoolOp() | ast.Compare() | ast.UnaryOp(ast.Not()):
                return self.truth(node)
        raise self._unknown(ast.unparse(node))

    def _unknown(self, shown: str) -> RecipeError:
        return _fault(
            self._text,
            f"may not have {shown}",
            "it may have names, numbers, 'words', + - * / // % **, comparisons, and, or, not, in, if … else",
        )

    def _name(self, node: ast.expr) -> str:
        shown = ast.unparse(node)
        if shown not in self._known:
            law = f"search.constraints: '{self._text}' names '{shown}', which is no parameter"
            raise RecipeError(law + did_you_mean(shown, self._known))
        self.names.add(self._known[shown])
        return self._known[shown]


def _constant(value: Any) -> Meaning:
    return lambda _: value


def _value_of(name: str) -> Meaning:
    return lambda config: config.get(name, _UNKNOWN)


def _lifted(function: Callable[..., Any], parts: list[Meaning]) -> Meaning:
    """The function of what the parts mean, unknown where one of them is."""

    def meaning(config: Values) -> Any:
        values = [part(config) for part in parts]
        return _UNKNOWN if any(value is _UNKNOWN for value in values) else function(*values)

    return meaning


def _any(parts: list[Meaning]) -> Meaning:
    def meaning(config: Values) -> Any:
        found: Any = False
        for part in parts:
            value = part(config)
            if value is _UNKNOWN:
                found = _UNKNOWN
            elif value:
                return True
        return found

    return meaning


def _all(parts: list[Meaning]) -> Meaning:
    def meaning(config: Values) -> Any:
        found: Any = True
        for part in parts:
            value = part(config)
            if value is _UNKNOWN:
                found = _UNKNOWN
            elif not value:
                return False
        return found

    return meaning


def _chosen(test: Meaning, body: Meaning, other: Meaning) -> Meaning:
    def meaning(config: Values) -> Any:
        value = test(config)
        if value is _UNKNOWN:
            return _UNKNOWN
        return body(config) if value else other(config)

    return meaning
