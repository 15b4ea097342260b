"""Mode collapse: whether a generator makes only some kinds of the rows that there are, or the same row over and over.

| symbol | meaning                                                     |
|--------|-------------------------------------------------------------|
| mode   | a class, by the judge's own verdict, or else a cluster of real rows |
| share  | of rows in a mode, of generated and of real ones            |
| near   | median distance of a row to the nearest other one           |

A mode is *lost* where generated rows are in it less than a tenth as often as real ones. Rows are *alike* where
generated ones are less than a quarter as far from each other as real ones, or vary less than a quarter as much.

Sources: Srivastava et al., VEEGAN, NeurIPS 2017 (counting modes); Richardson & Weiss, NeurIPS 2018 (shares of bins).
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor

from cotune.engine.bank import Variant
from cotune.engine.goals.image_judge import ImageJudge

CLUSTERS = 20
LOST = 0.1
ALIKE = 0.25
NEAREST = 1000
"""Rows among which distances are measured, at most."""


def modes_of(
    judge: Any,
    made: Tensor,
    variant: Variant,
    rows: Tensor,
    f: Tensor,
    y: Tensor,
    *,
    names: Sequence[str],
    seed: int,
) -> dict[str, Any]:
    """{kind, names, real, made}: shares of rows by mode.

    Args:
        judge: of the study.
        made: generated rows as networks read rows.
        variant, rows: the real ones, by their numbers.
        f, y: features of both.
        names: classes, where images have labels.
    """
    if isinstance(judge, ImageJudge) and judge.labelled:
        real = judge.classes(variant.numeric.index_select(0, rows)).numpy()
        return _shares("class", list(names), real, judge.classes(made).numpy())
    from sklearn.cluster import KMeans

    count = max(2, min(CLUSTERS, len(y) // 10))
    clusters = KMeans(count, n_init=1, random_state=seed % 2**32).fit(y.numpy())
    labels = [f"cluster {number + 1}" for number in range(count)]
    return _shares("cluster", labels, clusters.labels_, clusters.predict(np.ascontiguousarray(f.numpy())))


def _shares(kind: str, names: list[str], real: Any, made: Any) -> dict[str, Any]:
    def share(found: Any) -> list[float]:
        counts = np.bincount(found, minlength=len(names)) / max(len(found), 1)
        return [float(each) for each in counts]

    return {"kind": kind, "names": names, "real": share(real), "made": share(made)}


def lost(modes: dict[str, Any]) -> list[str]:
    """Names of the modes that are hardly made."""
    together = zip(modes["names"], modes["real"], modes["made"], strict=True)
    return [name for name, real, made in together if real > 0 and made < LOST * real]


def spread(f: Tensor, y: Tensor) -> dict[str, float]:
    """{near, variance}: of generated rows, in parts of those of real ones."""
    count = min(len(f), len(y), NEAREST)
    near = [_near(_some(x, count)) for x in (f, y)]
    variance = [float(x.var(0).sum()) for x in (f, y)]
    ratios = (pair[0] / pair[1] if pair[1] > 0 else float(pair[0] == pair[1]) for pair in (near, variance))
    return dict(zip(("near", "variance"), ratios, strict=True))


def _some(x: Tensor, count: int) -> Tensor:
    return x[torch.linspace(0, len(x) - 1, count).round().long()]


def _near(x: Tensor) -> float:
    apart = torch.cdist(x, x)
    apart.fill_diagonal_(torch.inf)
    return float(apart.min(1).values.median())


def findings(modes: dict[str, Any], apart: dict[str, float]) -> list[str]:
    """What a user must know, a sentence each; none where nothing was noticed."""
    said, gone = [], lost(modes)
    if gone:
        shown = ", ".join(gone[:8]) + (", …" if len(gone) > 8 else "")
        plural = "es" if modes["kind"] == "class" else "s"
        said.append(
            f"mode collapse: of {len(modes['names'])} {modes['kind']}{plural} of real rows {len(gone)} "
            f"{'is' if len(gone) == 1 else 'are'} hardly generated ({shown})"
        )
    if min(apart.values()) < ALIKE:
        said.append(
            "mode collapse: generated rows are too much alike (the nearest other is "
            f"{apart['near']:.2f} times as far as among real rows, the variance {apart['variance']:.2f} times as large)"
        )
    if said:
        said.append(
            "what helps against mode collapse: another gan_loss (wasserstein, hinge), a lower generator_lr, "
            "instance_noise, more time"
        )
    return said
