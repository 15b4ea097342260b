"""The engine on a GPU against what else trains the same networks there.

    python benchmarks/gpu.py                        six cases in float32, about 20 minutes
    python benchmarks/gpu.py --quick                three of them with fewer rounds, within 10 minutes
    python benchmarks/gpu.py --case mlp-64 --precision bf16

Figures are microseconds of the GPU for one optimizer step of one network: medians over rounds in which all sides take
turns. The peers, each with the GPU for itself while it is measured: a plain PyTorch loop with fused AdamW and rows on
the GPU, the same under torch.compile in two modes, the same recorded as a CUDA graph, and 16 to 256 networks under
`torch.func.vmap`, plain and recorded. Our side trains 1 to 1024 networks and evaluates them after each epoch; peers
evaluate nothing. Without a GPU it ends with a message and exit code 2.
"""

import sys
import time
from typing import Any

import torch
from common import Bar, arguments, finish, say
from engine_parts.cases import CASES
from gpu_parts.compare import Effort, compare

from cotune.engine.devices import Compute, compute_of
from cotune.errors import CotuneError

NAMES = ("mlp-64", "mlp-256", "mlp-1024", "cnn-8", "cnn-28", "gru")
QUICK = ("mlp-64", "mlp-256", "cnn-8")
EFFORTS = {True: Effort(rounds=5, seconds=0.1, most=256), False: Effort(rounds=15, seconds=0.3, most=1024)}
TRIAL = Effort(rounds=2, seconds=0.01, most=16)
NO_SLOWER = 1.0
"""The best peer's cost over ours must be at least this."""


def about(compute: Compute) -> dict[str, Any]:
    """The GPU."""
    if compute.device.type != "cuda":
        return {"case": "device", "name": "a CPU: the figures say nothing of a GPU"}
    found = torch.cuda.get_device_properties(compute.device)
    return {
        "case": "device",
        "name": found.name,
        "memory_gb": round(found.total_memory / 2**30, 1),
        "processors": found.multi_processor_count,
        "capability": f"{found.major}.{found.minor}",
        "cuda": torch.version.cuda,
    }


def main() -> int:
    """Measure what the command line asks for."""
    parser = arguments("The engine on a GPU against its peers.")
    parser.add_argument("--case", action="append", choices=NAMES, help="what to measure; all by default")
    parser.add_argument("--precision", choices=("float32", "tf32", "bf16"), default="float32")
    parser.add_argument(
        "--deterministic", action="store_true", help="kernels that repeat to the bit, on all sides"
    )
    parser.add_argument(
        "--device", default="cuda", help="cuda or cuda:N; cpu tries the benchmark itself, briefly"
    )
    asked = parser.parse_args()
    try:
        compute = compute_of(asked.device, asked.precision, deterministic=asked.deterministic)
    except CotuneError as error:
        say(f"benchmarks/gpu.py: {error}")
        return 2
    trial = compute.device.type == "cpu"
    rows: list[dict[str, Any]] = []
    for name in asked.case or (QUICK if asked.quick else NAMES):
        began = time.monotonic()
        rows.append(compare(name, compute, TRIAL if trial else EFFORTS[asked.quick]))
        row = rows[-1]
        say(f"{name}, {time.monotonic() - began:.0f} s: {row['microseconds']}, ratio {row['ratio']}")
    bars = [
        Bar(f"{CASES[row['case']].words}: cost of the best peer / ours", row["ratio"], NO_SLOWER)
        for row in rows
    ]
    return finish([*rows, about(compute)], [] if trial else bars, as_json=asked.json)


if __name__ == "__main__":
    sys.exit(main())
