"""The answer in one sentence, and the headline figures."""

from dataclasses import dataclass

from markupsafe import Markup

from cotune.records.view import StudyView
from cotune.report import facts, made
from cotune.report.words import (
    FAMILIES,
    MISSING,
    clean,
    count,
    duration,
    figure,
    metric,
    percent,
    shorten,
    value,
    whole,
)
from cotune.types import Status, TrialResult

ACTIVATIONS = {
    "relu": "ReLU",
    "leaky_relu": "leaky ReLU",
    "elu": "ELU",
    "selu": "SELU",
    "gelu": "GELU",
    "silu": "SiLU",
    "tanh": "tanh",
    "sigmoid": "sigmoid",
}


@dataclass(frozen=True)
class Headline:
    """One figure with its name, and a remark."""

    name: str
    shown: str
    remark: str = ""


def sentence(view: StudyView) -> Markup:
    """What the study found, in one sentence."""
    trial = facts.best(view)
    effort = f"{_tied(count(len(view.trials), 'trial'))} in {_tied(duration(facts.seconds(view)))}"
    if trial is None:
        return _nothing(view, effort)
    if facts.generates(view):
        return _generating(view, trial, effort)
    target = Markup("<code>{}</code>").format(shorten(view.meta.get("target"), 60))
    network = describe(view, trial)
    name, validation = metric(view.metric), figure(trial.score, 3)
    test = facts.result(view).get("test")
    if not test:
        lead = Markup("Trial {} leads so far at predicting {} with validation {} {}").format(
            trial.number, target, name, validation
        )
        return Markup("{}: {}, the best of {}.").format(lead, network, effort)
    result = facts.result(view)
    if made.is_ensemble(result):
        return _of_many(view, target, network, effort)
    lead = Markup("Trial {} predicts {} with test {} {} (validation\u00a0{})").format(
        trial.number, target, name, figure(test.get(view.metric), 3), validation
    )
    return Markup("{}: {}, picked from {}.").format(lead, network, effort)


def _generating(view: StudyView, trial: TrialResult, effort: str) -> Markup:
    name, validation = metric(view.metric), figure(trial.score, 3)
    result = facts.result(view)
    test = (result.get("test") or {}).get(view.metric)
    if test is None:
        return Markup(
            "Trial {} leads so far at generating rows with validation {} {}, the best of {}."
        ).format(trial.number, name, validation, effort)
    raw = (result["generation"].get("untrained") or {}).get(view.metric)
    return Markup(
        "Trial {} generates rows with test {} {} (validation\u00a0{}; untrained\u00a0{}), picked from {}."
    ).format(trial.number, name, figure(test, 3), validation, figure(raw, 3), effort)


def _of_many(view: StudyView, target: Markup, network: str, effort: str) -> Markup:
    result = facts.result(view)
    who = made.whose(result)
    test, alone = (part["test"].get(view.metric) for part in (result, result["single"]))
    lead = Markup("{} predicts {} with test {} {} (validation\u00a0{})").format(
        f"{who[0].upper()}{who[1:]}",
        target,
        metric(view.metric),
        figure(test, 3),
        figure(made.after(result)["validation"]["model"], 3),
    )
    return Markup("{}; the best alone, trial {}, reaches {}: {}, picked from {}.").format(
        lead, result["trial"], figure(alone, 3), network, effort
    )


def _nothing(view: StudyView, effort: str) -> Markup:
    if view.meta.get("finished"):
        return Markup("No trial produced a usable network: {}.").format(effort)
    if not view.trials:
        return Markup("No trial has begun yet.")
    return Markup("No trial has a score yet: {}.").format(effort)


