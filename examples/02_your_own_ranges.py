"""Fix what you know, search what you do not: a regression with ranges, choices and cross-validation of your own.

python examples/02_your_own_ranges.py
"""

from sklearn.datasets import load_diabetes

import cotune

X, y = load_diabetes(return_X_y=True)

study = cotune.tune(
    (X, y),
    target="progression",
    metric="rmse",
    cv=3,  # three networks a trial; all lanes of one computation
    trials=32,
    epochs=30,
    depth=1,  # fixed
    width=[16, 32, 64],  # searched over choices
    lr={"low": 1e-3, "high": 3e-2, "log": True},  # searched over a range
    dropout={"low": 0.0, "high": 0.3},
    optimizer=["adamw", "nesterov"],
    momentum={"low": 0.5, "high": 0.95},  # means something to nesterov alone: other trials do without
    scaling="standard",
    seed=1,
)

for row in study.leaderboard()[:5]:
    print(
        f"{row['rank']}. rmse {row['score']:.1f} ({row['status']} after {row['epochs']} epochs)",
        row["params"],
    )
summary = study.show()
print(f"on rows that no trial has seen: rmse {summary['best']['test_score']:.1f}")
print("trials by how they ended:", summary["trials"])
