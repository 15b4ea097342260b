"""Ray Tune: ASHA with Optuna's TPE as search algorithm, two workers that are used again from trial to trial.

One JSON request as argument, one JSON row on standard output. As Ray's documentation has it for short trials: the class
interface with `reuse_actors` (a new process for each trial takes seconds), one step of it a report to the scheduler.
"""

import json
import os
import sys
from pathlib import Path
from typing import Any

os.environ |= {"RAY_AIR_NEW_OUTPUT": "0", "RAY_DEDUP_LOGS": "0", "TUNE_DISABLE_AUTO_CALLBACK_LOGGERS": "1"}
os.environ |= {"RAY_USAGE_STATS_ENABLED": "0", "TUNE_GLOBAL_CHECKPOINT_S": "1000000"}

import optuna
import ray
import torch
from ray import tune
from ray.tune.schedulers import ASHAScheduler
from ray.tune.search.optuna import OptunaSearch
from training import Journal, OutOfTime, Task, Training, begin, collected


class Trial(tune.Trainable):
    """A network; a step is so many epochs as lie between two reports."""

    def setup(self, config: dict[str, Any], request: dict[str, Any] | None = None) -> None:
        """Once a worker: load the rows."""
        torch.set_num_threads(1)
        assert request is not None
        self.task = Task(request)
        self.journal = Journal(self.task)
        self.begun = 0
        self.reset_config(config)

    def reset_config(self, new_config: dict[str, Any]) -> bool:
        """The worker's next trial."""
        self.begun += 1
        seed = 1_000_000 * self.task.request["seed"] + 1000 * (os.getpid() % 1000) + self.begun
        self.training = Training(self.task, dict(new_config), seed=seed)
        return True

    def step(self) -> dict[str, Any]:
        """Train, and report."""
        training, done = self.training, False
        try:
            for _ in range(self.task.facts["every"]):
                self.journal.saw(training, training.advance())
                done = training.epoch >= self.task.epochs or training.bored
                if done:
                    break
        except OutOfTime:
            done = True
        if training.epoch == self.task.facts["every"] or done:
            self.journal.trials = self.begun
            self.journal.ended(more=0)
        return {"score": training.best, "done": done}


def space_of(space: dict[str, Any]) -> dict[str, Any]:
    """In Ray's terms."""
    found: dict[str, Any] = {}
    for name, setting in space.items():
        if isinstance(setting, dict):
            kind = tune.loguniform if setting.get("log") else tune.uniform
            found[name] = kind(setting["low"], setting["high"])
        else:
            found[name] = tune.choice(setting)
    return found


def main(request: dict[str, Any]) -> dict[str, Any]:
    """Search, then test."""
    task = begin(request)
    ray.init(
        num_cpus=request["cores"], include_dashboard=False, log_to_driver=False, logging_level="ERROR",
        runtime_env={"env_vars": {"PYTHONPATH": str(Path(__file__).parent), "OMP_NUM_THREADS": "1"}},
    )  # fmt: skip
    reports = -(-task.epochs // task.facts["every"])
    sampler = optuna.samplers.TPESampler(seed=request["seed"], multivariate=True, constant_liar=True)
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    tuner = tune.Tuner(
        tune.with_resources(tune.with_parameters(Trial, request=request), {"cpu": 1}),
        param_space=space_of(task.facts["space"]),
        tune_config=tune.TuneConfig(
            metric="score", mode="max", num_samples=-1, time_budget_s=max(1.0, task.seconds_left),
            max_concurrent_trials=request["cores"], reuse_actors=True,
            scheduler=ASHAScheduler(max_t=reports, grace_period=1, reduction_factor=3),
            search_alg=OptunaSearch(sampler=sampler),
        ),
        run_config=tune.RunConfig(
            storage_path=f"{request['out']}/ray", verbose=0, stop={"training_iteration": reports}
        ),
    )  # fmt: skip
    tuner.fit()
    ray.shutdown()
    return collected(task)


if __name__ == "__main__":
    print(json.dumps(main(json.loads(sys.argv[1]))))
