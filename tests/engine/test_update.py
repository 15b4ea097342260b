"""A step of the optimizer is taken whole or not at all, whatever runs out in the middle of it."""

from dataclasses import replace
from typing import Any

import pytest
import torch

from cotune.engine import update
from cotune.engine.bank import Stack
from cotune.engine.optim import OPTIMIZERS
from cotune.engine.population import Population
from engine.lanes import lane

PLACES = ["batched"]

WAYS: dict[str, dict[str, Any]] = {
    "amsgrad": {"optimizer": "amsgrad"},
    "accumulated": {"accumulate": 2.0},
    "looking ahead": {"lookahead": 2.0},
    "averaged": {"ema_decay": 0.9},
    "normed": {"max_norm": 0.5},
    "at a pace": {"layer_lr": 0.5},
}


def trained(numbers: dict[str, Any]) -> Population:
    lanes = [lane(trial, **numbers) for trial in range(4)]
    made = Population(lanes[0].structure, Stack(), metric="accuracy", chunk=4, way="batched")
    made.join(lanes)
    made.train_epoch()
    return made


@pytest.mark.parametrize("numbers", WAYS.values(), ids=WAYS)
def test_out_of_memory_in_the_middle_of_an_update_changes_nothing(
    numbers: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The optimizer has written when memory runs out: the halves take that step again, and no step twice."""
    sound = trained(numbers)
    name = numbers.get("optimizer", "adamw")
    whole, failed = OPTIMIZERS[name], []

    def runs_out(*args: Any, **more: Any) -> None:
        whole.update(*args, **more)
        if not failed:
            failed.append(True)
            raise MemoryError

    monkeypatch.setitem(OPTIMIZERS, name, replace(whole, update=runs_out))
    halved = trained(numbers)
    assert failed
    assert halved.chunk == 2
    for name, tensor in sound.state.tensors().items():
        assert torch.equal(tensor, halved.state.tensors()[name]) or torch.isnan(tensor).any(), name


def test_optimizers_that_only_write_in_place_are_known() -> None:
    """What is said to allocate nothing exists; every other optimizer pays for a copy."""
    assert set(update.IN_PLACE) <= set(OPTIMIZERS)
