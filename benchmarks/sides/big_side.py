"""One side of benchmarks/big_data.py: a short study, in a process whose memory the benchmark watches.

One JSON request as argument, one JSON row on standard output.
"""

import hashlib
import json
import sys
import time
from pathlib import Path
from typing import Any


def main(request: dict[str, Any]) -> dict[str, Any]:
    """Tune under the limit that is asked for, and tell what came of it."""
    if request["data_limit"]:
        import resource

        resource.setrlimit(resource.RLIMIT_DATA, (request["data_limit"],) * 2)
    import cotune

    began = time.monotonic()
    study = cotune.tune(
        request["table"], target="y", out=request["out"], memory=request["memory"], **request["settings"]
    )
    view = study.view()
    records = [record for several in view.records.values() for record in several]
    return {
        "seconds": time.monotonic() - began,
        "steps_per_second": sum(b.lane_steps for b in view.boundaries) / sum(r.seconds for r in records),
        "weights": hashlib.sha256(
            (Path(request["out"]) / "best" / "model.safetensors").read_bytes()
        ).hexdigest(),
        "score": study.show()["best"]["score"],
    }


if __name__ == "__main__":
    print(json.dumps(main(json.loads(sys.argv[1]))))
