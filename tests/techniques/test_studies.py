"""Every technique trains a study to its end, by the settings that turn it on."""

import math
import shlex
from pathlib import Path

import pytest

import cotune
from cotune.catalogue import TECHNIQUES, Technique
from study.tiny import FAST_WORDS, command, csv
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
    if technique.kind == "after":
        assert study.view().meta["result"]["after"]["notes"] == []
    assert math.isfinite(best["test_score"])
    new = rows[0] if on_images(technique) else rows
    assert len(study.best.predict(new)) == len(new)


@pytest.mark.parametrize(
    "technique", [found for found in TECHNIQUES.values() if found.command], ids=lambda t: t.name
)
def test_its_command_runs(technique: Technique, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """For those that are no setting: the line that the catalogue names, as it stands, with names filled in."""
    monkeypatch.chdir(tmp_path)
    _, verb, *words = shlex.split(technique.command.replace("DATA", str(csv(tmp_path))).replace("COL", "y"))
    said = command(verb, *words, *(FAST_WORDS if verb == "tune" else ()))
    assert said.code == 0, said.err
    assert said.out
