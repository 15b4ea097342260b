"""A network of your own: a torch module whose shape and dropout are searched, and used as a plain module afterwards.

python examples/04_your_own_module.py
"""

import torch
from sklearn.datasets import load_digits
from torch import nn

import cotune

X, y = load_digits(return_X_y=True)
X = (X / 16).astype("float32")


def build(trial):
    """As in Optuna: values are asked for by name, some of them only where they are needed."""
    width = trial.suggest_int("width", 32, 128, log=True)
    layers = [nn.Linear(64, width), nn.ReLU(), nn.Dropout(trial.suggest_float("p", 0.0, 0.5))]
    if trial.suggest_categorical("second layer", [False, True]):
        layers += [nn.Linear(width, width), nn.LeakyReLU(trial.suggest_float("slope", 0.01, 0.3))]
    return nn.Sequential(*layers, nn.Linear(width, 10))


study = cotune.tune((X, y), build=build, trials=16, epochs=10, seed=1)

best = study.show()["best"]
print(
    f"trial {best['trial']}: validation accuracy {best['score']:.3f}, test accuracy {best['test_score']:.3f}"
)
print(study.leaderboard()[0]["params"])

module = study.best.module()  # an ordinary module in evaluation mode
print("of the first digit it says:", module(torch.from_numpy(X[:1])).argmax(1).item(), "and it is a", y[0])

again = cotune.load(study.path, build=build)  # in another process the same function is passed once more
assert (again.best.predict(X[:20]) == study.best.predict(X[:20])).all()
