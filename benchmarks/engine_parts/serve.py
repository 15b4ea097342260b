"""What a process of the benchmark does: build sides, and measure them when told to, a line of JSON at a time."""

import json
import os
import sys
from collections.abc import Callable
from typing import Any

import torch

from cotune.engine.allocator import keep_freed_memory
from engine_parts import agree
from engine_parts.cases import CASES, Case
from engine_parts.limits import Rate
from engine_parts.ours import Ours
from engine_parts.packed import packed
from engine_parts.plain import Plain
from engine_parts.sklearn_mlp import Sklearn
from engine_parts.spec import Side, Spec
from engine_parts.vmapped import vmapped


def compiled(case: Case, spec: Spec, lane: int) -> Plain:
    """The plain loop under torch.compile, compared with the plain loop; compiled on the first of those steps."""
    torch._dynamo.reset()
    torch.set_num_threads(spec.threads)
    side = Plain(case, spec, lane, compiled=True)
    agree.compiled_peer(case, side, spec, lane)
    return side


KINDS: dict[str, Callable[[Case, Spec, int], Side]] = {
    "plain": Plain,
    "compiled": compiled,
    "sklearn": Sklearn,
    "packed": packed,
    "vmap": vmapped,
    "ours": Ours,
    "rate": Rate,
}


class Server:
    """The sides of one process.

    Args:
        number: of the process among its kind; lanes start at as many times those of a side.
    """

    def __init__(self, number: int) -> None:
        self._number = number
        self._sides: dict[str, Side] = {}

    def answer(self, asked: dict[str, Any]) -> Any:
        """Do what is asked: agree, make, measure, loss, forget."""
        if asked["do"] == "agree":
            return agree.stacked_peers(CASES[asked["case"]])
        key = asked["spec"]
        if asked["do"] == "make":
            spec = Spec(**json.loads(key))
            self._sides[key] = KINDS[spec.kind](CASES[asked["case"]], spec, self._number * spec.lanes)
        elif asked["do"] == "measure":
            return self._sides[key].measure(asked["steps"])
        elif asked["do"] == "loss":
            return self._sides[key].loss()
        else:
            del self._sides[key]
        return None


def serve(number: int) -> None:
    """Answer until the input ends. Libraries that print do so on standard error.

    As in the engine, freed memory is kept and numbers next to zero are taken as zero: both speed up all sides.
    """
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    keep_freed_memory()
    torch.set_flush_denormal(True)
    server = Server(number)
    for line in sys.stdin:
        try:
            reply = {"answer": server.answer(json.loads(line))}
        except agree.Disagreement:
            raise
        except Exception as error:
            reply = {"error": f"{type(error).__name__}: {error}"}
        print(json.dumps(reply), file=answers, flush=True)
