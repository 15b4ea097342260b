"""The catalogue is complete, and what its rows say is so."""

import json
import math
from collections.abc import Collection
from typing import get_args

import pytest
import yaml

import cotune
from cotune.catalogue import TECHNIQUES, Technique
from cotune.catalogue.derive import DATA, FAMILIES, OF_COLUMNS, READS
from cotune.catalogue.parameters import parameter
from cotune.catalogue.table import KINDS
from cotune.engine.augment.table import AUGMENTATIONS, MIXINGS
from cotune.engine.lanes import NUMBERS
from cotune.engine.loss import LOSSES
from cotune.engine.metrics import METRICS
from cotune.engine.optim import OPTIMIZERS
from cotune.engine.schedules import SCHEDULES
from cotune.nets.activations import ACTIVATIONS
from cotune.nets.dropout import KINDS as DROPOUTS
from cotune.nets.initialisers import INITIALISERS
from cotune.recipe import make
from cotune.recipe.schema import AfterSection, SplitSection, domains, leaves
from cotune.study.settling.suited import OF_SINGLE_TIMES
from cotune.types import Task
from study.tiny import command

ALL = pytest.mark.parametrize("technique", TECHNIQUES.values(), ids=TECHNIQUES)

TEXTBOOK = {
    "preparation": "standard minmax robust quantile outlier_removal outlier_clipping impute_mean impute_median "
    "select_variance select_mutual_information select_l1 select_importance class_weights oversampling undersampling "
    "focal_loss noise_injection piecewise_linear periodic",
    "augmentation": "jitter amplitude time_warp window "
    "flip rotate translate zoom shear crop brightness contrast erase mixup cutmix feature_mask",
    "architecture": "residual bottleneck depthwise_separable global_average_pooling squeeze_and_excitation "
    "mixture_of_experts early_exit deep_supervision",
    "activation": "identity sigmoid tanh relu leaky_relu prelu elu selu gelu silu mish softplus hardsigmoid hardswish "
    "hardtanh",
    "loss": "mse mae huber log_cosh quantile poisson gaussian cross_entropy binary_cross_entropy focal label_smoothing "
    "hinge contrastive triplet supervised_contrastive",
    "initialisation": "normal uniform zeros glorot glorot_uniform he he_uniform lecun orthogonal truncated_normal lsuv "
    "pretrained frozen_layers gradual_unfreezing layer_lr",
    "normalisation": "batch layer group instance rms weight spectral",
    "regularisation": "l1 l2 elastic_net weight_decay "
    "dropout spatial_dropout alpha_dropout drop_connect stochastic_depth "
    "max_norm gradient_noise label_noise early_stopping ema swa",
    "optimizer": "batch_gradient_descent mini_batch_gradient_descent stochastic_gradient_descent momentum nesterov "
    "adagrad adadelta rmsprop adam adamw adamax nadam radam amsgrad lion muon schedule_free clip_norm clip_value "
    "accumulation sam lookahead",
    "schedule": "constant step multistep exponential inverse_time polynomial linear cosine cosine_restarts one_cycle "
    "cyclic warmup inverse_sqrt wsd reduce_on_plateau lr_range_test",
    "batch": "fixed full growing structural",
    "validation": "hold_out k_fold stratified leave_one_out repeated group time",
    "metric": "accuracy roc_auc log_loss r2 rmse",
    "after": "temperature threshold average weighted greedy stacking snapshot soup",
}
"""What a textbook names."""

REGISTRIES: dict[str, Collection[str]] = {
    **{
        key: domain.options
        for key, (_, domain) in domains().items()
        if domain.kind == "name" and key != "family"
    },
    "activation": ACTIVATIONS,
    "loss": LOSSES,
    "init": INITIALISERS,
    "optimizer": OPTIMIZERS,
    "schedule": SCHEDULES,
    "metric": [name for name, metric in METRICS.items() if not metric.own],
    "dropout_kind": DROPOUTS,
    "method": get_args(SplitSection.model_fields["method"].annotation),
    "ensemble": get_args(AfterSection.model_fields["ensemble"].annotation),
    "calibration": get_args(AfterSection.model_fields["calibration"].annotation),
    "threshold": get_args(AfterSection.model_fields["threshold"].annotation),
}
"""Recipe key → its names: those that have code of their own, and whatever else can be chosen."""

NOTHING = {"none", "plain", "auto"}


@pytest.mark.parametrize("kind", TEXTBOOK)
def test_the_textbook_is_covered(kind: str) -> None:
    assert set(TEXTBOOK[kind].split()) <= {technique.name for technique in KINDS[kind]}


@pytest.mark.parametrize("key", REGISTRIES)
def test_every_member_of_a_registry_is_a_technique(key: str) -> None:
    named = {technique.on[key] for technique in TECHNIQUES.values() if key in technique.on}
    assert set(REGISTRIES[key]) - NOTHING <= named


def test_every_number_of_a_lane_belongs_to_a_technique() -> None:
    """What the engine can do by a number can be found."""
    named = {key for technique in TECHNIQUES.values() for key in (*technique.on, *technique.parameters)}
    foreign = {
        name for name, found in {**AUGMENTATIONS, **MIXINGS}.items() if not set(found.kinds) & set(DATA)
    }
    assert set(NUMBERS) - named - foreign == set()


