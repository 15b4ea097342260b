"""The Python face: `tune`, `resume`, `load`, with the names of the command line and the recipe."""

import signal
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import cached_property
from pathlib import Path
from types import FrameType
from typing import Any

from cotune.catalogue import TECHNIQUES, rows
from cotune.display import make_display
from cotune.errors import RecipeError
from cotune.product import Model
from cotune.product.generator import Generator, is_generator
from cotune.recipe import Recipe, make, read
from cotune.records import Store, StudyView, read_view
from cotune.records.ablation import Ablation
from cotune.study import Directory
from cotune.study.ablation.ablate import ablate as run_ablation
from cotune.study.lr_find import LrCurve
from cotune.study.lr_find import lr_find as range_test
from cotune.study.own.modules import OwnModule
from cotune.study.own.request import of_your_own, suits, with_space
from cotune.study.session import Sitting, begin
from cotune.study.session import resume as go_on
from cotune.study.widening import Changes
from cotune.version import VERSION


class TunedStudy:
    """A study on disk.

    Args:
        path: its directory.
        own: its networks, where the user builds them.
    """

    def __init__(self, path: Path, *, own: OwnModule | None = None) -> None:
        self._directory = Directory(path)
        self._own = own

    @property
    def path(self) -> Path:
        """The study's directory."""
        return self._directory.path

    @property
    def report(self) -> Path:
        """The report page."""
        return self._directory.report

    @cached_property
    def best(self) -> Model | Generator:
        """The best model, ready to predict; or, of a study that generates, the generator, ready to sample.

        Raises:
            ModelError: the study has none yet.
        """
        if is_generator(self._directory.best):
            return Generator.load(self._directory.best)
        return Model.load(self._directory.best, build=None if self._own is None else self._own.module)

    def view(self) -> StudyView:
        """All that the store holds, as of now."""
        with Store.open(self._directory.store) as store:
            return read_view(store)

    def leaderboard(self) -> list[dict[str, Any]]:
        """A row for each trial, best first: rank, trial, status, score, metric, also, params, epochs, seconds."""
        return self.view().leaderboard()

    def show(self) -> dict[str, Any]:
        """Task, metric, best trial with its test score, trials by status, time and capacity used."""
        return self.view().summary()

    def ablate(
        self,
        *,
        seeds: int = 5,
        add: bool = True,
        kinds: Sequence[str] = (),
        time_limit: float | None = None,
        data: str | Path | None = None,
        quiet: bool = True,
    ) -> Ablation:
        """What each technique was worth on the study's data: its winner without each, and with others in addition.

        Every configuration trains all its epochs with the same fresh seeds; scores are of the validation rows. The
        study's directory keeps the result (`ablation.json`), and the report shows it. With `kinds`, rows of
        other kinds in an earlier result are kept, and returned, where winner, seeds and epochs agree.

        Args:
            seeds: networks of each configuration and fold, 2 at least.
            add: whether techniques that the winner does without are tried too.
            kinds: of techniques, such as "optimizer": these alone, with all their alternatives; "all" for every kind.
            time_limit: seconds; the seeds that are complete by then are kept.
            data: where the study's data is now, if it was moved.
            quiet: show no progress.

        Raises:
            RecipeError: too few seeds, an unknown kind, or nothing left to compare.
            StudyError: the study has not ended, or has no winner.
            DataError: the data is not what it was.
            TrainingError: not one seed came to its end.

        Example:
            >>> cotune.load("runs/adult").ablate().worths[0].technique   # doctest: +SKIP
            'standard'
        """
        with _sitting(quiet=quiet, stopping="stopping with the seeds that are complete") as sitting:
            return run_ablation(
                self._directory,
                sitting,
                techniques=tuple(TECHNIQUES.values()),
                seeds=seeds,
                add=add,
                kinds=kinds,
                time_limit=time_limit,
                data=data,
                own=self._own,
            )

    def __repr__(self) -> str:
        return f"TunedStudy({str(self.path)!r})"


