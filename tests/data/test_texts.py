"""Texts: told from other data, read from lines, lists and tables, and prepared as numbers of tokens."""

import gzip
import json
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pytest

from cotune.data import Dataset, fit, load, split
from cotune.data.prepare.fitting import from_json
from cotune.data.prepare.tokenise import splitter
from cotune.data.prepare.tokens import TokenPipeline
from cotune.data.texts.loading import keep
from cotune.data.texts.sources import KEPT
from cotune.data.texts.vectors import vectors_of, width_of
from cotune.errors import ColumnError, ModelError, RecipeError, SourceError
from cotune.recipe.schema import SplitSection

GOOD, BAD = "a fine and moving film number {}", "a dull , long film number {} !"
TEXTS = [(GOOD if i % 2 else BAD).format(i) for i in range(40)]
LABELS = ["pos" if i % 2 else "neg" for i in range(40)]


def lines(path: Path, texts: list[str] = TEXTS, labels: list[str] = LABELS, encoding: str = "utf-8") -> Path:
    path.write_bytes("\n".join(f"{a} {b}" for a, b in zip(labels, texts, strict=True)).encode(encoding))
    return path


def table(**columns: Any) -> pl.DataFrame:
    return pl.DataFrame({"review": TEXTS, **columns, "mood": LABELS})


def fitted(dataset: Dataset, **settings: Any) -> TokenPipeline:
    found = fit(dataset, np.arange(dataset.rows), settings)
    assert isinstance(found, TokenPipeline)
    return found


@pytest.mark.parametrize(
    "X",
    [TEXTS, np.array(TEXTS), np.array(TEXTS, dtype=object), pl.Series(TEXTS), pd.Series(TEXTS)],
    ids=["list", "array", "objects", "polars", "pandas"],
)
def test_strings_with_labels(X: Any) -> None:
    found = load((X, LABELS), target=None)
    assert (found.kind, found.rows, found.classes) == ("text", 40, ("neg", "pos"))
    assert found.examples is not None
    assert found.examples[np.array([3])].texts.to_list() == [TEXTS[3]]


@pytest.mark.parametrize("encoding", ["utf-8", "latin-1"])
def test_lines(tmp_path: Path, encoding: str) -> None:
    r"""A line ends with \n alone: Latin-1 knows a next-line sign that Python's splitlines would break at."""
    texts = ["crème\x85brûlée", *TEXTS[1:]]
    found = load(lines(tmp_path / "films.all", texts, encoding=encoding), target=None)
    assert (found.kind, found.rows, found.target, found.name) == ("text", 40, "label", "films")
    assert found.examples is not None
    assert found.examples[:1].texts[0] == "crème\x85brûlée"


def test_labels_of_lines(tmp_path: Path) -> None:
    """Numbers before texts are classes, and fastText's prefix is none of the label."""
    path = lines(tmp_path / "a.txt", labels=[str(i % 4) for i in range(40)])
    assert load(path, target=None).classes == ("0", "1", "2", "3")
    assert load(path, target=None).label_type == "int"
    marked = lines(tmp_path / "b.txt", labels=[f"__label__{label}" for label in LABELS])
    assert load(marked, target="mood").classes == ("neg", "pos")


@pytest.mark.parametrize("pattern", ["sst.{}", "trec.{}.all", "{}.txt"])
def test_files_beside_give_the_split(tmp_path: Path, pattern: str) -> None:
    train = lines(tmp_path / pattern.format("train"))
    lines(tmp_path / pattern.format("dev"), TEXTS[:6], LABELS[:6])
    lines(tmp_path / pattern.format("test"), TEXTS[:8], LABELS[:8])
    found = load(train, target=None)
    assert found.rows == 54
    splits = split(found, SplitSection(), seed=1)
    assert splits.test.tolist() == list(range(40, 48))
    assert splits.folds[0].validation.tolist() == list(range(48, 54))
    assert splits.folds[0].train.tolist() == list(range(40))
    folds = split(found, SplitSection(method="kfold", folds=3), seed=1)
    assert sorted(np.concatenate([fold.validation for fold in folds.folds])) == [*range(40), *range(48, 54)]


def test_a_text_file_that_is_no_list_of_labels_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "story.txt"
    path.write_text("\n".join(f"{i} words that tell a story" for i in range(30)))
    with pytest.raises(SourceError, match=r"story.txt.*30 different.*rename it to .csv"):
        load(path, target=None)


