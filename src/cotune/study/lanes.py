"""From a trial to its lanes: prepared rows, structure and numbers for every fold and seed."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import torch

from cotune.data import Dataset, Fitted, Splits, chooses_rows, fit, prepared
from cotune.data.forecasts.windows import Windows
from cotune.data.prepare.series import SeriesPipeline
from cotune.data.prepare.tokens import TokenPipeline
from cotune.data.prepare.windowed import WindowPipeline
from cotune.data.tensors.rows import Tensors
from cotune.engine.bank import Variant, as_tensor
from cotune.engine.compiled import knows
from cotune.engine.lanes import Lane, Method, Structure
from cotune.engine.loss import LOSSES
from cotune.engine.pretrain_graphs import pretrained
from cotune.engine.rng import seed_of
from cotune.nets.graph.network import GraphNetwork
from cotune.nets.network import Network
from cotune.recipe import Recipe
from cotune.recipe.names import SCHEDULED
from cotune.recipe.schema import PrepareSection
from cotune.recipe.stages import Stages
from cotune.space import Space
from cotune.study.configurations import Configurations
from cotune.study.generation.contests import CONTEST_STEPS, contest_of
from cotune.study.generation.judges import Judges
from cotune.study.own.modules import OwnLane, OwnModule, inputs_of
from cotune.study.rules.rule import Given
from cotune.study.settling.networks import anchored, network_of
from cotune.study.shares import order, share
from cotune.study.starting import words
from cotune.types import LaneId, Params, Task, Value

PREPARATION = tuple(PrepareSection.model_fields)
"""Preparation settings; those without a meaning in a configuration are absent from it."""

PRETRAIN_EPOCHS = 200
"""The recipe's default, for configurations made from others that learn nothing beforehand."""

_Settings = tuple[tuple[str, Value], ...]
"""Settings of a preparation, in the order of `PREPARATION`."""

_Key = tuple[int, _Settings]
"""Fold and settings."""


