"""Every technique trains a study to its end, by the settings that turn it on, with every family that it names."""

import math
import shlex
from pathlib import Path

import pytest

import cotune
from cotune.catalogue import TECHNIQUES, Technique
from study.tiny import FAST_WORDS, command, csv
from techniques.trying import families_of, forecasts, rows_of, settings_of, target_of

FIRST = {technique.kind: name for name, technique in reversed(TECHNIQUES.items())}
"""One of each kind, for every day."""


def _case(name: str, family: str) -> object:
    daily = name == FIRST[TECHNIQUES[name].kind] and family == TECHNIQUES[name].families[0]
    return pytest.param(name, family, id=f"{name} {family}", marks=() if daily else pytest.mark.slow)


CASES = [
    _case(name, family)
    for name, technique in TECHNIQUES.items()
    if not technique.command
    for family in families_of(technique)
]


@pytest.mark.parametrize(("name", "family"), CASES)
def test_it_trains(name: str, family: str, tmp_path: Path) -> None:
    technique = TECHNIQUES[name]
    rows, settings = rows_of(technique, family), settings_of(technique, family)
    target = target_of(rows)
    if "pretrained" in technique.asks:
        earlier = cotune.tune(rows, target=target, out=tmp_path / "earlier", **settings)
        settings["pretrained"] = str(earlier.path)
    study = cotune.tune(rows, target=target, out=tmp_path / "s", **settings)
    best = study.show()["best"]
    assert math.isfinite(best["score"])
    assert math.isfinite(best["test_score"])
    if family == "gan":
        assert len(study.best.sample(3)) == 3
        return
    if technique.kind == "after":
        assert study.view().meta["result"]["after"]["notes"] == []
    if isinstance(rows, dict):
        pairs = settings.get("graph_task") == "link"
        new = (rows, rows["edges"].T) if pairs else rows
        assert len(study.best.predict(new)) == len(rows["edges"].T if pairs else rows["labels"])
        return
    new = rows if target else rows[0]
    assert len(study.best.predict(new)) == (1 if forecasts(technique) else len(new))


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
