"""Contract 4: widths are padded by a function of the lane alone, within 1.5 times a square layer's work."""

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from cotune.engine.lanes import WASTE, padded_width
from cotune.nets.layout import ALIGN, Layout
from cotune.nets.mlp import MLP

WIDTHS = st.integers(1, 8192)
BATCHES = st.integers(1, 4096)


@given(WIDTHS, BATCHES)
def test_padding_never_narrows_and_aligns_every_lane(width: int, batch: int) -> None:
    padded = padded_width(width, batch)
    assert padded >= width
    assert padded * batch % ALIGN == 0
    assert padded_width(padded, batch) == padded


@given(st.integers(256, 8192), BATCHES)
def test_wide_layers_stay_within_the_waste(width: int, batch: int) -> None:
    assert (padded_width(width, batch) / width) ** 2 <= WASTE


@given(WIDTHS, st.sampled_from([32, 64, 128, 256]))
def test_usual_batches_waste_at_most_seven_units_or_an_eighth(width: int, batch: int) -> None:
    padding = padded_width(width, batch) - width
    assert padding <= 7 or (1 + padding / width) ** 2 <= WASTE


def test_near_widths_share_a_population() -> None:
    assert len({padded_width(width, 64) for width in range(257, 512)}) == 8


@given(
    features=st.integers(1, 9),
    cardinalities=st.lists(st.integers(2, 5), max_size=3).map(tuple),
    depth=st.integers(0, 3),
    norm=st.sampled_from(["none", "batch", "layer"]),
    outputs=st.integers(1, 20),
    width=st.integers(1, 40),
)
def test_rows_are_aligned_and_weights_do_not_overlap(
    features: int, cardinalities: tuple[int, ...], depth: int, norm: str, outputs: int, width: int
) -> None:
    network = MLP(features, cardinalities, 3 if cardinalities else 0, 64, depth, norm, False, outputs)
    for weights in (network.weights(), network.statistics()):
        layout = Layout.of(weights)
        spans = sorted((layout.offsets[w.name], layout.offsets[w.name] + w.size) for w in weights)
        assert all(end <= start for (_, end), (start, _) in pairwise(spans))
        assert all(start % ALIGN == 0 for start, _ in spans)
        assert layout.size % ALIGN == layout.decayed % ALIGN == 0
        for weight in weights:
            assert (layout.offsets[weight.name] < layout.decayed) == weight.decay
            real = network.real_shape(weight, width)
            assert len(real) == len(weight.shape)
            assert all(n <= most for n, most in zip(real, weight.shape, strict=True))
