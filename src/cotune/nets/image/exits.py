"""Early exits: an image leaves the network at the first head that is sure enough.

| symbol | meaning                                                | shape           |
|--------|--------------------------------------------------------|-----------------|
| z      | logits of a head                                       | lane batch head |
| depth  | heads that an image has passed, the last one included  | lane batch      |

An image leaves where max softmax(z) ≥ threshold; what is left of the network is computed for the others alone. Heads on
the way are trained with a weight of their own ("deep supervision", `cotune.nets.image.resnet`).

Sources: Teerapittayanon, McDanel & Kung, BranchyNet, ICPR 2016 (by entropy); Huang et al., Multi-scale dense networks,
ICLR 2018 (by the largest probability, as here).
"""

from collections.abc import Callable, Sequence

import torch
from torch import Tensor

Part = Callable[[Tensor], tuple[Tensor, Tensor]]
"""A stage and its head: maps batch (lane channel) height width → (maps, logits)."""


def leave_early(parts: Sequence[Part], x: Tensor, *, threshold: float, outputs: int) -> tuple[Tensor, Tensor]:
    """(logits, depth) of each image.

    Args:
        parts: in order.
        x: maps that enter the first; of a single lane, images that have left are computed no further.
        threshold: in (0, 1].
        outputs: logits that count; the others are padding.
    """
    x, z = parts[0](x)
    found, depth = z.clone(), torch.ones(z.shape[:2], dtype=torch.int64, device=z.device)
    left = torch.arange(z.shape[1], device=z.device)
    for number, part in enumerate(parts[1:], start=2):
        stays = torch.softmax(z[..., :outputs].float(), -1).amax(-1) < threshold
        if len(z) == 1:
            here = stays[0].nonzero()[:, 0]
            if not len(here):
                break
            left = left[here]
            x, z = part(x.index_select(0, here))
            found[0, left], depth[0, left] = z[0], number
        else:
            open_ones = (depth == number - 1) & stays
            x, z = part(x)
            found = torch.where(open_ones.unsqueeze(2), z, found)
            depth = torch.where(open_ones, number, depth)
    return found, depth
