"""An engine in a file and back, bit for bit: weights, optimizer memory, counters, turn order, leaders, paused lanes.

Lanes are named, not described: whoever restores rebuilds each lane's settings from its trial. Randomness needs no
saving, since every draw is a hash of a lane's seed and counters. Files carry a checksum of every tensor, so that a
damaged one is told from a whole one; `newest` falls back to the generation before.
"""

import json
import zlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor

from cotune.engine.lanes import Lane
from cotune.engine.loop import Engine, LaneWeights
from cotune.engine.moving import LaneState, lifted, stacked
from cotune.engine.plan import Plan
from cotune.engine.state import State
from cotune.errors import StudyCorrupt
from cotune.types import LaneId

GENERATIONS = 2
"""Good files kept."""


@dataclass(frozen=True, eq=False)
class Snapshot:
    """What a file holds: the boundary it was taken at, tensors by name, and the plan to put them back."""

    boundary: int
    tensors: Mapping[str, Tensor]
    plan: Mapping[str, Any]


def take(
    engine: Engine, leaders: Sequence[LaneWeights], *, boundary: int, paused: Sequence[LaneState] = ()
) -> Snapshot:
    """The engine, the kept leaders and paused lanes as they are now; tensors on the host may be shared, not copied."""
    tensors: dict[str, Tensor] = {}
    populations = []
    for p, population in enumerate(engine.populations):
        for name, tensor in population.state.tensors().items():
            tensors[f"population{p}.{name}"] = tensor.cpu()
        populations.append({"lanes": [[lane.id.trial, lane.id.index] for lane in population.lanes]})
    kept = []
    for i, leader in enumerate(leaders):
        tensors[f"leader{i}.weights"] = leader.weights
        tensors[f"leader{i}.statistics"] = leader.statistics
        lane = leader.lane.id
        kept.append({"lane": [lane.trial, lane.index], "score": leader.score, "epoch": leader.epoch})
    resting = []
    for p, structure in enumerate(dict.fromkeys(item.lane.structure for item in paused)):
        group = [item for item in paused if item.lane.structure == structure]
        for name, tensor in stacked(group).tensors().items():
            tensors[f"paused{p}.{name}"] = tensor
        resting.append({"lanes": [[item.lane.id.trial, item.lane.id.index] for item in group]})
    plan = {
        "populations": populations,
        "paused": resting,
        "leaders": kept,
        "chunks": engine.chunks,
        "ways": {kind: asdict(plan) for kind, plan in engine.plans.items()},
    }
    return Snapshot(boundary, tensors, plan)


def restore(snapshot: Snapshot, engine: Engine, lane_of: Callable[[LaneId], Lane]) -> list[LaneWeights]:
    """Fill a fresh engine from a snapshot; returns the kept leaders.

    Args:
        lane_of: the lane of a name, as it was described when it first joined.
    """
    engine.chunks.update(snapshot.plan["chunks"])
    engine.plans.update({kind: Plan(**saved) for kind, saved in snapshot.plan["ways"].items()})
    for p, saved in enumerate(snapshot.plan["populations"]):
        lanes = [lane_of(LaneId(*pair)) for pair in saved["lanes"]]
        engine.population(lanes).restore(lanes, _state(snapshot, f"population{p}."))
    return [
        LaneWeights(
            lane_of(LaneId(*saved["lane"])),
            snapshot.tensors[f"leader{i}.weights"],
            snapshot.tensors[f"leader{i}.statistics"],
            saved["score"],
            saved.get("epoch"),
        )
        for i, saved in enumerate(snapshot.plan["leaders"])
    ]


def paused(snapshot: Snapshot, lane_of: Callable[[LaneId], Lane]) -> list[LaneState]:
    """The paused lanes of a snapshot; none in those of versions before 0.5.

    Args:
        lane_of: as for `restore`.
    """
    found = []
    for p, saved in enumerate(snapshot.plan.get("paused", ())):
        state = _state(snapshot, f"paused{p}.")
        lanes = [lane_of(LaneId(*pair)) for pair in saved["lanes"]]
        found += [lifted(lane, state, row) for row, lane in enumerate(lanes)]
    return found


def _state(snapshot: Snapshot, begin: str) -> State:
    """The state whose tensors' names begin so."""
    return State.saved(
        {name.removeprefix(begin): t for name, t in snapshot.tensors.items() if name.startswith(begin)}
    )


def write(snapshot: Snapshot, path: Path) -> None:
    """Write a snapshot to `path`; the caller sees to atomicity."""
    sums = {name: _checksum(tensor) for name, tensor in snapshot.tensors.items()}
    text = json.dumps({"boundary": snapshot.boundary, "plan": snapshot.plan, "sums": sums}, sort_keys=True)
    metadata = {"cotune": text, "cotune_sum": str(zlib.crc32(text.encode()))}
    save_file({name: tensor.contiguous() for name, tensor in snapshot.tensors.items()}, path, metadata)


def read(path: Path) -> Snapshot:
    """The snapshot in a file.

    Raises:
        StudyCorrupt: the file is damaged.
    """
    try:
        with safe_open(path, framework="pt") as handle:
            metadata = handle.metadata() or {}
            text = metadata["cotune"]
            if zlib.crc32(text.encode()) != int(metadata["cotune_sum"]):
                raise ValueError("its description does not match its checksum")
            about = json.loads(text)
            tensors = {name: handle.get_tensor(name) for name in about["sums"]}
        for name, tensor in tensors.items():
            if _checksum(tensor) != about["sums"][name]:
                raise ValueError(f"tensor {name} does not match its checksum")
        return Snapshot(about["boundary"], tensors, about["plan"])
    except (OSError, SafetensorError, KeyError, ValueError, TypeError) as error:
        raise StudyCorrupt(
            f"{path} is damaged ({error}); an older snapshot, or the start, is used instead"
        ) from None


def newest(directory: Path, *, last: int) -> Snapshot | None:
    """The newest whole snapshot of at most boundary `last`; `None` when there is none."""
    for path in sorted(directory.glob("*.safetensors"), reverse=True):
        try:
            snapshot = read(path)
        except StudyCorrupt:
            continue
        if snapshot.boundary <= last:
            return snapshot
    return None


def _checksum(tensor: Tensor) -> int:
    """Of shape, type and numbers: an empty tensor has a shape too."""
    start = zlib.crc32(f"{tensor.dtype} {list(tensor.shape)}".encode())
    if not tensor.numel():
        return start
    return zlib.crc32(tensor.detach().contiguous().view(torch.uint8).numpy().data, start)
