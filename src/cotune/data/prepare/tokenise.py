"""From a text to its tokens: words, characters, or pairs of bytes that often stand together.

| unit      | tokens                                                                          |
|-----------|---------------------------------------------------------------------------------|
| word      | runs of letters and digits; what follows an apostrophe; every other sign         |
| character | each by itself                                                                  |
| byte_pair | pieces of words, merged from bytes by how often they meet on the training rows   |

Source of byte_pair: Sennrich, Haddow & Birch, Neural Machine Translation of Rare Words with Subword Units, ACL 2016;
the pieces are found by the library `tokenizers`.
"""

import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import lru_cache
from typing import Any

from cotune.errors import RecipeError

WORDS = re.compile(r"\w+|'\w+|[^\w\s]")

LIBRARY = "pip install tokenizers"

Split = Callable[[str], Sequence[str]]


def splitter(unit: str, *, lowercase: bool, pieces: str = "") -> Split:
    """What turns a text into tokens.

    Args:
        unit: of the table above.
        lowercase: whether capitals count as small letters.
        pieces: of byte_pair: what `learned_pieces` gave.

    Raises:
        RecipeError: the library of byte_pair is not there.

    Example:
        >>> splitter("word", lowercase=True)("It's GOOD, isn't it?")
        ['it', "'s", 'good', ',', 'isn', "'t", 'it', '?']
    """
    if unit == "word":
        split: Split = WORDS.findall
    elif unit == "character":
        split = list
    else:
        encode = _encoder(pieces).encode

        def split(text: str) -> Sequence[str]:
            found: Sequence[str] = encode(text).tokens
            return found

    return (lambda text: split(text.lower())) if lowercase else split


def learned_pieces(texts: Iterable[str], *, size: int, lowercase: bool) -> str:
    """The merges of byte pairs, learned from texts; plain JSON.

    Args:
        size: pieces to learn at most.

    Raises:
        RecipeError: the library is not there.
    """
    library = _library()
    made = library.Tokenizer(library.models.BPE())
    made.pre_tokenizer = library.pre_tokenizers.ByteLevel(add_prefix_space=True)
    alphabet = library.pre_tokenizers.ByteLevel.alphabet()
    trainer = library.trainers.BpeTrainer(
        vocab_size=max(size, len(alphabet)), initial_alphabet=sorted(alphabet), show_progress=False
    )
    made.train_from_iterator(_lowered(texts) if lowercase else texts, trainer)
    return str(made.to_str())


def vocabulary_of(tokens: Iterable[Sequence[str]], *, size: int, least: int) -> tuple[str, ...]:
    """The most frequent tokens, the most frequent first, equals by alphabet.

    Args:
        size: tokens at most.
        least: times that a token must occur.
    """
    counts: Counter[str] = Counter()
    for each in tokens:
        counts.update(each)
    often = [(token, count) for token, count in counts.items() if count >= least]
    return tuple(token for token, _ in sorted(often, key=lambda pair: (-pair[1], pair[0]))[:size])


def _lowered(texts: Iterable[str]) -> Iterator[str]:
    return (text.lower() for text in texts)


@lru_cache(maxsize=8)
def _encoder(pieces: str) -> Any:
    return _library().Tokenizer.from_str(pieces)


def _library() -> Any:
    try:
        import tokenizers
        from tokenizers import models, pre_tokenizers, trainers
    except ImportError:
        law = "prepare.tokens byte_pair needs the library tokenizers, which is not installed"
        raise RecipeError(f"{law}; install it with `{LIBRARY}`, or set tokens: word") from None
    del models, pre_tokenizers, trainers
    return tokenizers
