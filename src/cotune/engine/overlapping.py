"""Rows that overlap in memory: windows of a series, of which each begins where the one before has its second time.

| symbol | meaning                                           | shape            |
|--------|---------------------------------------------------|------------------|
| s      | numbers from one window's beginning to the next's |                  |
| rows   | windows, views of the series                      | row number       |
| base   | the series                                        | row s            |
"""

import torch
from torch import Tensor


def overlap(rows: Tensor) -> bool:
    """Whether each row begins before the one above it ends."""
    return rows.dim() == 2 and len(rows) > 1 and 0 < rows.stride(0) < rows.shape[1]


def placed(rows: Tensor, device: torch.device) -> Tensor:
    """The same on a device; there, too, a number is held once."""
    if not overlap(rows) or rows.device.type == device.type:
        return rows.to(device)
    return _over(_base(rows).to(device), rows.shape[1])


def under(above: Tensor, below: Tensor) -> Tensor:
    """`below` under `above`. The last windows of the upper ones reach into the lower: nobody may ask for those."""
    if not overlap(below):
        return torch.cat([above, below])
    return _over(torch.cat([_base(above), _base(below)]), below.shape[1])


def _base(rows: Tensor) -> Tensor:
    return rows.as_strided((len(rows), rows.stride(0)), (rows.stride(0), 1))


def _over(base: Tensor, width: int) -> Tensor:
    count, step = base.shape
    tail = -(-width // step)
    return torch.cat([base, base.new_zeros(tail, step)]).as_strided((count, width), (step, 1))
