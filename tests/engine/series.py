"""Made-up series and tokens that can be learned, and shapes of networks for them."""

from functools import cache
from typing import Any

import torch

from cotune.engine.bank import Variant
from cotune.engine.rng import seed_of
from cotune.nets.sequence.base import SequenceNetwork
from cotune.nets.sequence.recurrent import Recurrent
from cotune.nets.sequence.tcn import TCN
from cotune.nets.sequence.transformer import Transformer

TIMES, CHANNELS, VOCABULARY, CLASSES = 7, 3, 11, 3


@cache
def series(
    *, rows: int = 120, tokens: bool = False, lengths: bool = False, classes: int = CLASSES, seed: int = 0
) -> Variant:
    """Rows whose target hangs on what stands in their times in use, and where; the rest is noise."""
    g = torch.Generator().manual_seed(seed_of("series", rows, tokens, lengths, classes, seed))
    counts = torch.randint(1, TIMES + 1, (rows,), generator=g) if lengths else torch.full((rows,), TIMES)
    used = (torch.arange(TIMES) < counts.unsqueeze(1)).float()
    weight = torch.linspace(0.5, 1.5, TIMES)
    codes = torch.zeros(rows, 0, dtype=torch.int64)
    numeric = torch.zeros(rows, 0)
    if tokens:
        codes = torch.randint(0, VOCABULARY, (rows, TIMES), generator=g)
        seen = torch.randn(VOCABULARY, max(classes, 1), generator=g)[codes]
    else:
        x = torch.randn(rows, TIMES, CHANNELS, generator=g)
        numeric = x.flatten(1)
        seen = x @ torch.randn(CHANNELS, max(classes, 1), generator=g)
    score = (seen * (used * weight).unsqueeze(-1)).sum(1)
    if lengths:
        codes = torch.cat([codes, counts.unsqueeze(1)], dim=1)
    cardinalities = (VOCABULARY,) if tokens else ()
    shape = (TIMES,) if tokens else (TIMES, CHANNELS)
    if classes:
        return Variant(numeric, codes, score.argmax(1), cardinalities, shape=shape, classes=classes)
    y = score[:, 0].double()
    mean, scale = float(y.mean()), float(y.std())
    return Variant(
        numeric, codes, ((y - mean) / scale).float(), cardinalities, None, mean, scale, shape=shape
    )


def front(*, tokens: bool = False, lengths: bool = False, outputs: int = CLASSES) -> dict[str, Any]:
    """What a network must say of rows of `series`."""
    own = (
        {"vocabulary": VOCABULARY, "embedding_width": 5, "channels": 0} if tokens else {"channels": CHANNELS}
    )
    return {"times": TIMES, "lengths": lengths, "outputs": outputs, "width": 8, **own}


def data_of(network: SequenceNetwork, *, rows: int = 120) -> Variant:
    """Rows that a network reads."""
    classes = 0 if network.outputs == 1 else CLASSES
    return series(rows=rows, tokens=network.vocabulary > 0, lengths=network.lengths, classes=classes)


NETWORKS: dict[str, SequenceNetwork] = {
    "rnn": Recurrent(**front(), cell="rnn"),
    "lstm, two layers": Recurrent(**front(), cell="lstm", layers=2),
    "gru, both ways, unequal lengths": Recurrent(**front(lengths=True), cell="gru", bidirectional=True),
    "lstm, all at once": Recurrent(
        **front(tokens=True, lengths=True), cell="lstm", layers=2, bidirectional=True, pooling="attention"
    ),
    "gru, tokens, mean": Recurrent(**front(tokens=True), cell="gru", pooling="mean"),
    "rnn, both ways, unequal lengths, largest": Recurrent(
        **front(lengths=True), cell="rnn", layers=2, bidirectional=True, pooling="max"
    ),
    "lstm, a value": Recurrent(**front(lengths=True, outputs=1), cell="lstm", pooling="attention"),
    "tcn": TCN(**front(), levels=3, kernel=3, norm="batch", pooling="mean"),
    "tcn, unequal lengths": TCN(
        **front(lengths=True), levels=3, kernel=4, norm="batch", pooling="max", dilation=1
    ),
    "tcn, causal, residual": TCN(
        **front(lengths=True, outputs=1), levels=3, kernel=2, causal=True, residual=True, norm="layer"
    ),
    "tcn, tokens": TCN(
        **front(tokens=True, lengths=True), levels=2, kernel=5, dilation=3, pooling="attention", norm="rms"
    ),
    "tcn, weight norm": TCN(**front(), levels=2, kernel=3, norm="weight", pooling="mean"),
    "tcn, spectral norm": TCN(**front(), levels=2, kernel=3, norm="spectral", pooling="mean"),
    "tcn, group norm": TCN(**{**front(), "width": 16}, levels=2, kernel=3, norm="group", pooling="mean"),
    "transformer": Transformer(**front(), layers=1, heads=2, pooling="mean"),
    "transformer, all at once": Transformer(
        **front(tokens=True, lengths=True), layers=2, heads=4, norm="rms", feedforward=3, pooling="attention"
    ),
    "transformer, a value": Transformer(**front(lengths=True, outputs=1), layers=1, heads=1, pooling="last"),
}
"""A row for each thing that networks of sequences can do."""
