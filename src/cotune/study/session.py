"""One sitting of a study: from a request, or a directory, to a tested model on disk."""

import shutil
import tempfile
import time
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

from cotune.data import Dataset, Images, Room, load, split
from cotune.data.forms import FORMS
from cotune.data.images.sources import with_whole_paths
from cotune.data.tables.sources import open_source
from cotune.data.tables.stored import StoredFrame
from cotune.engine.loop import Engine
from cotune.engine.metrics import METRICS
from cotune.errors import DataError, SourceError, StudyCorrupt, StudyError
from cotune.files import replacing, write_text
from cotune.recipe import Recipe, as_yaml, make, read
from cotune.records import Store, StudyView, read_view, write_leaderboard
from cotune.records.ablation import read_ablation
from cotune.report import write as write_report
from cotune.search import check_rungs, make_sampler
from cotune.space import Space, from_recipe
from cotune.space.feasible import must_have_some
from cotune.study.budget import Speed
from cotune.study.confirming import check
from cotune.study.directory import Directory
from cotune.study.ended import no_network
from cotune.study.ending.after import alone, make_model
from cotune.study.ending.winner import tested
from cotune.study.facts import announcement, column_lines, facts_of
from cotune.study.generation.ending import finish_generation, generator_of
from cotune.study.generation.judges import Judges
from cotune.study.lanes import LaneFactory
from cotune.study.loop import Study
from cotune.study.own.modules import OwnModule
from cotune.study.own.words import words_of_module
from cotune.study.prepared import Prepared, compute_for, fit_to_machine, with_speed
from cotune.study.rules.mending import settled
from cotune.study.rules.rule import Given
from cotune.study.settling.bayesian import with_model
from cotune.study.settling.forecasts import options_of
from cotune.study.settling.resolve import division, preset, resolve
from cotune.study.several.saving import save_front
from cotune.study.several.settling import objectives_of, with_objectives
from cotune.study.several.wiring import check_limits
from cotune.study.starting.weights import keep_start, kept_start, start_of, with_whole_path, words_of_start
from cotune.study.warm import taken_from, with_earlier, words_of_warm
from cotune.study.widening import Changes, widened
from cotune.types import Progress, Task

NONE = Changes((), {})


@dataclass(frozen=True)
class Sitting:
    """Who watches a sitting: called with progress, called with lines, asked whether to stop; and when it began.

    `began` is on `time.monotonic()`'s clock: time limits count from there.
    """

    show: Callable[[Progress], None]
    say: Callable[[str], None]
    interrupted: Callable[[], bool]
    began: float = field(default_factory=time.monotonic)


def begin(
    source: Any,
    recipe: Recipe,
    directory: Directory,
    sitting: Sitting,
    *,
    version: str,
    own: OwnModule | None = None,
) -> None:
    """Start a new study and train it to its end.

    Args:
        source: what `cotune.data.load` takes.
        recipe: as the user asked.
        directory: must not hold a study.
        own: the networks, where the user builds them.
    """
    with ExitStack() as held:
        claim = _Claim(directory, held)
        try:
            _begin(source, recipe, directory, sitting, version, claim, own)
        except BaseException:
            if claim.done and not directory.store.exists():  # no study will come back for these
                shutil.rmtree(directory.rows, ignore_errors=True)
            raise


class _Claim:
    """Makes a study's directory and locks it, once: when rows go to files there, or when all is settled."""

    def __init__(self, directory: Directory, held: ExitStack) -> None:
        self._directory, self._held, self.done = directory, held, False

    def __call__(self) -> None:
        if not self.done:
            self._directory.create()
            self._held.enter_context(self._directory.locked())
            self._held.enter_context(self._directory.writing())
            self.done = True


