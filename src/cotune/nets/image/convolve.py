"""Convolutions of images by each lane's own filters.

| symbol | meaning                                                 | shape                             |
|--------|---------------------------------------------------------|-----------------------------------|
| x      | images, a pixel's channels together                     | lane batch height width channel   |
| maps   | the same with the channels of all lanes side by side    | batch (lane channel) height width |
| w      | filters; of a depthwise convolution those of each map   | lane (down across channel) unit   |
| b      | biases                                                  | lane unit                         |

Several lanes are one convolution in as many groups. On a CPU each lane is one by itself, since kernels round
differently by the count of groups; channels lie together in memory there ("channels last"), in which form oneDNN's
convolutions are up to four times as fast as in torch's usual one (16 to 128 channels, 8 by 8 to 32 by 32 pixels).

Borders count as zero. Source: LeCun et al., Gradient-based learning applied to document recognition, 1998.
"""

import torch
import torch.nn.functional as F
from torch import Tensor


def convolve(x: Tensor, w: Tensor, b: Tensor | None, kernel: int, stride: int = 1) -> Tensor:
    """x ∗ w + b for every lane: lane batch height/stride width/stride unit, rounded up.

    Args:
        x, w, b: see the table above.
        kernel: side of the filters, odd.
        stride: pixels from one place of a filter to the next.
    """
    if x.device.type != "cpu":
        return unfold(convolve_maps(fold(x), w, b, kernel, stride), len(x))
    parts = []
    for i in range(len(x)):
        one = slice(i, i + 1)
        bias = None if b is None else b[one]
        parts.append(unfold(convolve_maps(fold(x[one]), w[one], bias, kernel, stride), 1).contiguous())
    return parts[0] if len(parts) == 1 else torch.cat(parts)


def convolve_maps(maps: Tensor, w: Tensor, b: Tensor | None, kernel: int, stride: int = 1) -> Tensor:
    """The same of maps: batch (lane unit) height/stride width/stride."""
    lanes, inputs, units = w.shape
    filters = w.view(lanes, kernel, kernel, inputs // kernel**2, units).permute(0, 4, 3, 1, 2)
    filters = filters.reshape(lanes * units, -1, kernel, kernel)
    bias = None if b is None else b.reshape(-1)
    return F.conv2d(maps, filters, bias, stride, kernel // 2, groups=lanes)


def convolve_each(maps: Tensor, w: Tensor, b: Tensor | None, kernel: int, stride: int = 1) -> Tensor:
    """A depthwise convolution: every map by a filter of its own.

    Args:
        w: lane (down across) unit, as many units as a lane has maps.

    Source: Sifre, Rigid-motion scattering, 2014; Howard et al., MobileNets, 2017.
    """
    lanes, _, units = w.shape
    filters = w.view(lanes, kernel, kernel, units).permute(0, 3, 1, 2)
    filters = filters.reshape(lanes * units, 1, kernel, kernel)
    bias = None if b is None else b.reshape(-1)
    return F.conv2d(maps, filters, bias, stride, kernel // 2, groups=lanes * units)


def fold(x: Tensor) -> Tensor:
    """Images as maps; no copy for a single lane."""
    lanes, batch, height, across, channels = x.shape
    return x.permute(1, 0, 4, 2, 3).reshape(batch, lanes * channels, height, across)


def unfold(maps: Tensor, lanes: int) -> Tensor:
    """Maps as images; no copy."""
    batch, units, height, across = maps.shape
    return maps.view(batch, lanes, units // lanes, height, across).permute(1, 0, 3, 4, 2)
