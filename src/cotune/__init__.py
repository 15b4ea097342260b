"""cotune trains and tunes hundreds of neural networks as one computation.

```python
import cotune

study = cotune.tune("adult.csv", target="income", time_limit="3m")
study.leaderboard()[0]
study.best.predict("new.csv")
```
"""

from typing import TYPE_CHECKING, Any

from cotune.errors import CotuneError as CotuneError
from cotune.version import VERSION

if TYPE_CHECKING:
    from cotune.api import TunedStudy as TunedStudy
    from cotune.api import load as load
    from cotune.api import lr_find as lr_find
    from cotune.api import resume as resume
    from cotune.api import techniques as techniques
    from cotune.api import tune as tune
    from cotune.product import Model as Model
    from cotune.recipe import Recipe as Recipe
    from cotune.search.foreign.optuna_sampler import OptunaSampler as OptunaSampler

__version__ = VERSION

__all__ = [
    "CotuneError",
    "Model",
    "OptunaSampler",
    "Recipe",
    "TunedStudy",
    "load",
    "lr_find",
    "resume",
    "techniques",
    "tune",
]

_HOMES = {
    "tune": "cotune.api",
    "lr_find": "cotune.api",
    "load": "cotune.api",
    "resume": "cotune.api",
    "techniques": "cotune.api",
    "TunedStudy": "cotune.api",
    "Model": "cotune.product",
    "Recipe": "cotune.recipe",
    "OptunaSampler": "cotune.search.foreign.optuna_sampler",
}


def __getattr__(name: str) -> Any:
    # torch takes seconds to import: the command line must be able to speak before that.
    if name in _HOMES:
        import importlib

        return getattr(importlib.import_module(_HOMES[name]), name)
    raise AttributeError(f"module 'cotune' has no attribute '{name}'")
