"""A small linear model learns, from the validation rows, how much each member counts.

| symbol | meaning                                                        | shape           |
|--------|----------------------------------------------------------------|-----------------|
| p      | probabilities, or standardised values, of members              | member row·class|
| t      | 1 for the true class and 0 for others, or standardised values  | row·class       |
| β      | coefficients, none negative                                    | member          |

min ‖t − Σᵢ βᵢ pᵢ‖² + α ‖β‖²,  β ≥ 0;  wᵢ = βᵢ / Σⱼ βⱼ

The penalty α is chosen by cross-validation over the validation rows. It shares weight among members that say nearly
the same. One β for all classes keeps what the ensemble says a probability.

Source: Breiman, Stacked regressions, 1996; Ting & Witten, Issues in stacked generalization, JAIR 1999 (probabilities).
"""

import numpy as np
import torch
import torch.nn.functional as F

from cotune.product.after.evidence import Evidence

FOLDS = 5
PENALTIES = (1e-4, 1e-3, 1e-2, 1e-1, 1.0)
"""α tried, a row; they grow with the rows as the squared error does."""


def stacking(evidence: Evidence) -> list[float]:
    """Non-negative ridge regression on what members say of the validation rows; its coefficients, their sum made 1."""
    from sklearn.linear_model import Ridge
    from sklearn.model_selection import GridSearchCV, PredefinedSplit

    f, y = evidence.f, evidence.y
    if evidence.classification:
        said, true = f.exp(), F.one_hot(y, f.shape[-1]).double()
    else:
        spread = y.std().clamp(min=torch.finfo(torch.float64).tiny)
        said, true = ((f - y.mean()) / spread).unsqueeze(-1), ((y - y.mean()) / spread).unsqueeze(-1)
    rows, classes = true.shape
    columns = said.reshape(len(f), -1).T.contiguous().numpy()
    model = Ridge(positive=True, fit_intercept=False)
    grid = {"alpha": [rows * penalty for penalty in PENALTIES]}
    parts = PredefinedSplit(np.repeat(np.arange(rows) % FOLDS, classes))
    search = GridSearchCV(model, grid, scoring="neg_mean_squared_error", cv=parts)
    search.fit(columns, true.flatten().numpy())
    found = np.clip(search.best_estimator_.coef_, 0.0, None)
    if not found.sum() > 0:  # nothing said helps: the first member is the best trial
        return [1.0] + [0.0] * (len(f) - 1)
    weights: list[float] = (found / found.sum()).tolist()
    return weights
