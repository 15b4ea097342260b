"""KerasTuner: Hyperband, in its distributed form: a chief that has the oracle, and a worker for each core.

One JSON request as argument, one JSON row on standard output. Its backend is torch; the training loop is ours, which
KerasTuner's documentation offers (a tuner with a `run_trial` of its own): Keras's `fit` takes several times as long.
As in its Hyperband, a trial that goes on to the next rung begins where the trial before it ended.
"""

import json
import os
import socket
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

os.environ["KERAS_BACKEND"] = "torch"
import keras_tuner
import torch
from keras_tuner.engine import base_tuner
from keras_tuner.oracles import HyperbandOracle
from training import Journal, OutOfTime, Training, begin, collected


class Space(keras_tuner.HyperModel):
    """The space alone: networks are made in `run_trial`."""

    def __init__(self, space: dict[str, Any]) -> None:
        super().__init__()
        self.space = space

    def build(self, hp: Any) -> None:
        """Name every parameter."""
        for name, setting in self.space.items():
            if isinstance(setting, dict):
                sampling = "log" if setting.get("log") else "linear"
                hp.Float(name, setting["low"], setting["high"], sampling=sampling)
            else:
                hp.Choice(name, setting)


class Tuner(base_tuner.BaseTuner):
    """Runs trials; weights of ended ones wait in files for the next rung."""

    def run_trial(self, trial: Any, *_: Any, **__: Any) -> float:
        """Train from the epoch at which the trial before it ended to the one that the oracle says."""
        values, task, journal = dict(trial.hyperparameters.values), self.task, self.journal
        every = task.facts["every"]
        until = min(task.epochs, every * int(values.pop("tuner/epochs")))
        earlier = values.pop("tuner/trial_id", None)
        config = {name: value for name, value in values.items() if not name.startswith("tuner/")}
        training = Training(task, config, seed=abs(hash(trial.trial_id)) % 2**31)
        folder = Path(task.request["out"])
        if earlier is not None and (folder / f"rung-{earlier}.pt").exists():
            kept = torch.load(folder / f"rung-{earlier}.pt", weights_only=False)
            training.network.load_state_dict(kept["network"])
            training.optimizer.load_state_dict(kept["optimizer"])
            training.epoch, training.best, training.waited = kept["epoch"], kept["best"], kept["waited"]
        try:
            while training.epoch < until and not training.bored:
                journal.saw(training, training.advance())
        except OutOfTime:
            journal.ended()
            os._exit(0)
        journal.ended()
        states = {"network": training.network.state_dict(), "optimizer": training.optimizer.state_dict()}
        facts = {"epoch": training.epoch, "best": training.best, "waited": training.waited}
        torch.save({**states, **facts}, folder / f"rung-{trial.trial_id}.pt")
        return training.best

    def load_model(self, trial: Any) -> None:
        """Nobody asks for it: the best network is kept by the journal."""


def work(request: dict[str, Any]) -> None:
    """Be the chief, which never returns, or a worker."""
    task = begin(request)
    oracle = HyperbandOracle(
        objective=keras_tuner.Objective("score", "max"),
        max_epochs=-(-task.epochs // task.facts["every"]), factor=3, hyperband_iterations=1000,
        seed=request["seed"],
    )  # fmt: skip
    tuner = Tuner(
        oracle=oracle, hypermodel=Space(task.facts["space"]), directory=f"{request['out']}/keras",
        project_name="peer", overwrite=True,
    )  # fmt: skip
    tuner.task, tuner.journal = task, Journal(task)
    tuner.search(verbose=0)


def free_port() -> int:
    """One that nobody listens on."""
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])


def main(request: dict[str, Any]) -> dict[str, Any]:
    """Start the chief and its workers, wait for the end of the budget, then test."""
    task, port = begin(request), free_port()
    children = []
    for role in ("chief", *(f"tuner{i}" for i in range(request["cores"]))):
        environment = {
            **os.environ, "KERASTUNER_TUNER_ID": role, "KERASTUNER_ORACLE_IP": "127.0.0.1",
            "KERASTUNER_ORACLE_PORT": str(port),
        }  # fmt: skip
        command = [sys.executable, __file__, json.dumps(request), role]
        with (Path(request["out"]) / f"{role}.log").open("wb") as log:
            children.append(subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL, stderr=log))
    time.sleep(max(0.0, task.seconds_left))
    for child in children[1:]:
        try:
            child.wait(timeout=20)
        except subprocess.TimeoutExpired:
            child.kill()
    children[0].kill()
    found = collected(task)
    if not found["trace"]:
        logs = [(Path(request["out"]) / f"{role}.log").read_text()[-800:] for role in ("chief", "tuner0")]
        raise RuntimeError("no trial: " + "\n".join(logs))
    return found


if __name__ == "__main__":
    if len(sys.argv) > 2:
        work(json.loads(sys.argv[1]))
    else:
        print(json.dumps(main(json.loads(sys.argv[1]))))
