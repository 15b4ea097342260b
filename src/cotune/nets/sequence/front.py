"""From prepared rows to series: what every network of sequences sees first.

| symbol  | meaning                                                   | shape                          |
|---------|-----------------------------------------------------------|--------------------------------|
| numeric | numbers of a series, a time's channels together            | lane batch (time channel)      |
| codes   | tokens, then, where rows end at different times, the times in use | lane batch (time + 1)   |
| table   | a vector for each token                                    | lane token unit                |
| x       | what a network reads                                       | lane batch time input          |
| mask    | whether a row has such a time; `None` where all have all    | lane batch time                |

A row's times in use come first; what stands in the others is never looked at.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import torch
from torch import Tensor

from cotune.nets.layers import embed
from cotune.nets.layout import Weight


@dataclass(frozen=True, kw_only=True)
class Front:
    """What a network of sequences reads.

    Args:
        times: of the longest row.
        channels: numbers at each time; 0 for tokens alone.
        vocabulary: tokens there are; 0 for numbers alone.
        embedding_width: units of a token's vector.
        lengths: whether the last column of codes is the count of times in use, from 1 on.
    """

    times: int
    channels: int
    vocabulary: int = 0
    embedding_width: int = 0
    lengths: bool = False

    @property
    def example(self) -> tuple[int, ...]:
        """The shape of what it takes a row for: time channel; of tokens, time."""
        return (self.times, self.channels) if self.channels else (self.times,)

    @property
    def features(self) -> int:
        """Numbers of a row."""
        return self.times * self.channels

    @property
    def cardinalities(self) -> tuple[int, ...]:
        """Entries of the table of tokens, which all times share; and counts of times there can be."""
        tokens = (self.vocabulary,) if self.vocabulary else ()
        return (*tokens, self.times + 1) if self.lengths else tokens

    @property
    def inputs(self) -> int:
        """Units of x at each time."""
        return self.channels + (self.embedding_width if self.vocabulary else 0)

    def front_weights(self) -> tuple[Weight, ...]:
        """The table of tokens, where there are some."""
        if not self.vocabulary:
            return ()
        return (Weight("embedding", (self.vocabulary, self.embedding_width), "normal", decay=True),)

    def read(
        self, weights: Mapping[str, Tensor], numeric: Tensor, codes: Tensor
    ) -> tuple[Tensor, Tensor | None]:
        """(x, mask); x is zero where the mask is false."""
        parts = []
        if self.channels:
            parts.append(numeric.reshape(*numeric.shape[:2], self.times, self.channels))
        if self.vocabulary:
            found = embed(weights["embedding"], codes[..., : self.times])
            parts.append(found.view(*codes.shape[:2], self.times, self.embedding_width))
        x = parts[0] if len(parts) == 1 else torch.cat(parts, dim=-1)
        if not self.lengths:
            return x, None
        mask = torch.arange(self.times, device=codes.device) < codes[..., -1:]
        return x * mask.unsqueeze(-1).to(x.dtype), mask
