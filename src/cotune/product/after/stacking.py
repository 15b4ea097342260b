"""A small linear model learns, from the validation rows, how much each member counts.

| symbol | meaning                                                          | shape             |
|--------|------------------------------------------------------------------|-------------------|
| x      | probabilities, or standardised values, of members                | row·class member  |
| t      | 1 for the true class and 0 for others, or the standardised value | row·class         |
| β      | coefficients, none negative                                      | member            |
| G, c   | xᵀx and xᵀt                                                      | member (member)   |

min ‖t − x β‖² + α n ‖β‖²,  β ≥ 0;  wᵢ = βᵢ / Σⱼ βⱼ

The penalty α is chosen by cross-validation over the n validation rows. It shares weight among members that say nearly
the same. One β for all classes keeps what the ensemble says a probability. With the Cholesky factor of G + α n I the
problem is one of non-negative least squares with as many rows as members, so only G and c are ever needed.

Source: Breiman, Stacked regressions, 1996; Ting & Witten, Issues in stacked generalization, JAIR 1999 (probabilities).
"""

import numpy as np
import torch
import torch.nn.functional as F

from cotune.data.arrays import Floats
from cotune.product.after.evidence import Evidence

FOLDS = 5
PENALTIES = (1e-4, 1e-3, 1e-2, 1e-1, 1.0)
"""α tried."""


def stacking(evidence: Evidence) -> list[float]:
    """Non-negative ridge regression on what members say of the validation rows; its coefficients, their sum made 1."""
    grams, products, squares = _sums(evidence)
    rows = len(evidence.y)

    def left_out(penalty: float) -> float:
        """Squared error on each fold's rows of the coefficients that the other folds give."""
        error = 0.0
        for fold in range(FOLDS):
            g, c = grams[fold], products[fold]
            beta = _fit(grams.sum(0) - g, products.sum(0) - c, penalty * rows * (FOLDS - 1) / FOLDS)
            error += float(squares[fold] - 2 * beta @ c + beta @ g @ beta)
        return error

    found = _fit(grams.sum(0), products.sum(0), rows * min(PENALTIES, key=left_out))
    if not found.sum() > 0:  # nothing said helps: the first member is the best trial
        return [1.0] + [0.0] * (evidence.members - 1)
    weights: list[float] = (found / found.sum()).tolist()
    return weights


def _sums(evidence: Evidence) -> tuple[Floats, Floats, Floats]:
    """G [fold member member], c [fold member] and tᵀt [fold], over every fifth row."""
    f, y = evidence.f, evidence.y
    if evidence.classification:
        said, true = f.exp(), F.one_hot(y, f.shape[-1]).double()
    else:
        mean, spread = y.mean(0), y.double().std(0).clamp(min=torch.finfo(torch.float64).tiny)
        said, true = ((f - mean) / spread).unsqueeze(-1), ((y - mean) / spread).unsqueeze(-1)
    grams, products, squares = [], [], []
    for fold in range(FOLDS):
        x, t = said[:, fold::FOLDS].flatten(1), true[fold::FOLDS].flatten()
        grams.append((x @ x.T).numpy())
        products.append((x @ t).numpy())
        squares.append(float(t @ t))
    return np.stack(grams), np.stack(products), np.array(squares)


def _fit(gram: Floats, product: Floats, penalty: float) -> Floats:
    """β of the least ‖t − x β‖² + penalty ‖β‖² that is nowhere negative."""
    from scipy.linalg import solve_triangular
    from scipy.optimize import nnls

    lower = np.linalg.cholesky(gram + penalty * np.eye(len(gram)))
    found: Floats = nnls(lower.T, solve_triangular(lower, product, lower=True))[0]
    return found
