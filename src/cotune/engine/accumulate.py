"""Several batches to one step of the optimizer: a larger batch than is held at once, and one that grows.

| symbol | meaning                                                  | shape     |
|--------|----------------------------------------------------------|-----------|
| S      | batches an epoch                                         |           |
| k      | batches to a step: accumulate · 2^(doublings so far)      | lane      |
| part   | share of a batch's gradient in its step's                | lane step |
| due    | whether the optimizer steps after this batch             | lane step |

The last group of an epoch may be smaller; its batches have larger shares, so that a step is always a mean.

Source: a batch that grows instead of a rate that falls: Smith, Kindermans, Ying & Le, ICLR 2018.
"""

import math

import torch
from torch import Tensor

from cotune.engine.lanes import Lane


def group(lane: Lane, epoch: int) -> int:
    """k in an epoch. With `batch_growth` g the batch doubles log₂ g times, at equal distances."""
    doublings = int(math.log2(max(1.0, lane.number("batch_growth"))))
    done = min(doublings, (doublings + 1) * epoch // lane.epochs)
    return min(lane.structure.steps, int(lane.number("accumulate")) << done)


def rhythm(lane: Lane, epoch: int) -> tuple[Tensor, Tensor, Tensor]:
    """(part, due, steps of the optimizer after each batch) of an epoch, float64, float64 and int64 [step]."""
    steps, k = lane.structure.steps, group(lane, epoch)
    t = torch.arange(steps)
    size = torch.where(t >= steps - steps % k, steps % k or k, k)
    due = ((t + 1) % k == 0) | (t == steps - 1)
    before = sum(-(-steps // group(lane, e)) for e in range(epoch))
    return 1.0 / size.double(), due.double(), before + due.long().cumsum(0)
