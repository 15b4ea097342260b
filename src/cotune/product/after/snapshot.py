"""One trial at several of its epochs.

A rate that goes up and down again leaves a trial in another good place at the end of each cycle. The members here are
the trial at its best epoch, and then at the ends of its cycles, the last first. (Where the schedule has one cycle, they
are epochs at equal distances, as in Chen, Lundberg & Lee, Checkpoint ensembles, 2017.)

Source: Huang et al., Snapshot ensembles: train 1, get M for free, ICLR 2017, which averages the last m of them.
"""

import torch

from cotune.product.after.evidence import Evidence
from cotune.product.after.pool import pool


def snapshot(evidence: Evidence) -> list[float]:
    """wᵢ = 1 / m for the first m members; m as is best on the validation rows, the smaller one of equals."""
    counts = range(1, evidence.members + 1)
    classification = evidence.classification
    said = [pool(evidence.f[:m], [1 / m] * m, classification=classification) for m in counts]
    keys = evidence.keys(torch.stack(said))
    m = min(counts, key=lambda count: (keys[count - 1], count))
    return [1 / m] * m + [0.0] * (evidence.members - m)
