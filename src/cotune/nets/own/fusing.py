"""Whether a user's module can be stepped for many lanes at once, found by trying.

A group of lanes is stepped under vmap, and each of them by itself. They go together where vmap has a rule for
everything (its slow fallback counts as none) and, on a CPU, where every number comes out the same to the bit in
groups of two, three and eight: which kernels round alike for more rows is known to nobody but them. Otherwise
they go one after the other, and the reason is told.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any

import torch
from torch import Tensor, nn

from cotune.errors import RecipeError
from cotune.nets.context import Context
from cotune.nets.layout import Layout
from cotune.nets.own.module import NUMBERS, Input, Module, first_tensors, tables
from cotune.nets.own.signature import numbers_of, signature
from cotune.nets.own.skeleton import Skeletons

GROUPS = (2, 3, 8)
"""Counts of lanes that are tried together."""

HEAVY = 2e9
"""Operations of a step from which on lanes gain nothing from stepping together, as in `cotune.engine.plan`."""

LIGHT = 2e8
"""Operations of a step up to which vmap costs nothing that counts, even with a single lane."""

EVALUATED = 256
"""Rows of an evaluation at once."""

Act = Callable[..., Any]


@dataclass(frozen=True)
class Question:
    """What is asked of a module.

    Args:
        inputs: how it sees a row.
        rows: of a batch.
        numeric, codes: some rows, as many as a batch has, on the device [row number].
        outputs: logits that are due, 0 where anything goes.
        act: what is trained on, in the place of `module(*inputs)`: called with the module, its inputs and `extra`.
        act_words: tells one `act` from another.
        extra: further tensors that `act` is called with, of those rows [row …].
        targets: parts of a row that only `act` reads.
    """

    inputs: tuple[Input, ...]
    rows: int
    numeric: Tensor
    codes: Tensor
    outputs: int
    cardinalities: tuple[int, ...] = ()
    act: Act | None = None
    act_words: str = ""
    extra: tuple[Tensor, ...] = ()
    targets: tuple[Input, ...] = ()


def examined(module: nn.Module, question: Question) -> Module:
    """The network of a module, with what was found by trying it.

    Raises:
        RecipeError: its answer does not fit.
    """
    found = _described(module, question, fuse=True)
    if found.alone:
        return found
    tried = _tried(module, found, question)
    if tried.alone and found.numbers != tuple(numbers_of(module, fuse=False)):
        other = _described(module, question, fuse=False)  # floats of the user's own may stand in an `if`
        other = _tried(module, other, question)
        return tried if other.alone else other
    return tried


def _described(module: nn.Module, question: Question, *, fuse: bool) -> Module:
    numbers = tuple(numbers_of(module, fuse=fuse))
    learned, kept = tables(module, numbers)
    if not learned:
        raise RecipeError(
            "a module must have parameters that learn (requires_grad), but that of build has none"
        )
    network = Module(
        name=type(module).__name__,
        signature=f"{signature(module, fuse=fuse)}{question.act_words}",
        inputs=question.inputs,
        features=question.numeric.shape[1],
        cardinalities=question.cardinalities,
        outputs=max(question.outputs, 1),
        learned=learned,
        kept=kept,
        numbers=numbers,
        alone="it was not tried yet",
        skeletons=Skeletons(module, numbers),
        targets=question.targets,
    )
    return _measured(network, module, question)


def _measured(network: Module, module: nn.Module, question: Question) -> Module:
    """One plain step: what it answers, draws, and costs."""
    lanes = _Lanes.of(network, module, 1, question.numeric.device)
    inputs = _inputs(network, question, 1)
    asked = _inputs(network, question, 1, targets=question.act is not None)
    before, device = _generators(question.numeric.device), question.numeric.device
    assert network.skeletons is not None
    skeleton = network.skeletons.get()
    extra = _extra(question, 1) if question.act is not None else ()
    with _counting(skeleton.module, question.rows) as (products, values):
        answer = network.ask(question.act, *lanes.tensors(), (*asked, *extra), Context(True, ()))
    random = any(not torch.equal(was, now) for was, now in zip(before, _generators(device), strict=True))
    torch.set_rng_state(before[0])
    drawn = skeleton.draws.count
    one_logit = _check_answer(answer, question)
    if question.act is not None and question.outputs:
        plain = network.ask(None, *lanes.tensors(), inputs, Context(True, ()))
        one_logit = _check_answer(plain, replace(question, act=None))
    heavy = 6.0 * question.rows * sum(products) > HEAVY
    why = "it draws from torch's own generator" if random else ""
    why = why or ("a step is so much work that lanes gain nothing from stepping together" if heavy else "")
    return replace(
        network,
        random=random,
        drawn=drawn,
        one_logit=one_logit,
        products=max(1, round(sum(products))),
        values=max(1, round(sum(values))),
        alone=why,
    )


def _generators(device: torch.device) -> list[Tensor]:
    """The states of torch's generators that a module on `device` may draw from."""
    found = [torch.get_rng_state()]
    return [*found, torch.cuda.get_rng_state(device)] if device.type == "cuda" else found


