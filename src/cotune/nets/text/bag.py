"""A bag of words: the mean of their embeddings, and a linear head.

| symbol | meaning                                                  | shape               |
|--------|----------------------------------------------------------|---------------------|
| codes  | words by number, see `cotune.nets.text.words`; their count    | lane batch (position + 1) |
| h      | mean of the words' embeddings                            | lane batch width    |

logits = drop(h) W + b. The paper adds pairs of neighbouring words; on some thousand sentences they made it worse.
Source: Joulin et al., Bag of Tricks for Efficient Text Classification, EACL 2017.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from torch import Tensor

from cotune.nets.batched import Batched
from cotune.nets.context import Context
from cotune.nets.layers import linear
from cotune.nets.layout import Weight
from cotune.nets.text.words import mean_words


@dataclass(frozen=True)
class Bag(Batched):
    """The shape of a network; hashable, so that lanes can be grouped by it.

    Args:
        words, length, embedding_width, embedding_init, outputs: as of `cotune.nets.text.cnn.TextCNN`.
    """

    words: int
    length: int
    embedding_width: int
    outputs: int
    embedding_init: str = "words"
    slopes: bool = False
    """There is nothing to activate."""

    @property
    def kind(self) -> str:
        """What sort of network this is, in a few words."""
        return "bag of words"

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
        """Numbers of a text's mean."""
        return self.embedding_width

    def draws(self, rows: int) -> int:
        """Numbers that dropout draws in a step of so many rows."""
        return rows * self.width

    @property
    def products(self) -> int:
        """Multiplications of one text's forward pass."""
        return self.length * self.width + self.width * self.outputs

    @property
    def values(self) -> int:
        """Numbers that one text's forward pass leaves behind."""
        return 4 * self.length * self.width + 4 * self.width + 2 * self.head

    def weights(self) -> tuple[Weight, ...]:
        """Learned weights in order of use."""
        found = [Weight("embedding", (self.words, self.width), self.embedding_init, True, False)]
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
        h = mean_words(codes[..., :-1], weights["embedding"])
        h = context.seen("embedding", h)
        if context.training and context.dropout is not None:
            h = h * context.dropout.part(0, tuple(h.shape[1:]))
        logits = context.gauged("head", linear(h, weights["head.weight"], weights["head.bias"]))
        return context.seen("head", logits)
