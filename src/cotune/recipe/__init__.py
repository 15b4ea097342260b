"""What the user asked for: one schema for YAML, command line and Python."""

from cotune.recipe.reading import as_yaml as as_yaml
from cotune.recipe.reading import json_schema as json_schema
from cotune.recipe.reading import make as make
from cotune.recipe.reading import read as read
from cotune.recipe.schema import Recipe as Recipe
from cotune.recipe.settings import Choice as Choice
from cotune.recipe.settings import Range as Range
