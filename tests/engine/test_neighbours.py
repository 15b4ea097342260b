"""Votes of neighbours in an embedding, against scikit-learn and by hand."""

import math

import pytest
import torch
import torch.nn.functional as F
from sklearn.neighbors import KNeighborsClassifier

from cotune.engine import neighbours
from cotune.engine.neighbours import COSINE_SPREAD, knn_log_probabilities


def clouds(rows: int, seed: int = 0) -> tuple[torch.Tensor, torch.Tensor]:
    """Embeddings [row 4] in three clouds that touch, and their classes."""
    g = torch.Generator().manual_seed(seed)
    classes = torch.arange(rows) % 3
    return torch.randn(rows, 4, generator=g) + 2.0 * F.one_hot(classes, 4), classes


@pytest.mark.parametrize("cosine", [False, True])
@pytest.mark.parametrize("k", [1, 5, 15])
def test_as_scikit_learn_where_votes_are_the_same(k: int, cosine: bool) -> None:
    train, classes = clouds(200)
    asked, _ = clouds(60, seed=1)

    def weights(distances: object) -> object:
        d = torch.as_tensor(distances)
        s, spread = (1 - d, COSINE_SPREAD) if cosine else (-(d**2), (d**2).mean(1, keepdim=True))
        return torch.exp((s - s[:, :1]) / spread).numpy()

    twin = KNeighborsClassifier(k, weights=weights, metric="cosine" if cosine else "euclidean")
    twin.fit(train.double().numpy(), classes.numpy())
    sums = torch.as_tensor(weights(twin.kneighbors(asked.double().numpy())[0])).sum(1, keepdim=True)
    votes = torch.as_tensor(twin.predict_proba(asked.double().numpy())) * sums
    found = knn_log_probabilities(train, classes, asked, 3, k, cosine=cosine)
    torch.testing.assert_close(found.exp().double(), (votes + 1 / 3) / (sums + 1), rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("cosine", [False, True])
def test_probabilities_are_probabilities(cosine: bool) -> None:
    train, classes = clouds(40)
    found = knn_log_probabilities(train, classes, 1e3 * clouds(30, seed=2)[0], 5, cosine=cosine)
    assert torch.isfinite(found).all()
    torch.testing.assert_close(found.exp().sum(1), torch.ones(30))
    assert found[:, 3:].max() < math.log(0.5 / 5 + 1e-6), (
        "classes that nobody has get but their share of one vote"
    )


def test_a_nearer_row_has_more_of_a_say() -> None:
    train = torch.tensor([[0.0], [3.0], [3.1]])
    found = knn_log_probabilities(train, torch.tensor([0, 1, 1]), torch.tensor([[0.1]]), 2, 3)
    assert found[0, 0] > found[0, 1], "two far rows against one near"


@pytest.mark.parametrize("cosine", [False, True])
def test_rows_stand_alone(cosine: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    """Other rows, chunks and a row that is not finite change nothing; fewer training rows than k are enough."""
    train, classes = clouds(7)
    asked = clouds(20, seed=3)[0]
    whole = knn_log_probabilities(train, classes, asked, 3, cosine=cosine)
    monkeypatch.setattr(neighbours, "SIMILARITIES", 14)
    torch.testing.assert_close(knn_log_probabilities(train, classes, asked, 3, cosine=cosine), whole)
    asked[4, 1] = torch.nan
    sick = knn_log_probabilities(train, classes, asked, 3, cosine=cosine)
    assert sick[4].isnan().all()
    rest = [i for i in range(20) if i != 4]
    torch.testing.assert_close(sick[rest], whole[rest])


def test_rows_that_coincide_vote_alike() -> None:
    train = torch.zeros(4, 2)
    found = knn_log_probabilities(train, torch.tensor([0, 0, 0, 1]), torch.zeros(1, 2), 2)
    torch.testing.assert_close(found.exp(), torch.tensor([[3.5 / 5, 1.5 / 5]]))
