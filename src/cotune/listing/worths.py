"""What `cotune ablate` prints."""

import statistics
from pathlib import Path

from cotune.listing.tables import print_table, probability, short, signed
from cotune.records.ablation import Ablation, Worth


def print_ablation(found: Ablation, report: Path) -> None:
    """What `cotune ablate` says."""
    over = f" of {found.seeds}" if found.done < found.seeds else ""
    known = [score for score in found.scores if score is not None]
    print(
        f"trial {found.trial}: validation {found.metric} {short(statistics.fmean(known))}, "
        f"mean over {found.done}{over} seeds" + (f" × {found.folds} folds" if found.folds > 1 else "")
    )
    if found.ended != "complete":
        print(f"ended early ({found.ended}): the seeds that were complete are below")
    turned = "" if found.maximize else ", turned round as less is better"
    print(f"worth: {found.metric} with the technique − without{turned}; 95 % interval\n")
    for added, words in ((False, "taken out"), (True, "put in")):
        lines = [_worth_line(worth) for worth in found.worths if worth.added is added]
        if lines:
            print(f"{words}, one by one:")
            print_table(["technique", "kind", "worth", "from", "to", "p", "Holm", ""], lines)
            print()
    if found.skipped:
        print("not tried:")
        for skipped in found.skipped:
            print(f"  {skipped.technique} ({skipped.kind}): {skipped.reason}")
    if found.alternatives:
        kinds = ", ".join(f"{count} of {kind}" for kind, count in found.alternatives.items())
        print(f"not tried, as another has their place: {kinds}; --kind KIND tries them")
    print(f"\nreport    {report}")


def _worth_line(worth: Worth) -> list[str]:
    figures = [
        *map(signed, (worth.worth, worth.low, worth.high)),
        *map(probability, (worth.p, worth.p_holm)),
    ]
    return [
        worth.technique,
        worth.kind,
        *figures,
        worth.direction + (f" ({worth.note})" if worth.note else ""),
    ]
