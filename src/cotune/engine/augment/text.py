"""Text as numbers of words: some are lost, some change places.

| symbol   | meaning                                          | shape               |
|----------|--------------------------------------------------|---------------------|
| x        | number of each word; 0 is padding, 1 unknown     | lane batch position |
| strength | share of the words that are touched              | lane batch          |
| u        | uniform draws of an example                      | lane batch draw     |
"""

import torch
from torch import Tensor

UNKNOWN = 1


def word_dropout(x: Tensor, strength: Tensor, u: Tensor) -> Tensor:
    """Every word becomes unknown with chance `strength`. One draw a position.

    Source: Iyyer et al., ACL 2015, section 4.2; the word is kept as unknown, not cut out.
    """
    return torch.where((u < strength.unsqueeze(-1)) & (x != 0), UNKNOWN, x)


def word_swap(x: Tensor, strength: Tensor, u: Tensor) -> Tensor:
    """Words are paired at random, and each pair changes places with chance `strength`. Two draws a position.

    The paper swaps strength · length pairs one after the other. Disjoint pairs move as many words, and need no loop.
    Of an odd number one word stays.

    Source: Wei & Zou, EDA, EMNLP 2019 (random swap).
    """
    positions = x.shape[2]
    order = (u[..., :positions] + (x == 0)).argsort(dim=-1, stable=True)  # padding last
    ranked = torch.take_along_dim(x, order, 2)
    pairs = positions // 2
    first, second = ranked[..., : 2 * pairs : 2], ranked[..., 1 : 2 * pairs : 2]
    swaps = (u[..., positions : positions + pairs] < strength.unsqueeze(-1)) & (second != 0)
    swapped = torch.stack((torch.where(swaps, second, first), torch.where(swaps, first, second)), -1).flatten(
        2
    )
    return torch.empty_like(x).scatter_(2, order, torch.cat((swapped, ranked[..., 2 * pairs :]), 2))
