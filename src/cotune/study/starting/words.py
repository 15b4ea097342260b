"""Embeddings that networks of words begin with: of an earlier study, or of a file, word by word.

Vocabularies differ from fold to fold and from study to study. So what networks begin with holds its words beside its
embeddings, and each fold's vocabulary takes its words from there; the others are drawn.

| tensor    | meaning                                   | shape      |
|-----------|-------------------------------------------|------------|
| words     | a list of words as JSON, in bytes          | byte       |
| embedding | their embeddings, in the same order        | word width |
"""

import json
from collections.abc import Mapping
from pathlib import Path

import torch
from torch import Tensor

from cotune.data import Dataset
from cotune.data.prepare.fitting import Fitted
from cotune.data.prepare.tokenise import splitter
from cotune.data.prepare.tokens import FIRST, UNKNOWN, TokenPipeline
from cotune.data.texts.rows import Texts
from cotune.data.texts.vectors import vectors_of
from cotune.errors import RecipeError
from cotune.recipe import Recipe
from cotune.recipe.settings import Choice, Setting

WORDS, EMBEDDING = "words", "embedding"

NOBODY = ""
"""Stands for the unknown word; no token is empty."""


def with_words(tensors: Mapping[str, Tensor], pipeline: Fitted) -> dict[str, Tensor]:
    """A network's tensors, its words beside its embeddings; as they are if it reads no words."""
    if not isinstance(pipeline, TokenPipeline) or EMBEDDING not in tensors:
        return dict(tensors)
    count = len(pipeline.vocabulary)
    table = tensors[EMBEDDING][UNKNOWN : FIRST + count].clone()
    return {**tensors, EMBEDDING: table, WORDS: _as_bytes([NOBODY, *pipeline.vocabulary])}


def of_file(recipe: Recipe, dataset: Dataset) -> dict[str, Tensor]:
    """The embeddings of `network.embeddings`, of words in the data.

    Raises:
        RecipeError, SourceError: tokens are no words, or the file is none of embeddings.
    """
    texts = dataset.frame
    assert isinstance(texts, Texts)
    assert recipe.network.embeddings is not None
    if _values(recipe.prepare.tokens) != ("word",):
        raise RecipeError(
            "network.embeddings are of words, so prepare.tokens must be word; leave one of them out"
        )
    wanted: set[str] = set()
    for lowercase in _values(recipe.prepare.lowercase):
        split = splitter("word", lowercase=bool(lowercase))
        wanted.update(token for text in texts.texts for token in split(text))
    words, vectors = vectors_of(Path(recipe.network.embeddings), wanted)
    return {WORDS: _as_bytes(words), EMBEDDING: torch.from_numpy(vectors)}


def placed(start: Mapping[str, Tensor], pipeline: Fitted) -> dict[str, Tensor]:
    """What a fold's networks begin with: the embeddings in the order of its vocabulary, NaN for words to be drawn."""
    others = {name: tensor for name, tensor in start.items() if name != WORDS}
    if not isinstance(pipeline, TokenPipeline):
        others.pop(EMBEDDING)
        return others
    index = {word: place for place, word in enumerate(words_of(start))}
    table = start[EMBEDDING]
    found = torch.full((pipeline.entries, table.shape[1]), torch.nan)
    pairs = [(number, index.get(word)) for number, word in enumerate(pipeline.vocabulary, FIRST)]
    pairs.append((UNKNOWN, index.get(NOBODY)))
    for number, place in pairs:
        if place is not None:
            found[number] = table[place]
    return {**others, EMBEDDING: found}


def words_of(start: Mapping[str, Tensor]) -> list[str]:
    """The words whose embeddings `start` holds."""
    found: list[str] = json.loads(bytes(start[WORDS].to(torch.uint8).tolist()).decode())
    return found


def _as_bytes(words: list[str]) -> Tensor:
    return torch.tensor(list(json.dumps(words).encode()), dtype=torch.uint8)


def _values(setting: Setting) -> tuple[object, ...]:
    return setting.choices if isinstance(setting, Choice) else (setting,)
