"""How long a network takes to predict, measured on this machine by the forward pass of the product.

Rows are prepared already, weights are drawn: what they are does not matter to the time. One thread computes. The
shortest of many repetitions counts, since whatever else the machine does can only make one longer; they come in bursts,
as what else it does comes and goes. Two digits are kept: the others would be noise, by which no trial should dominate.
"""

import time
from collections.abc import Callable

import numpy as np
import torch
from torch import Tensor

from cotune.data import Features, Fitted
from cotune.engine.lanes import Lane
from cotune.nets import families
from cotune.nets.own.module import Module
from cotune.product.network import Network

ROWS = {"latency": 256, "latency_single": 1}
"""Rows of the batch, by the name of the figure."""

WARM, BURSTS, LEAST, SECONDS, PAUSE = 5, 3, 5, 0.02, 0.005
"""Repetitions before the clock counts; bursts; repetitions and seconds of each, at least; seconds between them."""


def milliseconds(lane: Lane, pipeline: Fitted, rows: int) -> float:
    """Of one network for a batch of so many rows.

    Args:
        lane: whose network it is.
        pipeline: of its rows.
        rows: of the batch; the validation rows, again and again if there are fewer.
    """
    network, features = _drawn(lane, pipeline), _batch(lane, rows)
    # A network of the user's own may answer with something else than logits.
    ask = network.answers if isinstance(network.shape, Module) else network.logits_of
    for _ in range(WARM):
        ask(features)
    return float(f"{1000.0 * min(_burst(lambda: ask(features)) for _ in range(BURSTS)):.1e}")


def _burst(work: Callable[[], object]) -> float:
    """Seconds of the shortest of some repetitions."""
    time.sleep(PAUSE)
    best, until, count = float("inf"), time.perf_counter() + SECONDS, 0
    while count < LEAST or time.perf_counter() < until:
        began = time.perf_counter()
        work()
        best, count = min(best, time.perf_counter() - began), count + 1
    return best


def _drawn(lane: Lane, pipeline: Fitted) -> Network:
    """A network of the lane's true shape."""
    padded = lane.structure.network
    rng = torch.Generator().manual_seed(0)
    tensors: dict[str, Tensor] = {}
    for weight in padded.weights():
        tensors[weight.name] = 0.1 * torch.randn(padded.real_shape(weight, lane.width), generator=rng)
    for weight in padded.statistics():
        tensors[weight.name] = torch.ones(padded.real_shape(weight, lane.width))
    return Network(families.at_width(padded, lane.width), lane.activation, tensors, pipeline)


def _batch(lane: Lane, rows: int) -> Features:
    some = lane.validation[torch.arange(rows) % len(lane.validation)]
    numeric, codes = (
        np.ascontiguousarray(part[some].numpy()) for part in (lane.variant.numeric, lane.variant.codes)
    )
    return Features(numeric, codes, world=lane.variant.world)
