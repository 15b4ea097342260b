"""Combinations of settings that make no sense: one row each, with what is done about it.

A rule is broken by a configuration, not by a key. Where every configuration of a space breaks it, the recipe is refused
or mended before training; where only some do, each of those is mended by itself, so that a search goes on. To add
a rule: a row here, and a row in the tests.
"""

from collections.abc import Mapping

from cotune.recipe.names import EMBEDDING_LOSSES, GRAPH_NORMS, RISING_SCHEDULES
from cotune.study.rules.conditions import (
    FEW_ROWS,
    SCORES,
    SMOOTHED,
    SURE,
    all_hold,
    augments_other,
    batch_of,
    has_exits,
    hidden_layers,
    is_one_of,
    is_residual,
    layers_in,
    less_patient,
    needs_probabilities,
    number_of,
    of_perceptrons,
    on_graphs,
    turns_on,
)
from cotune.study.rules.rule import Rule
from cotune.types import Task

RULES: tuple[Rule, ...] = (
    Rule(
        "selu with plain dropout",
        ("activation", "dropout", "dropout_kind"),
        all_hold(
            is_one_of("activation", "selu"),
            is_one_of("dropout_kind", "unit"),
            lambda c, _: turns_on(c, "dropout") and not on_graphs(c),
        ),
        {"dropout_kind": "alpha"},
        "selu keeps mean 0 and variance 1 from layer to layer, and only alpha dropout leaves them so",
    ),
    Rule(
        "alpha dropout without selu",
        ("activation", "dropout_kind"),
        lambda c, _: c.get("dropout_kind") == "alpha" and c.get("activation") != "selu",
        {"dropout_kind": "unit"},
        "alpha dropout sets units to where selu saturates, which is nowhere in particular for other activations",
        refused=True,
    ),
    Rule(
        "spatial dropout without convolutions",
        ("dropout_kind", "family"),
        all_hold(of_perceptrons, is_one_of("dropout_kind", "spatial")),
        {"dropout_kind": "unit"},
        "spatial dropout leaves out feature maps, and only a convolutional network has them",
        refused=True,
    ),
    Rule(
        "dropout of layers without residual",
        ("dropout_kind", "residual", "family"),
        lambda c, _: c.get("dropout_kind") == "depth" and not is_residual(c),
        {"dropout_kind": "unit"},
        "a layer can be left out only where a residual connection leads around it",
        refused=True,
    ),
    Rule(
        "dropout of layers in a shallow network",
        ("dropout_kind", "depth", "family"),
        all_hold(
            of_perceptrons,
            lambda c, _: c.get("dropout_kind") == "depth" and is_residual(c) and hidden_layers(c) < 2,
        ),
        {"dropout_kind": "unit"},
        "residual connections begin at the second hidden layer, so there is no layer to leave out",
    ),
    Rule(
        "early exits without classes",
        ("exit_at", "loss", "family"),
        lambda c, _: has_exits(c) and c.get("loss") not in SURE,
        {"exit_at": 0.0},
        f"an image leaves where a class is probable enough, and only {' and '.join(SURE)} say how probable one is",
        refused=True,
    ),
    Rule(
        "early exits that nobody trains",
        ("exit_at", "supervision", "family"),
        lambda c, _: has_exits(c) and not turns_on(c, "supervision"),
        {"supervision": 0.3},
        "heads on the way learn by the weight that `supervision` gives their loss",
    ),
    Rule(
        "dropout without hidden layers",
        ("dropout", "depth"),
        lambda c, _: hidden_layers(c) == 0 and turns_on(c, "dropout"),
        {"dropout": 0.0},
        "dropout leaves out hidden units, and there are none",
    ),
    Rule(
        "instance norm without convolutions",
        ("norm", "family"),
        all_hold(of_perceptrons, is_one_of("norm", "instance")),
        {"norm": "layer"},
        "instance norm takes means over the places of feature maps, and only a convolutional network has them",
        refused=True,
    ),
    Rule(
        "batch norm of one row",
        ("norm", "batch_size", "family"),
        lambda c, given: c.get("norm") == "batch" and of_perceptrons(c) and batch_of(c, given) == 1,
        {"norm": "layer"},
        "a batch of one row has no variance",
        refused=True,
    ),
    Rule(
        "batch norm of accumulated tiny batches",
        ("norm", "batch_size", "accumulate", "batch_growth", "family"),
        lambda c, given: (
            c.get("norm") == "batch"
            and of_perceptrons(c)
            and 1 < batch_of(c, given) < FEW_ROWS
            and max(number_of(c, "accumulate", 1.0), number_of(c, "batch_growth", 1.0)) > 1
        ),
        {"norm": "layer"},
        f"each batch of fewer than {FEW_ROWS} rows is normalised by itself, however many are accumulated",
    ),
    Rule(
        "batch norm with averaged weights",
        ("norm", "averaging"),
        all_hold(is_one_of("norm", "batch"), is_one_of("averaging", "swa")),
        {"norm": "layer"},
        "running means and variances are those of the last weights, not of their mean",
        refused=True,
    ),
    Rule(
        "batch norm with schedule_free",
        ("norm", "optimizer"),
        all_hold(is_one_of("norm", "batch"), is_one_of("optimizer", "schedule_free")),
        {"norm": "layer"},
        "running means and variances are those of the weights that train, not of the mean that is judged",
        refused=True,
    ),
    Rule(
        "max norm of normalised weights",
        ("norm", "max_norm"),
        all_hold(is_one_of("norm", "weight", "spectral"), lambda c, _: turns_on(c, "max_norm")),
        {"max_norm": 0.0},
        "weights are divided by their length in each step, so a bound on it changes nothing",
    ),
    Rule(
        "scores where probabilities are needed",
        ("loss", "metrics"),
        all_hold(is_one_of("loss", *SCORES), needs_probabilities),
        {"loss": "cross_entropy"},
        "a metric of the study needs probabilities, and this loss has none to give",
        refused=True,
    ),
    Rule(
        "label smoothing of a loss without it",
        ("loss", "label_smoothing"),
        lambda c, _: c.get("loss") not in SMOOTHED and turns_on(c, "label_smoothing"),
        {"label_smoothing": 0.0},
        f"targets are smoothed by {' and '.join(map(str, SMOOTHED))} alone",
    ),
    Rule(
        "class weights of pairs",
        ("loss", "balance"),
        all_hold(is_one_of("loss", *EMBEDDING_LOSSES), is_one_of("balance", "weights")),
        {"balance": "oversample"},
        "these losses judge pairs of rows, which have no class to be weighted by; rare rows can be repeated",
    ),
    Rule(
        "balanced classes of a regression",
        ("balance", "task"),
        lambda c, given: given.task == Task.REGRESSION.value and c.get("balance", "none") != "none",
        {"balance": "none"},
        "a regression has no classes",
    ),
    Rule(
        "mixed examples in pairs",
        ("loss", "mixup", "cutmix"),
        lambda c, _: c.get("loss") in EMBEDDING_LOSSES and turns_on(c, "mixup", "cutmix"),
        {"mixup": 0.0, "cutmix": 0.0},
        "two rows are of one class or not, and a mixed row is of two",
    ),
    Rule(
        "mixup of embedded categories",
        ("mixup", "categories"),
        lambda c, given: given.categories and c.get("categories") == "embedding" and turns_on(c, "mixup"),
        {"mixup": 0.0},
        "only numbers can be mixed: a row would keep its own categories with half of another's target",
    ),
    augments_other("images", "image"),
    augments_other("texts", "text"),
    augments_other("series", "series"),
    augments_other("graphs", "graph"),
    augments_other("tables and graphs", "table", "graph"),
    augments_other("rows by themselves", "image", "series", "table"),
    Rule(
        "noise on rows without numbers",
        ("input_noise", "kind"),
        lambda c, given: given.kind == "graph" and turns_on(c, "input_noise"),
        {"input_noise": 0.0},
        "features belong to the nodes of a graph, and rows have none",
        refused=True,
    ),
    Rule(
        "dropout of a kind that networks over graphs have not",
        ("dropout_kind", "family"),
        lambda c, _: on_graphs(c) and c.get("dropout_kind", "unit") != "unit",
        {"dropout_kind": "unit"},
        "networks over graphs leave out units, features, edges and attention",
        refused=True,
    ),
    Rule(
        "norm of a kind that networks over graphs have not",
        ("norm", "family"),
        lambda c, _: on_graphs(c) and c.get("norm", "none") not in GRAPH_NORMS,
        {"norm": "layer"},
        "networks over graphs normalise the units of nodes",
        refused=True,
    ),
    Rule(
        "weights of networks over graphs by the outputs of their first batch",
        ("init", "family"),
        lambda c, _: on_graphs(c) and c.get("init") == "lsuv",
        {"init": "orthogonal"},
        "a convolution's output comes from several matrices, or from neighbours whose count differs",
        refused=True,
    ),
    Rule(
        "batch norm of drawn neighbours",
        ("norm", "neighbours", "family"),
        lambda c, _: on_graphs(c) and c.get("norm") == "batch" and turns_on(c, "neighbours"),
        {"norm": "layer"},
        "neighbours that are drawn come in levels, whose means and variances differ",
        refused=True,
    ),
    Rule(
        "learning without labels, of other networks than those over graphs",
        ("pretrain", "family"),
        lambda c, _: c.get("pretrain", "none") != "none" and not on_graphs(c),
        {"pretrain": "none"},
        "only networks over graphs learn from rows without labels",
        refused=True,
    ),
    Rule(
        "learning without labels, and no hidden convolution",
        ("pretrain", "depth", "family"),
        lambda c, _: (
            c.get("pretrain", "none") != "none"
            and c.get("family") != "gin"
            and on_graphs(c)
            and hidden_layers(c) < 1
        ),
        {"pretrain": "none"},
        "only hidden convolutions learn without labels",
    ),
    Rule(
        "a network over graphs without convolutions",
        ("depth", "family"),
        lambda c, _: on_graphs(c) and number_of(c, "depth", 2.0) < 1,
        {"depth": 1},
        "without a convolution nothing passes along edges",
    ),
    Rule(
        "hidden layers that begin with zeros",
        ("init", "depth", "convolutions", "family"),
        lambda c, _: c.get("init") == "zeros" and hidden_layers(c) > 0,
        {"init": "he"},
        "units that begin alike get the same gradient and stay alike; only a linear model can begin with zeros",
        refused=True,
    ),
    Rule(
        "schedule_free with a schedule",
        ("optimizer", "schedule"),
        lambda c, _: c.get("optimizer") == "schedule_free" and c.get("schedule", "constant") != "constant",
        {"schedule": "constant"},
        "its mean of the weights takes the place of a falling rate",
    ),
    Rule(
        "schedule_free with lookahead",
        ("optimizer", "lookahead"),
        lambda c, _: c.get("optimizer") == "schedule_free" and turns_on(c, "lookahead"),
        {"lookahead": 0},
        "its gradients are taken between two series of weights, and slow weights would hold back only one",
    ),
    Rule(
        "schedule_free with averaging",
        ("optimizer", "averaging"),
        lambda c, _: c.get("optimizer") == "schedule_free" and c.get("averaging", "none") != "none",
        {"averaging": "none"},
        "the weights it is judged by are a mean already",
    ),
    Rule(
        "two rises of the rate",
        ("schedule", "warmup"),
        lambda c, _: c.get("schedule") in RISING_SCHEDULES and turns_on(c, "warmup"),
        {"warmup": 0.0},
        "this schedule begins low by itself",
    ),
    Rule(
        "a plateau longer than the patience",
        ("schedule", "plateau_patience", "patience"),
        lambda c, given: (
            c.get("schedule") == "reduce_on_plateau"
            and 0 < given.patience <= number_of(c, "plateau_patience", 1.0)
        ),
        less_patient,
        "the trial ends before its rate has fallen once",
        becomes="`plateau_patience` becomes half of `patience`",
    ),
    Rule(
        "no layer left to learn",
        ("freeze", "depth", "convolutions", "categories", "numbers", "family"),
        lambda c, given: number_of(c, "freeze") >= layers_in(c, given),
        lambda c, given: {"freeze": layers_in(c, given) - 1},
        "the head at least must learn",
        refused=True,
        becomes="`freeze` becomes one less than the layers",
    ),
    Rule(
        "unfreeze without freeze",
        ("freeze", "unfreeze"),
        lambda c, _: turns_on(c, "unfreeze") and not turns_on(c, "freeze"),
        {"unfreeze": 0},
        "no layer is frozen",
    ),
    Rule(
        "steps of several batches where there is one",
        ("batch_size", "rows", "accumulate", "batch_growth"),
        lambda c, given: (
            batch_of(c, given) >= given.rows
            and max(number_of(c, "accumulate", 1.0), number_of(c, "batch_growth", 1.0)) > 1
        ),
        {"accumulate": 1, "batch_growth": 1.0},
        "a batch of all training rows is the largest there is",
    ),
)

