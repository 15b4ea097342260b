"""A study that was there before, without training: its stored boundaries shown again to all who decide."""

from collections.abc import Iterable

from cotune.records import Boundary
from cotune.study.asking import Asking
from cotune.study.ledger import Ledger
from cotune.study.reruns import Reruns
from cotune.study.roll import Roll
from cotune.study.room import Room


def replay(
    boundaries: Iterable[Boundary], *, asking: Asking, roll: Roll, ledger: Ledger, room: Room, reruns: Reruns
) -> None:
    """Show them in order; the networks are left to the snapshot."""
    for boundary in boundaries:
        thawed, started = asking.again(boundary)
        roll.start(started)
        for number in thawed:
            ledger.thaw(number)
        ledger.judge(boundary.records)
        for number in boundary.paused:
            roll.rest(ledger.pause(number))
        room.lane_epochs += len(boundary.records)
        for result in map(ledger.forget, boundary.ended):
            roll.end(result)
        if reruns.confirming is not None:
            reruns.confirming.take(boundary.records)
        reruns.begin_after(boundary)
        roll.boundary()
