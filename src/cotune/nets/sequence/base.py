"""What all networks of sequences have in common: a front, a body, a pooling over time, a linear head."""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass

from torch import Tensor

from cotune.nets.batched import Batched
from cotune.nets.context import Context
from cotune.nets.dropout import Factors
from cotune.nets.layers import linear
from cotune.nets.layout import Weight
from cotune.nets.sequence.front import Front
from cotune.nets.sequence.pool import pool_weights


@dataclass(frozen=True, kw_only=True)
class SequenceNetwork(Front, ABC, Batched):
    """The shape of a network of sequences; hashable, so that lanes can be grouped by it.

    Args:
        width: units at each time; never padded.
        outputs: logits.
        pooling: see `cotune.nets.sequence.pool`.
        dropping: what dropout leaves out: "unit", each number by itself, or "spatial", a unit at all times of a row
            (Gal & Ghahramani 2016).
        slopes: whether the activation learns a slope for each unit; none does.
        times, channels, vocabulary, embedding_width, lengths: see `Front`.
    """

    width: int
    outputs: int
    pooling: str = "last"
    dropping: str = "unit"
    slopes: bool = False

    @property
    @abstractmethod
    def kind(self) -> str:
        """What sort of network this is, in a few words."""

    @property
    @abstractmethod
    def pooled(self) -> int:
        """Units that enter the head."""

    @property
    @abstractmethod
    def dropped(self) -> tuple[int, ...]:
        """Units of each place at all times where dropout acts, in order; the head's own comes after them."""

    @property
    @abstractmethod
    def body_products(self) -> int:
        """Multiplications of one row's forward pass without the head."""

    @property
    @abstractmethod
    def body_values(self) -> int:
        """Numbers that one row's forward pass leaves behind, without the head's."""

    @abstractmethod
    def body_weights(self) -> tuple[Weight, ...]:
        """Learned weights between front and pooling."""

    @abstractmethod
    def summary(
        self,
        x: Tensor,
        mask: Tensor | None,
        weights: Mapping[str, Tensor],
        statistics: Mapping[str, Tensor],
        context: Context,
    ) -> Tensor:
        """What the head sees of each row [lane batch pooled].

        Args:
            x, mask: as `Front.read` gives them.
        """

    @property
    def products(self) -> int:
        """Multiplications of one row's forward pass."""
        attending = self.times * self.pooled**2 if self.pooling == "attention" else 0
        return self.body_products + attending + self.pooled * self.outputs

    @property
    def values(self) -> int:
        """Numbers that one row's forward pass leaves behind."""
        return self.body_values + self.times * self.inputs + 2 * self.head

    def draws(self, rows: int) -> int:
        """Numbers that dropout draws in a step of so many rows."""
        return rows * (sum(self._times_dropped * units for units in self.dropped) + self.pooled)

    @property
    def _times_dropped(self) -> int:
        return 1 if self.dropping == "spatial" else self.times

    def drop(self, x: Tensor, place: int, context: Context) -> Tensor:
        """x [lane batch time unit] without what is left out at one of the places of `dropped`."""
        drop = _acting(context)
        if drop is None:
            return x
        _, rows, _, units = x.shape
        first = rows * self._times_dropped * sum(self.dropped[:place])
        return x * drop.part(first, (rows, self._times_dropped, units))

    def weights(self) -> tuple[Weight, ...]:
        """Learned weights in order of use."""
        return (
            *self.front_weights(),
            *self.body_weights(),
            *pool_weights(self.pooling, self.pooled),
            Weight("head.weight", (self.pooled, self.head), "fan", decay=True, accumulates=False),
            Weight("head.bias", (self.head,), accumulates=False),
        )

    def statistics(self) -> tuple[Weight, ...]:
        """Running statistics, not learned."""
        return ()

    def forward(
        self,
        weights: Mapping[str, Tensor],
        statistics: Mapping[str, Tensor],
        numeric: Tensor,
        codes: Tensor,
        context: Context,
    ) -> Tensor:
        """Logits [lane batch head]; columns beyond `outputs` are padding and hold zero."""
        x, mask = self.read(weights, numeric, codes)
        h = self.summary(x, mask, weights, statistics, context)
        drop = _acting(context)
        if drop is not None:
            first = self.draws(h.shape[1]) - h.shape[1] * self.pooled
            h = h * drop.part(first, (h.shape[1], self.pooled))
        logits = context.gauged("head", linear(h, weights["head.weight"], weights["head.bias"]))
        return context.seen("head", logits)


def _acting(context: Context) -> Factors | None:
    return context.dropout if context.training else None
