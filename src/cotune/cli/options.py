"""Options that several commands have."""

from pathlib import Path
from typing import Annotated

import typer

StudyDir = Annotated[Path, typer.Argument(metavar="DIR", help="Directory of the study.")]


Json = Annotated[bool, typer.Option("--json", help="Print JSON.")]


Quiet = Annotated[bool, typer.Option("--quiet", "-q", help="Show no progress.")]
