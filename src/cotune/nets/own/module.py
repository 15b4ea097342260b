"""A network that the user built as a torch module, of which many lanes train side by side.

| symbol     | meaning                                                            | shape       |
|------------|--------------------------------------------------------------------|-------------|
| weights    | the module's parameters that learn, by name                         | lane *shape |
| statistics | its other floats: buffers, frozen parameters, numbers of the lanes  | lane *shape |
| inputs     | what its `forward` takes: a part of the features each               | batch …     |

The module is called through `torch.func.functional_call`, of several lanes under `vmap`. Where vmap cannot, or would
round otherwise, lanes go one after the other through the same call; see `cotune.nets.own.fusing`.
"""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.func import vmap

from cotune.errors import ModelError
from cotune.nets.batched import Batched
from cotune.nets.context import Context
from cotune.nets.layout import Weight
from cotune.nets.own.signature import numbers_of
from cotune.nets.own.skeleton import Skeletons, seeded, watched

Build = Callable[[Mapping[str, Any]], nn.Module]
"""Makes a module of what the user's function was answered."""

NUMBERS = "numbers"
"""The statistic in which a lane's own floats lie."""

HEAD_MULTIPLE = 16
"""Heads are padded, see `cotune.nets.mlp`."""


@dataclass(frozen=True)
class Input:
    """One of the tensors that `forward` takes.

    Args:
        codes: whether it is made of whole numbers.
        shape: of an example, as the module sees it.
        image: whether it lies as height, width, channel and is seen as channel, height, width.
    """

    codes: bool
    shape: tuple[int, ...]
    image: bool = False

    @property
    def size(self) -> int:
        """Numbers of an example."""
        return math.prod(self.shape)

    def of(self, flat: Tensor) -> Tensor:
        """From numbers in a row [lane batch number] to [lane batch *shape]."""
        if self.image:
            channels, height, width = self.shape
            return flat.reshape(*flat.shape[:2], height, width, channels).permute(0, 1, 4, 2, 3).contiguous()
        return flat.reshape(*flat.shape[:2], *self.shape)