def tune(
    data: Any = None,
    *,
    target: str | int | Sequence[str] | None = None,
    out: str | Path | None = None,
    recipe: str | Path | Mapping[str, Any] | Recipe | None = None,
    quiet: bool = True,
    build: Callable[..., Any] | None = None,
    space: Any = None,
    loss: Any = None,
    **settings: Any,
) -> TunedStudy:
    """Search for the best network for a table, images, series, texts or a graph, or of your own, and train it.

    Args:
        data: path of a CSV, TSV, Parquet or NumPy file or of a folder of images, a polars or pandas frame, or a pair
            (X, y) of arrays; X of 3 or 4 axes are images, a list of strings texts. Or a file of lines `label text`.
        target: column to predict; of an array, its index; names of several columns of numbers to predict together.
        out: directory of the study; runs/NAME by default.
        recipe: a YAML file, a mapping, or a `Recipe` to start from.
        quiet: show no progress.
        build: a function of a trial (`trial.suggest_int("width", 16, 256)`, as in Optuna) that returns a
            `torch.nn.Module`; data may then be tensors, a data set of torch, or loaders. See docs/module.md.
        space: settings by name, or a search space of scikit-learn's or Hyperopt's.
        loss: name of a loss, or loss(outputs, targets) for a network of your own.
        settings: recipe keys by name: `time_limit="3m"`, `trials=100`, `lr=0.01`, `width=[64, 128]`,
            `cv=5` (short for `method="kfold", folds=5`), `search="tpe"` (short for `strategy`).

    Raises:
        RecipeError: the request is wrong; all its faults at once.
        DataError: the data cannot be used.
        StudyExists: `out` holds something already.
        TrainingError: no trial produced a usable network.

    Example:
        >>> study = cotune.tune("adult.csv", target="income", time_limit="3m")   # doctest: +SKIP
        >>> study.show()["best"]                                                   # doctest: +SKIP
    """
    own, found, data = of_your_own(build, space, loss, data)
    if not callable(loss):
        settings["loss"] = loss
    request = build_recipe(recipe, target=_named(target), **with_space(settings, found))
    return run(data, request if own is None else suits(request, own), out=out, quiet=quiet, own=own)


def run(
    data: Any,
    request: Recipe,
    *,
    out: str | Path | None,
    quiet: bool,
    began: float | None = None,
    own: OwnModule | None = None,
) -> TunedStudy:
    """`tune` with a finished recipe.

    Args:
        own: the networks, where the user builds them.
        began: when the user's wait began, on `time.monotonic()`'s clock; now by default.
    """
    source = request.data.source if data is None else data
    if source is None:
        raise RecipeError("there is no data: pass a path or a frame, or set data.source in the recipe")
    name = Path(source).name.split(".")[0] if isinstance(source, str | Path) else "study"
    directory = Directory.free(name) if out is None else Directory(Path(out))
    with _sitting(quiet=quiet, began=began) as sitting:
        begin(source, request, directory, sitting, version=VERSION, own=own)
    return TunedStudy(directory.path, own=own)


def lr_find(
    data: Any = None,
    *,
    target: str | int | Sequence[str] | None = None,
    recipe: str | Path | Mapping[str, Any] | Recipe | None = None,
    **settings: Any,
) -> LrCurve:
    """A learning-rate range test: 64 networks that differ in nothing but their rate, trained together for some steps.

    All else is the middle of the recipe's space. Nothing is written.

    Args:
        data, target, recipe, settings: as in `tune`.

    Raises:
        RecipeError: the request is wrong; all its faults at once.
        DataError: the data cannot be used.

    Example:
        >>> cotune.lr_find("adult.csv", target="income", optimizer="sgd").suggested   # doctest: +SKIP

    Source: Smith, Cyclical learning rates for training neural networks, WACV 2017.
    """
    request = build_recipe(recipe, target=_named(target), **settings)
    return find_rates(request.data.source if data is None else data, request)


def find_rates(source: Any, request: Recipe) -> LrCurve:
    """`lr_find` with a finished recipe."""
    if source is None:
        raise RecipeError("there is no data: pass a path or a frame, or set data.source in the recipe")
    return range_test(source, request)


