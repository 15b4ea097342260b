"""Networks that the user builds: the space of their `build`, and a lane's network, first weights and goal.

`build` is called once more for every lane, with the lane's own values and under its own seed: so what it draws, or
loads, is what the lane begins with.
"""

import inspect
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import torch
from torch import Tensor, nn

from cotune.engine.bank import Variant
from cotune.engine.goals.base import Goal
from cotune.engine.goals.own import OwnGoal, OwnLoss, OwnStep
from cotune.errors import CotuneError, RecipeError
from cotune.nets.own import signature as signatures
from cotune.nets.own.fusing import Question, examined
from cotune.nets.own.module import Input, Module, first_tensors
from cotune.recipe.module import PREFIX, OwnParameter
from cotune.recipe.schema import domains
from cotune.recipe.training import TrainingSection
from cotune.space.discovery import explore
from cotune.space.foreign import read_space
from cotune.space.suggestions import Trial
from cotune.types import Value

TRAINING = tuple(name for name in TrainingSection.model_fields if name in domains())
"""Keys that build may ask for and that cotune uses, too."""

REMEMBERED = 256
"""Structures of which is known whether lanes can step together."""


@dataclass(frozen=True, eq=False)
class OwnLane:
    """What is a lane's own where the user builds the network."""

    network: Module
    start: Mapping[str, Tensor]
    goal: Goal | None


class OwnModule:
    """A user's network, and what they say of it.

    Args:
        build: called with a `Trial`, or with the values of `space` as keyword arguments; returns a module.
        space: what `cotune.space.foreign.read_space` takes.
        loss: loss(outputs, targets), or `None`.
    """

    def __init__(
        self, build: Callable[..., Any], *, space: Any = None, loss: Callable[..., Any] | None = None
    ) -> None:
        if not callable(build):
            raise RecipeError(
                f"build must be a function that returns a module, but got a {type(build).__name__}"
            )
        self._build, self._space, self._loss = build, read_space(space), loss
        self._known: dict[tuple[object, ...], Module] = {}

    @property
    def where(self) -> str:
        """Where `build` is, for the record."""
        name = getattr(self._build, "__qualname__", type(self._build).__name__)
        return f"{getattr(self._build, '__module__', '')}.{name}"

    @cached_property
    def parameters(self) -> tuple[dict[str, OwnParameter], dict[str, OwnParameter]]:
        """What build, and `space`, ask for: (the network's own, keys of the training section).

        Raises:
            RecipeError: build raises, or returns no module.
        """
        found = explore(lambda given: self.built(given, seed=0)[1])
        training = {
            name: own.model_copy(update={"when": None}) for name, own in found.items() if name in TRAINING
        }
        own = {name: each for name, each in found.items() if name not in training}
        for name, each in own.items():
            if each.when is not None and each.when[0] in training:
                own[name] = each.model_copy(update={"when": None})
        return own, training

    def built(
        self, given: Mapping[str, Value], *, seed: int, strict: bool = False
    ) -> tuple[nn.Module, Trial]:
        """The module that build makes of these values, and what it asked for.

        Raises:
            RecipeError: it raises, or returns no module, or one that cannot be trained.
        """
        trial = Trial(given, self._space, strict=strict)
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            try:
                module = self._called(trial)
            except CotuneError:
                raise
            except Exception as error:
                said = ", ".join(f"{name}={value!r}" for name, value in trial.params.items())
                law = f"build ({self.where}) must return a module, but raises {type(error).__name__}: {error}"
                raise RecipeError(f"{law}; it was asked with {said or 'nothing'}") from error
        _check(module, self.where)
        return module, trial

    def _called(self, trial: Trial) -> Any:
        if self._space is None:
            return self._build(trial)
        wanted = inspect.signature(self._build).parameters
        takes_all = any(p.kind is p.VAR_KEYWORD for p in wanted.values())
        values = {name: value for name, value in trial.items() if takes_all or name in wanted}
        return self._build(**values) if values else self._build(trial)

    def module(self, answered: Mapping[str, Value]) -> nn.Module:
        """The module that build makes of what it was answered."""
        return self.built(answered, seed=0)[0]

    def lane(
        self,
        config: Mapping[str, Value],
        *,
        seed: int,
        variant: Variant,
        parts: tuple[tuple[Input, ...], tuple[Input, ...]],
        rows: Tensor,
        batch: int,
        outputs: int,
        device: str,
    ) -> OwnLane:
        """A lane's network, first weights and goal.

        Args:
            config: full configuration.
            seed: of the lane's first weights.
            parts: what forward reads, and what only a loss reads.
            rows: numbers of training rows, some of which are used to try the module.
            outputs: logits that are due; 0 where nothing is predicted.
        """
        given = {
            name.removeprefix(PREFIX): value for name, value in config.items() if name.startswith(PREFIX)
        }
        given |= {name: value for name, value in config.items() if name in TRAINING}
        module, trial = self.built(given, seed=seed, strict=True)
        act, judged, words = self._goal(module, parts)
        if not outputs and act is None:
            raise RecipeError(
                "the target is no single class or value, so there is no loss of cotune's for it; pass "
                "loss=function(outputs, targets), or give the module a training_step(batch)"
            )
        key = (signatures.signature(module), words, batch, outputs, device, id(variant))
        network = self._known.get(key)
        if network is None:
            some = rows[torch.arange(batch) % len(rows)]
            numeric, codes, y = (t[some].to(device) for t in (variant.numeric, variant.codes, variant.target))
            question = Question(
                inputs=parts[0],
                rows=batch,
                numeric=numeric,
                codes=codes,
                outputs=outputs,
                cardinalities=variant.cardinalities,
                act=act if isinstance(act, OwnStep) else None,
                act_words=words,
                extra=() if parts[1] or not outputs else (y,),
                targets=parts[1],
            )
            network = _tried(module, question)
            if isinstance(act, OwnLoss):
                _try_loss(act, network, module, question, y)
            if len(self._known) >= REMEMBERED:
                self._known.pop(next(iter(self._known)))
            self._known[key] = network
        network = replace(network, arguments=dict(trial.answered))
        goal = None
        if act is not None and judged is not None:
            goal = OwnGoal(network, words, not parts[1] and bool(outputs), act, judged)
        return OwnLane(network, first_tensors(module, network.numbers), goal)

    def _goal(
        self, module: nn.Module, parts: tuple[tuple[Input, ...], ...]
    ) -> tuple[Callable[..., Any] | None, Callable[..., Any] | None, str]:
        """What a lane is asked in training, and in judging where that is the metric; and what tells it from others."""
        if self._loss is not None:
            return OwnLoss(self._loss), OwnLoss(self._loss), f", loss {_said(self._loss)}"
        if not callable(getattr(module, "training_step", None)):
            return None, None, ""
        count = len(parts[0])
        judge = "validation_step" if callable(getattr(module, "validation_step", None)) else "training_step"
        return OwnStep("training_step", count), OwnStep(judge, count), ", training_step"


