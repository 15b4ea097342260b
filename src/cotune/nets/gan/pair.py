"""Two networks in one row of weights: a generator makes rows of noise, a discriminator tells them from real ones.

| symbol | meaning                                                            | shape                  |
|--------|--------------------------------------------------------------------|------------------------|
| z      | noise                                                              | lane batch latent      |
| x      | rows: pixels in [0, 1], or the prepared columns of a table         | lane batch feature     |
| s      | scores of the discriminator: its head, then the heads on its stages | lane batch head        |

Images: the generator's first layer makes maps of a few pixels, every further one doubles their sides (DCGAN); the
discriminator halves them again by strided convolutions. Tables: both are multi-layer perceptrons.

A generator's batch norm keeps no running statistics. Its *standing* ones are measured with the weights that are
judged, on noise of their own: so averaged weights get the moments that belong to them.

Sources: Goodfellow et al., Generative Adversarial Nets, 2014; Radford, Metz & Chintala, DCGAN, ICLR 2016; Brock et al.,
BigGAN, ICLR 2019, appendix C (standing statistics); Xu et al., CTGAN, NeurIPS 2019 (tables).
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from cotune.nets.context import Context
from cotune.nets.gan import images as gan_images
from cotune.nets.gan import tables as gan_tables
from cotune.nets.layout import Weight
from cotune.nets.norms import kept, normed_weight

Moments = dict[str, tuple[Tensor, Tensor]]
"""Means and variances of a generator's layers by their names, lane unit each."""

GENERATOR, DISCRIMINATOR, TURN = "generator", "discriminator", "turn"