@contextmanager
def _counting(module: nn.Module, rows: int) -> Iterator[tuple[list[float], list[float]]]:
    """Multiplications, and numbers left behind, of a row's forward pass, layer by layer and about."""
    products: list[float] = []
    values: list[float] = []

    def count(layer: nn.Module, _: Any, output: Any) -> None:
        if not isinstance(output, Tensor):
            output = next((each for each in output if isinstance(each, Tensor)), None) if output else None
        made = 0 if output is None else output.numel() / rows
        values.append(6.0 * made)
        matrices = (weight for weight in layer.parameters(recurse=False) if weight.dim() > 1)
        products.extend(max(1.0, made / weight.shape[0]) * weight.numel() for weight in matrices)

    shapes = [
        layer
        for layer in module.modules()
        if not list(layer.children()) or list(layer.parameters(recurse=False))
    ]
    hooks = [layer.register_forward_hook(count) for layer in shapes]
    try:
        yield products, values
    finally:
        for hook in hooks:
            hook.remove()


def _check_answer(answer: object, question: Question) -> bool:
    """Whether one logit answers for two classes; raises `RecipeError` where the answer does not fit."""
    if not isinstance(answer, Tensor):
        law = f"forward must return a tensor, but that of build's module returns a {type(answer).__name__}"
        raise RecipeError(f"{law}; return the outputs alone, or give the module a training_step")
    shape, rows = tuple(answer.shape[1:]), question.rows
    if question.act is not None:
        if shape not in ((), (1,)):
            raise RecipeError(f"training_step must return one number, but returns a tensor of shape {shape}")
        return False
    if not question.outputs:
        return False
    if not answer.is_floating_point():
        raise RecipeError(f"forward must return floats, but that of build's module returns {answer.dtype}")
    outputs = question.outputs
    if shape == (rows, outputs) or (outputs == 1 and shape == (rows,)):
        return False
    if outputs == 2 and shape in ((rows,), (rows, 1)):
        return True
    law = f"forward must return [batch, {outputs}], so [{rows}, {outputs}] for a batch of {rows} rows"
    raise RecipeError(
        f"{law}, but that of build's module returns {list(shape)}; end it with {outputs} outputs"
    )


@dataclass(frozen=True, eq=False)
class _Lanes:
    """Rows of weights of some lanes: those of the module, each a little off, and numbers of which none is special.

    What is found must hold for all lanes of the structure, whatever their numbers.
    """

    network: Module
    weights: Tensor
    statistics: Tensor

    @classmethod
    def of(cls, network: Module, module: nn.Module, count: int, device: torch.device) -> "_Lanes":
        """Lanes that differ."""
        first, generator = first_tensors(module, network.numbers), torch.Generator().manual_seed(0)
        flat = []
        for known in (network.learned, network.kept):
            layout = Layout.of(known)
            rows = torch.zeros(count, layout.size)
            for name, view in layout.views(rows).items():
                view.copy_(first[name])
                if known is network.learned:
                    view.add_(0.1 * torch.randn(view.shape, generator=generator))
                elif name == NUMBERS:
                    view.copy_((0.3 + 0.05 * torch.arange(count)).unsqueeze(1).expand(view.shape))
            flat.append(rows.to(device))
        return cls(network, flat[0], flat[1])

    def tensors(self, rows: slice = slice(None)) -> tuple[dict[str, Tensor], dict[str, Tensor]]:
        """Leaves, and statistics that may be changed, of some lanes."""
        learned, kept = Layout.of(self.network.learned), Layout.of(self.network.kept)
        # Whole rows of a copy, so that all views begin where they do in a population.
        leaves = {
            n: v.detach().requires_grad_() for n, v in learned.views(self.weights[rows].clone()).items()
        }
        return leaves, kept.views(self.statistics[rows].clone())


def _inputs(
    network: Module, question: Question, lanes: int, rows: int | None = None, *, targets: bool = False
) -> tuple[Tensor, ...]:
    """The same rows for all lanes, in another order each."""
    parts = []
    count = question.rows if rows is None else rows
    for flat in (question.numeric, question.codes):
        order = [torch.arange(count).roll(lane) % len(flat) for lane in range(lanes)]
        parts.append(torch.stack([flat[own.to(flat.device)] for own in order]))
    return network.split(parts[0], parts[1], targets=targets)


