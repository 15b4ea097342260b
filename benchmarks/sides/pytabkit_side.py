"""A peer of benchmarks/tables.py: RealMLP or TabM with its tuned defaults, by pytabkit. It knows nothing of cotune.

One JSON request as argument, one JSON row on standard output; predictions go to the file that the request names.

Training rows and validation rows are the request's. A fit is stopped at the time limit where pytabkit offers to
(RealMLP); TabM runs to its own end, however long that takes. Missing numbers become the median of the training rows,
with an indicator beside them, for neither model takes them; missing words are a word of their own.
"""

import json
import os
import sys
import time
from typing import Any

import numpy as np
import pandas as pd


def read(path: str, target: str) -> tuple[pd.DataFrame, pd.Series]:
    """A CSV file; words lose blanks around them, and ? is missing."""
    frame = pd.read_csv(path, skipinitialspace=True, na_values=["?"])
    return frame.drop(columns=target), frame[target]


def filled(frame: pd.DataFrame, train: pd.DataFrame) -> pd.DataFrame:
    """Without missing cells, as training rows say."""
    columns: dict[str, Any] = {}
    for name in frame.columns:
        column, known = frame[name], train[name]
        if pd.api.types.is_numeric_dtype(known):
            columns[name] = column.astype(float).fillna(float(known.median()))
            if known.isna().any():
                columns[f"{name} missing"] = column.isna().astype(float)
        else:
            columns[name] = column.astype(object).where(column.notna(), "missing").astype(str)
    return pd.DataFrame(columns)


def model_of(name: str, *, classify: bool, threads: int, seed: int) -> Any:
    """The estimator with its own defaults."""
    import pytabkit

    kind = "Classifier" if classify else "Regressor"
    return getattr(pytabkit, f"{name}_{kind}")(device="cpu", random_state=seed, n_threads=threads)


def main(request: dict[str, Any]) -> dict[str, Any]:
    """Fit, predict the test rows."""
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[: request["cores"]])
    import torch

    torch.set_num_threads(request["cores"])
    classify = request["metric"] == "accuracy"
    model = model_of(request["model"], classify=classify, threads=request["cores"], seed=request["seed"])

    began = time.monotonic()
    features, labels = read(request["train"], request["target"])
    with open("parts.json", encoding="utf-8") as file:  # the folder that this runs in
        chosen = json.load(file)
    parts = {name: np.array(chosen[name]) for name in ("train", "validation")}
    train, train_labels = features.iloc[parts["train"]], labels.iloc[parts["train"]]
    words = [name for name in train.columns if not pd.api.types.is_numeric_dtype(train[name])]
    limited = request["model"] == "RealMLP_TD" and not request["to_the_end"]
    timed = {"time_to_fit_in_seconds": int(request["seconds"])} if limited else {}
    model.fit(
        filled(train, train),
        train_labels.to_numpy(),
        X_val=filled(features.iloc[parts["validation"]], train),
        y_val=labels.iloc[parts["validation"]].to_numpy(),
        cat_col_names=words,
        **timed,
    )
    seconds = time.monotonic() - began
    found = model.predict(filled(read(request["test"], request["target"])[0], train))
    with open(request["predictions"], "w", encoding="utf-8") as file:
        json.dump([str(v) for v in found] if classify else [float(v) for v in np.ravel(found)], file)
    return {"seconds": seconds}


if __name__ == "__main__":
    print(json.dumps(main(json.loads(sys.argv[1]))))
