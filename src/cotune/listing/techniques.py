"""What `cotune techniques` prints."""

from collections.abc import Sequence
from itertools import groupby

from cotune.catalogue import Technique


def print_techniques(techniques: Sequence[Technique]) -> None:
    """A table for each kind: name, what turns it on, what it does, where it comes from."""
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    console = Console()
    for kind, some in groupby(techniques, key=lambda found: found.kind):
        table = Table("name", "turned on by", "what it does", "source", title=kind, title_justify="left")
        for found in some:
            cells = (found.name, found.typed, found.summary, found.reference)
            table.add_row(*map(Text, cells))
        console.print(table)