def test_a_column_that_is_said_to_be_text() -> None:
    found = load(table(price=range(40)), target="mood", columns={"review": "text"})
    assert found.kind == "text"
    assert [(c.name, c.kind) for c in found.columns] == [
        ("review", "text"),
        ("price", "ignore"),
        ("mood", "target"),
    ]
    assert found.notes == ("column 'price' was left out: texts are learned from alone",)


def test_a_column_that_is_taken_for_text_where_nothing_is_lost(tmp_path: Path) -> None:
    alone = load(table(), target="mood")
    assert alone.kind == "text"
    counted = load(table(id=range(40)), target="mood")
    assert counted.kind == "text"
    table().write_csv(tmp_path / "t.csv")
    assert load(tmp_path / "t.csv", target="mood").fingerprint == alone.fingerprint
    beside = load(table(price=[float(i % 7) for i in range(40)]), target="mood")
    assert beside.kind == "table"
    words = pl.DataFrame({"word": [f"w{i}" for i in range(40)], "mood": LABELS, "x": [1.5, 2.5] * 20})
    assert load(words, target="mood").kind == "table"


def test_other_columns_of_text_are_refused() -> None:
    with pytest.raises(ColumnError, match="'review' and 'other' do; leave one out"):
        load(table(other=TEXTS), target="mood", columns={"review": "text", "other": "text"})
    with pytest.raises(ColumnError, match="'price' holds Int64"):
        load(table(price=range(40)), target="mood", columns={"price": "text"})
    with pytest.raises(ColumnError, match="group names the column 'review'"):
        load((TEXTS, LABELS), target=None, group="review")


def test_texts_of_memory_are_kept(tmp_path: Path) -> None:
    assert keep((TEXTS, LABELS), "mood", tmp_path / KEPT)
    again = load(tmp_path / KEPT, target="mood")
    assert again.fingerprint == load((TEXTS, LABELS), target="mood").fingerprint
    assert not keep(table(), "mood", tmp_path / KEPT)


@pytest.mark.parametrize(
    ("unit", "lowercase", "tokens"),
    [
        ("word", True, ["it", "'s", "good", ",", "isn", "'t", "it", "?", "crème"]),
        ("word", False, ["It", "'s", "GOOD", ",", "isn", "'t", "it", "?", "Crème"]),
        ("character", True, list("it's good, isn't it? crème")),
    ],
)
def test_tokens(unit: str, lowercase: bool, tokens: list[str]) -> None:
    assert list(splitter(unit, lowercase=lowercase)("It's GOOD, isn't it? Crème")) == tokens


def test_the_vocabulary_is_that_of_training_rows() -> None:
    found = load((TEXTS, LABELS), target=None)
    few = fit(found, np.arange(0, 40, 2), {})
    assert isinstance(few, TokenPipeline)
    assert "dull" in few.vocabulary
    assert "moving" not in few.vocabulary  # of the other rows
    assert "12" not in few.vocabulary  # once among these
    assert few.vocabulary[:3] == ("!", ",", "a")  # the most frequent, equals by alphabet
    codes = few.encode(few.read(["dull MOVING dull"])).codes
    dull = few.vocabulary.index("dull") + 2
    assert codes.tolist() == [[dull, 1, dull] + [0] * (few.length - 3) + [3]]
    assert codes.shape[1] == len(few.cardinalities)
    assert (codes < np.array(few.cardinalities)).all()


def test_sizes_of_the_vocabulary_and_of_texts() -> None:
    found = load((TEXTS, LABELS), target=None)
    small = fitted(found, vocabulary=4, least_count=1, length=3)
    assert len(small.vocabulary) == 4
    codes = small.encode(small.read([TEXTS[0], ""])).codes
    assert codes[0, -1] == 3
    assert codes[1].tolist() == [1, 0, 0, 1]  # a text of no words is an unknown one
    every = fitted(found, least_count=1)
    assert len(every.vocabulary) == len({token for text in TEXTS for token in text.split()})
    assert every.length == 8
    long = (["word " * 3000, *TEXTS[1:]], LABELS)
    assert fitted(load(long, target=None)).length == 400


@pytest.mark.parametrize(
    "settings", [{}, {"tokens": "character"}, {"balance": "weights", "lowercase": False}]
)
def test_saved_pipelines_say_the_same(settings: dict[str, Any]) -> None:
    found = load(table(), target="mood")
    pipeline = fitted(found, **settings)
    tree = json.loads(json.dumps(pipeline.to_json()))
    again = from_json(tree)
    assert again == pipeline
    some = again.read(TEXTS[:5])
    np.testing.assert_array_equal(again.encode(some).codes, pipeline.encode(some).codes)
    tree["state"]["vocabulary"][0] = "other"
    with pytest.raises(ModelError, match="damaged"):
        from_json(tree)


