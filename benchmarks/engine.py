"""The fused engine against the same training one network at a time.

    python benchmarks/engine.py [--json] [--quick]

Each case trains the same networks on the same rows with AdamW: by cotune's engine, 64 lanes in one population, and by
its peers, in turn, several times over; figures are medians of microseconds per optimizer step of one network on the
whole machine. The peers hold their rows as tensors in memory (no DataLoader) and use PyTorch's fused AdamW:

- `plain`: one process, PyTorch's own choice of threads or one, whichever is faster;
- `processes`: as many one-thread processes as there are cores, each with a network of its own, all at once; their
  time per step is divided by their number.
"""

import statistics
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from common import Bar, arguments, finish, say
from torch import nn

from cotune.engine.bank import Variant
from cotune.engine.lanes import Lane, Structure
from cotune.engine.loop import Engine
from cotune.engine.parallel import cores
from cotune.nets.mlp import MLP
from cotune.types import LaneId

LANES = 64
RATE, DECAY = 1e-3, 1e-2


@dataclass(frozen=True)
class Case:
    """One network and how it is trained."""

    name: str
    features: int
    width: int
    depth: int
    classes: int
    batch: int
    steps: int
    dropout: float
    bar: float | None


CASES = (
    Case("MLP 64-64-64-10, batch 64", 64, 64, 2, 10, 64, 100, 0.0, 3.0),
    Case("MLP 64-64-64-10, batch 64, dropout", 64, 64, 2, 10, 64, 100, 0.1, None),
)


def rows(case: Case) -> tuple[torch.Tensor, torch.Tensor]:
    """Random features and classes, enough for an epoch and some validation rows."""
    generator = torch.Generator().manual_seed(0)
    count = case.steps * case.batch + 256
    x = torch.randn(count, case.features, generator=generator)
    return x, torch.randint(0, case.classes, (count,), generator=generator)


class Fused:
    """64 lanes in one population."""

    def __init__(self, case: Case) -> None:
        x, y = rows(case)
        used = case.steps * case.batch
        variant = Variant(x, torch.zeros(len(x), 0, dtype=torch.int64), y, ())
        network = MLP(case.features, (), 0, case.width, case.depth, "none", False, case.classes)
        structure = Structure(network, case.batch, case.steps, weighted=False)
        train, validation = torch.arange(used), torch.arange(used, used + 256)
        numbers = dict.fromkeys(("l1", "label_smoothing", "clip_norm", "warmup", "momentum"), 0.0)
        numbers |= {"lr": RATE, "weight_decay": DECAY, "beta1": 0.9, "beta2": 0.999, "final_lr": 0.01}
        numbers["dropout"] = case.dropout
        self._engine = Engine(metric="accuracy")
        self._engine.join(
            [
                Lane(LaneId(i, 0), i, structure, case.width, "relu", "adamw", "cross_entropy", "cosine", "he",
                     numbers, 1000, variant, train, validation)
                for i in range(LANES)
            ]
        )  # fmt: skip

    def measure(self) -> float:
        """Microseconds a lane-step; evaluation of the 256 validation rows included."""
        began = time.perf_counter()
        steps = self._engine.train_epoch().steps
        return (time.perf_counter() - began) / steps * 1e6


