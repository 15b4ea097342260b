"""Members count by how small their own validation loss is."""

from cotune.product.after.evidence import Evidence


def weighted(evidence: Evidence) -> list[float]:
    """wᵢ = Lᵢ⁻¹ / Σⱼ Lⱼ⁻¹

    L is the validation log loss, or the mean squared error, of a member. Members without any loss share everything.

    Source: Bates & Granger, The combination of forecasts, 1969 (squared errors, taken as uncorrelated).
    """
    losses = evidence.of(evidence.f, "log_loss" if evidence.classification else "mse").tolist()
    inverse = [float(loss == 0) for loss in losses] if 0 in losses else [1.0 / loss for loss in losses]
    return [each / sum(inverse) for each in inverse]
