"""Kinds of data, as far as the command line tells them apart."""

from cotune.records import StudyView

NEW = {
    "table": ("NEW.csv", ""),
    "forecast": ("NEW.csv", " (NEW.csv: the series up to now)"),
    "image": ("NEW", " (NEW: a folder of images, or a file)"),
    "series": ("NEW.ts", " (NEW.ts: series, or an .npz of arrays)"),
    "text": ("NEW.txt", " (NEW.txt: a text in each line)"),
    "graph": ("NEW", " (NEW: an .npz of a graph, or a folder with edges.csv and nodes.csv)"),
    "tensors": ("NEW.npy", " (NEW.npy: an array of rows)"),
}
"""Kind of data → what stands for new rows, and what that may be."""


def kind_of(view: StudyView) -> str:
    """The kind of data; studies from before it was kept were of tables or images."""
    data = view.meta["data"]
    images = any(column["kind"] == "image" for column in data["columns"])
    return str(data.get("kind", "image" if images else "table"))