def _begin(
    source: Any,
    recipe: Recipe,
    directory: Directory,
    sitting: Sitting,
    version: str,
    claim: _Claim,
    own: OwnModule | None,
) -> None:
    sitting.say(f"reading {source if isinstance(source, str | Path) else 'the data'}")
    dataset = _load(source, recipe, Room(recipe.data.memory, directory.rows, claim))
    if not isinstance(source, str | Path):
        dataset = replace(dataset, name=directory.path.name)
    divided = division(recipe, dataset)
    splits = split(dataset, divided, seed=recipe.search.seed)
    for note in (*column_lines(dataset), *dataset.notes, *splits.notes):
        sitting.say(note)
    examples = dataset.examples
    if isinstance(dataset.frame, StoredFrame) if examples is None else examples.in_file:
        sitting.say(f"the rows take more memory than data.memory allows: they lie in {directory.rows}")
    chosen = preset(recipe, dataset, splits).model_copy(update={"split": divided})
    resolved = resolve(chosen, dataset, splits)
    resolved, said = with_objectives(resolved, chosen, dataset, splits)
    resolved, notes = settled(resolved, Given.of(resolved, dataset, splits))
    notes += said
    space = from_recipe(resolved)
    warm = taken_from(resolved, space, task=dataset.task.value, fingerprint=dataset.fingerprint)
    space = with_earlier(space, warm)
    _check_strategy(resolved, space)
    start = start_of(resolved, dataset)
    judges = Judges.of(dataset, splits, seed=resolved.search.seed, path=directory.judge)
    factory = LaneFactory(resolved, space, dataset, splits, start=start, judges=judges, own=own)
    check(resolved, factory.stages)
    if resolved.network.family == "module":
        notes += (words_of_module(factory, space),)
    named = resolved.network.pretrained or resolved.network.embeddings
    if start is not None:
        notes += (words_of_start(start, factory, space, named),)
    measured = check_limits(resolved, space, factory)
    notes += words_of_warm(warm, space)
    for note in notes:
        sitting.say(note)
    claim()
    speed, resolved = fit_to_machine(recipe, resolved, space, factory)
    resolved, why = with_model(resolved, space, lanes_per_trial=factory.lanes_per_trial)
    if why is not None:
        sitting.say(why)
        notes += (why,)
    factory = factory.with_recipe(resolved)
    target = recipe.data.target if dataset.targets else dataset.target or None
    kept = {"source": _keep(source, dataset, directory), "target": target}
    recipe = recipe.model_copy(update={"data": recipe.data.model_copy(update=kept)})
    resolved = resolved.model_copy(update={"data": recipe.data})
    if start is not None:
        keep_start(start, directory.start)
        recipe, resolved, chosen = (with_whole_path(each) for each in (recipe, resolved, chosen))
    prepared = Prepared(resolved, space, dataset, splits, factory, speed)
    write_text(directory.recipe, as_yaml(chosen.model_copy(update={"data": recipe.data})))
    facts = {**facts_of(prepared, recipe, notes, version=version), "warm": warm}
    with Store.create(directory.store, facts) as store:
        sitting.say(announcement(prepared, directory.path))
        store.keep_costs("shape", measured)
        _train(prepared, store, directory, sitting)


def chosen_by_preset(source: Any, recipe: Recipe) -> Recipe:
    """The recipe with its preset applied to the data at `source`, which is read for it; nothing is kept."""
    with tempfile.TemporaryDirectory() as folder:  # for rows that do not fit into memory
        dataset = _load(source, recipe, Room(recipe.data.memory, Path(folder)))
        return preset(recipe, dataset, split(dataset, division(recipe, dataset), seed=recipe.search.seed))


def resume(
    directory: Directory,
    sitting: Sitting,
    *,
    data: str | Path | None = None,
    own: OwnModule | None = None,
    changes: Changes = NONE,
) -> None:
    """Go on with a study; one that has ended is left as it is, unless there are changes.

    Args:
        data: where its data is now, if it was moved.
        own: the networks, where the user builds them.
        changes: what of its space becomes wider, and which limits higher.

    Raises:
        StudyNotFound, StudyCorrupt: there is none, or its store is damaged.
        RecipeError: the changes are more than a wider space and higher limits.
        DataError: the data is not what it was.
    """
    directory.must_hold_a_study()
    with directory.locked(), directory.writing(), Store.open(directory.store) as store:
        meta = store.meta()
        if changes:
            wider = widened(store, changes)
            prepared = prepare_again({**meta, **wider.meta}, directory, data, own=own)
            settled(prepared.recipe, Given.of(prepared.recipe, prepared.dataset, prepared.splits))
            prepared = with_speed(prepared)
            store.change({**wider.meta, "speed": asdict(prepared.speed)}, wider.params)
            if directory.recipe.exists():
                write_text(directory.recipe, as_yaml(changes.to(read(directory.recipe))))
            sitting.say(f"from here on {wider.words}" if wider.words else "nothing was to be changed")
        elif meta.get("finished"):
            shutil.rmtree(directory.rows, ignore_errors=True)
            sitting.say(f"{directory.path} is finished ({meta['finished']}); nothing to resume")
            return
        else:
            prepared = prepare_again(meta, directory, data, own=own)
        sitting.say(f"resuming {directory.path} after {store.elapsed():.0f} s of training")
        _train(prepared, store, directory, sitting)


def _load(source: Any, recipe: Recipe, room: Room) -> Dataset:
    data, division = recipe.data, recipe.split
    return load(
        source,
        target=data.target,
        task=data.task,
        columns=data.columns,
        group=division.group,
        time=division.time,
        room=room,
        options=options_of(recipe),
    )