@dataclass(frozen=True)
class GAN:
    """The shape of a pair of networks.

    Args:
        shape: height, width and channels of an image; () for the rows of a table.
        kinds, sizes: of a table's blocks of columns, see `cotune.nets.gan.tables`; () for images.
        latent: numbers of noise.
        width: filters at the full size of an image, twice as many at every halving; of a table, hidden units.
        depth: halvings of an image's sides; of a table, hidden layers.
        generator_norm: "batch", "layer" or "none".
        discriminator_norm: "none", "spectral" or "layer".
        upsampling: of images, "transposed" convolutions, or "nearest" pixels and a convolution.
        heads: whether every stage of the discriminator has a head of its own.
    """

    shape: tuple[int, ...]
    kinds: tuple[str, ...]
    sizes: tuple[int, ...]
    latent: int
    width: int
    depth: int
    generator_norm: str = "batch"
    discriminator_norm: str = "none"
    upsampling: str = "transposed"
    heads: bool = False
    cardinalities: tuple[int, ...] = ()
    """Categories are one-hot: none is embedded."""

    @property
    def _room(self) -> Any:
        """The functions of the kind of rows: modules with the same names in them."""
        return gan_images if self.shape else gan_tables

    @property
    def kind(self) -> str:
        """What sort of network this is, in a few words."""
        more = ", heads on all stages" if self.heads else ""
        what = "images" if self.shape else "tables"
        norms = f"norms {self.generator_norm} and {self.discriminator_norm}"
        return f"GAN of {what}, {self.depth} stages, {norms}{more}"

    @property
    def example(self) -> tuple[int, ...]:
        """An image: height width channel; of a table its features."""
        return self.shape or (self.features,)

    @property
    def features(self) -> int:
        """Numbers of a row."""
        return self.shape[0] * self.shape[1] * self.shape[2] if self.shape else sum(self.sizes)

    @property
    def outputs(self) -> int:
        """Scores of a row: one, and one for each stage with a head of its own."""
        return 1 + (self.depth - 1 if self.heads else 0)

    @property
    def head(self) -> int:
        """The same: scores are not padded."""
        return self.outputs

    def draws(self, rows: int) -> int:  # noqa: ARG002
        """Nothing is dropped."""
        return 0

    @property
    def compiles(self) -> bool:
        """Compiled loops know no contest."""
        return False

    @property
    def whole(self) -> bool:
        """Rows are judged some at a time."""
        return False

    @property
    def products(self) -> int:
        """Multiplications of a step for one row, as a multiple of a forward pass: G once, D three times."""
        generator, discriminator = self._room.products(self)
        return int(generator + 3 * discriminator)

    @property
    def values(self) -> int:
        """Numbers that one row leaves behind in both."""
        return int(8 * self._room.values(self) + 4 * self.features)

    def weights(self) -> tuple[Weight, ...]:
        """Learned weights, the generator's first."""
        return (*self._room.generator_weights(self), *self._room.discriminator_weights(self))

    def statistics(self) -> tuple[Weight, ...]:
        """Singular vectors of spectral norm, and whose turn it is.

        `turn.count` counts steps, `turn.share` is the share of pairs that the discriminator tells apart, less a half;
        `turn.generator` and `turn.discriminator` are the paces of the last step.
        """
        found = [
            each
            for name, inputs, units in self._room.discriminator_layers(self)
            for each in kept(self.discriminator_norm, name, inputs, units)
            if self.discriminator_norm == "spectral"
        ]
        paces = (Weight(f"{TURN}.{name}", (1,), "ones") for name in (GENERATOR, DISCRIMINATOR))
        return (*found, Weight(f"{TURN}.count", (1,)), Weight(f"{TURN}.share", (1,)), *paces)

    @property
    def slopes(self) -> bool:
        """No activation learns slopes."""
        return False

    def real_shape(self, weight: Weight, width: int) -> tuple[int, ...]:  # noqa: ARG002
        """All of it but the padding of a table's heads: one score each."""
        head = weight.name.startswith("discriminator_head")
        return (*weight.shape[:-1], 1) if head and not self.shape else weight.shape

    def forward(
        self,
        weights: Mapping[str, Tensor],
        statistics: Mapping[str, Tensor],
        numeric: Tensor,
        codes: Tensor,  # noqa: ARG002
        context: Context,
    ) -> Tensor:
        """Scores of rows [lane batch head]."""
        return self.scores(numeric, self.judges(weights, statistics, context))

    def judges(
        self, weights: Mapping[str, Tensor], statistics: Mapping[str, Tensor], context: Context
    ) -> dict[str, Tensor]:
        """The discriminator's weights as its norm makes them; spectral norm moves its vectors once."""
        found = {name: w for name, w in weights.items() if name.startswith(DISCRIMINATOR)}
        if self.discriminator_norm == "spectral":
            for name, _, _ in self._room.discriminator_layers(self):
                found[f"{name}.weight"] = self._spectral(name, weights, statistics, context)
        return found

    def _spectral(
        self, name: str, weights: Mapping[str, Tensor], statistics: Mapping[str, Tensor], context: Context
    ) -> Tensor:
        """Lane by lane where a layer has one unit: products with a single column round by the count of lanes."""
        if not self.shape:
            return normed_weight("spectral", name, weights, statistics, context)
        w, layers = f"{name}.weight", (f"{name}.norm.left", f"{name}.norm.right")
        lanes = [
            normed_weight(
                "spectral",
                name,
                {w: one.unsqueeze(0)},
                {k: statistics[k][i : i + 1] for k in layers},
                context,
            )
            for i, one in enumerate(weights[w].unbind(0))
        ]
        return torch.cat(lanes)

    def scores(self, x: Tensor, judges: Mapping[str, Tensor]) -> Tensor:
        """Scores of rows [lane batch head], those of the last layer first."""
        found: Tensor = self._room.scores(self, x, judges)
        return found

    def generated(
        self, z: Tensor, weights: Mapping[str, Tensor], moments: Moments | None, chance: Tensor | None = None
    ) -> Tensor:
        """Rows made of noise [lane batch feature].

        Args:
            z: lane batch latent.
            moments: the standing statistics; `None` for those of the batch.
            chance: of tables, what flags and categories are moved by, see `cotune.nets.gan.tables.chance_of`.
        """
        found: Tensor = self._room.generated(self, z, weights, moments, {}, chance)
        return found

    def standing(self, z: Tensor, weights: Mapping[str, Tensor]) -> Moments:
        """The statistics of the generator's layers on noise."""
        found: Moments = {}
        with torch.no_grad():
            self._room.generated(self, z, weights, None, found, None)
        return found

    def program(self, layout: object, statistics: object, rows: int) -> Any:
        """There is none, see `compiles`."""
        raise NotImplementedError(f"{self.kind} steps as a batch of lanes; compiled loops do not know it")
