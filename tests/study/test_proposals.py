"""Proposals asked for ahead: by whole batches, the same again after a restart, and none that nobody needs."""

from hypothesis import given
from hypothesis import strategies as st

from cotune.study.proposals import MOST, Proposals
from cotune.types import Params, Trial, TrialResult


class Numbered:
    """A sampler whose proposals say what was asked and how much it had been told by then."""

    def __init__(self, size: int = 10**9) -> None:
        self.size = size
        self.known = 0
        self.asked: list[tuple[int, int]] = []

    def ask(self, number: int, count: int) -> list[Params]:
        self.asked.append((number, count))
        return [{"number": n, "known": self.known} for n in range(number, min(number + count, self.size))]

    def add(self, trial: Trial) -> None:
        """Nothing to note."""

    def tell(self, result: TrialResult) -> None:  # noqa: ARG002
        self.known += 1


def run(
    counts: list[int], *, at_once: int, trials: int | None, restart: int | None = None
) -> tuple[list[Params], Numbered]:
    """Take so many at each boundary; with `restart`, the boundaries before it are only shown again."""
    sampler, taken = Numbered(), []
    made = Proposals(sampler, at_once=at_once, trials=trials, started=sum(counts[: restart or 0]))
    for place, count in enumerate(counts):
        found = made.take(sum(counts[:place]), count)
        sampler.known += 1
        taken += found if place >= (restart or 0) else [{}] * count
    return taken, sampler


boundaries = st.lists(st.integers(0, 9), min_size=1, max_size=30)


@given(boundaries, st.integers(1, 70))
def test_every_trial_gets_its_own_proposal(counts: list[int], at_once: int) -> None:
    taken, sampler = run(counts, at_once=at_once, trials=sum(counts))
    assert [params["number"] for params in taken] == list(range(sum(counts)))
    assert sum(count for _, count in sampler.asked) == sum(counts), "not more than there are trials"


@given(boundaries, st.integers(1, 70), st.data())
def test_after_a_restart_the_same_is_proposed(counts: list[int], at_once: int, data: st.DataObject) -> None:
    restart = data.draw(st.integers(0, len(counts)))
    whole, all_asks = run(counts, at_once=at_once, trials=None)
    again, asks = run(counts, at_once=at_once, trials=None, restart=restart)
    assert again[sum(counts[:restart]) :] == whole[sum(counts[:restart]) :]
    assert set(asks.asked) <= set(all_asks.asked)
    assert all(number + count > sum(counts[:restart]) for number, count in asks.asked)


@given(boundaries, st.integers(1, 70))
def test_few_wait_and_none_where_one_trains_at_a_time(counts: list[int], at_once: int) -> None:
    _, sampler = run(counts, at_once=at_once, trials=None)
    ahead = sum(count for _, count in sampler.asked) - sum(counts)
    assert 0 <= ahead < max(1, min(MOST, at_once // 2))


def test_asks_are_fewer_than_boundaries() -> None:
    _, sampler = run([1] * 64, at_once=16, trials=None)
    assert len(sampler.asked) == 8


def test_a_used_up_space_gives_what_it_has() -> None:
    made = Proposals(Numbered(size=5), at_once=16, trials=None, started=0)
    assert [len(made.take(0, 3)), len(made.take(3, 3)), len(made.take(5, 1))] == [3, 2, 0]
