"""Squeeze and excitation: every map is weighed by what the whole image shows.

| symbol | meaning                           | shape                             |
|--------|-----------------------------------|-----------------------------------|
| z      | maps                              | batch (lane unit) height width    |
| m      | the mean of each                  | lane batch unit                   |
| s      | weights in (0, 1)                 | lane batch unit                   |

s = σ(relu(m V + a) W + b);   z ← s ⊙ z. V leads to a quarter of the units: the paper has a sixteenth of many more maps;
a quarter is that of Howard et al., Searching for MobileNetV3, ICCV 2019.

Source: Hu, Shen & Sun, Squeeze-and-excitation networks, CVPR 2018.
"""

import torch
from torch import Tensor

from cotune.nets.image.maps import Team
from cotune.nets.layers import linear
from cotune.nets.layout import Weight

REDUCTION, LEAST = 4, 8


def weights(block: str, units: int) -> list[Weight]:
    """Learned weights of a block's excitation."""
    narrow = max(LEAST, units // REDUCTION)
    return [
        Weight(f"{block}.squeeze.weight", (units, narrow), "fan", decay=True),
        Weight(f"{block}.squeeze.bias", (narrow,)),
        Weight(f"{block}.excite.weight", (narrow, units), "fan", decay=True),
        Weight(f"{block}.excite.bias", (units,)),
    ]


def excited(team: Team, block: str, z: Tensor) -> Tensor:
    """s ⊙ z."""
    w = team.weights
    m = team.pooled("average", z)
    narrow = torch.relu(linear(m, w[f"{block}.squeeze.weight"], w[f"{block}.squeeze.bias"]))
    s = torch.sigmoid(linear(narrow, w[f"{block}.excite.weight"], w[f"{block}.excite.bias"]))
    return z * team.spread(s)
