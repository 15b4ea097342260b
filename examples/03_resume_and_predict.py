"""A study outlives its process: interrupt one, go on with it, and use its model.

python examples/03_resume_and_predict.py
"""

import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import polars as pl
from sklearn.datasets import load_wine

import cotune

folder = Path("runs/wine-example")
shutil.rmtree(folder, ignore_errors=True)
folder.mkdir(parents=True)
data, out = folder / "wine.csv", folder / "study"

wine = load_wine()
table = pl.DataFrame(wine.data, schema=wine.feature_names)
table.with_columns(pl.Series("cultivar", wine.target_names[wine.target])).write_csv(data)

command = [
    Path(sys.executable).with_name("cotune"),
    "tune",
    str(data),
    "--target",
    "cultivar",
    "--trials",
    "64",
    "-q",
]
process = subprocess.Popen([*command, "--epochs", "40", "--out", str(out)])
while process.poll() is None and not list((out / "snapshots").glob("*.safetensors")):
    time.sleep(0.05)
process.send_signal(signal.SIGKILL)
process.wait()

before = {row["trial"]: row["epochs"] for row in cotune.load(out).leaderboard()}
print(f"killed; {len(before)} trials are in the store")

study = cotune.resume(out)  # or: cotune resume runs/wine-example/study
print(f"resumed; {study.show()['trials']}, test accuracy {study.show()['best']['test_score']:.3f}")

model = cotune.load(out).best
new = table[::60]  # a row of each kind; a path or a pandas frame would do as well
for label, row in zip(model.predict(new), model.predict_proba(new), strict=True):
    print(label, dict(zip(model.classes, row.round(3).tolist(), strict=True)))
