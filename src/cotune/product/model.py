"""The fitted model: the networks of the best trial's folds and seeds, averaged; saved without pickle."""

import json
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import torch
from numpy.typing import NDArray
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import Tensor

from cotune.data import read_frame
from cotune.data.stored import slices
from cotune.engine.metrics import METRICS
from cotune.errors import CotuneError, ModelError
from cotune.files import replacing, write_text
from cotune.product.network import Network
from cotune.types import Task

FORMAT = 1
LABELS: dict[str, Callable[[str], Any]] = {
    "str": str,
    "int": int,
    "float": float,
    "bool": lambda name: name.lower() in ("true", "1"),
}
"""From a class's name to its label."""

WEIGHTS, PIPELINE = "model.safetensors", "pipeline.json"


@dataclass(frozen=True, eq=False)
class Model:
    """Predicts a target from raw rows.

    Args:
        task, target, classes: what it predicts; `classes` is () for a regression.
        networks: at least one; their probabilities, or values, are averaged.
        label_type: what labels are predicted as: "str", "int", "float" or "bool".

    Example:
        >>> study = cotune.load("runs/adult")                 # doctest: +SKIP
        >>> study.best.predict("new.csv")                     # doctest: +SKIP
    """

    task: Task
    target: str
    classes: tuple[str, ...]
    networks: Sequence[Network]
    label_type: str = "str"

    def predict(self, data: Any) -> NDArray[Any]:
        """Labels, typed as in the data the study was given, or values (float64) of a regression, shape [row].

        Args:
            data: a path, a polars or pandas frame, or an array, with the columns the study was given.

        Raises:
            DataError: the rows cannot be read, or a column is missing.
        """
        raw = self._raw(data)
        if self.task.is_classification:
            labels: NDArray[Any] = self.labels[raw.argmax(-1).numpy()]
            return labels
        found: NDArray[Any] = raw.numpy()
        return found

    @property
    def labels(self) -> NDArray[Any]:
        """The classes as `predict` returns them [class]."""
        found: NDArray[Any] = np.array([LABELS[self.label_type](name) for name in self.classes])
        return found

    def predict_proba(self, data: Any) -> NDArray[np.float64]:
        """Probabilities [row class], columns in the order of `classes`.

        Raises:
            ModelError: the model is a regression.
        """
        if not self.task.is_classification:
            raise ModelError(f"{self.target} is a number: a regression has no probabilities; use predict")
        found: NDArray[np.float64] = self._raw(data).exp().numpy()
        return found

    def table(self, data: Any) -> pl.DataFrame:
        """What `cotune predict` writes: `prediction`, and `probability_CLASS` for each class."""
        frame = read_frame(data)
        columns: dict[str, NDArray[Any]] = {"prediction": self.predict(frame)}
        if self.task.is_classification:
            p = self.predict_proba(frame)
            columns |= {f"probability_{name}": p[:, i] for i, name in enumerate(self.classes)}
        return pl.DataFrame(columns)

    def figures(self, raw: Tensor, y: NDArray[Any]) -> dict[str, float]:
        """Every metric that fits the task.

        Args:
            raw: what `outputs` gave.
            y: class indices, or values, shape [row].
        """
        truth = torch.from_numpy(np.asarray(y))
        return {
            name: float(metric.compute(raw.unsqueeze(0), truth)[0])
            for name, metric in METRICS.items()
            if metric.classification == self.task.is_classification and metric.needs_rows <= len(truth)
        }

    def outputs(self, frames: Iterable[pl.DataFrame]) -> Tensor:
        """Log-probabilities [row class], or values [row], of rows that come some at a time; float64."""
        return torch.cat([self._outputs(frame) for frame in frames])

    def _raw(self, data: Any) -> Tensor:
        frame = read_frame(data)
        return self.outputs(frame[rows] for rows in slices(frame.height, frame.width))

    def _outputs(self, frame: pl.DataFrame) -> Tensor:
        if not self.task.is_classification:
            return torch.stack([network.values(frame) for network in self.networks]).mean(0)
        found = torch.stack([network.log_probabilities(frame) for network in self.networks])
        return found[0] if len(found) == 1 else found.logsumexp(0) - float(np.log(len(found)))

    @property
    def size(self) -> int:
        """Count of weights, all networks together."""
        return sum(network.size for network in self.networks)

    def save(self, directory: Path) -> None:
        """Write model.safetensors and pipeline.json; the description is written last and names the weights' sum."""
        directory.mkdir(parents=True, exist_ok=True)
        tensors = {
            f"network{i}.{k}": v for i, net in enumerate(self.networks) for k, v in net.tensors.items()
        }
        about = {
            "format": FORMAT,
            "task": self.task.value,
            "target": self.target,
            "classes": list(self.classes),
            "label_type": self.label_type,
            "networks": [network.to_json() for network in self.networks],
        }
        with replacing(directory / WEIGHTS) as partial:
            save_file({name: tensor.contiguous() for name, tensor in tensors.items()}, partial)
        write_text(directory / PIPELINE, json.dumps(about, indent=1) + "\n")

    @classmethod
    def load(cls, directory: Path) -> "Model":
        """A saved model.

        Raises:
            ModelError: there is none, or it is damaged, or was written by a later version.
        """
        try:
            about = json.loads((directory / PIPELINE).read_text(encoding="utf-8"))
            tensors = load_file(directory / WEIGHTS)
        except FileNotFoundError as error:
            missing = Path(str(error.filename or directory / WEIGHTS)).name
            raise ModelError(
                f"{directory} has no {missing}; `cotune resume` finishes a study and writes it"
            ) from None
        except (OSError, ValueError, SafetensorError) as error:
            law = f"the model in {directory} is damaged ({error})"
            raise ModelError(f"{law}; restore it from a backup, or tune again") from None
        if isinstance(about, dict) and isinstance(about.get("format"), int) and about["format"] > FORMAT:
            law = f"the model in {directory} has format {about['format']}, this cotune reads up to {FORMAT}"
            raise ModelError(f"{law}; upgrade with `pip install -U cotune`")
        try:
            if about["format"] != FORMAT:
                raise ValueError(f"format {about['format']!r}")
            networks = []
            for i, tree in enumerate(about["networks"]):
                prefix = f"network{i}."
                own = {k.removeprefix(prefix): v for k, v in tensors.items() if k.startswith(prefix)}
                networks.append(Network.from_json(tree, own))
            if not networks:
                raise ValueError("it has no networks")
            classes, label_type = tuple(about["classes"]), about["label_type"]
            model = cls(Task(about["task"]), about["target"], classes, networks, label_type)
            if len(model.labels) != len(classes):
                raise ValueError("its labels do not match its classes")
            return model
        except (CotuneError, KeyError, TypeError, ValueError) as error:
            said = str(error) if isinstance(error, CotuneError) else repr(error)
            law = f"the model's description in {directory} is damaged ({said})"
            raise ModelError(f"{law}; restore it from a backup, or tune again") from None
