"""One tuning run: the wiring between recipe, data, search, engine, store and product."""

from cotune.study.directory import Directory as Directory
from cotune.study.loop import Study as Study
