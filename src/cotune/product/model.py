"""The fitted model: networks that are averaged, and what is made of their answer; saved without pickle.

It has the networks of the best trial's folds and seeds, or those of an ensemble of trials, with weights.
"""

import json
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import torch
from numpy.typing import NDArray
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import Tensor, nn

from cotune.data.examples import Rows
from cotune.data.forecasts.windows import Windows
from cotune.data.prepare.fitting import from_json
from cotune.data.tables.stored import slices
from cotune.engine.metrics import METRICS
from cotune.engine.several import judged
from cotune.errors import CotuneError, ModelError, RecipeError
from cotune.files import replacing, write_text
from cotune.nets.own.module import Build, Module
from cotune.product.after.pool import pool
from cotune.product.after.temperature import scaled
from cotune.product.after.threshold import by_labels, decided
from cotune.product.network import Network
from cotune.types import Task

FORMAT = 2
"""Format 1 had a pipeline in every network, and no weights."""
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
        weights: of the networks, none negative, their sum is 1; () counts all the same.
        temperature: the averaged log-probabilities are divided by it.
        threshold: probability above which a row is called the second class (binary); `None` is one half.
        targets: names of the values of a row, where there are several.
        build: makes modules, where the networks are the user's own.

    Example:
        >>> study = cotune.load("runs/adult")                 # doctest: +SKIP
        >>> study.best.predict("new.csv")                     # doctest: +SKIP
    """

    task: Task
    target: str
    classes: tuple[str, ...]
    networks: Sequence[Network]
    label_type: str = "str"
    weights: tuple[float, ...] = ()
    temperature: float = 1.0
    threshold: float | None = None
    targets: tuple[str, ...] = ()
    build: Build | None = field(default=None, compare=False, repr=False)

    def module(self, number: int = 0) -> nn.Module:
        """One of its networks as the `torch.nn.Module` that the user's build makes, trained and in evaluation mode.

        What it says is what the network was trained to say: logits of the `classes`, or values. Rows of a table or of
        images must be prepared as the study's were, and so are values of their targets; tensors are as they are.

        Args:
            number: which of `networks`; the first is of the best trial.

        Raises:
            ModelError: the network is not of the user's own.
        """
        network = self.networks[number]
        if self.build is None or not isinstance(network.shape, Module):
            raise ModelError(
                "only a network of your own is a torch module: tune with build=, and load with the same build"
            )
        return network.shape.module(network.tensors, self.build)

    def predict(self, data: Any) -> NDArray[Any]:
        """Labels, typed as in the data the study was given, or values (float64) of a regression, shape [row].

        Of several targets shape [row target]; of a forecast what follows the last row of each series [series step].

        Args:
            data: a path, a polars or pandas frame, or an array, with the columns the study was given; of images a
                folder or file of them, a table of their paths, or an array.

        Raises:
            DataError: the rows cannot be read, or a column is missing.
        """
        if self.task is Task.OWN:
            return self._answers(data)
        raw = self._raw(data)
        if self.task.is_classification:
            labels: NDArray[Any] = self.labels[self.decide(raw).numpy()]
            return labels
        found: NDArray[Any] = raw.numpy()
        return found

    def _answers(self, data: Any) -> NDArray[Any]:
        """What `forward` of a network of the user's own returns, mean over networks."""
        frame = self._read(data)
        each = [
            torch.cat(
                [
                    network.answers(network.pipeline.transform(frame[rows]))
                    for rows in slices(frame.height, frame.width)
                ]
            )
            for network in self.networks
        ]
        found: NDArray[Any] = torch.stack(each).mean(0).numpy()
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
        """What `cotune predict` writes: `prediction`, and `probability_CLASS` for each class; `file` of a folder.

        Of several targets `prediction_TARGET` for each; of a forecast a row for each time to come, with its time.
        """
        frame = self._read(data)
        if isinstance(frame, Windows):
            return frame.listed(self.predict(frame))
        if self.targets:
            said = self.predict(frame)
            return pl.DataFrame({f"prediction_{name}": said[:, i] for i, name in enumerate(self.targets)})
        columns: dict[str, Any] = {"prediction": self.predict(frame)}
        if self.task.is_classification:
            p = self.predict_proba(frame)
            columns |= {f"probability_{name}": p[:, i] for i, name in enumerate(self.classes)}
        files = {} if isinstance(frame, pl.DataFrame) or not frame.names else {"file": frame.names}
        return pl.DataFrame(files | columns)

    def figures(self, raw: Tensor, y: NDArray[Any]) -> dict[str, float]:
        """Every metric that fits the task.

        Args:
            raw: what `outputs` gave.
            y: class indices, or values, shape [row (value)].
        """
        truth = torch.from_numpy(np.asarray(y))
        by_label = decided(raw, self.threshold)
        found = {}
        for name, metric in METRICS.items():
            if metric.fits(self.task) and not metric.own and metric.needs_rows <= len(truth):
                seen = by_label if self.threshold is not None and by_labels(name) else raw
                found[name] = float(judged(name, seen.unsqueeze(0), truth)[0])
        return found

    def decide(self, raw: Tensor) -> Tensor:
        """Class indices [row] of what `outputs` gave."""
        return decided(raw, self.threshold).argmax(-1)

    def outputs(self, frames: Iterable[Rows]) -> Tensor:
        """Log-probabilities [row class], or values [row], of rows that come some at a time; float64."""
        return torch.cat([self._outputs(frame) for frame in frames])

    def _raw(self, data: Any) -> Tensor:
        frame = self._read(data)
        return self.outputs(frame[rows] for rows in slices(frame.height, frame.width))

    def _read(self, data: Any) -> Rows:
        """Raw rows; the networks' preparations differ in what they learned, not in what they read."""
        found: Rows = self.networks[0].pipeline.read(data)
        return found

    def _outputs(self, frame: Rows) -> Tensor:
        classification = self.task.is_classification
        found = pool(
            self.each(frame), self.weights or (1.0,) * len(self.networks), classification=classification
        )
        return scaled(found, self.temperature) if classification else found

    def each(self, frame: Rows) -> Tensor:
        """What every network says by itself: log-probabilities [network row class], or values [network row]; float64.

        Rows are prepared once for all networks that share a pipeline.
        """
        users: dict[int, list[int]] = {}
        for place, network in enumerate(self.networks):
            users.setdefault(id(network.pipeline), []).append(place)
        found: dict[int, Tensor] = {}
        for places in users.values():
            features = self.networks[places[0]].pipeline.transform(frame)
            for place in places:
                network = self.networks[place]
                said = network.log_probabilities if self.task.is_classification else network.values
                found[place] = said(features)
        return torch.stack([found[place] for place in range(len(self.networks))])

    @property
    def size(self) -> int:
        """Count of weights, all networks together."""
        return sum(network.size for network in self.networks)

    def save(self, directory: Path) -> None:
        """Write model.safetensors and pipeline.json; the description is written last and names the weights' sum."""
        directory.mkdir(parents=True, exist_ok=True)
        tensors = {f"network{i}.{k}": v for i, net in enumerate(self.networks) for k, v in net.saved.items()}
        pipelines, whose = self._pipelines()
        about = {
            "format": FORMAT,
            "task": self.task.value,
            "target": self.target,
            "classes": list(self.classes),
            "label_type": self.label_type,
            "weights": list(self.weights),
            "temperature": self.temperature,
            "threshold": self.threshold,
            **({"targets": list(self.targets)} if self.targets else {}),
            "networks": [
                {**network.to_json(), "pipeline": place}
                for network, place in zip(self.networks, whose, strict=True)
            ],
            "pipelines": pipelines,
        }
        with replacing(directory / WEIGHTS) as partial:
            save_file({name: tensor.contiguous() for name, tensor in tensors.items()}, partial)
        write_text(directory / PIPELINE, json.dumps(about, indent=1) + "\n")

    def _pipelines(self) -> tuple[list[dict[str, Any]], list[int]]:
        """Every pipeline once, and which one each network has."""
        trees = {id(network.pipeline): network.pipeline.to_json() for network in self.networks}
        places: dict[str, int] = {}
        pipelines: list[dict[str, Any]] = []
        for tree in trees.values():
            if tree["checksum"] not in places:
                places[tree["checksum"]] = len(pipelines)
                pipelines.append(tree)
        return pipelines, [places[trees[id(network.pipeline)]["checksum"]] for network in self.networks]

    @classmethod
    def load(cls, directory: Path, *, build: Build | None = None) -> "Model":
        """A saved model.

        Args:
            build: makes modules, where the networks are the user's own.

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
        name = _own_module(about)
        if build is None and name is not None:
            law = f"the model in {directory} is a {name} of your own, which cotune cannot build"
            raise ModelError(f"{law}; pass the function that built it: cotune.load(path, build=…)")
        try:
            if about["format"] not in range(1, FORMAT + 1):
                raise ValueError(f"format {about['format']!r}")
            return cls._from_json(about, tensors, build)
        except RecipeError:
            raise  # build itself is at fault, or was not passed
        except (CotuneError, IndexError, KeyError, TypeError, ValueError) as error:
            said = str(error) if isinstance(error, CotuneError) else repr(error)
            law = f"the model's description in {directory} is damaged ({said})"
            raise ModelError(f"{law}; restore it from a backup, or tune again") from None

    @classmethod
    def _from_json(cls, about: dict[str, Any], tensors: dict[str, Tensor], build: Build | None) -> "Model":
        pipelines = [from_json(tree) for tree in about.get("pipelines", ())]
        networks = []
        for i, tree in enumerate(about["networks"]):
            prefix = f"network{i}."
            own = {k.removeprefix(prefix): v for k, v in tensors.items() if k.startswith(prefix)}
            used = tree["pipeline"]
            pipeline = from_json(used) if about["format"] == 1 else pipelines[used]
            networks.append(Network.from_json(tree, own, pipeline, build))
        if not networks:
            raise ValueError("it has no networks")
        threshold = about.get("threshold")
        model = cls(
            Task(about["task"]),
            about["target"],
            tuple(about["classes"]),
            networks,
            about["label_type"],
            tuple(float(weight) for weight in about.get("weights", ())),
            float(about.get("temperature", 1.0)),
            None if threshold is None else float(threshold),
            tuple(about.get("targets", ())),
            build,
        )
        model._check()
        return model

    def _check(self) -> None:
        """Raise `ValueError` if what was read cannot be a model."""
        if any(network.count != max(1, len(self.targets)) for network in self.networks):
            raise ValueError("its networks predict another count of values")
        if len(self.labels) != len(self.classes):
            raise ValueError("its labels do not match its classes")
        if self.weights and (
            len(self.weights) != len(self.networks)
            or min(self.weights) < 0
            or not np.isclose(sum(self.weights), 1.0)
        ):
            raise ValueError("its weights are not those of its networks")
        if not 0 < self.temperature < np.inf:
            raise ValueError(f"temperature {self.temperature}")
        if self.threshold is not None and not (0 < self.threshold < 1 and len(self.classes) == 2):
            raise ValueError(f"threshold {self.threshold}")


def _own_module(about: Any) -> str | None:
    """Name of the user's own network in a model's description; `None` where there is none, or nothing can be read."""
    try:
        own = [tree["shape"]["name"] for tree in about["networks"] if tree.get("family") == "module"]
    except (AttributeError, KeyError, TypeError):
        return None
    return str(own[0]) if own else None
