"""Every family of networks on public data: how good, and how fast against a plain loop.

    python benchmarks/families.py                        everything: hours
    python benchmarks/families.py --quick                one seed, two minutes a study, a few rows
    python benchmarks/families.py --case cora-gcn,trec   some rows

Each study is one call of `cotune.tune` with the keys that its row shows, a time limit and nothing tuned by hand on the
test rows; splits are the public ones; a bar is held against the median over seeds. Speed is the time of a plain PyTorch
loop on one process, which trains the same networks one after the other, divided by ours; sides take turns. Needs the
data sets in the folder that COTUNE_DATA names.
"""

import statistics
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from common import Bar, arguments, finish, say
from family_parts import forecast, gan, graphs, images, series, speed, text


@dataclass(frozen=True)
class Case:
    """A row: what is measured, and what its figure must reach.

    Args:
        measure: (seconds a study, seed) → figures by name.
        figure: the one among them that the bar is about.
        bar, direction: see `common.Bar`.
        words: what the figure is.
        published: by whom what was reached, for the reader.
        quick: whether `--quick` runs it.
        also: (figure, bar, words) of further bars, all "at least".
    """

    measure: Callable[[float, int], dict[str, Any]]
    figure: str
    bar: float
    words: str
    direction: str = "at least"
    published: str = ""
    quick: bool = False
    also: tuple[tuple[str, float, str], ...] = ()


def _accuracy(name: str, module: Any) -> Callable[[float, int], dict[str, Any]]:
    return lambda seconds, seed: {"accuracy": module.classify(name, seconds, seed)}


def _cora(family: str) -> Callable[[float, int], dict[str, Any]]:
    return lambda seconds, seed: {"accuracy": graphs.cora(family, seconds, seed)}


CASES: dict[str, Case] = {
    "cora-gcn": Case(
        _cora("gcn"), "accuracy", 0.81, "Cora, public split, GCN", published="81.5, Kipf & Welling 2017", quick=True
    ),
    "cora-gat": Case(_cora("gat"), "accuracy", 0.815, "Cora, public split, GAT", published="83.0, Veličković 2018"),
    "cora-sage": Case(_cora("sage"), "accuracy", 0.79, "Cora, public split, GraphSAGE"),
    "mr": Case(_accuracy("mr", text), "accuracy", 0.75, "MR, random embeddings", published="76.1, Kim 2014"),
    "sst2": Case(_accuracy("sst2", text), "accuracy", 0.81, "SST-2, random embeddings", published="82.7, Kim 2014"),
    "trec": Case(
        _accuracy("trec", text), "accuracy", 0.90, "TREC, random embeddings", published="91.2, Kim 2014", quick=True
    ),
    "gunpoint": Case(_accuracy("GunPoint", series), "accuracy", 0.98, "GunPoint", published="0.99", quick=True),
    "italypower": Case(_accuracy("ItalyPowerDemand", series), "accuracy", 0.95, "ItalyPowerDemand", published="0.96"),
    "vowels": Case(_accuracy("JapaneseVowels", series), "accuracy", 0.96, "JapaneseVowels", published="0.97"),
    "etth1": Case(
        forecast.etth1, "ratio", 0.75, "ETTh1, 24 hours ahead: squared error / that of repeating the last day",
        direction="at most", quick=True,
    ),
    "mnist": Case(images.mnist, "accuracy", 0.99, "MNIST, 60,000 images", published="0.99+"),
    "cifar": Case(images.cifar, "gain", 0.05, "CIFAR-10, 10,000 images: gain over the plain CNN"),
    "gan": Case(
        gan.mnist, "share", 0.25, "MNIST GAN: Fréchet distance / that of the untrained generator", direction="at most",
        also=(("digits", 8, "MNIST GAN: kinds of digits that the classifier sees in samples"),),
    ),
}  # fmt: skip
"""By name. The bars of speed are in `family_parts.speed`."""


def rows_of(name: str, case: Case, *, seconds: float, seeds: int) -> tuple[dict[str, Any], list[Bar]]:
    """A case's row, and its bars."""
    found = []
    for seed in range(seeds):
        found.append(case.measure(seconds, seed))
        say(f"{name}, seed {seed}: {found[-1]}")
    bars = [
        Bar(words, statistics.median(float(each[figure]) for each in found), bar, direction=direction)
        for figure, bar, words, direction in (
            (case.figure, case.bar, case.words, case.direction),
            *((*more, "at least") for more in case.also),
        )
    ]
    row = {"case": name, "seconds": seconds, "published": case.published, "seeds": found}
    return row, bars


def main(words: Sequence[str] | None = None) -> int:
    """Run the benchmark; the exit code is 0 if every bar holds."""
    parser = arguments(__doc__.split("\n")[0])
    parser.add_argument(
        "--case", help=f"comma-separated, among {', '.join((*CASES, *speed.NAMES))}; all by default"
    )
    parser.add_argument("--seconds", type=float, help="of each study; 300 by default")
    parser.add_argument("--seeds", type=int, help="studies of each row; 3 by default")
    given = parser.parse_args(words)
    everything = [*CASES, *speed.NAMES]
    usual = [n for n, case in CASES.items() if case.quick] + list(speed.QUICK) if given.quick else everything
    names = given.case.split(",") if given.case else usual
    unknown = [name for name in names if name not in everything]
    if unknown:
        parser.error(f"there is no case {unknown[0]}; choose among {', '.join(everything)}")
    seconds = given.seconds or (60.0 if given.quick else 300.0)
    seeds = given.seeds or (1 if given.quick else 3)
    rows, bars = [], []
    for name in names:
        if name in CASES:
            row, more = rows_of(name, CASES[name], seconds=seconds, seeds=seeds)
        else:
            row, bar = speed.measured(name, rounds=2 if given.quick else 5)
            more = [bar]
        say(f"{name}: {[bar.value for bar in more]}")
        rows.append(row)
        bars += more
    return finish(rows, bars, as_json=given.json)


if __name__ == "__main__":
    sys.exit(main())
