"""Texts: what a token is, where its embedding begins, and what a window of a convolution spans."""

from cotune.catalogue.derive import options, stand_in, technique

KIND = "text"

TOKENS = {
    "word": ("words", "Kim 2014", "a text is its words and signs; rare and new ones are one unknown word"),
    "character": ("characters", "Zhang et al. 2015", "a text is its characters"),
    "byte_pair": (
        "byte_pairs",
        "Sennrich et al. 2016",
        "a text is pieces of words, merged by how often they meet",
    ),
}
"""What a token is → name of the technique, reference, summary."""

BEGINNINGS = {
    "uniform": ("Kim 2014", "first embeddings are uniform between −0.25 and 0.25"),
    "normal": ("Vaswani et al. 2017", "first embeddings are normal with variance 1 / width"),
}
"""How embeddings are drawn → reference, summary."""

TEXT_ROWS = (
    *(
        technique(
            KIND, TOKENS[name][0], {"tokens": name}, {"tokens": stand_in("tokens", name)},
            reference=TOKENS[name][1], summary=TOKENS[name][2],
        )
        for name in options("tokens")
    ),
    *(
        technique(
            KIND, f"embeddings_{name}", {"embedding_init": name}, {"embedding_init": stand_in("embedding_init", name)},
            reference=BEGINNINGS[name][0], summary=BEGINNINGS[name][1],
        )
        for name in options("embedding_init")
    ),
    *(
        technique(
            KIND, f"windows_{name.replace('-', '_')}", {"windows": name}, {"windows": stand_in("windows", name)},
            reference="Kim 2014; Zhang & Wallace 2017", summary=f"filters span {name.replace('-', ', ')} words",
        )
        for name in options("windows")
    ),
    technique(
        KIND, "small_letters", {"lowercase": True}, {"lowercase": False},
        reference="Manning et al. 2008, section 2.2.3", summary="capitals count as small letters",
    ),
)  # fmt: skip
