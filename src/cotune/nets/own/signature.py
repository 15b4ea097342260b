"""What two modules must have in common to train as one computation: classes, shapes, and all that is no float.

A float that a class of the user's own has is a number of its lane, as are those that stand-ins have; every other
attribute is part of the signature. What cannot be compared makes a signature that no other module has.
"""

import hashlib
import itertools
from collections.abc import Iterator, Mapping
from enum import Enum
from types import CodeType, FunctionType, MethodType, ModuleType
from typing import Any

import torch
from torch import Tensor, nn

from cotune.nets.own import standins

_UNIQUE = itertools.count()

DEPTH = 6
"""Objects inside objects that are looked into."""

HOOKS = ("_forward_hooks", "_forward_pre_hooks", "_backward_hooks", "_backward_pre_hooks")


def is_own(layer: nn.Module) -> bool:
    """Whether its class is the user's, not torch's."""
    return not type(layer).__module__.startswith("torch.")


def numbers_of(module: nn.Module, *, fuse: bool = True) -> dict[str, float]:
    """The floats that may differ from lane to lane, by "path:attribute".

    Args:
        fuse: whether those of the user's own classes are among them.
    """
    found: dict[str, float] = {}
    for path, layer in module.named_modules():
        stand_in = standins.of(layer)
        if stand_in is not None:
            found |= {f"{path}:{name}": float(getattr(layer, name)) for name in stand_in.numbers}
        elif fuse and is_own(layer):
            found |= {f"{path}:{name}": value for name, value in vars(layer).items() if type(value) is float}
    return found


def signature(module: nn.Module, *, fuse: bool = True) -> str:
    """A hash of all that lanes must share."""
    free = numbers_of(module, fuse=fuse)
    digest = hashlib.sha256()
    for part in _parts(module, free):
        digest.update(part.encode())
        digest.update(b"\0")
    return digest.hexdigest()[:32]


def _parts(module: nn.Module, free: Mapping[str, float]) -> Iterator[str]:
    seen: dict[int, str] = {}
    for path, layer in module.named_modules(remove_duplicate=False):
        yield f"{path}={seen.setdefault(id(layer), path)}:{_class(type(layer))}:{layer.training}"
        stand_in = standins.of(layer)
        for name, value in sorted(vars(layer).items()):
            if f"{path}:{name}" in free or name in ("_modules", "training"):
                continue
            if name in ("_parameters", "_buffers"):
                for own, tensor in value.items():
                    yield f"{own}:{_held(tensor, seen, f'{path}.{own}')}"
            elif name in HOOKS:
                yield f"{name}:{[_said(hook, DEPTH) for hook in value.values()]}"
            elif stand_in is None or name not in stand_in.numbers:
                yield f"{name}:{_said(value, DEPTH)}"


def _held(tensor: Tensor | None, seen: dict[int, str], path: str) -> str:
    """A parameter or buffer: its shape, and which other it is tied to; of whole numbers what they are."""
    if tensor is None:
        return "none"
    first = seen.setdefault(id(tensor), path)
    shape = f"{first}:{tuple(tensor.shape)}:{tensor.dtype}:{tensor.requires_grad}"
    return shape if tensor.is_floating_point() else f"{shape}:{_bytes(tensor)}"


def _bytes(tensor: Tensor) -> str:
    if tensor.is_meta:
        return "meta"
    return hashlib.sha256(tensor.detach().cpu().contiguous().numpy().tobytes()).hexdigest()


def _class(kind: type) -> str:
    """A class of the user's by what its functions do: one that build makes anew may differ from call to call."""
    name = f"{kind.__module__}.{kind.__qualname__}"
    if kind.__module__.startswith("torch."):
        return name
    own = [f"{key}={_said(value, DEPTH)}" for key, value in sorted(vars(kind).items())
           if not key.startswith("__") or key in ("__init__", "__call__")]  # fmt: skip
    above = [_class(base) for base in kind.__bases__ if base not in (object, nn.Module)]
    return f"{name}({own})({above})"


def _said(value: Any, depth: int) -> str:
    """A value such that equal values are said alike, and others are not."""
    match value:
        case None | bool() | int() | float() | str() | bytes() | complex() | Enum():
            return f"{type(value).__name__}:{value!r}"
        case torch.dtype() | torch.device() | torch.Size() | slice() | range() | property() | ModuleType():
            return str(value) if not isinstance(value, property) else _said(value.fget, depth)
        case Tensor():
            return f"{tuple(value.shape)}:{value.dtype}:{_bytes(value)}"
        case CodeType():
            consts = [_said(each, depth) for each in value.co_consts]
            return f"code:{value.co_code.hex()}:{value.co_names}:{consts}"
        case staticmethod() | classmethod() | MethodType():
            return _said(value.__func__, depth)
        case type():
            return (
                _class(value) if issubclass(value, nn.Module) else f"{value.__module__}.{value.__qualname__}"
            )
    if depth == 0:
        return f"unique:{next(_UNIQUE)}"
    match value:
        case FunctionType():
            cells = [_cell(cell, depth) for cell in value.__closure__ or ()]
            does = _said(value.__code__, depth - 1), _said(value.__defaults__, depth - 1)
            return f"{value.__qualname__}:{does}:{cells}"
        case list() | tuple():
            return f"{type(value).__name__}:{[_said(each, depth - 1) for each in value]}"
        case set() | frozenset():
            return f"set:{sorted(_said(each, depth - 1) for each in value)}"
        case Mapping():
            return f"map:{[(_said(k, depth - 1), _said(v, depth - 1)) for k, v in value.items()]}"
        case nn.Module():
            return signature(value)
    if callable(value) and hasattr(value, "__name__") and not hasattr(value, "__dict__"):
        return f"{getattr(value, '__module__', '')}.{value.__name__}"  # a function in C
    if type(value).__module__.startswith(("torch.", "builtins", "functools", "_abc")) and callable(value):
        return f"{type(value).__name__}:{getattr(value, '__name__', '')}"
    if hasattr(value, "__dict__") and not callable(value):
        return f"{type(value).__qualname__}:{_said(vars(value), depth - 1)}"
    return f"unique:{next(_UNIQUE)}"


def _cell(cell: Any, depth: int) -> str:
    try:
        content = cell.cell_contents
    except ValueError:
        return "empty"
    if isinstance(content, type) or content is None:  # __class__ of super(): the class that is being said
        return getattr(content, "__qualname__", "none")
    return _said(content, depth - 1)
