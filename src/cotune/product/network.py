"""One trained network of a model: its shape, its weights, the preparation of its rows."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import torch
from torch import Tensor

from cotune.data import Features, Fitted
from cotune.data.examples import Rows
from cotune.engine.links import LINKS, NEIGHBOURS, Link
from cotune.engine.neighbours import knn_log_probabilities
from cotune.engine.several import linked
from cotune.errors import ModelError
from cotune.nets import families
from cotune.nets.activations import ACTIVATIONS
from cotune.nets.context import Context
from cotune.nets.layout import Layout
from cotune.nets.network import Network as Shape
from cotune.nets.own.module import Build, Module

ROWS = 4096
"""Rows predicted at once."""


@dataclass(frozen=True, eq=False)
class Neighbours:
    """Training rows that vote for the classes of others: what a network of embeddings needs to predict.

    Args:
        embeddings: of the rows, float32 [train output].
        classes: theirs, int64 [train].
        count: of all classes.
        cosine: whether rows are near by angle, not by distance.
    """

    embeddings: Tensor
    classes: Tensor
    count: int
    cosine: bool


@dataclass(frozen=True, eq=False)
class Network:
    """A network at its true width, with the pipeline that feeds it.

    Args:
        shape: of the network, unpadded but for the head.
        activation: name.
        tensors: weights and running statistics by name, without a lane axis; head at its true width.
        pipeline: raw columns to numbers.
        link: what its outputs mean, a name of `cotune.engine.links`; "" in models from before there were several.
        voters: the training rows that decide, where outputs are an embedding.
        count: values of a row, of a regression.
    """

    shape: Shape
    activation: str
    tensors: Mapping[str, Tensor]
    pipeline: Fitted
    link: str = ""
    voters: Neighbours | None = None
    count: int = 1

    @classmethod
    def cut(
        cls,
        padded: Shape,
        width: int,
        activation: str,
        link: str,
        weights: Tensor,
        statistics: Tensor,
        pipeline: Fitted,
    ) -> "Network":
        """From a lane's rows of weights and statistics, padding cut off."""
        tensors = {}
        for known, row in ((padded.weights(), weights), (padded.statistics(), statistics)):
            layout = Layout.of(known)
            views = layout.views(row.unsqueeze(0))
            for weight in known:
                corner = tuple(slice(n) for n in padded.real_shape(weight, width))
                tensors[weight.name] = views[weight.name][0][corner].clone()
        return cls(families.at_width(padded, width), activation, tensors, pipeline, link)

    @property
    def size(self) -> int:
        """Count of weights."""
        names = {weight.name for weight in self.shape.weights()}
        return sum(tensor.numel() for name, tensor in self.tensors.items() if name in names)

    def logits(self, frame: Rows) -> Tensor:
        """Raw outputs for raw rows [row output], float32."""
        return self.logits_of(self.pipeline.transform(frame))

    def logits_of(self, features: Features) -> Tensor:
        """Raw outputs for rows that its pipeline has prepared [row output], float32."""
        numeric, codes = torch.from_numpy(features.numeric), torch.from_numpy(features.codes)
        weights, statistics = self._padded_head(), {}
        for weight in self.shape.statistics():
            statistics[weight.name] = self.tensors[weight.name].unsqueeze(0)
        context = Context(training=False, activations=((self.activation, 0, 1),), world=features.world)
        chunk = max(len(codes), 1) if self.shape.whole else ROWS
        parts = [torch.zeros(0, self.shape.outputs)]
        with torch.no_grad():
            for start in range(0, len(numeric), chunk):
                x, c = (part[start : start + chunk].unsqueeze(0) for part in (numeric, codes))
                parts.append(
                    self.shape.forward(weights, statistics, x, c, context)[0, :, : self.shape.outputs]
                )
        return torch.cat(parts)

    def answers(self, features: Features) -> Tensor:
        """What the user's own `forward` returns for rows that its pipeline has prepared [row …].

        Raises:
            ModelError: it returns something else than a tensor.
        """
        assert isinstance(self.shape, Module)
        views = [
            {w.name: self.tensors[w.name].unsqueeze(0) for w in known}
            for known in (self.shape.weights(), self.shape.statistics())
        ]
        parts = []
        with torch.no_grad():
            for start in range(0, len(features.numeric), ROWS):
                some = slice(start, start + ROWS)
                x, c = (
                    torch.from_numpy(part[some]).unsqueeze(0) for part in (features.numeric, features.codes)
                )
                found = self.shape.ask(None, views[0], views[1], self.shape.split(x, c), Context(False, ()))
                parts.append(found[0])
        return torch.cat(parts)

    def log_probabilities(self, features: Features) -> Tensor:
        """Of the classes, for rows that its pipeline has prepared [row class], float64."""
        z = self.logits_of(features)
        if self.voters is not None:
            own = self.voters
            said = knn_log_probabilities(own.embeddings, own.classes, z, own.count, cosine=own.cosine)
            return said.double()
        return self._link("softmax")(z.double(), 0.0)

    def with_voters(self, features: Features, classes: Tensor, *, count: int, cosine: bool) -> "Network":
        """The same network, which from now on lets these training rows vote.

        Args:
            features: of at least one row.
            classes: int64 [row].
            count, cosine: see `Neighbours`.
        """
        return replace(self, voters=Neighbours(self.logits_of(features), classes, count, cosine))

    @property
    def saved(self) -> dict[str, Tensor]:
        """All its tensors by name, those of its voters too."""
        if self.voters is None:
            return dict(self.tensors)
        return {
            **self.tensors,
            "voters.embeddings": self.voters.embeddings,
            "voters.classes": self.voters.classes,
        }

    def values(self, features: Features) -> Tensor:
        """In the target's own units, for rows that its pipeline has prepared, float64 [row], or [row value]."""
        mean, scale = self.pipeline.target_mean, self.pipeline.target_scale
        z, link = self.logits_of(features).double(), self.link or "identity"
        if self.count == 1:
            assert isinstance(mean, float)
            assert isinstance(scale, float)
            return linked(link, z, scale / mean if mean > 0 else 0.0, 1)[:, 0] * scale + mean
        means, scales = (torch.tensor(each, dtype=torch.float64) for each in (mean, scale))
        return linked(link, z, 0.0, self.count) * scales + means

    def _link(self, usual: str) -> Link:
        return LINKS[self.link or usual]

    def _padded_head(self) -> dict[str, Tensor]:
        found = {}
        for weight in self.shape.weights():
            whole = torch.zeros(1, *weight.shape)
            tensor = self.tensors[weight.name]
            whole[0][tuple(slice(n) for n in tensor.shape)] = tensor
            found[weight.name] = whole
        return found

    def to_json(self) -> dict[str, Any]:
        """Everything but the tensors and the pipeline."""
        found = {**families.to_json(self.shape), "activation": self.activation, "link": self.link}
        if self.count > 1:
            found["values"] = self.count
        if self.voters is not None:
            found["voters"] = {"count": self.voters.count, "cosine": self.voters.cosine}
        return found

    @classmethod
    def from_json(
        cls,
        tree: Mapping[str, Any],
        tensors: Mapping[str, Tensor],
        pipeline: Fitted,
        build: Build | None = None,
    ) -> "Network":
        """Back from `to_json`, the tensors and the pipeline.

        Args:
            build: see `cotune.nets.families.from_json`.

        Raises:
            ModelError: a part is missing or of the wrong shape.
        """
        try:
            shape = families.from_json(tree, build)
            for weight in (*shape.weights(), *shape.statistics()):
                found, due = tuple(tensors[weight.name].shape), shape.real_shape(weight, shape.width)
                if found != due:
                    raise ModelError(
                        f"the model's tensor {weight.name} has shape {found}, its description says {due}"
                    )
            activation = str(tree["activation"])
            if activation not in ACTIVATIONS:
                raise ValueError(f"unknown activation '{activation}'")
            if shape.slopes != (activation == "prelu"):
                raise ValueError(f"activation '{activation}' and slopes {shape.slopes} do not go together")
            link = str(tree.get("link", ""))
            if link and link not in (*LINKS, NEIGHBOURS):
                raise ValueError(f"unknown link '{link}'")
            own = dict(tensors)
            voters = _voters(tree["voters"], own, shape.outputs) if link == NEIGHBOURS else None
            count = int(tree.get("values", 1))
            if count < 1 or shape.outputs % count:
                raise ValueError(f"{shape.outputs} outputs of {count} values")
            return cls(shape, activation, own, pipeline, link, voters, count)
        except (KeyError, TypeError, ValueError) as error:
            raise ModelError(f"the model's description is damaged: {error!r}") from None


def _voters(tree: Mapping[str, Any], tensors: dict[str, Tensor], outputs: int) -> Neighbours:
    """Take the voters out of a network's tensors."""
    embeddings, classes = tensors.pop("voters.embeddings"), tensors.pop("voters.classes")
    count = int(tree["count"])
    if embeddings.shape != (len(classes), outputs) or not ((classes >= 0) & (classes < count)).all():
        raise ValueError("the rows that vote do not fit the network")
    return Neighbours(embeddings, classes, count, bool(tree["cosine"]))
