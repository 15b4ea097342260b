"""Augmentations one after the other, each with chance of its own.

A technique's draws hang on the lane's key and the technique's name. So a lane draws the same numbers in any company,
and whatever else it does; another technique beside it changes nothing but what that technique does.

| symbol      | meaning                                                      | shape |
|-------------|--------------------------------------------------------------|-------|
| key         | a lane's hash for one step, see `cotune.engine.rng.keys`     | lane  |
| strengths   | of each technique by name; 0 is off                          | lane  |
| probability | chance that an example, or a step, undergoes a technique     | lane  |
"""

from collections.abc import Iterable, Mapping

import torch
from torch import Tensor

from cotune.engine import rng
from cotune.engine.augment.geometry import GEOMETRY, then, warp
from cotune.engine.augment.mixing import Mixed
from cotune.engine.augment.table import AUGMENTATIONS, MIXINGS, Augmentation


def key_of(key: Tensor, name: str) -> Tensor:
    """A technique's own key in a step [lane]."""
    return rng.mix(key + rng.seed_of("augmentation", name))


def chosen(key: Tensor, strength: Tensor, probability: Tensor, examples: int | None) -> Tensor:
    """Strengths where the technique's coin says so, else 0; [lane batch], or [lane] if `examples` is `None`.

    The coins are of another key than the draws, whose number does not change them so.
    """
    coins = rng.uniforms(rng.mix(key), examples or 1)
    found = torch.where(coins < probability.unsqueeze(1), strength.unsqueeze(1), 0.0)
    return found.squeeze(1) if examples is None else found


def draws_of(row: Augmentation, key: Tensor, shape: torch.Size) -> Tensor:
    """A technique's draws in a step [lane batch draw], or [lane draw]."""
    lanes, batch, count = shape[0], shape[1], row.draws(shape)
    draw = rng.normals if row.normal else rng.uniforms
    return draw(key, count) if row.for_step else draw(key, batch * count).view(lanes, batch, count)


def _known(names: Iterable[str], registry: Mapping[str, object]) -> list[str]:
    names = set(names)
    if strangers := sorted(names - registry.keys()):
        raise ValueError(f"techniques must be among {', '.join(registry)}, but got {', '.join(strangers)}")
    return [name for name in registry if name in names]


def augment(x: Tensor, key: Tensor, strengths: Mapping[str, Tensor], probability: Tensor) -> Tensor:
    """Series, text, graphs or tables, changed by the named techniques in the order of `AUGMENTATIONS`.

    Args:
        x: lane batch …; edges are lane edge. See the techniques.
    """
    for name in _known(strengths, AUGMENTATIONS):
        x = _undergone(AUGMENTATIONS[name], x, key, strengths[name], probability)
    return x


def _undergone(row: Augmentation, x: Tensor, key: Tensor, strength: Tensor, probability: Tensor) -> Tensor:
    own = key_of(key, row.name)
    felt = chosen(own, strength, probability, None if row.for_step else x.shape[1])
    return row.apply(x, felt, draws_of(row, own, x.shape))


def augment_images(x: Tensor, key: Tensor, strengths: Mapping[str, Tensor], probability: Tensor) -> Tensor:
    """Images, changed as by `augment`; but all moves of pixels are one sampling, which blurs once.

    Args:
        x: standardised, lane batch height width channel.
    """
    names = _known(strengths, AUGMENTATIONS)
    moves = [name for name in names if name in GEOMETRY]
    if moves:
        x = warp(x, _moves(moves, x.shape, key, strengths, probability))
    for name in names:
        if name not in GEOMETRY:
            x = _undergone(AUGMENTATIONS[name], x, key, strengths[name], probability)
    return x


def _moves(
    names: list[str], shape: torch.Size, key: Tensor, strengths: Mapping[str, Tensor], probability: Tensor
) -> Tensor:
    """One matrix for all named moves of an example: lane batch 2 3."""
    found: Tensor | None = None
    for name in names:
        own = key_of(key, name)
        felt = chosen(own, strengths[name], probability, shape[1])
        move = GEOMETRY[name](felt, draws_of(AUGMENTATIONS[name], own, shape), shape[2], shape[3])
        found = move if found is None else then(found, move)
    assert found is not None
    return found


def mix_examples(x: Tensor, key: Tensor, tables: Mapping[str, Tensor], probability: Tensor) -> Mixed:
    """Examples mixed by one of the named techniques; a lane that has several takes one of them in each step.

    Args:
        x: lane batch …
        tables: each technique's `quantiles` [lane CELLS + 1].
        probability: chance that a step mixes [lane].
    """
    names = _known(tables, MIXINGS)
    turn = _turns(key_of(key, "turn"), torch.stack([tables[name][:, 0] < 1 for name in names], 1))
    whole = torch.ones_like(key, dtype=torch.float32)
    partner = torch.arange(x.shape[1], device=x.device).expand(x.shape[:2])
    share = whole.unsqueeze(1).expand(x.shape[:2])
    for place, name in enumerate(names):
        own = key_of(key, name)
        on = turn[:, place] & (chosen(own, whole, probability, None) > 0)
        mixed = MIXINGS[name].apply(x, tables[name], on, rng.uniforms(own, MIXINGS[name].draws(x.shape)))
        x = mixed.x
        partner = torch.where(on.unsqueeze(1), mixed.partner, partner)
        share = torch.where(on.unsqueeze(1), mixed.share, share)
    return Mixed(x, partner, share)


def _turns(key: Tensor, has: Tensor) -> Tensor:
    """Of the techniques that a lane has, one by chance, each as likely: bool [lane technique]."""
    pick = (rng.uniforms(key, 1) * has.sum(1, keepdim=True)).floor()
    return has & (has.cumsum(1) - 1 == pick)
