"""Every contract is held against every way in which lanes step, and against every place if its module says so."""

from engine.places import place as place
from engine.places import pytest_generate_tests as pytest_generate_tests
from engine.places import way as way
