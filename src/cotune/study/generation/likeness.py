"""How much a generated table is like the real one, column by column, pair by pair, and row by row.

| figure        | meaning                                                                                |
|---------------|----------------------------------------------------------------------------------------|
| columns       | of a number the largest distance of the distribution functions (Kolmogorov & Smirnov), else |
|               | half the sum of the differences of shares (total variation); both in [0, 1]            |
| correlation   | mean absolute difference of the correlations of numbers                                |
| detectability | area under the ROC curve of a classifier that tells generated rows from real ones, on  |
|               | rows that it has not learned from; ½ is chance                                         |

Source: Lopez-Paz & Oquab, Revisiting Classifier Two-Sample Tests, ICLR 2017.
"""

from typing import Any

import numpy as np
import polars as pl

from cotune.data.arrays import Floats

FOLDS = 5
TREES = 100


def likeness(real: pl.DataFrame, made: pl.DataFrame, y: Floats, f: Floats) -> dict[str, Any]:
    """{columns: {name: distance}, correlation, detectability: {linear, forest}}.

    Args:
        real, made: typed rows.
        y, f: their features.
    """
    count = min(real.height, made.height)
    return {
        "columns": {name: _distance(real[name], made[name]) for name in real.columns},
        "correlation": _correlation(real, made),
        "detectability": {
            "linear": detectability(y[:count], f[:count], forest=False),
            "forest": detectability(y[:count], f[:count], forest=True),
        },
    }


def _distance(real: pl.Series, made: pl.Series) -> float:
    if real.dtype in (pl.String, pl.Boolean):
        shares = [_shares(each) for each in (real, made)]
        return sum(abs(shares[0].get(k, 0.0) - shares[1].get(k, 0.0)) for k in {*shares[0], *shares[1]}) / 2
    a, b = (np.sort(_present(each)) for each in (real, made))
    if not len(a) or not len(b):
        return float(len(a) != len(b))
    points = np.concatenate([a, b])
    functions = [np.searchsorted(each, points, side="right") / len(each) for each in (a, b)]
    return float(np.abs(functions[0] - functions[1]).max())


def _shares(series: pl.Series) -> dict[Any, float]:
    counts = series.value_counts()
    return dict(zip(counts[series.name].to_list(), (counts["count"] / series.len()).to_list(), strict=True))


def _present(series: pl.Series) -> Floats:
    numbers = series.cast(pl.Int64) if series.dtype.is_temporal() else series
    found: Floats = numbers.drop_nulls().cast(pl.Float64).to_numpy()
    return found


def _correlation(real: pl.DataFrame, made: pl.DataFrame) -> float | None:
    names = [name for name in real.columns if real[name].dtype == pl.Float64]
    pairs = [frame.select(names).drop_nulls().to_numpy() for frame in (real, made)] if len(names) > 1 else []
    if not pairs or min(map(len, pairs)) < 3:
        return None
    varies = np.all([pair.std(axis=0) > 0 for pair in pairs], axis=0)
    if varies.sum() < 2:
        return None
    found = [np.corrcoef(pair[:, varies], rowvar=False) for pair in pairs]
    above = np.triu_indices(int(varies.sum()), 1)
    return float(np.abs(found[0] - found[1])[above].mean())


def detectability(y: Floats, f: Floats, *, forest: bool) -> float | None:
    """The area under the curve, with `FOLDS`-fold cross-validation; `None` of too few rows.

    Args:
        y, f: features of as many real and generated rows.
        forest: by a random forest; else by logistic regression.
    """
    from sklearn.ensemble import RandomForestClassifier
    from sklearn.linear_model import LogisticRegression
    from sklearn.metrics import roc_auc_score
    from sklearn.model_selection import StratifiedKFold, cross_val_predict

    if len(y) < 2 * FOLDS:
        return None
    x = np.concatenate([y, f])
    truth = np.repeat([0, 1], [len(y), len(f)])
    asked: Any = (
        RandomForestClassifier(TREES, min_samples_leaf=5, random_state=0)
        if forest
        else LogisticRegression(max_iter=1000)
    )
    folds = StratifiedKFold(FOLDS, shuffle=True, random_state=0)
    said = cross_val_predict(asked, x, truth, cv=folds, method="predict_proba")[:, 1]
    return float(roc_auc_score(truth, said))
