"""What the rows of a data set can be beside a table; a row for each kind, asked in this order.

A new kind is a file that reads its sources, one with its preparation (a row in `cotune.data.prepare.fitting`), a row
here, and the families of networks that read it (`cotune.recipe.names.READS`).
"""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from cotune.data.dataset import Dataset
from cotune.data.forecasts import loading as forecast
from cotune.data.images import loading as image_loading
from cotune.data.request import Request
from cotune.data.series import loading as series_loading
from cotune.data.tensors import loading as tensor_loading
from cotune.data.texts import loading as text_loading
from cotune.data.texts.sources import KEPT as KEPT_TEXTS


@dataclass(frozen=True)
class Form:
    """A kind of data.

    Args:
        find: the data set of a source, or `None` where the source is something else. It raises `DataError` where it is
            of this kind and cannot be used.
        keep: writes a source that is in memory to a file, such that `find` finds it there; whether it was of this kind.
            Arguments: the source, the name of its target, the file.
        kept: name of that file in a study.
    """

    find: Callable[[Request], Dataset | None]
    keep: Callable[[object, str, Path], bool]
    kept: str


def _find_graph(request: Request) -> Dataset | None:
    """Imported when it is asked for: it brings torch and SciPy along."""
    from cotune.data.graphs import loading as graph_loading

    return graph_loading.find(request)


def _keep_graph(source: object, target: str, path: Path) -> bool:
    from cotune.data.graphs import loading as graph_loading

    return graph_loading.keep(source, target, path)


FORMS: dict[str, Form] = {
    "forecast": Form(forecast.find, forecast.keep, "data.parquet"),
    "graph": Form(_find_graph, _keep_graph, "graph.npz"),
    "series": Form(series_loading.find, series_loading.keep, "series.npz"),
    "image": Form(image_loading.find, image_loading.keep, "data.npz"),
    "tensors": Form(tensor_loading.find, tensor_loading.keep, "tensors.npz"),
    "text": Form(text_loading.find, text_loading.keep, KEPT_TEXTS),
}
"""By the name that `Dataset.kind` has."""
