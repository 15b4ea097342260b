"""Optimizers: from gradients to steps; and what is done to gradients and steps beside."""

from cotune.catalogue.base import Technique
from cotune.catalogue.derive import stand_in, technique, told
from cotune.engine.optim import OPTIMIZERS, Optimizer
from cotune.types import Value

KIND = "optimizer"

RATES = ("lr", "weight_decay")


def _row(optimizer: Optimizer) -> Technique:
    return technique(
        KIND, optimizer.name, {"optimizer": optimizer.name}, {"optimizer": stand_in("optimizer", optimizer.name)},
        parameters=RATES, reference=optimizer.source, summary=told(optimizer.update),
    )  # fmt: skip


PLAIN: dict[str, Value] = {"optimizer": "sgd", "momentum": 0.0}

DESCENTS = (
    technique(
        KIND, "batch_gradient_descent", {**PLAIN, "batch_size": "full"}, {"batch_size": "auto"}, parameters=RATES,
        reference="Cauchy 1847", summary="w ← w − lr g, g the gradient of all training rows",
    ),
    technique(
        KIND, "mini_batch_gradient_descent", PLAIN, {"optimizer": "adamw"}, parameters=(*RATES, "batch_size"),
        reference="Bottou et al. 2018", summary="w ← w − lr g, g the gradient of some rows",
    ),
    technique(
        KIND, "stochastic_gradient_descent", {**PLAIN, "batch_size": 1}, {"batch_size": "auto"}, parameters=RATES,
        reference="Robbins & Monro 1951", summary="w ← w − lr g, g the gradient of one row",
    ),
    technique(
        KIND, "momentum", {"optimizer": "sgd", "momentum": 0.9}, {"momentum": 0.0}, parameters=(*RATES, "momentum"),
        reference=OPTIMIZERS["sgd"].source, summary=told(OPTIMIZERS["sgd"].update),
    ),
)  # fmt: skip
"""The engine's `sgd` by the names that it has in the books."""

GRADIENTS = (
    technique(
        KIND, "clip_norm", {"clip_norm": 1.0}, {"clip_norm": 0.0}, parameters=["clip_norm"],
        reference="Pascanu et al. 2013", summary="g ← g min(1, c / ‖g‖)",
    ),
    technique(
        KIND, "clip_value", {"clip_value": 0.5}, {"clip_value": 0.0}, parameters=["clip_value"],
        reference="Mikolov 2012", summary="each number of g is kept in [−c, c]",
    ),
    technique(
        KIND, "accumulation", {"accumulate": 2}, {"accumulate": 1}, parameters=["accumulate"],
        reference="Ott et al. 2018", summary="gradients of several batches make one step",
    ),
    technique(
        KIND, "sam", {"sam_rho": 0.05}, {"sam_rho": 0.0}, parameters=["sam_rho"],
        reference="Foret et al. 2021", summary="the gradient is taken at w + ρ g / ‖g‖",
    ),
    technique(
        KIND, "lookahead", {"lookahead": 5}, {"lookahead": 0}, parameters=["lookahead", "lookahead_share"],
        reference="Zhang et al. 2019", summary="every k steps slow weights move a share towards the fast ones",
    ),
)  # fmt: skip

OPTIMIZER_ROWS = (
    *DESCENTS,
    *(_row(optimizer) for optimizer in OPTIMIZERS.values() if optimizer.name != "sgd"),
    *GRADIENTS,
)
