"""What 64 proposals of a strategy cost after a long history, on one thread.

The history is that of a study under way: eight parameters, two trials in three stopped at epoch 3, two ninths at 9, the
rest complete, and 64 in training. The first batch fits the kernel; the median of the next ones counts.
"""

import time

from cotune.recipe.settings import Domain, Range
from cotune.search import Course, Groups, Watcher, make_sampler
from cotune.space import Parameter, Space
from cotune.types import Status, Trial, TrialResult

SPACE = Space(tuple(Parameter(f"x{i}", Range(0.0, 1.0), Domain("float", fusable=True)) for i in range(8)), {})
LENGTHS = (3, 3, 9, 3, 3, 9, 3, 3, 27)


def seconds_for_64(name: str, trials: int, *, repeats: int = 5) -> float:
    """Median seconds that 64 proposals take after so many trials."""
    sampler = make_sampler(name, SPACE, maximize=False, seed=0, course=Course(Groups(1)))
    drawn = make_sampler("random", SPACE, maximize=False, seed=1).ask(0, trials + 64)
    for number, params in enumerate(drawn):
        sampler.add(Trial(number, params))
        if number < trials:
            epochs = LENGTHS[number % 9]
            loss = sum((float(str(x)) - 0.3) ** 2 for x in params.values())
            curve = tuple((e, 0.0, loss + 1.0 / e) for e in range(1, epochs + 1))
            status = Status.COMPLETE if epochs == 27 else Status.STOPPED
            sampler.tell(TrialResult(number, params, status, curve[-1][2], epochs, 1.0, curve=curve))
        elif isinstance(sampler, Watcher):
            curve = ((1, 0.0, 1.0), (2, 0.0, 0.9), (3, 0.0, 0.8))
            sampler.watch(TrialResult(number, params, Status.RUNNING, 0.8, 3, 1.0, curve=curve))
    sampler.ask(trials + 64, 64)
    spent = []
    for _ in range(repeats):
        since = time.process_time()
        sampler.ask(trials + 64, 64)
        spent.append(time.process_time() - since)
    return sorted(spent)[repeats // 2]


if __name__ == "__main__":
    for trials in (1_000, 10_000):
        print(f"auto, 64 proposals after {trials:,} trials: {1000 * seconds_for_64('auto', trials):.0f} ms")
