"""Everything cotune raises on purpose.

A message states three things: the law, the value that broke it, and the remedy.

```
CotuneError
├── DataError            the user's data cannot be used as it is
│   ├── SourceError      a file or frame cannot be read
│   ├── ColumnError      a column is missing, unusable, or of the wrong kind
│   ├── TargetError      the target column cannot be learned
│   └── SplitError       the rows cannot be split as asked
├── RecipeError          the request is wrong (unknown key, bad value, low > high …)
├── StudyError           a study directory cannot be used
│   ├── StudyNotFound    there is no study there
│   ├── StudyExists      there is one already, and it is not to be overwritten
│   └── StudyCorrupt     a file of the study is damaged
├── DeviceError          the GPU that was asked for is not there, or cannot do what was asked
├── TrainingError        no trial produced a usable network
│   └── LaneOutOfMemory  one lane alone does not fit into memory
├── CloneError           a lane's state does not fit the lane that is to go on from it
└── ModelError           a saved model cannot be loaded or applied
```
"""

import difflib
from collections.abc import Iterable


class CotuneError(Exception):
    """Root of every error that cotune raises on purpose."""


class DataError(CotuneError):
    """The user's data cannot be used as it is."""


class SourceError(DataError):
    """A file or frame cannot be read."""


class ColumnError(DataError):
    """A column is missing, unusable, or of the wrong kind."""


class TargetError(DataError):
    """The target column cannot be learned."""


class SplitError(DataError):
    """The rows cannot be split as asked."""


class RecipeError(CotuneError):
    """The request is wrong: an unknown key, a bad value, an empty range."""


class StudyError(CotuneError):
    """A study directory cannot be used."""


class StudyNotFound(StudyError):
    """There is no study at the given place."""


class StudyExists(StudyError):
    """The output directory holds something that must not be overwritten."""


class StudyCorrupt(StudyError):
    """A file of the study is damaged."""


class DeviceError(CotuneError):
    """The GPU that was asked for is not there, or cannot do what was asked."""


class TrainingError(CotuneError):
    """No trial produced a usable network."""


class LaneOutOfMemory(TrainingError):
    """One lane alone does not fit into memory."""


class CloneError(CotuneError):
    """A lane cannot go on from the state of another."""


class ModelError(CotuneError):
    """A saved model cannot be loaded or applied."""


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """`"; did you mean 'x'?"` for the nearest known word, or a list of the known ones.

    Args:
        word: what the user wrote.
        known: the words that would have been right.

    Example:
        >>> did_you_mean("incme", ["income", "age"])
        "; did you mean 'income'?"
    """
    words = sorted(set(known))
    lowered = {w.lower(): w for w in words}
    near = difflib.get_close_matches(word.lower(), list(lowered), n=1, cutoff=0.6)
    if near:
        return f"; did you mean '{lowered[near[0]]}'?"
    if not words:
        return ""
    shown = ", ".join(words[:12]) + (", …" if len(words) > 12 else "")
    return f"; known: {shown}"
