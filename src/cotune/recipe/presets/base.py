"""What presets are made of: rows that stand in for the defaults of keys that nobody set.

A preset is a table of rows. A key that the request sets keeps what it sets; for any other the first row that holds for
the data gives the setting; where none does, the schema's default stays. So a preset never takes a choice away. Nor does
it set what has no meaning beside what the request fixes (filters, where the family is mlp).

| symbol | meaning                                                           |
|--------|-------------------------------------------------------------------|
| rows   | training rows of the smallest fold                                |
| numeric, categorical | columns that are numbers (dates too), and categories |
| colour | whether images have red, green and blue                          |

Structural keys (those that are not `fusable`) multiply the kinds of networks, and each kind is asked a group of trials
before it is judged: so rows keep few choices there, and wide ranges where lanes share a step.

Sources stand beside each row. "measured": on validation rows, see docs/presets.md.
"""

from dataclasses import dataclass

from cotune.recipe.settings import Setting

Kind = str
"""As `Dataset.kind`. Series are the columns of a table in their order, for a recurrent network (`family: gru`)."""


@dataclass(frozen=True)
class DataFacts:
    """What a preset asks of the data; the table above says in which units."""

    kind: Kind
    classification: bool
    rows: int
    numeric: int
    categorical: int
    family: str = ""
    """Of networks, "" where several are searched."""
    colour: bool = False


@dataclass(frozen=True)
class Where:
    """The data that a row is for: all that is said must hold. Bounds of counts are closed; `None` is no bound."""

    classification: bool | None = None
    rows: tuple[int, int | None] = (0, None)
    numeric: tuple[int, int | None] = (0, None)
    categorical: tuple[int, int | None] = (0, None)
    families: tuple[str, ...] = ()
    """() for all."""
    colour: bool | None = None

    def holds(self, facts: DataFacts) -> bool:
        """Whether the data are such."""
        if self.classification not in (None, facts.classification) or self.colour not in (None, facts.colour):
            return False
        if self.families and facts.family not in self.families:
            return False
        return all(
            low <= count and (high is None or count <= high)
            for (low, high), count in (
                (self.rows, facts.rows),
                (self.numeric, facts.numeric),
                (self.categorical, facts.categorical),
            )
        )

    def words(self) -> str:
        """The same for readers; empty where nothing is asked."""
        task = {None: (), True: ("classes",), False: ("a regression",)}[self.classification]
        counts = (
            (self.rows, "training rows"),
            (self.numeric, "numeric columns"),
            (self.categorical, "categorical columns"),
        )
        named = (" or ".join(self.families),) if self.families else ()
        colour = {None: (), True: ("colour",), False: ("grey",)}[self.colour]
        return ", ".join(
            (*named, *colour, *task, *(_bounds(ends, noun) for ends, noun in counts if ends != (0, None)))
        )


def _bounds(ends: tuple[int, int | None], noun: str) -> str:
    low, high = ends
    if high is None:
        return f"{low:,} or more {noun}"
    if high == 0:
        return f"no {noun}"
    return f"{low:,} to {high:,} {noun}" if low else f"up to {high:,} {noun}"


@dataclass(frozen=True)
class Row:
    """What a preset makes of one key.

    Args:
        key: leaf name of the recipe.
        setting: what stands in for the schema's default.
        source: paper, or what was measured.
        where: the data it is for.
    """

    key: str
    setting: Setting
    source: str
    where: Where = Where()


@dataclass(frozen=True)
class Effort:
    """How long a trial may be where `training.epochs` is auto.

    Args:
        row_epochs: rows that it may see, all its epochs together.
        epochs: bounds of the epochs that follow from it.
        enough: under a time limit fewer trials train at once, until so many epochs can be had; at least four do.
    """

    row_epochs: int
    epochs: tuple[int, int]
    enough: int


CLASSES = Where(classification=True)