class Plain:
    """An ordinary module, PyTorch's fused AdamW, a loop."""

    def __init__(self, case: Case, threads: int) -> None:
        torch.manual_seed(0)
        self._case, self._threads = case, threads
        self._x, self._y = rows(case)
        layers: list[nn.Module] = []
        inputs = case.features
        for _ in range(case.depth):
            layers += [nn.Linear(inputs, case.width), nn.ReLU()]
            layers += [nn.Dropout(case.dropout)] if case.dropout else []
            inputs = case.width
        self._network = nn.Sequential(*layers, nn.Linear(inputs, case.classes))
        self._optimizer = torch.optim.AdamW(
            self._network.parameters(), lr=RATE, weight_decay=DECAY, fused=True
        )

    def measure(self) -> float:
        """Microseconds a step."""
        before = torch.get_num_threads()
        torch.set_num_threads(self._threads)
        case, x, y = self._case, self._x, self._y
        began = time.perf_counter()
        order = torch.randperm(case.steps * case.batch)
        for step in range(case.steps):
            batch = order[step * case.batch : (step + 1) * case.batch]
            loss = nn.functional.cross_entropy(self._network(x[batch]), y[batch])
            self._optimizer.zero_grad()
            loss.backward()
            self._optimizer.step()
        taken = (time.perf_counter() - began) / case.steps * 1e6
        torch.set_num_threads(before)
        return taken


class Processes:
    """One-thread processes that run `Plain` when told to; they wait in between."""

    def __init__(self, number: int) -> None:
        command = [sys.executable, str(Path(__file__).resolve()), "--serve", str(number)]
        self._workers = [
            subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
            for _ in range(cores())
        ]

    def measure(self) -> float:
        """Microseconds a step, all processes at work at once, divided by their number."""
        for worker in self._workers:
            assert worker.stdin is not None
            worker.stdin.write("go\n")
            worker.stdin.flush()
        taken = [float(worker.stdout.readline()) for worker in self._workers if worker.stdout is not None]
        return statistics.mean(taken) / len(taken)

    def close(self) -> None:
        """End the processes."""
        for worker in self._workers:
            worker.communicate("stop\n")


def serve(number: int) -> None:
    """What a process of `Processes` does."""
    torch.set_num_threads(1)
    plain = Plain(CASES[number], 1)
    for line in sys.stdin:
        if line.strip() != "go":
            return
        print(plain.measure(), flush=True)


def compare(number: int, rounds: int) -> dict[str, Any]:
    """Medians of alternating measurements, the first of each thrown away."""
    case = CASES[number]
    processes = Processes(number)
    sides: dict[str, Any] = {
        "fused": Fused(case),
        "plain, 1 thread": Plain(case, 1),
        "processes": processes,
    }
    if cores() > 1:
        sides[f"plain, {cores()} threads"] = Plain(case, cores())
    taken: dict[str, list[float]] = {name: [] for name in sides}
    for _ in range(rounds + 1):
        for name, side in sides.items():
            taken[name].append(side.measure())
    processes.close()
    medians = {name: statistics.median(values[1:]) for name, values in taken.items()}
    peers = {name: value for name, value in medians.items() if name != "fused"}
    best = min(peers, key=lambda name: peers[name])
    pairs = [peer / ours for peer, ours in zip(taken[best][1:], taken["fused"][1:], strict=True)]
    return {
        "case": case.name,
        "lanes": LANES,
        "microseconds": {name: round(value, 1) for name, value in medians.items()},
        "best_peer": best,
        "ratio": round(statistics.median(pairs), 3),
        "ratio_range": [round(min(pairs), 3), round(max(pairs), 3)],
        "rounds": rounds,
    }


def main() -> int:
    """Measure every case; a case without a bar is shown and not judged."""
    parser = arguments("The fused engine against training one network at a time.")
    parser.add_argument("--serve", type=int, help="be a peer process (used by the benchmark itself)")
    options = parser.parse_args()
    if options.serve is not None:
        serve(options.serve)
        return 0
    found = []
    for number, case in enumerate(CASES):
        found.append(compare(number, rounds=9 if options.quick else 31))
        say(f"{case.name}: {found[-1]['microseconds']}, ratio {found[-1]['ratio']}")
    bars = [
        Bar(f"{case.name}: cost of the best peer / ours", row["ratio"], case.bar)
        for case, row in zip(CASES, found, strict=True)
        if case.bar is not None
    ]
    return finish(found, bars, as_json=options.json)


if __name__ == "__main__":
    sys.exit(main())
