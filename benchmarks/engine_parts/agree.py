"""Whether the peers do the same job as the plain loop: from equal weights, on equal batches, to equal losses."""

from collections.abc import Sequence
from dataclasses import replace

import torch
from torch import Tensor

from engine_parts.cases import Case, Perceptron
from engine_parts.packed import packed
from engine_parts.plain import Plain
from engine_parts.spec import Spec
from engine_parts.vmapped import FORMS, vmapped

STEPS, LANES = 10, 2
TOLERANCE = 1e-4
"""Of the losses, relative. Ten steps change them by some percent; rounding, by less than a millionth."""


class Disagreement(Exception):
    """A peer trains something else than the plain loop."""


def stacked_peers(case: Case) -> list[str]:
    """Compare packed and vmap networks with as many plain ones, dropout aside.

    Returns:
        what was left out, and why.

    Raises:
        Disagreement: losses differ.
    """
    still = replace(case, dropout=0.0)
    batches = _batches(still)
    plain = [_losses(Plain(still, Spec("plain", "wide"), lane), batches, lane) for lane in range(LANES)]
    wanted = torch.stack(plain, dim=1)
    forms = [(vmapped, Spec("vmap", "wide", lanes=LANES, form=form)) for form in FORMS]
    if isinstance(case.network, Perceptron):
        forms.append((packed, Spec("packed", "wide", lanes=LANES)))
    left_out = []
    for make, spec in forms:
        try:
            side = make(still, spec, 0)
            found = torch.stack([side.step(numbers) for numbers in batches])
        except RuntimeError as error:
            left_out.append(f"{spec.words(1)}: {error}")
            continue
        _compare(wanted, found, spec.words(1))
    return left_out


def compiled_peer(case: Case, compiled: Plain, spec: Spec, lane: int) -> None:
    """Compare a compiled loop that has not begun with a plain one, dropout included: both draw the same masks.

    Raises:
        Disagreement: losses differ.
    """
    batches = _batches(case)
    plain = Plain(case, spec, lane)
    _compare(_losses(plain, batches, 0), _losses(compiled, batches, 0), "compiled")


def _batches(case: Case) -> list[Tensor]:
    generator = torch.Generator().manual_seed(1)
    count = case.steps * case.batch
    return [torch.randint(0, count, (LANES, case.batch), generator=generator) for _ in range(STEPS)]


def _losses(side: Plain, batches: Sequence[Tensor], lane: int) -> Tensor:
    torch.manual_seed(7)
    return torch.stack([side.step(numbers[lane : lane + 1]) for numbers in batches])


def _compare(wanted: Tensor, found: Tensor, name: str) -> None:
    difference = float(((found - wanted) / wanted).abs().max())
    if not difference < TOLERANCE:
        raise Disagreement(
            f"{name}: losses differ by {difference:.1e} from the plain loop's, after {STEPS} steps"
        )
