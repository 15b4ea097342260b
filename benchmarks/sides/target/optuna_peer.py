"""Optuna: TPE or GP with the Hyperband pruner, a process for each core, a journal file between them.

One JSON request as argument, one JSON row on standard output. Settings as Optuna's documentation has them: for
several processes on one machine a journal file (SQLite takes a quarter of a second a trial), TPE multivariate with the
constant liar, running trials counted. Workers are forked after all is loaded: the fastest start.
"""

import json
import os
import sys
from typing import Any

import optuna
from optuna.storages import JournalStorage
from optuna.storages.journal import JournalFileBackend
from training import Journal, OutOfTime, Task, Training, begin, collected


def suggested(trial: optuna.Trial, space: dict[str, Any]) -> dict[str, Any]:
    """A configuration."""
    found: dict[str, Any] = {}
    for name, setting in space.items():
        if isinstance(setting, dict):
            log = setting.get("log", False)
            found[name] = trial.suggest_float(name, setting["low"], setting["high"], log=log)
        else:
            found[name] = trial.suggest_categorical(name, setting)
    return found


def sampler_of(name: str, seed: int) -> optuna.samplers.BaseSampler:
    """By the peer's name."""
    if name == "optuna-gp":
        return optuna.samplers.GPSampler(seed=seed)
    return optuna.samplers.TPESampler(seed=seed, multivariate=True, constant_liar=True)


def study_of(task: Task, seed: int) -> optuna.Study:
    """The study that all workers share."""
    backend = JournalFileBackend(f"{task.request['out']}/journal.log")
    every = task.facts["every"]
    pruner = optuna.pruners.HyperbandPruner(
        min_resource=1, max_resource=-(-task.epochs // every), reduction_factor=3
    )
    return optuna.create_study(
        storage=JournalStorage(backend), study_name="peer", direction="maximize", load_if_exists=True,
        sampler=sampler_of(task.request["side"], seed), pruner=pruner,
    )  # fmt: skip


def work(task: Task, index: int) -> None:
    """Trials until the time is up."""
    study, journal = study_of(task, 1000 * task.request["seed"] + index), Journal(task)
    every = task.facts["every"]

    def objective(trial: optuna.Trial) -> float:
        training = Training(task, suggested(trial, task.facts["space"]), seed=trial.number)
        try:
            while training.epoch < task.epochs and not training.bored:
                journal.saw(training, training.advance())
                if training.epoch % every == 0:
                    trial.report(training.best, training.epoch // every)
                    if trial.should_prune():
                        raise optuna.TrialPruned
        except OutOfTime:
            study.stop()
            raise optuna.TrialPruned from None
        finally:
            journal.ended()
        return training.best

    study.optimize(objective, timeout=task.seconds_left)


def main(request: dict[str, Any]) -> dict[str, Any]:
    """Search with a process for each core, then test."""
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    task = begin(request)
    children = []
    for index in range(request["cores"]):
        child = os.fork()
        if not child:
            code = 1
            try:
                work(task, index)
                code = 0
            finally:
                sys.stderr.flush()
                os._exit(code)
        children.append(child)
    codes = [os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) for child in children]
    if any(codes):
        raise RuntimeError(f"a worker ended with {codes}")
    return collected(task)


if __name__ == "__main__":
    print(json.dumps(main(json.loads(sys.argv[1]))))
