"""Figures beside the one that steers: the same wherever they stand, on every way and place, and they decide nothing."""

import pytest

from cotune.engine.loop import Engine
from cotune.engine.metrics import METRICS
from cotune.types import Record
from engine import places
from engine.lanes import GPU_TOLERANCE, engine, lane, table

PLACES = places.EVERYWHERE
DATA = {True: table(), False: table(classes=0)}


def trained(metric: str, also: tuple[str, ...], *, classification: bool) -> tuple[Engine, list[Record]]:
    some = [lane(i, fold=i % 2, variant=DATA[classification], epochs=3) for i in range(3)]
    made = engine(some, metric=metric, also=also)
    return made, [record for _ in range(3) for record in made.train_epoch().records]


@pytest.mark.parametrize("classification", [True, False], ids=["classes", "values"])
def test_every_metric_is_the_same_beside_as_in_front(classification: bool, place: str) -> None:
    names = [
        name
        for name, metric in METRICS.items()
        if metric.classification == classification and not (metric.own or metric.generation)
    ]
    for steering in (names[0], names[-1]):
        others = tuple(name for name in names if name != steering)
        made, records = trained(steering, others, classification=classification)
        assert [list(record.metrics) for record in records] == [[steering, *others, "loss"]] * 9
        plain, expected = trained(steering, (), classification=classification)
        tolerance = GPU_TOLERANCE if place == "cuda" else 0.0
        for record, known in zip(records, expected, strict=True):
            few = {name: record.metrics[name] for name in known.metrics}
            assert few == pytest.approx(dict(known.metrics), rel=tolerance, abs=tolerance)
        scores = [[item.score for trial in range(3) for item in e.best(trial)] for e in (made, plain)]
        assert scores[0] == pytest.approx(scores[1], rel=tolerance, abs=tolerance)
    for name in names:
        _, alone = trained(name, (), classification=classification)
        for record, known in zip(records, alone, strict=True):
            assert record.metrics[name] == pytest.approx(known.metrics[name], rel=tolerance, abs=tolerance)