class LaneFactory:
    """Makes a trial's lanes; the same trial gives the same lanes, whenever it is asked.

    Args:
        recipe: resolved.
        space: of the recipe.
        dataset, splits: the data.
        start: weights that networks begin with where they fit, by name.
        judges: of generated rows; `None` where something is predicted.
        own: the networks, where the user builds them.
    """

    def __init__(
        self,
        recipe: Recipe,
        space: Space,
        dataset: Dataset,
        splits: Splits,
        *,
        start: Mapping[str, torch.Tensor] | None = None,
        judges: Judges | None = None,
        own: OwnModule | None = None,
    ) -> None:
        self._recipe = recipe
        self._space = space
        self._dataset = dataset
        self._splits = splits
        self._start = start
        self._judges = judges
        self._own = own
        self._configurations = Configurations(space, Given.of(recipe, dataset, splits))
        self.stages = Stages.of(
            recipe, folds=len(splits.folds), rows=min(len(fold.train) for fold in splits.folds)
        )
        """In which order a trial's lanes are trained."""
        self._shares: dict[tuple[int, int], torch.Tensor] = {}
        self._rows = [(torch.from_numpy(f.train), torch.from_numpy(f.validation)) for f in splits.folds]
        self._trained: dict[_Key, torch.Tensor] = {}
        self._pipelines: dict[_Key, Fitted] = {}
        self._variants: dict[_Key, Variant] = {}
        self._starts: dict[int, Mapping[str, torch.Tensor]] = {}
        self._worlds: dict[str, Any] = {}
        self._learned: dict[tuple[Any, ...], Mapping[str, torch.Tensor]] = {}

    def with_recipe(self, recipe: Recipe) -> "LaneFactory":
        """The same with another recipe for the same space, data and split; prepared rows are shared."""
        other = LaneFactory(
            recipe,
            self._space,
            self._dataset,
            self._splits,
            start=self._start,
            judges=self._judges,
            own=self._own,
        )
        other._rows, other._trained = self._rows, self._trained
        other._pipelines, other._variants, other._worlds = self._pipelines, self._variants, self._worlds
        other._learned, other._shares = self._learned, self._shares
        return other

    @property
    def lanes_per_trial(self) -> int:
        """Folds × seeds."""
        return len(self._splits.folds) * self._recipe.search.seeds

    @property
    def validation_rows(self) -> int:
        """Rows that a trial's score is measured on, over all folds."""
        return sum(len(fold.validation) for fold in self._splits.folds)

    def lanes(self, trial: int, params: Params, *, stage: int = 0) -> list[Lane]:
        """The lanes that a trial begins with, or those of a later stage."""
        return [self.lane(LaneId(trial, index), params) for index in self.stages.lanes(stage)]

    def lanes_of_folds(self, params: Params) -> list[Lane]:
        """A lane for each fold, of no trial: to be looked at, not to be trained."""
        seeds = self._recipe.search.seeds
        return [self.lane(LaneId(-1, fold * seeds), params) for fold in range(len(self._rows))]

    def lane(self, name: LaneId, params: Params) -> Lane:
        """One lane, by its name."""
        made = self._configurations.of(params)
        config, numbers, settings = made.values, dict(made.numbers), _preparation(made.values)
        fold, level = self.stages.fold(name.index), self.stages.level(name.index)
        variant = self._variant(fold, settings)
        train, validation = self._rows_of(fold, level, settings), self._rows[fold][1]
        # Folds differ by a row or two: the shortest sets the steps, so that they share a population.
        shortest = self._shortest(level, settings) if self._recipe.split.method != "time" else len(train)
        asked = config["batch_size"]
        batch = shortest if asked == "full" else min(_int(asked), shortest)
        generates = self._judges is not None
        outputs = 1 if generates else variant.values * self._outputs(config)
        pipeline = self._fitted(fold, settings)
        seed = seed_of(self._recipe.search.seed, name.trial, name.index)
        own = self._own_lane(config, seed, variant, train, batch, outputs)
        network, width = (
            network_of(config, variant, scaled=pipeline.scaled, outputs=outputs, batch=batch)
            if own is None
            else (own.network, own.network.width)
        )
        network = anchored(network, pipeline, str(config["anchor"])) if own is None else network
        names = {name: str(config[name]) for name in ("activation", "optimizer", "loss")}
        steps, goal = shortest // batch, None
        epochs = self._recipe.training.epochs
        assert isinstance(epochs, int)
        if generates:
            steps, names["loss"] = min(steps, CONTEST_STEPS), str(config["gan_loss"])
            goal = contest_of(config, network, steps=epochs * steps)
        structure = Structure(
            network=network,
            batch_size=batch,
            steps=steps,
            weighted=variant.class_weights is not None,
            method=Method.of(numbers, loops=goal is None and variant.values == 1 and knows(network, **names)),
            goal=goal if own is None else own.goal,
            world=pipeline.world_name,
        )
        return Lane(
            id=name,
            seed=seed,
            structure=structure,
            width=width,
            **names,
            schedule=str(config["schedule"]) if names["optimizer"] in SCHEDULED else "constant",
            init=str(config["init"]),
            numbers=numbers,
            epochs=epochs,
            variant=variant,
            train=train,
            validation=validation,
            start=(
                own.start
                if own is not None
                else self._start_of(pipeline)
                or self._pretrained(config, network, variant.world, names["activation"])
            ),
        )

    def _own_lane(
        self,
        config: Mapping[str, Value],
        seed: int,
        variant: Variant,
        rows: torch.Tensor,
        batch: int,
        outputs: int,
    ) -> OwnLane | None:
        """What is the lane's own where the user builds the network."""
        if config["family"] != "module" or self._own is None:
            return None
        data = self._dataset
        parts = data.frame.shapes if isinstance(data.frame, Tensors) else ()
        return self._own.lane(
            config,
            seed=seed,
            variant=variant,
            parts=inputs_of(
                data.kind, variant.shape, variant.numeric.shape[1], variant.codes.shape[1], parts
            ),
            rows=rows,
            batch=batch,
            outputs=0 if data.task is Task.OWN else outputs,
            device=str(self._recipe.training.device),
        )

    def _outputs(self, config: Mapping[str, Value]) -> int:
        """Outputs that a configuration's loss asks of a network."""
        loss = LOSSES[str(config["loss"])]
        return loss.outputs(len(self._dataset.classes), _int(config.get("embedding_size", 0)))

    def _pretrained(
        self, config: Mapping[str, Value], network: Network, world: Any, activation: str
    ) -> Mapping[str, torch.Tensor] | None:
        """What the network has learned without labels; once for all lanes of its shape."""
        method = str(config.get("pretrain", "none"))
        if method == "none" or not isinstance(network, GraphNetwork):
            return None
        epochs = _int(config.get("pretrain_epochs", PRETRAIN_EPOCHS))
        key = (network, activation, method, epochs, id(world))
        if key not in self._learned:
            seed = seed_of(self._recipe.search.seed, "pretrain")
            self._learned[key] = pretrained(
                network, world, activation, method=method, epochs=epochs, seed=seed
            )
        return self._learned[key]

    def _start_of(self, pipeline: Fitted) -> Mapping[str, torch.Tensor] | None:
        """What networks that read by a pipeline begin with; words have other numbers in each."""
        if self._start is None or words.WORDS not in self._start:
            return self._start
        if id(pipeline) not in self._starts:  # by identity: a pipeline is kept as long as this
            self._starts[id(pipeline)] = words.placed(self._start, pipeline)
        return self._starts[id(pipeline)]

    def pipeline(self, lane: LaneId, params: Params) -> Fitted:
        """The fitted preparation that a lane's rows went through."""
        settings = _preparation(self._configurations.of(params).values)
        return self._fitted(self.stages.fold(lane.index), settings)

    def _fitted(self, fold: int, settings: _Settings) -> Fitted:
        key = (fold, settings)
        if key not in self._pipelines:
            self._pipelines[key] = fit(self._dataset, self._splits.folds[fold].train, dict(settings))
        return self._pipelines[key]

    def _training_rows(self, fold: int, settings: _Settings) -> torch.Tensor:
        """Numbers of the rows that an epoch goes through; the same tensor whenever it is asked for."""
        rows = self._rows[fold][0]
        if not chooses_rows(dict(settings)):
            return rows
        key = (fold, settings)
        if key not in self._trained:
            seed = seed_of(self._recipe.search.seed, "rows", fold)
            numbers = self._splits.folds[fold].train
            places = self._fitted(fold, settings).training_rows(self._dataset, numbers, seed=seed)
            self._trained[key] = rows if places is None else torch.from_numpy(numbers[places])
        return self._trained[key]

    def _rows_of(self, fold: int, level: int, settings: _Settings) -> torch.Tensor:
        """Those of them that a lane of a level has."""
        rows = self._training_rows(fold, settings)
        if not level:
            return rows
        key = (level, id(rows))  # by identity: they are kept as long as this
        if key not in self._shares:
            seed = seed_of(self._recipe.search.seed, "shares", fold) % 2**32
            by_time = self._recipe.split.method == "time" or isinstance(self._dataset.frame, Windows)
            ordered = order(self._dataset, self._splits.folds[fold].train, by_time=by_time, seed=seed)
            taken = share(ordered, self.stages.reduction**-level)
            self._shares[key] = rows[torch.from_numpy(np.isin(rows.numpy(), taken))]
        return self._shares[key]

    def _shortest(self, level: int, settings: _Settings) -> int:
        return min(len(self._rows_of(fold, level, settings)) for fold in range(len(self._rows)))

    def _variant(self, fold: int, settings: _Settings) -> Variant:
        key = (fold, settings)
        if key not in self._variants:
            self._variants[key] = self._prepare(self._fitted(fold, settings), fold)
        return self._variants[key]

    def _prepare(self, pipeline: Fitted, fold: int) -> Variant:
        features = prepared(pipeline, self._dataset)
        y = as_tensor(self._dataset.y)
        if isinstance(pipeline, WindowPipeline):
            assert isinstance(self._dataset.frame, Windows)
            y = as_tensor(pipeline.targets(self._dataset.frame))
        elif not self._dataset.task.is_classification:
            mean, scale = (
                torch.tensor(n, dtype=torch.float64) for n in (pipeline.target_mean, pipeline.target_scale)
            )
            y = ((y - mean) / scale).float()
        weights = pipeline.class_weights
        return Variant(
            numeric=as_tensor(features.numeric),
            codes=as_tensor(features.codes),
            target=y,
            cardinalities=pipeline.cardinalities,
            class_weights=None if weights is None else torch.tensor(weights, dtype=torch.float32),
            mean=pipeline.target_mean,
            scale=pipeline.target_scale,
            mapped=features.mapped,
            shape=_shape(self._dataset, pipeline),
            classes=len(self._dataset.classes),
            world=self._world(pipeline),
            judge=None if self._judges is None else self._judges.judge(pipeline, fold),
        )

    def _world(self, pipeline: Fitted) -> Any:
        """What rows share; one object for all preparations that say the same name."""
        name = pipeline.world_name
        if name and name not in self._worlds:
            self._worlds[name] = pipeline.world(self._dataset.frame)
        return self._worlds[name] if name else None


def _shape(dataset: Dataset, pipeline: Fitted) -> tuple[int, ...]:
    if isinstance(pipeline, WindowPipeline | SeriesPipeline | TokenPipeline):
        return pipeline.shape
    return () if dataset.examples is None else dataset.examples.shape


def _preparation(config: Mapping[str, Value]) -> _Settings:
    return tuple((key, config[key]) for key in PREPARATION if key in config)


def _int(value: Value) -> int:
    assert isinstance(value, int)
    return value