def test_new_texts(tmp_path: Path) -> None:
    pipeline = fitted(load(table(), target="mood"))
    expected = pipeline.encode(pipeline.read(TEXTS)).codes
    for source in (np.array(TEXTS), table(), table().drop("mood"), table().to_pandas()):
        np.testing.assert_array_equal(pipeline.transform(pipeline.read(source)).codes, expected)
    with pytest.raises(ColumnError, match=r"no column 'review' of texts.*did you mean 'reviews'"):
        pipeline.read(table().rename({"review": "reviews"}))
    of_lines = fitted(load(lines(tmp_path / "a.train"), target=None))
    plain = tmp_path / "new.txt"
    plain.write_text("\n".join(TEXTS))
    for path in (plain, lines(tmp_path / "labelled.txt")):
        assert of_lines.read(path).texts.to_list() == TEXTS


def test_byte_pairs() -> None:
    pytest.importorskip("tokenizers", reason="byte pairs need the library tokenizers")
    found = load((TEXTS, LABELS), target=None)
    pipeline = fitted(found, tokens="byte_pair", vocabulary=300, least_count=1)
    assert any(len(piece) > 3 for piece in pipeline.vocabulary)
    again = from_json(json.loads(json.dumps(pipeline.to_json())))
    some = pipeline.read(["A FILM nobody knows: crème"])
    np.testing.assert_array_equal(again.transform(some).codes, pipeline.transform(some).codes)
    assert fitted(found, tokens="byte_pair", vocabulary=300, least_count=1) == pipeline
    other = replace(found, frame=load((TEXTS[:20] + ["zzz zzz"] * 20, LABELS), target=None).frame)
    same = [fit(each, np.arange(20), {"tokens": "byte_pair"}) for each in (found, other)]
    assert same[0].to_json() == same[1].to_json()


def test_byte_pairs_without_their_library(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "tokenizers", None)
    with pytest.raises(RecipeError, match="pip install tokenizers"):
        fitted(load((TEXTS, LABELS), target=None), tokens="byte_pair")


VECTORS = {"film": [1.0, 2.0, 3.0], "Dull": [0.5, -0.5, 0.25], "new york": [9.0, 9.0, 9.0]}


def word2vec(path: Path, *, header: bool) -> Path:
    body = "".join(f"{word} {' '.join(map(str, numbers))}\n" for word, numbers in VECTORS.items())
    raw = (f"{len(VECTORS)} 3\n" * header + body).encode()
    path.write_bytes(gzip.compress(raw) if path.suffix == ".gz" else raw)
    return path


def binary(path: Path) -> Path:
    words = [word.encode() + b" " + np.array(v, dtype="<f4").tobytes() + b"\n" for word, v in VECTORS.items()]
    path.write_bytes(f"{len(VECTORS)} 3\n".encode() + b"".join(words[:2]))
    return path


@pytest.mark.parametrize("kind", ["word2vec", "glove", "packed", "binary"])
def test_files_of_embeddings(tmp_path: Path, kind: str) -> None:
    path = {
        "word2vec": lambda: word2vec(tmp_path / "v.vec", header=True),
        "glove": lambda: word2vec(tmp_path / "v.txt", header=False),
        "packed": lambda: word2vec(tmp_path / "v.vec.gz", header=True),
        "binary": lambda: binary(tmp_path / "v.bin"),
    }[kind]()
    assert width_of(path) == 3
    words, vectors = vectors_of(path, {"film", "dull", "absent"})
    assert words == ["dull", "film"]
    assert vectors.tolist() == [VECTORS["Dull"], VECTORS["film"]]


@pytest.mark.parametrize(
    ("content", "law"),
    [
        (b"hello\nworld\n", "must begin with a word and its numbers"),
        (b"2 3\nfilm 1 2 x\n", "line 2 .* must be a word and 3 numbers"),
        (b"film 1 nan 3\n", "finite"),
        (b"haus 1 2 3\n", "none of the 1 words"),
    ],
)
def test_files_that_are_none(tmp_path: Path, content: bytes, law: str) -> None:
    (tmp_path / "v.txt").write_bytes(content)
    with pytest.raises(SourceError, match=law):
        vectors_of(tmp_path / "v.txt", {"film"})
    (tmp_path / "v.bin").write_bytes(binary(tmp_path / "b.bin").read_bytes()[:-8])
    with pytest.raises(SourceError, match="ends in the middle"):
        vectors_of(tmp_path / "v.bin", {"film"})