@dataclass(frozen=True)
class Module(Batched):
    """The shape of a user's network; hashable by what lanes must share.

    Args:
        name: of its class.
        signature: see `cotune.nets.own.signature`.
        inputs: what `forward` takes.
        features, cardinalities: of the rows.
        outputs: logits.
        learned, kept: where weights and statistics come from, in the module's order.
        numbers: floats of a lane's own, by "path:attribute".
        alone: why its lanes step one after the other; "" where they step together.
        always: whether a single lane goes through vmap, too, since by itself it would round otherwise.
        random: whether it draws from torch's generator, which is then seeded for each lane and step.
        drawn: 8-bit numbers that its dropout draws in a step.
        products, values: see `Network`.
        one_logit: whether a question of two classes is answered by one logit, that of the second.
        arguments: what `build` was answered, for a saved model.
        skeletons: the module.
        targets: parts of the rows that a loss of the user's own reads, and `forward` does not.
    """

    name: str
    signature: str
    inputs: tuple[Input, ...]
    features: int
    cardinalities: tuple[int, ...]
    outputs: int
    learned: tuple[Weight, ...]
    kept: tuple[Weight, ...]
    numbers: tuple[str, ...] = ()
    alone: str = ""
    always: bool = False
    random: bool = False
    drawn: int = 0
    products: int = 1
    values: int = 1
    one_logit: bool = False
    arguments: Mapping[str, Any] = field(default_factory=dict, compare=False, repr=False)
    skeletons: Skeletons | None = field(default=None, compare=False, repr=False)
    targets: tuple[Input, ...] = ()

    slopes = False
    compiles = False
    whole = False

    @property
    def kind(self) -> str:
        """What sort of network this is, and why its lanes go alone where they do."""
        why = f", alone because {self.alone}" if self.alone else ""
        return f"{self.name} of your own{why}"

    @property
    def example(self) -> tuple[int, ...]:
        """A row as it lies among the features: an image as height, width, channel."""
        first = self.inputs[0]
        if len(self.inputs) == 1 and not first.codes:
            return (*first.shape[1:], first.shape[0]) if first.image else first.shape
        return (self.features,)

    @property
    def width(self) -> int:
        """None is padded."""
        return 1

    def draws(self, rows: int) -> int:  # noqa: ARG002
        """None by the engine's own dropout; see `drawn`."""
        return 0

    def weights(self) -> tuple[Weight, ...]:
        """Learned weights in the module's order."""
        return self.learned

    def statistics(self) -> tuple[Weight, ...]:
        """Buffers, frozen parameters, and the lanes' own numbers."""
        return self.kept

    def real_shape(self, weight: Weight, width: int) -> tuple[int, ...]:  # noqa: ARG002
        """All of it: nothing is padded."""
        return weight.shape

    def to_json(self) -> dict[str, Any]:
        """Plain JSON types; the module itself is the user's to bring."""
        return {
            "name": self.name,
            "inputs": [asdict(each) for each in self.inputs],
            "targets": [asdict(each) for each in self.targets],
            "features": self.features,
            "cardinalities": list(self.cardinalities),
            "outputs": self.outputs,
            "numbers": list(self.numbers),
            "one_logit": self.one_logit,
            "arguments": dict(self.arguments),
        }

    @classmethod
    def from_json(cls, tree: Mapping[str, Any], build: "Build | None") -> "Module":
        """The shape that `to_json` wrote, around a module that the user's function builds again.

        Raises:
            ModelError: that function was not passed.
            KeyError, TypeError, ValueError: the tree is damaged.
        """
        if build is None:
            law = f"this network is a {tree['name']} of your own, which cotune cannot build"
            raise ModelError(f"{law}; pass the function that built it: cotune.load(path, build=…)")
        module = build(tree["arguments"])
        numbers = tuple(tree["numbers"])
        learned, kept = tables(module, numbers)
        parts = {
            name: tuple(Input(**{**each, "shape": tuple(each["shape"])}) for each in tree[name])
            for name in ("inputs", "targets")
        }
        return cls(
            name=tree["name"],
            signature="",
            inputs=parts["inputs"],
            features=int(tree["features"]),
            cardinalities=tuple(tree["cardinalities"]),
            outputs=int(tree["outputs"]),
            learned=learned,
            kept=kept,
            numbers=numbers,
            alone="it predicts",
            one_logit=bool(tree["one_logit"]),
            arguments=tree["arguments"],
            skeletons=Skeletons(module, numbers),
            targets=parts["targets"],
        )

    def module(self, tensors: Mapping[str, Tensor], build: "Build") -> nn.Module:
        """The user's module with these tensors, to be used by itself.

        Args:
            tensors: by the engine's names, without a lane axis.
        """
        found = build(self.arguments)
        own = {**dict(found.named_parameters()), **dict(found.named_buffers())}
        with torch.no_grad():
            for name, tensor in tensors.items():
                if name != NUMBERS:
                    own[own_name(name)].copy_(tensor)
        return found.eval()

    def split(self, numeric: Tensor, codes: Tensor, *, targets: bool = False) -> tuple[Tensor, ...]:
        """What `forward` takes, of features and codes [lane batch number]; each [lane batch *shape].

        Args:
            targets: whether those parts are wanted, too, that only a loss of the user's own reads.
        """
        found, at = [], {False: 0, True: 0}
        for each in (*self.inputs, *(self.targets if targets else ())):
            first = at[each.codes]
            at[each.codes] += each.size
            source = codes if each.codes else numeric
            found.append(each.of(source[..., first : first + each.size]))
        return tuple(found)

    def forward(
        self,
        weights: Mapping[str, Tensor],
        statistics: Mapping[str, Tensor],
        numeric: Tensor,
        codes: Tensor,
        context: Context,
    ) -> Tensor:
        """Logits [lane batch head]; columns beyond `outputs` are padding and hold zero."""
        inputs = self.split(numeric, codes)
        found = self.ask(None, weights, statistics, inputs, context)
        found = context.seen("output", as_logits(found, self.outputs, one_logit=self.one_logit))
        return F.pad(found, (0, self.head - self.outputs))

    def ask(
        self,
        act: Callable[..., Any] | None,
        weights: Mapping[str, Tensor],
        statistics: Mapping[str, Tensor],
        inputs: Sequence[Tensor],
        context: Context,
    ) -> Tensor:
        """The module's answers, of all lanes [lane …].

        Args:
            act: what is asked instead of `module(*inputs)`: called with the module and the inputs of a lane.
            inputs: with a lane axis each.
        """
        lanes = inputs[0].shape[0]
        tensors = {
            own_name(name): t for name, t in (*weights.items(), *statistics.items()) if name != NUMBERS
        }
        own = statistics.get(NUMBERS)
        draws = (
            context.draw(self.drawn) if self.drawn and context.training and context.draw is not None else None
        )
        assert self.skeletons is not None
        skeleton = self.skeletons.get()
        if not self.alone and (lanes > 1 or self.always):

            def one(tensors: Any, own: Any, draws: Any, inputs: Any) -> Any:
                return skeleton.call(tensors, own, draws, act, inputs, training=context.training)

            axes = 0, None if own is None else 0, None if draws is None else 0, 0
            found: Tensor = vmap(one, in_dims=axes)(tensors, own, draws, tuple(inputs))
            return found
        parts = []
        for lane in range(lanes):
            mine = {name: tensor[lane] for name, tensor in tensors.items()}
            with seeded(self._seeds(context, lane)), watched(skeleton.module, context):
                parts.append(
                    skeleton.call(
                        mine,
                        None if own is None else own[lane],
                        None if draws is None else draws[lane],
                        act,
                        [each[lane] for each in inputs],
                        training=context.training,
                    )
                )
        return parts[0].unsqueeze(0) if lanes == 1 else torch.stack(parts)

    def _seeds(self, context: Context, lane: int) -> int | None:
        if not self.random or context.draw is None:
            return None
        drawn = context.draw(self.drawn + 8)[lane, self.drawn :]
        return int.from_bytes(drawn.cpu().view(torch.uint8).numpy().tobytes(), "big") >> 1