def _said(loss: Callable[..., Any]) -> str:
    return str(getattr(loss, "__qualname__", type(loss).__name__))


def _tried(module: nn.Module, question: Question) -> Module:
    try:
        return examined(module, question)
    except CotuneError:
        raise
    except Exception as error:
        shapes = ", ".join(str([question.rows, *each.shape]) for each in question.inputs)
        law = f"the module of build must take a batch of shape {shapes}, but raises {type(error).__name__}: {error}"
        raise RecipeError(f"{law}; mend its forward, or the data's shape") from error


def _try_loss(act: OwnLoss, network: Module, module: nn.Module, question: Question, y: Tensor) -> None:
    """Raise `RecipeError` unless the user's loss takes what the module answers and gives one number."""
    with torch.no_grad(), torch.random.fork_rng(devices=[]):
        parts = network.split(question.numeric.unsqueeze(0), question.codes.unsqueeze(0), targets=True)
        *inputs, targets = (
            [each[0].cpu() for each in parts] if question.targets else [*(p[0].cpu() for p in parts), y.cpu()]
        )
        try:
            act(module, *inputs, targets)
        except CotuneError:
            raise
        except Exception as error:
            law = f"loss(outputs, targets) must take targets of shape {list(targets.shape)}, {targets.dtype}"
            raise RecipeError(f"{law}, but raises {type(error).__name__}: {error}") from error


def _check(module: object, where: str) -> None:
    """Raise `RecipeError` unless it is a module that can be trained."""
    if not isinstance(module, nn.Module):
        law = f"build ({where}) must return a torch.nn.Module, but returns a {type(module).__name__}"
        raise RecipeError(f"{law}; end it with `return module`")
    for name, tensor in (*module.named_parameters(), *module.named_buffers()):
        if torch.nn.parameter.is_lazy(tensor):
            law = f"weights must have a shape, but {name} of build's module is lazy"
            raise RecipeError(f"{law}; call the module once in build, or say how many inputs there are")
        if tensor.dtype.is_complex or (tensor.is_floating_point() and tensor.dtype != torch.float32):
            law = f"weights must be float32, but {name} of build's module is {tensor.dtype}"
            raise RecipeError(f"{law}; return module.float()")
        if tensor.device.type != "cpu":
            law = f"build must leave the module on the CPU, but {name} is on {tensor.device}"
            raise RecipeError(f"{law}; say training.device instead")
    for name, layer in module.named_modules():
        if isinstance(layer, nn.modules.batchnorm._BatchNorm) and layer.momentum is None:
            law = f"batch norms need a momentum, but that of {name or 'the module'} is None"
            raise RecipeError(f"{law}; give it one, such as 0.1")


def inputs_of(kind: str, shape: tuple[int, ...], numeric: int, codes: int, parts: Sequence[Any]) -> Any:
    """What forward reads, and what only a loss reads, by the kind of data.

    | kind    | forward gets                                                              |
    |---------|---------------------------------------------------------------------------|
    | table   | [batch, feature]; where there are embedded columns, their codes in addition |
    | image   | [batch, channel, height, width]                                           |
    | tensors | what was handed over, [batch, …] each                                     |
    | other   | [batch, *shape of a row], or its codes                                    |

    Args:
        shape: of a prepared row.
        numeric, codes: numbers of a prepared row.
        parts: of tensors, `PartShape`s.
    """
    if parts:
        split = {
            use: tuple(Input(p.codes, p.shape) for p in parts if p.use == use) for use in ("input", "target")
        }
        return split["input"], split["target"]
    if kind == "image":
        height, width, channels = shape
        return (Input(False, (channels, height, width), image=True),), ()
    found = []
    if numeric:
        found.append(Input(False, shape if shape and torch.Size(shape).numel() == numeric else (numeric,)))
    if codes:
        found.append(Input(True, (codes,)))
    return tuple(found), ()
