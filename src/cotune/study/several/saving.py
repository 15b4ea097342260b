"""The models of the front, so that another than the best by score may be used."""

import shutil
from collections.abc import Sequence

from cotune.records import Store, read_view
from cotune.report.front import front
from cotune.study.directory import Directory
from cotune.study.ending.after import alone, make_model
from cotune.study.leaders import Leader
from cotune.study.prepared import Prepared


def save_front(
    prepared: Prepared, leaders: Sequence[Leader], store: Store, directory: Directory, *, ended: bool
) -> None:
    """Write the model of every trial of the front whose networks are kept, each to a folder of its number.

    Args:
        leaders: the kept trials.
        store: with all that was decided.
        ended: whether nothing is left to decide: what the recipe asks for after training is done then.
    """
    if not prepared.recipe.search.objectives:
        return
    members = {member.result.number for member in front(read_view(store))}
    shutil.rmtree(directory.front, ignore_errors=True)
    for leader in leaders:
        if leader.result.number in members:
            model = make_model(prepared, [leader]).model if ended else alone(prepared, leader)
            model.save(directory.model(leader.result.number))