def resume(
    path: str | Path,
    *,
    data: str | Path | None = None,
    quiet: bool = True,
    build: Callable[..., Any] | None = None,
    space: Any = None,
    loss: Callable[..., Any] | None = None,
    words: tuple[str, ...] = (),
    **settings: Any,
) -> TunedStudy:
    """Go on with a study that was killed or interrupted; one that has ended is left as it is, unless it is widened.

    Args:
        path: directory of the study.
        data: where its data file is now, if it was moved; its content must be what it was.
        quiet: show no progress.
        build, space, loss: as they were given to `tune`, where the networks are your own.
        words: `key=value` words, as `--set` takes them.
        settings: parameters whose ranges or choices become wider, and limits that become higher, by name:
            `lr={"low": 1e-5, "high": 1, "log": True}, trials=200`. What was tried stays, and is known to the search.

    Raises:
        StudyNotFound, StudyCorrupt: there is no study, or its store is damaged.
        RecipeError: a setting does not hold the old one, or a key cannot change.
        DataError: the data is not what it was.
    """
    directory, own = Directory(Path(path)), _own(build, space, loss)
    with _sitting(quiet=quiet) as sitting:
        go_on(directory, sitting, data=data, own=own, changes=Changes(words, settings))
    return TunedStudy(directory.path, own=own)


def load(
    path: str | Path,
    *,
    build: Callable[..., Any] | None = None,
    space: Any = None,
    loss: Callable[..., Any] | None = None,
) -> TunedStudy:
    """A study by its directory.

    Args:
        build, space, loss: as they were given to `tune`, where the networks are your own.

    Raises:
        StudyNotFound: there is none.
    """
    directory = Directory(Path(path))
    directory.must_hold_a_study()
    return TunedStudy(directory.path, own=_own(build, space, loss))


def techniques(kind: str | None = None) -> list[dict[str, Any]]:
    """Every technique that studies can use: a row for each, as `cotune techniques --json` prints it.

    Keys: name, kind, families, data, tasks, parameters (name, range, scale, fusable), reference, on, off (recipe keys
    and values), asks (keys that only the user can fill), command (where it is no setting), summary.

    Args:
        kind: such as "optimizer"; all kinds if `None`.

    Raises:
        RecipeError: there is no such kind.

    Example:
        >>> [row["name"] for row in techniques("schedule")][:3]
        ['constant', 'linear', 'cosine']
    """
    return rows(kind)


def _named(target: str | int | Sequence[str] | None) -> str | tuple[str, ...] | None:
    return str(target) if isinstance(target, str | int) else None if target is None else tuple(target)


def build_recipe(
    recipe: str | Path | Mapping[str, Any] | Recipe | None = None,
    *,
    words: tuple[str, ...] = (),
    **settings: Any,
) -> Recipe:
    """A recipe from a file or mapping, `key=value` words, and settings by name; later ones win.

    `cv=K` stands for `method="kfold", folds=K`, and `search` for `strategy`.
    """
    if isinstance(recipe, Recipe):
        tree: Mapping[str, Any] | None = recipe.model_dump(mode="json", exclude_unset=True)
    elif isinstance(recipe, str | Path):
        tree = read(Path(recipe))
    else:
        tree = recipe
    folds = settings.pop("cv", None)
    if folds is not None:
        settings |= {"method": "kfold", "folds": folds}
    strategy = settings.pop("search", None)
    if strategy is not None:
        settings["strategy"] = strategy
    return make(tree, words=words, **settings)


def _own(build: Callable[..., Any] | None, space: Any, loss: Any) -> OwnModule | None:
    return None if build is None else OwnModule(build, space=space, loss=loss if callable(loss) else None)


@contextmanager
def _sitting(
    *, quiet: bool, began: float | None = None, stopping: str = "stopping with the best so far"
) -> Iterator[Sitting]:
    began = time.monotonic() if began is None else began
    with make_display(quiet=quiet) as display, _interruptible(display.say, stopping) as interrupted:
        yield Sitting(display.show, display.say, interrupted.is_set, began)


@contextmanager
def _interruptible(say: Any, stopping: str) -> Iterator[threading.Event]:
    """The first Ctrl-C asks for a clean end, the second ends at once."""
    asked = threading.Event()
    if threading.current_thread() is not threading.main_thread():
        yield asked  # only the main thread may handle signals
        return

    def on_interrupt(_: int, __: FrameType | None) -> None:
        if asked.is_set():
            signal.signal(signal.SIGINT, previous)
            raise KeyboardInterrupt
        asked.set()
        say(f"{stopping}; Ctrl-C again to stop at once")

    previous = signal.signal(signal.SIGINT, on_interrupt)
    try:
        yield asked
    finally:
        signal.signal(signal.SIGINT, previous)
