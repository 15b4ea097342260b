"""Networks of sequences: what a layer sees of other times, and what the head sees of all of them."""

from cotune.catalogue.derive import options, stand_in, technique

KIND = "sequence"

POOLINGS = {
    "last": ("Elman 1990", "the head sees the state at a row's own last time"),
    "mean": ("Lin et al. 2014 (global average pooling)", "the head sees the mean over a row's times"),
    "max": (
        "Collobert & Weston 2008 (max over time)",
        "the head sees each unit's largest value over a row's times",
    ),
    "attention": ("Yang et al. 2016", "the head sees Σ αₜ sₜ, α = softmax over times of q · tanh(sₜ w + b)"),
}
"""Pooling → reference, summary."""

SEQUENCE_ROWS = (
    *(
        technique(
            KIND, f"pooling_{name}", {"pooling": name}, {"pooling": stand_in("pooling", name)},
            reference=POOLINGS[name][0], summary=POOLINGS[name][1],
        )
        for name in options("pooling")
    ),
    technique(
        KIND, "bidirectional", {"bidirectional": True}, {"bidirectional": False},
        reference="Schuster & Paliwal 1997", summary="a second layer of cells reads each row from its end",
    ),
    technique(
        KIND, "stacked", {"layers": 2}, {"layers": 1}, parameters=["layers"],
        reference="Graves et al. 2013", summary="a layer reads the states of the one before",
    ),
    technique(
        KIND, "dilated", {"dilation": 2}, {"dilation": 1}, parameters=["dilation"],
        reference="Yu & Koltun 2016; Bai et al. 2018", summary="filters see times dilation^level apart",
    ),
    technique(
        KIND, "causal", {"causal": True}, {"causal": False},
        reference="van den Oord et al. 2016", summary="filters see no later time",
    ),
)  # fmt: skip
