"""Numbers as waves: learned frequencies and phases, and a little layer of each number's own on the cosines.

| symbol | meaning                        | shape                      |
|--------|--------------------------------|----------------------------|
| x      | numbers                        | lane batch number          |
| f, p   | frequencies and phases         | lane number wave           |
| V, v   | the layer on the cosines       | lane number unit wave; lane number unit |

e = V cos(2π (x f + p)) + v, beside x itself.

Source: Gorishniy, Rubachev & Babenko, On Embeddings for Numerical Features, NeurIPS 2022; phases, no activation, and x
kept beside its waves as in Holzmüller, Grinsztajn & Steinwart, Better by Default, NeurIPS 2024.
"""

from collections.abc import Mapping

import torch
from torch import Tensor

from cotune.nets.layout import Weight

WAVES = 16
"""Of each number."""

UNITS = 3
"""Of each number, made of its waves."""

NAMES = ("frequency", "phase", "weight", "bias")


def learned(numbers: int) -> list[Weight]:
    """The weights of so many numbers."""
    if not numbers:
        return []
    shapes = {"frequency": (WAVES,), "phase": (WAVES,), "weight": (UNITS, WAVES), "bias": (UNITS,)}
    inits = {"frequency": "frequency", "phase": "phase", "weight": "normal", "bias": "zeros"}
    return [Weight(f"waves.{name}", (numbers, *shapes[name]), inits[name]) for name in NAMES]


def embed(x: Tensor, weights: Mapping[str, Tensor]) -> Tensor:
    """The units of all numbers side by side, lane batch (number unit)."""
    f, p, w, b = (weights[f"waves.{name}"] for name in NAMES)
    turns = x.unsqueeze(3) * f.unsqueeze(1) + p.unsqueeze(1)
    cosines = torch.cos(2 * torch.pi * (turns - turns.round())).transpose(1, 2)
    # Laid out anew: of views, PyTorch copies those of several lanes and not those of one, and products round otherwise.
    found = torch.matmul(cosines.contiguous(), w.transpose(2, 3).contiguous()).transpose(1, 2) + b.unsqueeze(
        1
    )
    return found.flatten(2)