def as_logits(found: Tensor, outputs: int, *, one_logit: bool) -> Tensor:
    """A module's answers [lane batch …] as logits [lane batch output].

    Args:
        one_logit: of two classes, whether one number is given: the logit of the second.
    """
    if found.dim() == 2:
        found = found.unsqueeze(-1)
    if one_logit:
        return torch.cat([torch.zeros_like(found), found], dim=-1)
    return found[..., :outputs]


def engine_name(path: str) -> str:
    """A tensor's name as layers are told apart by: what stands before the first dot is the layer.

    Example:
        >>> engine_name("body.0.weight")
        'body/0.weight'
    """
    layer, dot, leaf = path.rpartition(".")
    return layer.replace(".", "/") + dot + leaf


def own_name(name: str) -> str:
    """The same as the module has it."""
    return name.replace("/", ".")


def tables(module: nn.Module, numbers: Sequence[str]) -> tuple[tuple[Weight, ...], tuple[Weight, ...]]:
    """Where a module's tensors lie: what it learns, and what it keeps.

    Matrices decay, biases and scales do not, as everywhere in cotune.
    """
    learned, kept = [], []
    for path, parameter in module.named_parameters():
        shape = tuple(parameter.shape)
        name = engine_name(path)
        if parameter.requires_grad:
            learned.append(Weight(name, shape, decay=len(shape) > 1))
        else:
            kept.append(Weight(name, shape))
    kept += [
        Weight(engine_name(path), tuple(buffer.shape))
        for path, buffer in module.named_buffers()
        if buffer.is_floating_point()
    ]
    if numbers:
        kept.append(Weight(NUMBERS, (len(numbers),)))
    return tuple(learned), tuple(kept)


def first_tensors(module: nn.Module, numbers: Sequence[str]) -> dict[str, Tensor]:
    """What a lane begins with, by the engine's names: the module as it was built."""
    found = {
        engine_name(path): tensor.detach().clone()
        for path, tensor in (*module.named_parameters(), *module.named_buffers())
        if tensor.is_floating_point()
    }
    if numbers:
        values = numbers_of(module)
        found[NUMBERS] = torch.tensor([values[name] for name in numbers])
    return found
