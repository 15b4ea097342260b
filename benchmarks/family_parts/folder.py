"""Where the data sets lie."""

import os
from pathlib import Path

DATA = Path(os.environ.get("COTUNE_DATA", Path(__file__).parents[3] / "shared" / "data"))
