"""Weights themselves are averaged: an ensemble that costs no more than one network.

Networks that came from the same first weights along nearby ways lie in one basin, where averages are good too: a
trial at several of its epochs does, other trials seldom do. An ingredient is put in only if that makes the validation
figures better, so the soup is never worse there than the network it began with.

Deviation from the paper: running statistics of batch normalisation are averaged, not measured anew.

Source: Wortsman et al., Model soups, ICML 2022 (greedy soup); Izmailov et al., UAI 2018 (along one way).
"""

from collections.abc import Callable, Sequence
from dataclasses import replace

import torch
from torch import Tensor

from cotune.product.network import Network

Member = Sequence[Network]
"""The networks of a trial: folds × seeds."""


def can_mix(one: Member, other: Member) -> bool:
    """Whether the weights of two members mean the same: equal shapes, activations and prepared rows.

    Networks of embeddings never do: the rows that vote lie elsewhere for other weights.
    """
    return len(one) == len(other) and all(
        a.shape == b.shape
        and a.activation == b.activation
        and a.link == b.link
        and a.pipeline is b.pipeline
        and a.voters is None
        for a, b in zip(one, other, strict=True)
    )


def mixed(members: Sequence[Member]) -> list[Network]:
    """The mean of some members' weights, network by network."""
    return [
        replace(
            same[0],
            tensors={
                name: torch.stack([net.tensors[name].double() for net in same]).mean(0).to(tensor.dtype)
                for name, tensor in same[0].tensors.items()
            },
        )
        for same in zip(*members, strict=True)
    ]


def soup(
    members: Sequence[Member],
    *,
    said: Callable[[Member], Tensor],
    keys: Callable[[Tensor], list[tuple[float, float]]],
) -> list[float]:
    """wᵢ = 1 / m for the m members that are in the soup, the first one for certain.

    Args:
        members: they can mix; the first is the best trial.
        said: what a member says of the validation rows [row (class)].
        keys: how good that is, smaller is better; see `Evidence.keys`.
    """

    def key_of(member: Member) -> tuple[float, float]:
        return keys(said(member).unsqueeze(0))[0]

    taken, least = [0], key_of(members[0])
    own = {i: key_of(members[i]) for i in range(1, len(members))}
    for i in sorted(own, key=lambda i: (own[i], i)):
        found = key_of(mixed([members[j] for j in (*taken, i)]))
        if found < least:
            taken, least = [*taken, i], found
    return [1 / len(taken) if i in taken else 0.0 for i in range(len(members))]
