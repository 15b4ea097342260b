"""cotune's side of benchmarks/tables.py: one JSON request as argument, one JSON row on standard output."""

import json
import os
import sys
import time
from pathlib import Path
from typing import Any


def main(request: dict[str, Any]) -> dict[str, Any]:
    """Tune, predict the test rows, score."""
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[: request["cores"]])
    import polars as pl
    from sklearn.metrics import accuracy_score, r2_score

    import cotune
    import cotune.api  # the clock starts after imports, on both sides

    began = time.monotonic()
    study = cotune.tune(
        request["train"],
        target=request["target"],
        metric=request["metric"],
        time_limit=request["seconds"],
        # The benchmark has test rows of its own: the study's are kept few.
        test=0.02,
        seed=request["seed"],
        preset=request.get("preset", "balanced"),
        out=request["out"],
    )
    seconds = time.monotonic() - began
    test = pl.read_csv(request["test"], infer_schema_length=None)
    found = study.best.predict(test)
    if "predictions" in request:
        Path(request["predictions"]).write_text(json.dumps(found.tolist()), encoding="utf-8")
    truth = test[request["target"]].to_numpy()
    score = (
        accuracy_score(truth.astype(str), found)
        if request["metric"] == "accuracy"
        else r2_score(truth, found)
    )
    shown = study.show()
    return {
        "score": float(score),
        "seconds": seconds,
        "candidates": sum(shown["trials"].values()),
        "finished": shown["trials"]["complete"],
        "validation": shown["best"]["score"],
        "best": study.leaderboard()[0]["params"],
    }


if __name__ == "__main__":
    print(json.dumps(main(json.loads(sys.argv[1]))))