def prepare_again(
    meta: dict[str, Any],
    directory: Directory,
    moved: str | Path | None,
    *,
    verb: str = "resume",
    own: OwnModule | None = None,
) -> Prepared:
    """All that training needs, from a study's store and its data.

    Args:
        meta: the store's.
        moved: where the data is now, if it was moved.
        verb: the command that asks, for its errors.
        own: the networks, where the user builds them.
    """
    try:
        resolved = make(meta["resolved"])
        fingerprint, source, speed = meta["fingerprint"], meta["data"]["source"], Speed(**meta["speed"])
    except KeyError as error:
        raise StudyCorrupt(f"{directory.store} lacks {error}; it was not written to its end") from None
    if resolved.network.family == "module" and own is None:
        law = f"the networks of {directory.path} are built by a function of yours, {resolved.module.build}"
        raise StudyError(f"{law}; pass it: cotune.{verb}(path, build=…)")
    home = moved or source or _kept(directory)
    if not Path(home).exists():
        law = f"the data of the study was at {home}, and is not there now"
        raise SourceError(
            f"{law}; bring it back, or name its new place: `cotune {verb} {directory.path} --data FILE`"
        )
    dataset = _load(home, resolved, Room(resolved.data.memory, directory.rows))
    if dataset.fingerprint != fingerprint:
        law = f"{home} has changed since the study began"
        raise DataError(f"{law}: bring the old file back, or start a new study with `cotune tune`")
    splits = split(dataset, resolved.split, seed=resolved.search.seed)
    space = with_earlier(from_recipe(resolved), meta.get("warm", ()))
    named = resolved.network.pretrained or resolved.network.embeddings
    start = None if named is None else kept_start(directory.start)
    judges = Judges.of(dataset, splits, seed=resolved.search.seed, path=directory.judge)
    factory = LaneFactory(resolved, space, dataset, splits, start=start, judges=judges, own=own)
    return Prepared(resolved, space, dataset, splits, factory, speed)


def _check_strategy(recipe: Recipe, space: Space) -> None:
    """Raise `RecipeError` if the strategy cannot search the space, before anything is written."""
    search = recipe.search
    must_have_some(space)
    maximize, several = METRICS[search.metric].maximize, objectives_of(recipe)
    sampler = make_sampler(search.strategy, space, maximize=maximize, seed=search.seed, objectives=several)
    check_rungs(search.strategy, search.rungs, sampler)


def _keep(source: Any, dataset: Dataset, directory: Directory) -> str | None:
    """Absolute path of a file; data from memory is copied into the study."""
    if isinstance(source, str | Path):
        return str(Path(source).resolve())
    form = FORMS.get(dataset.kind)
    if form is not None and form.keep(source, dataset.target, directory.path / form.kept):
        return None
    frame = open_source(source, dataset.target).frame
    if isinstance(dataset.frame, Images):
        frame = with_whole_paths(frame, dataset.frame.column)
    with replacing(directory.data) as partial:
        frame.write_parquet(partial)
    return None


def _kept(directory: Directory) -> Path:
    """Where the copy of data from memory is."""
    places = [directory.path / form.kept for form in FORMS.values()]
    return next((place for place in places if place.exists()), directory.data)


def _train(prepared: Prepared, store: Store, directory: Directory, sitting: Sitting) -> None:
    search = prepared.recipe.search
    study = Study(
        recipe=prepared.recipe,
        space=prepared.space,
        factory=prepared.factory,
        engine=Engine(metric=search.metric, also=search.also, compute=compute_for(prepared.recipe)),
        store=store,
        directory=directory,
        speed=prepared.speed,
        show=sitting.show,
        interrupted=sitting.interrupted,
        began=sitting.began,
    )
    ending = study.train()
    if ending.confirmed is not None:
        store.set_meta(confirmed=ending.confirmed)
    if ending.winner is None:
        if not ending.interrupted:
            store.set_meta(finished=ending.reason)
            _derive(store, directory)
            raise no_network(ending.reason)
        return
    save_front(prepared, ending.leaders, store, directory, ended=not ending.interrupted)
    if prepared.dataset.task is Task.GENERATION:
        generator = generator_of(prepared, ending.leaders[0])
        generator.save(directory.best)
        if not ending.interrupted:
            sitting.say("judging what the best generator makes")
            found = finish_generation(prepared, ending.leaders[0], generator)
            about = {**store.meta()["data"], "preparation": generator.describe()}
            store.set_meta(result=found, data=about, finished=ending.reason)
    elif ending.interrupted:
        alone(prepared, ending.leaders[0]).save(directory.best)
    else:  # the test rows are looked at once, when nothing is left to decide
        made = make_model(prepared, ending.leaders)
        made.model.save(directory.best)
        about = {**store.meta()["data"], "preparation": made.single.networks[0].pipeline.describe()}
        store.set_meta(result=tested(prepared, ending.winner, made), data=about, finished=ending.reason)
    _derive(store, directory)


def _derive(store: Store, directory: Directory) -> StudyView:
    view = read_view(store)
    if view.meta.get("finished"):
        shutil.rmtree(directory.rows, ignore_errors=True)
    write_leaderboard(view, directory.leaderboard)
    write_report(view, directory.report, ablation=read_ablation(directory.ablation))
    return view
