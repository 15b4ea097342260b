"""Made-up texts as codes, and networks that read them."""

from functools import cache

import torch

from cotune.engine.bank import Variant
from cotune.engine.rng import seed_of
from cotune.nets.text.bag import Bag
from cotune.nets.text.cnn import TextCNN

WORDS, LENGTH, CLASSES = 48, 10, 3

NETWORKS = {
    "textcnn": TextCNN(WORDS, LENGTH, 6, 8, (2, 3, 5), CLASSES),
    "textcnn, one size, two classes, alpha dropout": TextCNN(
        WORDS, LENGTH, 5, 16, (3,), 2, "normal", dropping="alpha"
    ),
    "bag": Bag(WORDS, LENGTH, 9, CLASSES),
}


@cache
def texts(*, rows: int = 120, classes: int = CLASSES, weighted: bool = False) -> Variant:
    """Texts of 1 to `LENGTH` words; some words speak for a class. The same arguments give the same object."""
    g = torch.Generator().manual_seed(seed_of("texts", rows, classes))
    codes = torch.randint(1, WORDS, (rows, LENGTH), generator=g)
    lengths = torch.randint(1, LENGTH + 1, (rows,), generator=g)
    codes[torch.arange(LENGTH) >= lengths.unsqueeze(1)] = 0
    votes = torch.nn.functional.one_hot(codes % classes, classes) * (codes > 0).unsqueeze(2)
    y = (votes.sum(1) + 0.1 * torch.randn(rows, classes, generator=g)).argmax(1)
    weights = torch.rand(classes, generator=g) + 0.5 if weighted else None
    return Variant(
        torch.zeros(rows, 0),
        torch.cat([codes, lengths.unsqueeze(1)], dim=1),
        y,
        (*(WORDS,) * LENGTH, LENGTH + 1),
        weights,
        shape=(LENGTH,),
        classes=classes,
    )
