"""What `cotune lr-find` prints."""

from cotune.listing.tables import print_table, short
from cotune.study.lr_find import LrCurve

BARS = 40
"""Characters of the longest bar."""


def print_rates(found: LrCurve) -> None:
    """What `cotune lr-find` says: the loss by learning rate, as a table with bars, and what follows from it."""
    marks = {found.suggested: "suggested", found.largest_stable: "largest stable"}
    finite = [loss for loss in found.losses if loss is not None]
    low, high = (min(finite), finite[0]) if finite else (0.0, 0.0)
    lines = []
    for rate, loss in zip(found.rates, found.losses, strict=True):
        share = 0.0 if loss is None or high <= low else min(1.0, (loss - low) / (high - low))
        bar = "diverged" if loss is None else "█" * round(BARS * share)
        lines.append([f"{rate:.2e}", short(loss), bar.ljust(BARS), marks.get(rate, "")])
    print_table(["lr", found.loss, "", ""], lines)
    print(
        f"\n{found.loss} on training rows, mean of the last half of {found.steps} steps; the same first weights"
    )
    if found.suggested is None:
        print("suggested       none: no learning rate lowers the loss")
    else:
        print(f"suggested       {found.suggested:.2e}, the smallest with nine tenths of the fall")
    if found.largest_stable is not None:
        print(f"lowest loss     {found.lowest:.2e}")
        print(f"largest stable  {found.largest_stable:.2e}")
