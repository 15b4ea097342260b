"""What lies in memory and what in files: rows get a share of the memory, and what does not fit goes to a folder.

Nothing is computed otherwise for it: both ways give the same numbers, bit for bit.

```
FOLDER/  table/{table.json,*.npy,*.parquet}  images/pixels.npy  prepared/{KEY.numeric.npy,KEY.codes.npy}  reading/
```

`table` holds the typed columns, `images` pixels at their common size, `prepared` the rows as networks read them,
`reading` what is only of use while the source is read.
"""

import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Literal

from cotune.data.memory import free_bytes

SHARE = 0.5
"""Fraction of the free memory that rows may take unless the recipe says otherwise."""


class Room:
    """Memory for rows, and a folder for the others.

    Args:
        memory: bytes that rows may take, or "auto".
        folder: of the files; it need not be there.
        claim: called before anything is written to the folder, so that a study without files leaves no trace.
    """

    def __init__(
        self, memory: int | Literal["auto"], folder: Path, claim: Callable[[], object] = lambda: None
    ) -> None:
        self._left = int(SHARE * free_bytes()) if memory == "auto" else memory
        self._claim = claim
        self.folder = folder

    def take(self, size: int) -> bool:
        """Take so many bytes of memory; `False` where they are not to be had, and files must do."""
        fits = size <= self._left
        self._left -= size if fits else 0
        return fits

    def has(self, size: int) -> bool:
        """Whether so many bytes of memory are to be had, for a while."""
        return size <= self._left

    def made(self, name: str) -> Path:
        """A folder in the folder, made where it is missing."""
        self._claim()
        path = self.folder / name
        path.mkdir(parents=True, exist_ok=True)
        return path

    @property
    def table(self) -> Path:
        """Where the typed columns lie, if they do."""
        return self.folder / "table"

    @contextmanager
    def reading(self) -> Iterator[Callable[[], Path]]:
        """What makes a folder, empty, when it is called; the folder is gone afterwards."""
        made: list[Path] = []

        def make() -> Path:
            made.append(self.made("reading"))
            shutil.rmtree(made[-1])
            return self.made("reading")

        try:
            yield make
        finally:
            for path in made:
                shutil.rmtree(path, ignore_errors=True)