def test_a_family_is_named_only_where_it_takes_the_settings() -> None:
    """What means nothing to a gated recurrent unit is no technique of it."""
    assert not any({"activation", "norm"} & set(t.on) and "gru" in t.families for t in TECHNIQUES.values())
    assert all("tcn" in TECHNIQUES[name].families for name in ("activation/relu", "normalisation/batch"))
    assert "transformer" not in TECHNIQUES["normalisation/batch"].families
    assert set(OF_COLUMNS) == set(OF_SINGLE_TIMES)
    assert all(
        "gru" in TECHNIQUES[f"preparation/{name}"].families for name in ("select_l1", "missing_indicators")
    )
    assert set(READS) == set(FAMILIES)


def test_names_are_unique_and_filed_by_kind() -> None:
    assert len(TECHNIQUES) == sum(map(len, KINDS.values()))
    assert all(technique.kind == kind for kind, some in KINDS.items() for technique in some)


@ALL
def test_a_row_is_whole(technique: Technique) -> None:
    assert technique.families
    assert technique.data
    assert technique.tasks
    assert technique.reference
    assert technique.summary
    assert technique.on or technique.command or technique.asks
    assert set(technique.off) <= {*technique.on, *technique.asks}
    assert bool(technique.off) != bool(technique.command)
    assert set(technique.data) <= {kind for family in technique.families for kind in READS[family]}


@ALL
def test_what_turns_it_on_and_off_is_legal(technique: Technique) -> None:
    assert set(technique.asks) <= set(leaves())
    for settings in (technique.on, {**technique.on, **technique.off}):
        built = make(**settings)
        for key, value in settings.items():
            assert getattr(getattr(built, leaves()[key][0]), key) == value
    assert all(parameter(key) for key in technique.asks)


@ALL
def test_it_is_in_use_where_it_is_turned_on_and_not_where_it_is_off(technique: Technique) -> None:
    on = {**technique.on, **dict.fromkeys(technique.asks, "named")}
    assert technique.active(on) != bool(technique.command)
    assert not technique.active({**on, **technique.off})
    assert not technique.active(technique.off)


def test_a_strength_of_another_size_is_in_use_too() -> None:
    assert TECHNIQUES["regularisation/l1"].active({"l1": 1e-7})
    assert not TECHNIQUES["regularisation/elastic_net"].active({"l1": 1e-7, "l2": 0.0})
    assert not TECHNIQUES["optimizer/stochastic_gradient_descent"].active(
        {"optimizer": "sgd", "momentum": 0.0, "batch_size": 32}
    )
    assert not TECHNIQUES["optimizer/mini_batch_gradient_descent"].active(
        {"optimizer": "sgd", "momentum": 0.9}
    )


@ALL
def test_parameters_are_those_of_the_recipe(technique: Technique) -> None:
    for found in map(parameter, technique.parameters):
        domain = domains().get(found.name, (None, None))[1]
        assert found.fusable == (domain is not None and domain.fusable)
        if found.scale == "choice":
            assert len(found.range) > 1
        elif len(found.range) == 2 and domain is not None:
            low, high = found.range
            assert (-math.inf if low is None else low) < (math.inf if high is None else high)
            assert low is None or domain.check(low) == low


def test_the_recipes_conditions_are_in_the_rows() -> None:
    assert set(TECHNIQUES["optimizer/adam"].parameters) == {"lr", "weight_decay", "beta1", "beta2"}
    assert "momentum" in TECHNIQUES["optimizer/nesterov"].parameters
    assert "momentum" in TECHNIQUES["optimizer/momentum"].parameters
    assert "momentum" not in TECHNIQUES["optimizer/mini_batch_gradient_descent"].parameters
    assert TECHNIQUES["loss/quantile"].parameters == ("quantile",)
    assert TECHNIQUES["loss/mse"].tasks == (Task.REGRESSION,)
    lr = parameter("lr")
    assert (lr.range, lr.scale, lr.fusable) == ((3e-4, 3e-2), "log", True)
    assert parameter("width").fusable is False


def test_the_command_prints_the_same_rows() -> None:
    said = command("techniques", "--kind", "optimizer", "--json")
    assert said.code == 0
    rows = json.loads(said.out)
    assert (
        rows
        == cotune.techniques("optimizer")
        == [row for row in cotune.techniques() if row["kind"] == "optimizer"]
    )
    lion = next(row for row in rows if row["name"] == "lion")
    assert lion["on"] == {"optimizer": "lion"}
    assert {"name": "beta1", "range": [0, 1], "scale": "linear", "fusable": True} in lion["parameters"]


def test_the_table_names_every_technique() -> None:
    said = command("techniques", "--kind", "schedule")
    assert said.code == 0
    for technique in KINDS["schedule"]:
        assert technique.name in said.out


def test_an_unknown_kind_is_an_error_with_a_remedy() -> None:
    said = command("techniques", "--kind", "optimiser")
    assert said.code == 2
    assert "did you mean 'optimizer'?" in said.err


@ALL
def test_what_is_typed_is_what_turns_it_on(technique: Technique) -> None:
    if technique.command:
        assert technique.typed.startswith("cotune ")
        return
    words = [word for word in technique.typed.split() if not word.endswith(("=COLUMN", "=STUDY"))]
    assert {
        key: yaml.safe_load(text) for key, _, text in (word.partition("=") for word in words)
    } == technique.on
