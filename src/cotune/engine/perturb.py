"""What is done to a batch before the network sees it: noise, augmentation, false labels, mixing.

Every draw is a hash of (lane seed, step, technique, place), so a batch is the same whichever way its lane steps.

| symbol  | meaning                                    | shape              |
|---------|--------------------------------------------|--------------------|
| n       | batches: lanes of a step, or steps of a lane |                  |
| numeric | numeric features                           | n batch feature    |
| codes   | categories                                 | n batch column     |
| y       | class, or standardised target              | n batch (value)    |
| key     | of a lane's step, see `cotune.engine.rng`  | n                  |
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import lru_cache

import torch
from torch import Tensor

from cotune.engine import rng
from cotune.engine.augment.compose import augment, augment_images, key_of, mix_examples
from cotune.engine.augment.mixing import quantiles
from cotune.engine.augment.table import AUGMENTATIONS, MIXINGS
from cotune.engine.lanes import Lane

KINDS = {1: "table", 2: "series", 3: "image"}
"""What an example of so many axes is."""

OWN = ("input_noise", "label_noise")

IN_NETWORKS = ("edge_drop", "feature_mask")
"""What networks over graphs do themselves, as edges and features belong to no row; see `cotune.engine.chance`."""


@dataclass(frozen=True, eq=False)
class Batch:
    """Rows and targets. `partner` [n batch] and `share` [n] are those of mixed examples, else `None`."""

    numeric: Tensor
    codes: Tensor
    y: Tensor
    partner: Tensor | None = None
    share: Tensor | None = None


def perturbs(lane: Lane) -> bool:
    """Whether a lane's batches are changed."""
    return any(lane.number(name) > 0 for name in (*OWN, *_outside(lane), *MIXINGS))


def _outside(lane: Lane) -> list[str]:
    """Augmentations of what a batch holds."""
    shared = lane.variant.world is not None
    return [name for name in AUGMENTATIONS if not (shared and name in IN_NETWORKS)]


@lru_cache(maxsize=256)
def _quantiles(alpha: float) -> Tensor:
    return quantiles([alpha])[0]


class Perturbation:
    """Changes batches as lanes' numbers say.

    Args:
        lanes: of one structure.
        device: where the batches lie.
    """

    def __init__(self, lanes: Sequence[Lane], device: torch.device) -> None:
        def numbers(name: str) -> Tensor:
            return torch.tensor([lane.number(name) for lane in lanes], dtype=torch.float32, device=device)

        def some(names: Sequence[str]) -> list[str]:
            return [name for name in names if any(lane.number(name) > 0 for lane in lanes)]

        variant, network = lanes[0].variant, lanes[0].structure.network
        self._shape = variant.shape or network.example
        self._words = len(variant.shape) == 1
        self._classes = variant.classes or network.outputs
        self._strengths = {name: numbers(name) for name in some([*OWN, *_outside(lanes[0])])}
        self._tables = {
            name: torch.stack([_quantiles(lane.number(name)) for lane in lanes]).to(device)
            for name in some([*MIXINGS])
        }
        self._probability = numbers("augment_probability")
        self._seeds = torch.tensor([rng.seed_of(lane.seed, "perturb") for lane in lanes])
        self._device = device

    def of_step(self, taken: Tensor, batch: Batch) -> Batch:
        """The batches of all lanes at their next step.

        Args:
            taken: steps each lane took before, on the host [lane].
        """
        keys = rng.keys(self._seeds, taken).to(self._device)
        return self._apply(keys, batch, self._strengths, self._tables, self._probability)

    def of_lane(self, steps: Tensor, batch: Batch) -> Batch:
        """The batches of the only lane at some of its steps [n], none of them mixed."""
        n = len(steps)
        strengths = {name: value.expand(n) for name, value in self._strengths.items()}
        tables = {name: table.expand(n, -1) for name, table in self._tables.items()}
        keys = rng.keys(self._seeds.expand(n), steps)
        return self._apply(keys, batch, strengths, tables, self._probability.expand(n))

    def _apply(
        self,
        keys: Tensor,
        batch: Batch,
        strengths: dict[str, Tensor],
        tables: dict[str, Tensor],
        probability: Tensor,
    ) -> Batch:
        numeric, y = batch.numeric, batch.y
        chosen = {name: value for name, value in strengths.items() if name not in OWN}
        codes = batch.codes
        if chosen and self._words:  # the last column is how many words there are
            codes = torch.cat([augment(codes[..., :-1], keys, chosen, probability), codes[..., -1:]], dim=-1)
        elif chosen:
            x = numeric.view(*numeric.shape[:2], *self._shape)
            change = augment_images if KINDS[len(self._shape)] == "image" else augment
            numeric = change(x, keys, chosen, probability).reshape(numeric.shape)
        if "input_noise" in strengths:
            numeric = _add_noise(numeric, key_of(keys, "input_noise"), strengths["input_noise"])
        if "label_noise" in strengths:
            y = self._false(y, key_of(keys, "label_noise"), strengths["label_noise"])
        if not tables:
            return replace(batch, numeric=numeric, codes=codes, y=y)
        mixed = mix_examples(numeric.view(*numeric.shape[:2], *self._shape), keys, tables, probability)
        return Batch(mixed.x.reshape(numeric.shape), codes, y, mixed.partner, mixed.share[:, 0])

    def _false(self, y: Tensor, keys: Tensor, strength: Tensor) -> Tensor:
        """A class at random with chance `strength`; or noise of that many standard deviations on a value.

        Sources: Xie et al., DisturbLabel, CVPR 2016; Bishop 1995.
        """
        batch = y.shape[1]
        if y.is_floating_point():
            return _add_noise(y.view(len(y), batch, -1), keys, strength).view(y.shape)
        draws = rng.uniforms(keys, 2 * batch)
        other = (draws[:, batch:] * self._classes).long()
        return torch.where(draws[:, :batch] < strength.unsqueeze(1), other, y)


def partners(y: Tensor, partner: Tensor) -> Tensor:
    """The targets of each example's partner [n batch (value)]."""
    places = partner if y.dim() == 2 else partner.unsqueeze(2).expand(y.shape)
    return y.gather(1, places)


def _add_noise(x: Tensor, keys: Tensor, strength: Tensor) -> Tensor:
    """x + σ n; where σ is 0, x to the bit. Source: Bishop, Training with Noise, 1995."""
    sigma = strength.view(-1, 1, 1)
    noise = rng.normals(keys, x.shape[1] * x.shape[2]).view(x.shape)
    return torch.where(sigma > 0, x + sigma * noise, x)
