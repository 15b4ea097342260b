"""What is done after training: ensembles of trained networks, probabilities, a threshold. One file a technique."""

from collections.abc import Callable

from cotune.product.after.average import average
from cotune.product.after.evidence import Evidence as Evidence
from cotune.product.after.greedy import greedy
from cotune.product.after.snapshot import snapshot
from cotune.product.after.stacking import stacking
from cotune.product.after.weighted import weighted

ENSEMBLES: dict[str, Callable[[Evidence], list[float]]] = {
    "average": average,
    "weighted": weighted,
    "greedy": greedy,
    "stacking": stacking,
    "snapshot": snapshot,
}
"""By the recipe's name: from what members say of the validation rows to their weights. (A soup mixes networks.)"""
