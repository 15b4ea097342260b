"""The recipe's section for networks that the user builds: which of their numbers and words are searched, and where."""

from typing import Literal

from pydantic import Field

from cotune.recipe.section import Section
from cotune.recipe.settings import Choice, Confidence, Domain, Range, Setting
from cotune.types import Value

PREFIX = "module."
"""What stands before the names of a user's own parameters, so that none is taken for a key of the recipe."""


class OwnParameter(Section):
    """A parameter of the user's `build`, as it asked for it.

    Args:
        kind: "int" and "float" have a range, "choice" has choices.
        low, high, log, step: of a range.
        choices: of a choice, in the order in which `build` named them.
        ordered: whether neighbouring choices are near; `None`: rising and falling numbers are.
        prior, confidence: the value that is believed to be the best, and how surely.
        literal: whether the choices are Python literals, such as "(64, 32)", that stand for what they say.
        when: (parameter, values): `build` asks for it only while that parameter has one of those values.
    """

    kind: Literal["int", "float", "choice"]
    low: float = 0.0
    high: float = 0.0
    log: bool = False
    step: float | None = None
    choices: tuple[Value, ...] = ()
    ordered: bool | None = None
    prior: Value = None
    confidence: Confidence = "medium"
    literal: bool = False
    when: tuple[str, tuple[Value, ...]] | None = None

    @property
    def setting(self) -> Setting:
        """Where its values come from."""
        if self.kind == "choice":
            if len(self.choices) == 1:
                return self.choices[0]
            return Choice(self.choices, self.ordered, self.prior, self.confidence)
        kind = int if self.kind == "int" else float
        if self.low == self.high:
            return kind(self.low)
        prior = None if self.prior is None else kind(self.prior)
        return Range(kind(self.low), kind(self.high), self.log, self.step, prior, self.confidence)

    @property
    def domain(self) -> Domain:
        """Its legal values, and what it hangs on."""
        when = None if self.when is None else (PREFIX + self.when[0], self.when[1])
        if self.kind == "choice":
            return Domain("name", when=when)
        # Numbers with a fraction seldom change a shape; where one does, lanes part by their structures all the same.
        return Domain(self.kind, when=when, fusable=self.kind == "float")


class ModuleSection(Section):
    """A network of your own; filled in from `cotune.tune(build=…)`."""

    build: str | None = Field(
        None, description="Where the function that builds the network is, for the record."
    )
    parameters: dict[str, OwnParameter] = Field(
        default_factory=dict, description="What that function asks for by name: found by running it."
    )
