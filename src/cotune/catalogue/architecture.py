"""Architecture: what networks of feature maps are built of, and how they adjust to what they see."""

from cotune.catalogue.derive import stand_in, technique

KIND = "architecture"

BLOCKS = {
    "basic": ("residual", "He et al. 2016", "y = x + F(x), F two convolutions"),
    "bottleneck": ("bottleneck", "He et al. 2016", "the same, F by 1 × 1 pixel to a quarter of the maps and back"),
    "separable": (
        "depthwise_separable",
        "Howard et al. 2017; Chollet 2017",
        "each convolution as one within every map and one of 1 × 1 pixel across maps",
    ),
}  # fmt: skip
"""Block → technique, reference, summary."""

POOLINGS = {
    "flatten": ("flatten", "LeCun et al. 1998", "the head reads every pixel of the last maps"),
    "average": ("global_average_pooling", "Lin et al. 2014", "the head reads the mean of each last map"),
    "max": ("global_max_pooling", "Oquab et al. 2015", "the head reads the largest of each last map"),
}

ARCHITECTURE_ROWS = (
    *(
        technique(
            KIND, name, {"block": block}, {"block": stand_in("block", block)},
            reference=reference, summary=summary, parameters=["filters", "stages", "blocks"],
        )
        for block, (name, reference, summary) in BLOCKS.items()
    ),
    *(
        technique(
            KIND, name, {"map_pooling": how}, {"map_pooling": stand_in("map_pooling", how)},
            reference=reference, summary=summary,
        )
        for how, (name, reference, summary) in POOLINGS.items()
    ),
    technique(
        KIND, "squeeze_and_excitation", {"excitation": True}, {"excitation": False},
        reference="Hu et al. 2018", summary="z ← σ(relu(m V) W) ⊙ z, m the mean of each map",
    ),
    technique(
        KIND, "mixture_of_experts", {"experts": 4}, {"experts": 1}, parameters=["experts"],
        reference="Shazeer et al. 2017", summary="y = x + Σₑ gₑ(x) Fₑ(x), two of the gates above 0 for each image",
    ),
    technique(
        KIND, "early_exit", {"exit_at": 0.9, "supervision": 0.3}, {"exit_at": 0.0, "supervision": 0.0},
        parameters=["exit_at", "supervision"], reference="Teerapittayanon et al. 2016; Huang et al. 2018",
        summary="an image leaves at the first head whose largest probability is exit_at or more",
    ),
    technique(
        KIND, "deep_supervision", {"supervision": 0.3}, {"supervision": 0.0}, parameters=["supervision"],
        reference="Lee et al. 2015", summary="loss + supervision · losses of heads on the stages before the last",
    ),
)  # fmt: skip
