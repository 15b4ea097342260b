"""Outputs and figures of lanes on rows they do not train on."""

from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor

from cotune.engine.bank import Variant
from cotune.engine.lanes import Lane
from cotune.engine.links import NEIGHBOURS
from cotune.engine.loss import LOSSES
from cotune.engine.metrics import METRICS
from cotune.engine.neighbours import knn_log_probabilities
from cotune.engine.rates import segments
from cotune.engine.several import judged, linked
from cotune.engine.step import real_widths
from cotune.nets.context import Context
from cotune.nets.layout import ALIGN, Layout

ROWS = 256
"""Rows a matrix product: a function of the rows alone, since the count of rows can change the rounding."""

OUTPUTS = 1 << 24
"""Numbers of output held at once; lanes beyond it wait."""


def outputs(
    lanes: Sequence[Lane],
    weights: Tensor,
    statistics: Tensor,
    layouts: tuple[Layout, Layout],
    numeric: Tensor,
    codes: Tensor,
    world: Any = None,
) -> Tensor:
    """Logits of every lane on the same rows.

    Args:
        lanes: k lanes of one structure, in the order of the rows of `weights` and `statistics`.
        numeric, codes: row feature, row column; on the device of the weights.
        world: what all rows share, there too.

    Returns:
        k row output, float32, padding cut off.
    """
    network = lanes[0].structure.network
    views, moments = layouts[0].views(weights), layouts[1].views(statistics)
    real = real_widths(lanes)
    real = None if real is None else real.to(weights.device)
    context = Context(False, segments([lane.activation for lane in lanes]), real, world=world)
    count = len(numeric)
    chunk = max(count, 1) if network.whole else min(ROWS, -(-count // ALIGN) * ALIGN)
    parts = []
    with torch.no_grad():
        for start in range(0, count, chunk):
            # The last chunk repeats the last row.
            rows = torch.arange(start, start + chunk, device=numeric.device).clamp(max=count - 1)
            x = numeric.index_select(0, rows).expand(len(lanes), -1, -1)
            c = codes.index_select(0, rows).expand(len(lanes), -1, -1)
            parts.append(network.forward(views, moments, x, c, context))
    return torch.cat(parts, dim=1)[:, :count, : network.outputs]


def predictions(
    logits: Tensor, lanes: Sequence[Lane], trained: Callable[[int], Tensor], *, classification: bool
) -> Tensor:
    """Log-probabilities [lane row class], or values in the target's own units [lane row (value)].

    Args:
        logits: lane row output.
        lanes: of one variant, in the order of the logits.
        trained: the outputs of a lane, by its place, on its own training rows [train output]; asked of losses of
            embeddings alone.
    """
    variant, parts = lanes[0].variant, []
    for name, start, stop in segments([LOSSES[lane.loss].link for lane in lanes]):
        if name != NEIGHBOURS:
            parts.append(linked(name, logits[start:stop], variant.variation, variant.values))
            continue
        parts += [neighbourly(logits[i], lanes[i], trained(i)).unsqueeze(0) for i in range(start, stop)]
    found = parts[0] if len(parts) == 1 else torch.cat(parts)
    return found if classification else in_units(found, variant)


def neighbourly(embeddings: Tensor, lane: Lane, trained: Tensor) -> Tensor:
    """Log-probabilities [row class] by the votes of the nearest of the lane's training rows.

    Args:
        embeddings, trained: of the rows asked about, and of the training rows [row output].
    """
    variant, cosine = lane.variant, LOSSES[lane.loss].cosine
    truth = variant.target[lane.train].to(embeddings.device)
    return knn_log_probabilities(trained, truth, embeddings, variant.classes, cosine=cosine)


def in_units(values: Tensor, variant: Variant) -> Tensor:
    """Values of the standardised target [lane row value] in its own units, float64 [lane row], or [lane row value]."""
    own = values[..., 0] if variant.target.dim() == 1 else values
    return own.double() * _numbers(variant.scale, own) + _numbers(variant.mean, own)


def _numbers(figure: float | tuple[float, ...], like: Tensor) -> float | Tensor:
    return (
        torch.tensor(figure, dtype=torch.float64, device=like.device) if isinstance(figure, tuple) else figure
    )


def truth(variant: Variant, rows: Tensor, *, classification: bool) -> Tensor:
    """True classes, or values in the target's own units [row (value)]."""
    y = variant.target[rows]
    return y if classification else y.double() * _numbers(variant.scale, y) + _numbers(variant.mean, y)


def figures(
    lanes: Sequence[Lane], metrics: Sequence[str], predicted: Callable[[list[int]], Tensor]
) -> dict[str, Tensor]:
    """The metrics and the loss of every lane on its own validation rows, float64 [lane] each, on the host.

    Args:
        metrics: names, all of one task.
        predicted: what lanes, given by their places, say of the validation rows they share; see `predictions`.
    """
    classification = METRICS[metrics[0]].classification
    loss = "log_loss" if classification else "mse"
    found = {name: torch.full((len(lanes),), torch.nan, dtype=torch.float64) for name in (*metrics, "loss")}
    for places in _same_rows(lanes):
        first = lanes[places[0]]
        variant, rows = first.variant, first.validation
        y = truth(variant, rows, classification=classification)
        most = max(1, OUTPUTS // (len(rows) * first.structure.network.head))
        for start in range(0, len(places), most):
            some = places[start : start + most]
            index = torch.tensor(some)
            f = predicted(some)
            y = y.to(f.device)
            for name in metrics:
                found[name][index] = judged(name, f, y).cpu()
            unit = 1.0 if classification else _numbers(variant.scale, f)
            found["loss"][index] = _loss(loss, f, y, unit).cpu()
    return found


def _loss(name: str, f: Tensor, y: Tensor, unit: float | Tensor) -> Tensor:
    """A metric of values in units of their scales."""
    return judged(name, f, y) / unit**2 if isinstance(unit, float) else judged(name, f / unit, y / unit)


def _same_rows(lanes: Sequence[Lane]) -> list[list[int]]:
    groups: dict[tuple[int, int], list[int]] = {}
    for place, lane in enumerate(lanes):
        groups.setdefault((id(lane.variant), id(lane.validation)), []).append(place)
    return list(groups.values())
