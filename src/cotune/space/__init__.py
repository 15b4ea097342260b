"""What may vary: parameters, the conditions between them, and their places in the unit cube."""

from cotune.space.parameter import Parameter as Parameter
from cotune.space.reading import from_recipe as from_recipe
from cotune.space.space import Space as Space
