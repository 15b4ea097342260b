"""The command line: one command per verb. Data commands print to standard output, progress to standard error."""

from cotune.cli.program import app as app
from cotune.cli.program import main as main
