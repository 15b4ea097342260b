"""The generator of a finished study: it makes rows like those that it learned from; saved without pickle."""

import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import torch
from numpy.typing import NDArray
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import Tensor

from cotune.data.prepare.inverse import Renderer
from cotune.data.prepare.pixels import PixelPipeline
from cotune.engine import rng
from cotune.engine.goals.judging import sampled
from cotune.engine.parallel import one_thread_a_kernel
from cotune.errors import CotuneError, ModelError
from cotune.files import replacing, write_text
from cotune.nets.gan.pair import GAN, Moments
from cotune.product.model import PIPELINE, WEIGHTS

FORMAT = 1
KIND = "generator"
MOMENTS = "standing."
"""Before the names of the standing statistics among the saved tensors."""


@dataclass(frozen=True, eq=False)
class Generator:
    """Makes rows of the user's data.

    Args:
        shape: of the pair of networks.
        tensors: the generator's weights by name, without a lane axis.
        moments: its standing statistics by layer, mean and variance.
        preparation: what turns its output into the user's own scale: pixels, or rows of a table.

    Example:
        >>> study = cotune.load("runs/mnist")                  # doctest: +SKIP
        >>> study.best.sample(100, seed=1).shape               # doctest: +SKIP
        (100, 28, 28)
    """

    shape: GAN
    tensors: dict[str, Tensor]
    moments: dict[str, tuple[Tensor, Tensor]]
    preparation: PixelPipeline | Renderer

    @property
    def is_of_images(self) -> bool:
        """Whether it makes images; else rows of a table."""
        return bool(self.shape.shape)

    def sample(self, n: int, *, seed: int = 0) -> "NDArray[Any] | pl.DataFrame":
        """Rows that nobody has seen.

        Args:
            n: how many.
            seed: the same seed makes the same rows; row i does not depend on how many are asked for.

        Returns:
            images [n height width] (grey) or [n height width channel], in the numbers and on the scale of the data the
            study was given; or a table with the study's columns.

        Raises:
            ModelError: n or the seed is not a whole number of 0 or more.
        """
        for name, value in (("n", n), ("seed", seed)):
            if isinstance(value, bool) or not isinstance(value, int | np.integer) or value < 0:
                raise ModelError(f"{name} must be a whole number of 0 or more, but got {value!r}")
        x = self.features(int(n), seed=int(seed))
        if isinstance(self.preparation, Renderer):
            return self.preparation.table(x.numpy(), seed=rng.seed_of("rare", int(seed)))
        return self.pixels(x)

    def features(self, n: int, *, seed: int) -> Tensor:
        """The same as networks read rows, float32 [n feature]."""
        weights = {name: w.unsqueeze(0) for name, w in self.tensors.items()}
        moments: Moments = {name: (m.unsqueeze(0), v.unsqueeze(0)) for name, (m, v) in self.moments.items()}
        with one_thread_a_kernel():
            if n == 0:
                return torch.zeros(0, self.shape.features)
            return sampled(self.shape, weights, moments, n, seed=seed)

    def pixels(self, x: Tensor) -> NDArray[Any]:
        """Images in the data's own scale."""
        own = self.preparation
        assert isinstance(own, PixelPipeline)
        height, across, channels = self.shape.shape
        u = x.double().numpy().reshape(-1, height, across, channels)
        values = own.low + u * (own.high - own.low)
        found: NDArray[Any] = values.round().astype(np.uint8) if own.whole else values.astype(np.float32)
        return found[..., 0] if channels == 1 else found

    def predict(self, _: Any) -> NDArray[Any]:
        """There is nothing to predict.

        Raises:
            ModelError: always.
        """
        raise ModelError(
            "a generator makes rows and predicts nothing; use sample(n), or `cotune sample DIR -n 100`"
        )

    predict_proba = table = predict

    @property
    def size(self) -> int:
        """Count of weights."""
        return sum(tensor.numel() for tensor in self.tensors.values())

    def describe(self) -> list[str]:
        """What was done to the data, in plain sentences."""
        own = self.preparation
        return (own.pipeline if isinstance(own, Renderer) else own).describe()

    def save(self, directory: Path) -> None:
        """Write model.safetensors and pipeline.json; the description is written last."""
        directory.mkdir(parents=True, exist_ok=True)
        tensors = dict(self.tensors)
        for name, (mean, variance) in self.moments.items():
            tensors |= {f"{MOMENTS}{name}.mean": mean, f"{MOMENTS}{name}.variance": variance}
        about = {
            "kind": KIND,
            "format": FORMAT,
            "shape": asdict(self.shape),
            "moments": sorted(self.moments),
            "preparation": self.preparation.to_json(),
        }
        with replacing(directory / WEIGHTS) as partial:
            save_file({name: tensor.contiguous() for name, tensor in tensors.items()}, partial)
        write_text(directory / PIPELINE, json.dumps(about, indent=1) + "\n")

    @classmethod
    def load(cls, directory: Path) -> "Generator":
        """A saved generator.

        Raises:
            ModelError: there is none, or it is damaged, or was written by a later version.
        """
        try:
            about = json.loads((directory / PIPELINE).read_text(encoding="utf-8"))
            tensors = load_file(directory / WEIGHTS)
            if about["format"] > FORMAT:
                law = f"the generator in {directory} has format {about['format']}, this cotune reads up to {FORMAT}"
                raise ModelError(f"{law}; upgrade with `pip install -U cotune`")
            return cls._from_json(about, tensors)
        except FileNotFoundError as error:
            missing = Path(str(error.filename or directory / WEIGHTS)).name
            raise ModelError(
                f"{directory} has no {missing}; `cotune resume` finishes a study and writes it"
            ) from None
        except ModelError:
            raise
        except (OSError, ValueError, KeyError, TypeError, SafetensorError, CotuneError) as error:
            law = f"the generator in {directory} is damaged ({error!r})"
            raise ModelError(f"{law}; restore it from a backup, or tune again") from None

    @classmethod
    def _from_json(cls, about: dict[str, Any], tensors: dict[str, Tensor]) -> "Generator":
        fields: dict[str, Any] = {
            name: tuple(v) if isinstance(v, list) else v for name, v in about["shape"].items()
        }
        shape = GAN(**fields)
        moments = {
            name: (tensors.pop(f"{MOMENTS}{name}.mean"), tensors.pop(f"{MOMENTS}{name}.variance"))
            for name in about["moments"]
        }
        due = {w.name: w.shape for w in shape.weights() if w.name.startswith("generator")}
        found = {name: tuple(tensor.shape) for name, tensor in tensors.items()}
        if found != due:
            raise ValueError("its tensors do not fit its description")
        read = PixelPipeline.from_json if shape.shape else Renderer.from_json
        return cls(shape, tensors, moments, read(about["preparation"]))


def is_generator(directory: Path) -> bool:
    """Whether a study's model makes rows, as far as its description can be read."""
    try:
        return bool(json.loads((directory / PIPELINE).read_text(encoding="utf-8")).get("kind") == KIND)
    except (OSError, ValueError, AttributeError):
        return False
