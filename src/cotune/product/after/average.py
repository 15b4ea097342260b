"""All members count the same."""

from cotune.product.after.evidence import Evidence


def average(evidence: Evidence) -> list[float]:
    """wᵢ = 1 / m

    Source: Hansen & Salamon, Neural network ensembles, PAMI 1990; Lakshminarayanan et al., NeurIPS 2017.
    """
    return [1.0 / evidence.members] * evidence.members
