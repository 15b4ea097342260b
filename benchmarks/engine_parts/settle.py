"""The short rounds before the long ones: every peer finds its best form, number of lanes and number of threads."""

from collections.abc import Sequence
from dataclasses import replace

from cotune.engine.parallel import cores
from engine_parts.cases import Case, Convolutions, Perceptron
from engine_parts.crew import Crew, Ended, Unavailable
from engine_parts.spec import Spec
from engine_parts.vmapped import FORMS

REPEATS = 2
"""Measurements of a candidate after one that does not count; the lower figure is taken."""


class Trials:
    """Candidates are made and measured; the best of a kind stay, the others are forgotten.

    Attributes:
        seen: microseconds of all that were measured.
        stay: who goes on to the long rounds.
        notes: why a peer cannot take part.
    """

    def __init__(self, crew: Crew, case: Case, patience: float) -> None:
        self._crew = crew
        self._patience = patience
        self._steps = max(3, case.steps // 10)
        self.seen: dict[Spec, float] = {}
        self.stay: list[Spec] = []
        self.notes: dict[str, str] = {}

    def enter(self, candidates: Sequence[Spec], *, every: bool = False, each: bool = True) -> Spec | None:
        """Settle a kind: the best with one thread or all of them, and the best with a process for each core.

        Args:
            candidates: with one thread.
            every: whether all of them are tried with all threads too, not the best alone.
            each: whether a process for each core is tried.

        Returns:
            the best with one thread; `None` when none works.
        """
        one = self.choose(candidates)
        if one is None or cores() == 1:
            return one
        wide = self.choose([replace(spec, threads=cores()) for spec in (candidates if every else [one])])
        if wide is not None:
            self.drop(max(one, wide, key=self.seen.__getitem__))
        if each:
            self.choose([replace(one, place="each")])
        return one

    def choose(self, candidates: Sequence[Spec]) -> Spec | None:
        """The fastest stays; `None` when none works."""
        reasons = []
        working = []
        for spec in candidates:
            try:
                self.seen[spec] = self._cost(spec)
            except Unavailable as error:
                self._restore(spec.place if isinstance(error, Ended) else "")
                reasons.append(f"{spec.words(cores())}: {str(error).strip().splitlines()[0][:300]}")
                continue
            working.append(spec)
            self.stay.append(spec)
            if len(working) > 1:
                slower = max(working, key=self.seen.__getitem__)
                working.remove(slower)
                self.drop(slower)
        if not working:
            self.notes[candidates[0].words(cores())] = "; ".join(reasons)
        return working[0] if working else None

    def drop(self, spec: Spec) -> None:
        """Let a side go."""
        self.stay.remove(spec)
        self._crew.ask("forget", spec)

    def _restore(self, place: str) -> None:
        """Make again who stays there."""
        for spec in self.stay:
            if spec.place == place:
                self._crew.ask("make", spec)

    def _cost(self, spec: Spec) -> float:
        self._crew.ask("make", spec, self._patience if spec.kind == "compiled" else None)
        return min([self._crew.cost(spec, self._steps) for _ in range(REPEATS + 1)][1:])


def settle(crew: Crew, case: Case, patience: float) -> Trials:
    """Let every peer that can do the case find its best form.

    Args:
        patience: seconds in which a loop must be compiled. That comes first, while its process is empty: one that
            takes longer is ended.
    """
    trials = Trials(crew, case, patience)
    images = isinstance(case.network, Convolutions)
    layouts = ("channels_last", "") if images else ("",)
    compiled = trials.enter([Spec("compiled", "wide", form=layouts[0])], each=False)
    plain = trials.enter([Spec("plain", "wide", form=layout) for layout in layouts])
    if plain is None:
        raise RuntimeError(f"the plain loop failed: {trials.notes}")
    if compiled is not None and trials.seen[compiled] < trials.seen[plain] and cores() > 1:
        trials.choose([replace(compiled, place="each")])
    if isinstance(case.network, Perceptron):
        trials.enter([Spec("sklearn", "wide")])
        trials.enter([Spec("packed", "wide", lanes=lanes) for lanes in case.packs], every=True)
    middle = case.packs[len(case.packs) // 2]
    form = trials.choose([Spec("vmap", "wide", lanes=middle, form=form) for form in FORMS])
    if form is not None:
        trials.drop(form)
        trials.enter([replace(form, lanes=lanes) for lanes in case.packs])
    return trials
