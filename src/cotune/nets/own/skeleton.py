"""A user's module without its weights: what is called with the weights of a lane, or of many under vmap."""

import copy
import threading
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import torch
from torch import Tensor, nn
from torch.func import functional_call

from cotune.nets.context import Context
from cotune.nets.own import standins


class Skeletons:
    """A module without its weights, one for each thread: a call lends it the weights of a lane.

    Args:
        module: as the user built it; left as it is.
        numbers: its own floats, by "path:attribute".
    """

    def __init__(self, module: nn.Module, numbers: Sequence[str]) -> None:
        self._numbers = tuple(name.rsplit(":", 1) for name in numbers)
        self._first = copy.deepcopy(module)
        for tensor in (*self._first.parameters(), *self._first.buffers()):
            if tensor.is_floating_point():
                tensor.data = tensor.data.new_empty(0)
        self._local = threading.local()

    def get(self) -> "Skeleton":
        """This thread's."""
        if not hasattr(self._local, "own"):
            self._local.own = Skeleton(copy.deepcopy(self._first), self._numbers)
        found: Skeleton = self._local.own
        return found


class Skeleton:
    """One thread's skeleton."""

    def __init__(self, module: nn.Module, numbers: Sequence[Sequence[str]]) -> None:
        self.draws = standins.Draws()
        self.module = module
        for layer in list(module.modules()):
            standins.put(layer, self.draws)
        self._numbers = [(module.get_submodule(path), name) for path, name in numbers]

    def call(
        self,
        tensors: Mapping[str, Tensor],
        numbers: Tensor | None,
        draws: Tensor | None,
        act: "Callable[[nn.Module], Any] | None",
        inputs: Sequence[Tensor],
        *,
        training: bool,
    ) -> Any:
        """The module's answer with these weights, for one lane or, under vmap, for each.

        Args:
            act: what is asked of the module in the place of `module(*inputs)`.
        """
        self.module.train(training)
        self.draws.begin(draws)
        for place, (layer, name) in enumerate(self._numbers):
            assert numbers is not None
            layer.__dict__[name] = numbers[place]
        asked = self.module if act is None else _Asked(self.module, act)
        names = tensors if act is None else {f"module.{name}": tensor for name, tensor in tensors.items()}
        return functional_call(asked, dict(names), tuple(inputs))


class _Asked(nn.Module):
    """Puts another question to a module than its forward pass."""

    def __init__(self, module: nn.Module, act: Callable[[nn.Module], Any]) -> None:
        super().__init__()
        self.module = module
        self._act = act

    def forward(self, *inputs: Tensor) -> Any:
        return self._act(self.module, *inputs)


_GENERATOR = threading.Lock()
"""Torch has one generator for all threads."""


class seeded:  # noqa: N801
    """Torch's generator, with a seed of its own for a while; nothing where there is no seed."""

    def __init__(self, seed: int | None) -> None:
        self._seed = seed

    def __enter__(self) -> None:
        if self._seed is not None:
            _GENERATOR.acquire()
            self._before = torch.get_rng_state()
            torch.manual_seed(self._seed)

    def __exit__(self, *_: object) -> None:
        if self._seed is not None:
            torch.set_rng_state(self._before)
            _GENERATOR.release()


class watched:  # noqa: N801
    """Shows what every layer yields to a context's watcher."""

    def __init__(self, module: nn.Module, context: Context) -> None:
        self._module, self._context = module, context

    def __enter__(self) -> None:
        self._hooks = []
        if self._context.watch is None:
            return
        for path, layer in self._module.named_modules():
            if path and not list(layer.children()):
                self._hooks.append(layer.register_forward_hook(self._show(path)))

    def __exit__(self, *_: object) -> None:
        for hook in self._hooks:
            hook.remove()

    def _show(self, path: str) -> Callable[..., None]:
        def show(_: nn.Module, __: Any, output: Any) -> None:
            if isinstance(output, Tensor) and self._context.watch is not None:
                self._context.watch(path, output)

        return show
