"""Every technique trains a study to its end, by the settings that turn it on."""

import math
from pathlib import Path

import pytest

import cotune
from cotune.catalogue import TECHNIQUES, Technique
from techniques.trying import on_images, rows_of, settings_of, target_of

FIRST = {technique.kind: name for name, technique in reversed(TECHNIQUES.items())}
"""One of each kind, for every day."""

SETTINGS = {name: technique for name, technique in TECHNIQUES.items() if technique.on}


def _marked(name: str) -> object:
    return pytest.param(SETTINGS[name], id=name, marks=() if name in FIRST.values() else pytest.mark.slow)


@pytest.mark.parametrize("technique", [_marked(name) for name in SETTINGS])
def test_it_trains(technique: Technique, tmp_path: Path) -> None:
    rows = rows_of(technique)
    study = cotune.tune(rows, target=target_of(technique), out=tmp_path / "s", **settings_of(technique))
    best = study.show()["best"]
    assert math.isfinite(best["score"])
    assert math.isfinite(best["test_score"])
    new = rows[0] if on_images(technique) else rows
    assert len(study.best.predict(new)) == len(new)