def _extra(question: Question, lanes: int) -> tuple[Tensor, ...]:
    """What `act` is called with beside the inputs, in the order of the lanes' rows."""
    order = [torch.arange(question.rows).roll(lane) % len(question.numeric) for lane in range(lanes)]
    return tuple(torch.stack([flat[own.to(flat.device)] for own in order]) for flat in question.extra)


def _tried(module: nn.Module, network: Module, question: Question) -> Module:
    """The network, with the reason why its lanes go alone, where they must."""
    device = question.numeric.device
    lanes = _Lanes.of(network, module, max(GROUPS), device)
    light = 6.0 * question.rows * network.products <= LIGHT
    ways = [replace(network, alone="to compare with")]
    ways += [replace(network, always=True)] if light else []
    places = [slice(i, i + 1) for i in range(max(GROUPS))]
    for training in (True, False) if question.outputs else (True,):
        try:
            with _no_fallback():
                groups = [
                    _step(network, lanes, slice(0, count), question, training=training) for count in GROUPS
                ]
                singles = {
                    way: [_step(way, lanes, place, question, training=training) for place in places]
                    for way in ways
                }
        except (RuntimeError, ValueError, NotImplementedError, TypeError) as error:
            return replace(network, alone=_in_short(error))
        ways = [way for way in ways if _agree(groups, singles[way], exact=device.type == "cpu")]
    if not ways:
        return replace(network, alone="in a group a lane's last bits would depend on the others")
    return replace(network, always=ways[0].always)


def _agree(groups: Sequence[Sequence[Tensor]], singles: Sequence[Sequence[Tensor]], *, exact: bool) -> bool:
    """Whether every lane of every group did what it does by itself."""
    return all(
        _same([part[place : place + 1] for part in found], singles[place], exact=exact)
        for found in groups
        for place in range(len(found[0]))
    )


def _step(network: Module, lanes: _Lanes, rows: slice, question: Question, *, training: bool) -> list[Tensor]:
    """Answers, gradients and statistics of some lanes [lane …]."""
    leaves, statistics = lanes.tensors(rows)
    act = question.act if training else None
    count = None if training else EVALUATED
    every = _inputs(network, question, rows.stop, count, targets=act is not None)
    extra = _extra(question, rows.stop) if act is not None else ()
    inputs = [each[rows] for each in (*every, *extra)]
    draw = _draw(network.drawn, range(rows.start, rows.stop), inputs[0].device)
    context = Context(training, (), draw=draw)
    with torch.set_grad_enabled(training):
        answer = network.ask(act, leaves, statistics, inputs, context)
        if not training:
            return [answer]
        scale = torch.linspace(0.5, 1.5, answer[0].numel(), device=answer.device).view(answer.shape[1:])
        (answer * scale).sum().backward()  # type: ignore[no-untyped-call]
    zeros = [torch.zeros_like(leaf) if leaf.grad is None else leaf.grad for leaf in leaves.values()]
    return [answer.detach().reshape(rows.stop - rows.start, -1), *zeros, *statistics.values()]


def _draw(count: int, lanes: Sequence[int] | range, device: torch.device) -> Callable[[int], Tensor]:
    def draw(asked: int) -> Tensor:
        rows = [
            torch.randint(-128, 128, (max(asked, count),), generator=torch.Generator().manual_seed(lane))
            for lane in lanes
        ]
        return torch.stack(rows)[:, :asked].to(torch.int8).to(device)

    return draw


def _same(one: Sequence[Tensor], other: Sequence[Tensor], *, exact: bool) -> bool:
    pairs = zip(one, other, strict=True)
    if exact:
        return all(torch.equal(a.view(torch.int32), b.view(torch.int32)) for a, b in pairs)
    return all(torch.allclose(a, b, rtol=1e-3, atol=1e-4, equal_nan=True) for a, b in pairs)


@contextmanager
def _no_fallback() -> Iterator[None]:
    """Let vmap raise where it would go through lanes one by one."""
    functorch: Any = torch._C._functorch
    before = functorch._is_vmap_fallback_enabled()
    functorch._set_vmap_fallback_enabled(False)
    try:
        yield
    finally:
        functorch._set_vmap_fallback_enabled(before)


def _in_short(error: Exception) -> str:
    """The cause in a line, as torch tells it."""
    text = " ".join(str(error).split())
    for start in ("Batching rule not implemented for ", "vmap: "):
        if start in text:
            said = text[text.index(start) :]
            return f"vmap has no rule for it ({said.split('. ')[0].split(';')[0][:100].rstrip('.')})"
    return (
        f"vmap cannot step it ({text.split('. ')[0][:100]})" if text else f"vmap cannot step it ({error!r})"
    )
