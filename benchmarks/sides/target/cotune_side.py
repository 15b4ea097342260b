"""cotune's side of benchmarks/time_to_target.py: one JSON request as argument, one JSON row on standard output.

`cotune.tune` with its defaults over the space of the request, and what is left of the budget as its time limit. The
trace is read from the study's store: at each boundary the best figure so far of any network.
"""

import json
import os
import sys
import time
from typing import Any


def main(request: dict[str, Any]) -> dict[str, Any]:
    """Tune; the trace and the test figures."""
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[: request["cores"]])
    import cotune
    import cotune.api
    from cotune.records import Store
    from cotune.study import Directory

    ready = time.time() - request["began"]
    study = cotune.tune(
        request["source"],
        target=request["target"],
        time_limit=request["seconds"] - ready,
        seed=request["seed"],
        out=f"{request['out']}/study",
        **request["keys"],
    )
    ended = time.time() - request["began"]
    view = study.view()
    metric = request["keys"]["metric"]
    sign = 1.0 if metric == "r2" else -1.0
    trace: list[tuple[float, float]] = []
    with Store.open(Directory(study.path).store) as store:
        for boundary in store.boundaries(1, store.last_boundary()):
            figures = [sign * record.metrics[metric] for record in boundary.records]
            best = max((figure for figure in figures if figure == figure), default=float("-inf"))
            if best > (trace[-1][1] if trace else float("-inf")):
                trace.append((round(ready + boundary.elapsed, 3), best))
    result = view.meta["result"]
    single = result.get("single", result)["test"]
    search = view.meta["resolved"]["search"]
    return {
        "trace": trace,
        "test": single,
        "model": result["test"],
        "config": view.leaderboard()[0]["params"],
        "trials": len(view.trials),
        "epochs": sum(map(len, view.records.values())),
        "ready": ready,
        "ended": ended,
        "lanes": search["lanes"],
        "capacity_used": view.summary()["capacity_used"],
    }


if __name__ == "__main__":
    print(json.dumps(main(json.loads(sys.argv[1]))))
