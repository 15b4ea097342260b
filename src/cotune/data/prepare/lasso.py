"""Coefficients of an L1-penalised linear model: most features get exactly zero.

    minimise  ‖t − Z w‖² / (2 n) + λ ‖w‖₁,    λ = sd(t) √(2 ln(2 m) / n)

| symbol | meaning                                                             | shape         |
|--------|---------------------------------------------------------------------|---------------|
| Z      | features, each with mean 0 and standard deviation 1                 | row feature   |
| t      | target less its mean; of classes, the 0/1 column of each in turn    | row           |
| n, m   | rows, features                                                      |               |

At this λ the coefficients of features that are pure noise are zero with high probability.

Source: Tibshirani 1996; λ from Bickel, Ritov & Tsybakov, Simultaneous analysis of Lasso and Dantzig selector, 2009.
"""

import math
import warnings

import numpy as np

from cotune.data.arrays import Bools, Float32s, Floats, Ints


def scores(x: Float32s, y: Ints | Floats, *, discrete: Bools, classify: bool) -> Floats:
    """Largest absolute coefficient of each feature over the classes, shape [feature]; 0 for those left out.

    Where all would be left out, the one with the highest correlation is not.

    Args:
        x: features, shape [row, feature].
        y: class indices or values, shape [row].
        discrete: not used.
        classify: whether `y` holds classes.
    """
    from sklearn.exceptions import ConvergenceWarning
    from sklearn.linear_model import Lasso

    del discrete
    rows, features = x.shape
    z = _standardised(x)
    # With the products of all pairs of features known, a class costs no further look at the rows.
    pairs = z.T @ z if features < rows else False
    found, correlation = np.zeros(features), np.zeros(features)
    penalty = math.sqrt(2 * math.log(2 * features) / rows)
    targets = [y == label for label in np.unique(y)] if classify else [y]
    for raw in targets[:1] if len(targets) == 2 else targets:  # of two classes one says all
        t = raw - raw.mean()
        model = Lasso(alpha=max(float(t.std()) * penalty, 1e-12), precompute=pairs, fit_intercept=False)
        with (
            warnings.catch_warnings()
        ):  # columns that repeat each other take long; their order is clear before
            warnings.simplefilter("ignore", ConvergenceWarning)
            found = np.maximum(found, np.abs(model.fit(z, t).coef_))
        correlation = np.maximum(correlation, np.abs(z.T @ t))
    if not found.any():
        found[correlation.argmax()] = 1.0
    return found


def _standardised(x: Float32s) -> Floats:
    z = x.astype(np.float64)
    z -= z.mean(axis=0)
    spread = z.std(axis=0)
    z /= np.where(spread > 0, spread, 1.0)
    return z
