"""The catalogue: every technique by name, what turns it on and off, where it comes from."""

from cotune.catalogue.base import Technique as Technique
from cotune.catalogue.table import TECHNIQUES as TECHNIQUES
from cotune.catalogue.table import of_kind as of_kind
from cotune.catalogue.table import rows as rows
