"""Members join one by one, each time the one that helps most on the validation rows; one may join more than once.

| symbol | meaning                                               | shape              |
|--------|-------------------------------------------------------|--------------------|
| f      | what members say                                      | member row (class) |
| s      | log of the sum of probabilities, or sum of values     | row (class)        |
| n      | times that each member has joined                     | member             |

It begins with the first member, the best trial, so that on the validation rows the ensemble is never worse than that.
Deviation from the paper: it begins with one member, not several, and it ends after some rounds without a gain; the best
ensemble that was met is taken, the smaller one of equals.

Source: Caruana et al., Ensemble selection from libraries of models, ICML 2004.
"""

import math

import torch

from cotune.product.after.evidence import Evidence

ROUNDS = 30
PATIENCE = 5
"""Rounds without a gain after which it ends."""


def greedy(evidence: Evidence) -> list[float]:
    """wᵢ = nᵢ / Σⱼ nⱼ, chosen by the steering metric, of equal figures by log loss or squared error."""
    f, log = evidence.f, evidence.classification
    joined, s = [0], f[0]
    best, least = 1, evidence.keys(f[:1])[0]
    for size in range(2, ROUNDS + 2):
        sums = torch.logaddexp(s, f) if log else s + f
        keys = evidence.keys(sums - math.log(size) if log else sums / size)
        chosen = min(range(len(f)), key=keys.__getitem__)
        joined.append(chosen)
        s = sums[chosen]
        if keys[chosen] < least:
            best, least = size, keys[chosen]
        elif size - best >= PATIENCE:
            break
    taken = joined[:best]
    return [taken.count(i) / best for i in range(len(f))]
