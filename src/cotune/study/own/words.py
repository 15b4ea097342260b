"""What is told of a user's network before it is trained."""

from cotune.nets.own.module import Module
from cotune.space import Space
from cotune.study.lanes import LaneFactory
from cotune.types import LaneId


def words_of_module(factory: LaneFactory, space: Space) -> str:
    """How the networks in the middle of the space step, and why; half a sentence.

    Raises:
        RecipeError: the module does not fit the data.
    """
    lane = factory.lane(LaneId(-1, 0), space.from_unit([0.5] * len(space.parameters)))
    network = lane.structure.network
    assert isinstance(network, Module)
    if network.alone:
        return f"lanes of {network.name} step one after the other: {network.alone}"
    own = ", ".join(name.replace(":", ".").removeprefix(".") for name in network.numbers)
    among = f", also where they differ in {own}" if own else ""
    return f"lanes of {network.name} can step together{among}"
