"""After training: from the kept trials to the model. Validation rows decide; the test rows are not looked at."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import torch
from torch import Tensor

from cotune.engine.metrics import METRICS
from cotune.engine.parallel import one_thread_a_kernel
from cotune.product import Model
from cotune.product.after import ENSEMBLES, Evidence
from cotune.product.after.pool import pool
from cotune.product.after.soup import mixed, soup
from cotune.product.after.temperature import log_loss, scaled, temperature
from cotune.product.after.threshold import by_labels, decided, threshold
from cotune.product.network import Network
from cotune.study.ending.members import Member, members_of, networks_of
from cotune.study.ending.validation import Validation
from cotune.study.leaders import Leader
from cotune.study.prepared import Prepared

FEWEST = 50
"""Validation rows under which nothing is chosen by them once more."""


@dataclass(frozen=True, eq=False)
class Made:
    """What came of a study.

    Args:
        model: to be used.
        single: the best trial alone, to compare with.
        facts: {ensemble, members: [{trial, epoch, weight}], notes, and where validation rows were asked:
            validation: {rows, metric, single, ensemble, model}, calibration: {temperature, log_loss: [before, after],
            ece: [before, after]}, threshold: {value, before, after}}.
    """

    model: Model
    single: Model
    facts: dict[str, Any]


def alone(prepared: Prepared, leader: Leader) -> Model:
    """The networks of one trial."""
    data = prepared.dataset
    networks = networks_of(prepared, leader.result.params, leader.lanes)
    return Model(data.task, data.target, data.classes, networks, data.label_type, targets=data.targets)


def make_model(prepared: Prepared, leaders: Sequence[Leader]) -> Made:
    """What the recipe's `after` section asks for.

    Args:
        leaders: the best trials, best first.
    """
    with one_thread_a_kernel():  # small tensors: threads would have to wait for each other
        return _make_model(prepared, leaders)


def _make_model(prepared: Prepared, leaders: Sequence[Leader]) -> Made:
    after, single = prepared.recipe.after, alone(prepared, leaders[0])
    number = leaders[0].result.number
    facts: dict[str, Any] = {
        "ensemble": "none",
        "members": [{"trial": number, "epoch": None, "weight": 1.0}],
        "notes": [],
    }
    if (after.ensemble, after.calibration, after.threshold) == ("none", "none", "none"):
        return Made(single, single, facts)
    if reason := _too_few(prepared, leaders[0]):
        facts["notes"].append(f"{reason}: the model is the best trial as it was trained")
        return Made(single, single, facts)
    members = members_of(prepared, leaders)
    validation = Validation(prepared, len(members))
    if validation.count < validation.all:
        facts["notes"].append(f"chosen by {validation.count:,} of the {validation.all:,} validation rows")
    evidence = validation.evidence([member.networks for member in members])
    model, g = single, evidence.f[0]
    if len(members) > 1:
        weights, networks, g = _together(after.ensemble, members, evidence, validation)
        model = _ensemble(single, members, weights, networks)
        facts["ensemble"] = after.ensemble
        facts["members"] = [
            {"trial": member.trial, "epoch": member.epoch, "weight": weight}
            for member, weight in zip(members, weights, strict=True)
            if weight > 0
        ]
    scores = {"single": _score(evidence, evidence.f[0]), "ensemble": _score(evidence, g)}
    model, g = _calibrated(prepared, model, g, evidence, facts)
    model = _with_threshold(prepared, model, g, evidence, facts)
    by_label = decided(g, model.threshold) if model.threshold and by_labels(evidence.metric) else g
    facts["validation"] = {"rows": validation.count, "metric": evidence.metric, **scores}
    facts["validation"]["model"] = _score(evidence, by_label)
    return Made(model, single, facts)


def _too_few(prepared: Prepared, best: Leader) -> str:
    """Why validation rows should not decide once more; empty where they may."""
    if best.result.share < 1:
        return "no trial was trained on every fold"
    rows = [len(fold.validation) for fold in prepared.splits.folds]
    if min(rows) < 2:
        return "each fold has a single validation row"
    return f"{sum(rows)} validation rows are fewer than {FEWEST}" if sum(rows) < FEWEST else ""


def _together(
    ensemble: str, members: Sequence[Member], evidence: Evidence, validation: Validation
) -> tuple[list[float], list[Network] | None, Tensor]:
    """Weights of the members, the mixed networks of a soup, and what all that says of the validation rows."""
    if ensemble != "soup":
        weights = ENSEMBLES[ensemble](evidence)
        return weights, None, pool(evidence.f, weights, classification=evidence.classification)
    networks = [member.networks for member in members]
    weights = soup(networks, said=lambda member: validation.said([member])[0], keys=evidence.keys)
    mix = mixed([networks[i] for i, weight in enumerate(weights) if weight > 0])
    return weights, mix, validation.said([mix])[0]


def _ensemble(
    single: Model, members: Sequence[Member], weights: Sequence[float], mix: list[Network] | None
) -> Model:
    """The members' networks, each with its share of the member's weight; those without any are left out."""
    if mix is not None:
        return replace(single, networks=mix)
    taken = [(m.networks, w) for m, w in zip(members, weights, strict=True) if w > 0]
    shares = [weight / len(networks) for networks, weight in taken for _ in networks]
    networks = [network for networks, _ in taken for network in networks]
    return replace(single, networks=networks, weights=tuple(shares) if len(set(shares)) > 1 else ())


def _score(evidence: Evidence, g: Tensor) -> float | None:
    found = float(evidence.of(g.unsqueeze(0), evidence.metric)[0])
    return found if found == found else None


def _calibrated(
    prepared: Prepared, model: Model, g: Tensor, evidence: Evidence, facts: dict[str, Any]
) -> tuple[Model, Tensor]:
    if prepared.recipe.after.calibration == "none":
        return model, g
    found = temperature(g, evidence.y)
    after = scaled(g, found)
    facts["calibration"] = {
        "temperature": found,
        "log_loss": [log_loss(f, evidence.y) for f in (g, after)],
        "ece": METRICS["calibration_error"].compute(torch.stack([g, after]), evidence.y).tolist(),
    }
    return replace(model, temperature=found), after


def _with_threshold(
    prepared: Prepared, model: Model, g: Tensor, evidence: Evidence, facts: dict[str, Any]
) -> Model:
    if prepared.recipe.after.threshold == "none":
        return model

    def score(candidates: Tensor) -> Tensor:
        return evidence.of(candidates, evidence.metric)

    found = threshold(g, score, maximize=METRICS[evidence.metric].maximize)
    before, after = (_score(evidence, decided(g, t)) for t in (None, found))
    facts["threshold"] = {"value": found, "before": before, "after": after}
    return replace(model, threshold=found)