IMPOSSIBLE: Mapping[str, str] = {
    "ema with swa": "`averaging` is one key with one value.",
    "class weights with oversampling": "`balance` is one key: counting rare classes twice cannot be asked for.",
    "softmax before cross-entropy": "`activation` is of hidden layers and has no softmax. Heads are linear, and each "
    "loss applies its own link (softmax, sigmoids, exponential), in training and in `predict` alike.",
    "a batch larger than the rows": "a batch has at most as many rows as the smallest fold trains on.",
    "nothing for weight decay to act on": "every network has a head, and its matrix decays.",
    "a loss, or a metric, of another task": "refused, with those that fit.",
    "poisson with a target below 0": "refused, with the value.",
    "numbers of other choices": "a key that hangs on another (`momentum` on `optimizer`) is part of the search only "
    "where it has a meaning; see [recipe](recipe.md).",
}
"""Combinations that cannot come about, or are settled elsewhere; and how."""

FINE: Mapping[str, str] = {
    "`sam_rho` with `accumulate`": "each batch's gradient is taken uphill of it.",
    "focal loss with class weights": "the weights are the paper's α.",
    "`label_smoothing` with `mixup` or `label_noise`": "each target is smoothed by itself.",
    "`ema` with batch norm": "the average follows the weights closely.",
    "`layer_lr`, or `freeze`, without `pretrained`": "lower layers that learn slowly, or stay random features.",
}
"""Combinations that look odd and are not."""
