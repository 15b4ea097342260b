"""Kim's convolutional network for sentences: windows of words, the strongest of each kind, a linear head.

| symbol  | meaning                                           | shape                  |
|---------|---------------------------------------------------|------------------------|
| codes   | words by number, see `cotune.nets.text.words`; their count | lane batch (position + 1) |
| z       | the highest score over time, filter by filter     | lane batch (size unit) |

z_k = max_t Σⱼ E[codes[t + j]] W_k[j];  logits = drop(activate(z + b)) W + b. The paper adds the bias and activates
before the maximum: the same for an activation that rises, such as its own relu. A window may reach beyond both ends.
Source: Kim, Convolutional Neural Networks for Sentence Classification, EMNLP 2014.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import torch
from torch import Tensor

from cotune.nets.batched import Batched
from cotune.nets.context import Context
from cotune.nets.layers import linear
from cotune.nets.layout import Weight
from cotune.nets.text.words import strongest


@dataclass(frozen=True)
class TextCNN(Batched):
    """The shape of a network; hashable, so that lanes can be grouped by it.

    Args:
        words: entries of the vocabulary, with padding and unknown words.
        length: words of a text.
        embedding_width: numbers of a word.
        embedding_init: how embeddings are drawn, "words" or "normal", see `cotune.nets.initialise`.
        filters: of each size, a multiple of 8.
        sizes: words that windows span.
        outputs: logits.
        dropping: what dropout leaves out, "unit" or "alpha", see `cotune.nets.dropout`.
        slopes: whether the activation learns a slope for each filter.
    """

    words: int
    length: int
    embedding_width: int
    filters: int
    sizes: tuple[int, ...]
    outputs: int
    embedding_init: str = "words"
    dropping: str = "unit"
    slopes: bool = False

    @property
    def kind(self) -> str:
        """What sort of network this is, in a few words."""
        more = "" if self.dropping == "unit" else f", dropout of {self.dropping}"
        more += ", learned slopes" if self.slopes else ""
        return f"TextCNN, windows of {', '.join(map(str, self.sizes))}{more}"

    @property
    def example(self) -> tuple[int, ...]:
        """No numbers: a text is codes."""
        return (self.features,)

    @property
    def features(self) -> int:
        """A text has no numbers."""
        return 0

    @property
    def cardinalities(self) -> tuple[int, ...]:
        """Each position holds a word; behind them is their count."""
        return (*(self.words,) * self.length, self.length + 1)

    @property
    def width(self) -> int:
        """Units of the only hidden layer."""
        return len(self.sizes) * self.filters

    def draws(self, rows: int) -> int:
        """Numbers that dropout draws in a step of so many rows."""
        return rows * self.width

    @property
    def products(self) -> int:
        """Multiplications of one text's forward pass, if no word came twice."""
        wide = sum(self.sizes) * self.filters
        return self.length * self.embedding_width * wide + self.width * self.outputs

    @property
    def values(self) -> int:
        """Numbers that one text's forward pass leaves behind."""
        wide = sum(self.sizes) * self.filters
        return self.length * (2 * self.embedding_width + 2 * wide) + 6 * self.width + 2 * self.head

    def weights(self) -> tuple[Weight, ...]:
        """Learned weights in order of use."""
        width = self.embedding_width
        found = [Weight("embedding", (self.words, width), self.embedding_init, True, False)]
        for size in self.sizes:
            shape = (size * width, self.filters)
            found.append(Weight(f"windows.size{size}.weight", shape, "fan", decay=True, accumulates=False))
        found.append(Weight("windows.bias", (self.width,)))
        if self.slopes:
            found.append(Weight("windows.slope", (self.width,), "slope"))
        found.append(Weight("head.weight", (self.width, self.head), "fan", decay=True, accumulates=False))
        found.append(Weight("head.bias", (self.head,), accumulates=False))
        return tuple(found)

    def statistics(self) -> tuple[Weight, ...]:
        """None are kept."""
        return ()

    def forward(
        self,
        weights: Mapping[str, Tensor],
        statistics: Mapping[str, Tensor],  # noqa: ARG002
        numeric: Tensor,  # noqa: ARG002
        codes: Tensor,
        context: Context,
    ) -> Tensor:
        """Logits [lane batch head]; columns beyond `outputs` are padding and hold zero."""
        filters = [weights[f"windows.size{size}.weight"] for size in self.sizes]
        z = strongest(codes[..., :-1], weights["embedding"], filters, self.sizes)
        z = self._gauged(z + weights["windows.bias"].unsqueeze(1), context)
        h = context.activate(z, weights["windows.slope"] if self.slopes else None)
        if context.training and context.dropout is not None:
            drop = context.dropout
            h = drop.alpha(h, 0) if self.dropping == "alpha" else h * drop.part(0, tuple(h.shape[1:]))
        h = context.seen("windows", h)
        logits = context.gauged("head", linear(h, weights["head.weight"], weights["head.bias"]))
        return context.seen("head", logits)

    def _gauged(self, z: Tensor, context: Context) -> Tensor:
        """z, of each size as the gauge would have it."""
        if context.gauge is None:
            return z
        parts = torch.split(z, self.filters, dim=2)
        names = [f"windows.size{size}" for size in self.sizes]
        return torch.cat([context.gauged(n, part) for n, part in zip(names, parts, strict=True)], dim=2)
