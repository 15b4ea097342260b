"""Figures, values, durations and names."""

import pytest

from cotune.report.words import clean, count, duration, figure, percent, shorten, value


@pytest.mark.parametrize(
    ("number", "shown"),
    [
        (0.86134, "0.8613"),
        (0, "0"),
        (-1.5, "−1.5000"),
        (21713.4, "21,713"),
        (123.456, "123.5"),
        (9.99999, "10.0000"),
        (0.0000123, "1.23 × 10⁻⁵"),
        (3.2e9, "3.2 × 10⁹"),
        (None, "–"),
        (float("nan"), "–"),
        (float("-inf"), "–"),
        ("0.5", "–"),
        (True, "–"),
    ],
)
def test_figure(number: object, shown: str) -> None:
    assert figure(number) == shown


@pytest.mark.parametrize(
    ("setting", "shown"),
    [
        (128, "128"),
        (0.00031234, "0.000312"),
        (1234.5, "1230"),
        (1e-5, "10⁻⁵"),
        (2.5e-7, "2.5 × 10⁻⁷"),
        (0.0, "0"),
        (True, "true"),
        (False, "false"),
        (None, "none"),
        ("gelu", "gelu"),
        (float("nan"), "–"),
    ],
)
def test_value(setting: object, shown: str) -> None:
    assert value(setting) == shown


@pytest.mark.parametrize(
    ("seconds", "shown"),
    [
        (0, "0 s"),
        (0.84, "0.8 s"),
        (9.97, "10 s"),
        (59.7, "1 min 0 s"),
        (180, "3 min 0 s"),
        (3599.6, "1 h 0 min"),
        (4330, "1 h 12 min"),
    ],
)
def test_duration(seconds: float, shown: str) -> None:
    assert duration(seconds) == shown


@pytest.mark.parametrize(
    ("fraction", "shown"),
    [(0.0, "0 %"), (0.001, "< 1 %"), (0.97, "97 %"), (0.9962, "99.6 %"), (1.0, "100 %"), (None, "–")],
)
def test_percent(fraction: object, shown: str) -> None:
    assert percent(fraction) == shown


def test_count_clean_and_shorten() -> None:
    assert (count(1, "trial"), count(3000, "trial"), count(2, "class", "classes")) == (
        "1 trial",
        "3,000 trials",
        "2 classes",
    )
    assert clean("a\x1b[31m\u202eb\ud800") == "a�[31m�b�"
    assert shorten("abcdef", 4) == "abc…"