def describe(view: StudyView, trial: TrialResult) -> str:
    """A trial's network in words: `an MLP of 2 × 128 GELU units`, `a CNN of 2 convolutions, 16 and 32 GELU filters of
    3 × 3 pixels`."""
    if facts.generates(view):
        return "a generator and its discriminator"
    if facts.setting(view, trial, "network", "family") == "cnn":
        return _describe_cnn(view, trial)
    if facts.setting(view, trial, "network", "family") == "resnet":
        return _describe_resnet(view, trial)
    named = FAMILIES.get(str(facts.setting(view, trial, "network", "family")))
    if named is not None:
        width = facts.setting(view, trial, "network", "width")
        return f"{named} of {value(width)} units" if isinstance(width, int) and width else named
    depth, width, activation = (
        facts.setting(view, trial, "network", k) for k in ("depth", "width", "activation")
    )
    if depth == 0:
        return "a linear model"
    if depth is None or width is None:
        return "an MLP"
    kind = ACTIVATIONS.get(str(activation), "linear" if activation == "identity" else clean(activation or ""))
    residual = facts.setting(view, trial, "network", "residual") is True
    article = "a residual MLP" if residual else "an MLP"
    return f"{article} of {_tied(f'{value(depth)} × {value(width)}')} {kind} units".replace("  ", " ")


def _describe_cnn(view: StudyView, trial: TrialResult) -> str:
    stages, first, side, activation = (
        facts.setting(view, trial, "network", k) for k in ("convolutions", "filters", "kernel", "activation")
    )
    if not isinstance(stages, int) or not isinstance(first, int) or not isinstance(side, int):
        return "a CNN"
    kind = ACTIVATIONS.get(str(activation), "linear" if activation == "identity" else clean(activation or ""))
    filters = [str(first << stage) for stage in range(stages)]
    listed = " and ".join([", ".join(filters[:-1]), filters[-1]] if stages > 1 else filters)
    size = _tied(f"{side} × {side}")
    return (
        f"a CNN of {_tied(count(stages, 'convolution'))}, {listed} {kind} filters of {size} pixels".replace(
            "  ", " "
        )
    )


def _describe_resnet(view: StudyView, trial: TrialResult) -> str:
    stages, blocks, first, kind = (
        facts.setting(view, trial, "network", k) for k in ("stages", "blocks", "filters", "block")
    )
    if not isinstance(stages, int) or not isinstance(blocks, int) or not isinstance(first, int):
        return "a residual network"
    depth = _tied(count(stages * blocks, f"{clean(kind or '')} block"))
    widths = str(first) if stages == 1 else f"{first} to {first << (stages - 1)}"
    return f"a residual network of {depth}, {widths} maps"


def _tied(words: str) -> str:
    """`words` that no line break may part."""
    return words.replace(" ", "\u00a0")


def notice(view: StudyView) -> str:
    """What a reader must know first when the study is not over; empty when it is."""
    if facts.result(view):
        return ""
    if view.meta.get("finished"):
        return "The study has ended without a model."
    still = facts.running(view)
    where = f", with {count(still, 'trial')} in training" if still else ""
    return (
        f"The study has not ended: it is still running, or was interrupted{where}."
        " The test rows have not been used yet."
    )


def headlines(view: StudyView) -> list[Headline]:
    """The figures that sum the study up."""
    trial, result = facts.best(view), facts.result(view)
    name, summary = metric(view.metric), view.summary()
    direction = "more is better" if view.maximize else "less is better"
    test = (result.get("test") or {}).get(view.metric)
    alone = (result.get("single") or {}).get("test", {}).get(view.metric)
    beside = f"; the best trial alone: {figure(alone)}" if made.is_ensemble(result) else ""
    return [
        Headline(
            f"Test {name}", figure(test), direction + beside if test is not None else "not measured yet"
        ),
        Headline(
            f"Validation {name}",
            figure(trial.score if trial else None),
            f"of trial {trial.number}" if trial else "no score yet",
        ),
        Headline("Trials", whole(len(view.trials)), _by_status(view)),
        Headline("Capacity used", percent(summary["capacity_used"]), "lane-steps trained ÷ available"),
        Headline("Lane-steps", whole(summary["lane_steps"]), f"in {duration(summary['seconds'])}"),
        Headline("Weights", whole(result.get("parameters")), _lanes(result.get("lanes"))),
    ]


def _lanes(lanes: object) -> str:
    if not isinstance(lanes, int):
        return "of the best network"
    return "in one network" if lanes == 1 else f"in {lanes} networks"


def _by_status(view: StudyView) -> str:
    counts = [(sum(t.status is s for t in view.trials), s.value) for s in Status]
    return " · ".join(f"{n:,} {word}" for n, word in counts if n) or MISSING
