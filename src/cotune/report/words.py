"""Figures, values, durations and names as a reader wants to see them."""

import math
import unicodedata
from typing import Any

MISSING = "–"
"""Stands where there is no figure."""

METRICS = {
    "accuracy": "accuracy",
    "balanced_accuracy": "balanced accuracy",
    "precision_macro": "macro precision",
    "precision_micro": "micro precision",
    "precision_weighted": "weighted precision",
    "recall_macro": "macro recall",
    "recall_micro": "micro recall",
    "recall_weighted": "weighted recall",
    "f1_macro": "macro F1",
    "f1_micro": "micro F1",
    "f1_weighted": "weighted F1",
    "mcc": "MCC",
    "roc_auc": "ROC AUC",
    "pr_auc": "PR AUC",
    "log_loss": "log loss",
    "brier": "Brier score",
    "calibration_error": "calibration error",
    "r2": "R²",
    "rmse": "RMSE",
    "mse": "MSE",
    "mae": "MAE",
    "mape": "MAPE",
    "frechet": "Fréchet distance",
    "kernel_distance": "kernel distance",
    "coverage": "coverage",
    "loss": "own loss",
}

_SUPERSCRIPTS = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")


def is_number(value: object) -> bool:
    """Whether `value` is a finite number (a boolean is none)."""
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)


def figure(value: object, digits: int = 4) -> str:
    """A measured figure: `digits` decimals below 10, `digits` significant digits above.

    Example:
        >>> figure(0.86134, 3), figure(12345.6), figure(-0.5), figure(float("nan"))
        ('0.861', '12,346', '−0.5000', '–')
    """
    if not is_number(value):
        return MISSING
    number = float(value)  # type: ignore[arg-type]
    size = abs(number)
    if number == 0:
        return "0"
    if size >= 1e7 or size < 0.5 * 10**-digits:
        return power(number, digits - 1)
    whole = len(str(int(size)))
    decimals = digits if size < 10 else max(0, digits - whole)
    return f"{number:,.{decimals}f}".replace("-", "−")


def power(number: float, decimals: int) -> str:
    """Scientific notation: `1.23 × 10⁻⁵`."""
    mantissa, exponent = f"{number:.{decimals}e}".split("e")
    digits = mantissa.rstrip("0").rstrip(".") if "." in mantissa else mantissa
    tail = f"10{str(int(exponent)).translate(_SUPERSCRIPTS)}"
    return (tail if digits == "1" else f"{digits} × {tail}").replace("-", "−")


def value(setting: object) -> str:
    """A parameter's value: three significant digits are enough to tell trials apart.

    Example:
        >>> value(0.00031234), value(128), value("gelu"), value(True), value(None)
        ('0.000312', '128', 'gelu', 'true', 'none')
    """
    match setting:
        case None:
            return "none"
        case bool():
            return "true" if setting else "false"
        case int():
            return str(setting).replace("-", "−")
        case float():
            return _short(setting)
        case _:
            return clean(setting)


def _short(number: float) -> str:
    if not math.isfinite(number):
        return MISSING
    if number and not 1e-4 <= abs(number) < 1e6:
        return power(number, 2)
    digits = f"{number:.3g}"
    return (f"{float(digits):.0f}" if "e" in digits else digits).replace("-", "−")


def percent(fraction: object) -> str:
    """A fraction in percent; only none is 0 %, only all is 100 %."""
    if not is_number(fraction):
        return MISSING
    share = 100 * float(fraction)  # type: ignore[arg-type]
    if 0 < share < 0.5:
        return "< 1 %"
    return f"{share:.1f} %" if 99.5 <= share < 99.95 else f"{share:.0f} %"


def whole(number: object) -> str:
    """A count, thousands apart."""
    return f"{int(number):,}" if is_number(number) else MISSING  # type: ignore[call-overload]


def count(number: int, noun: str, plural: str = "") -> str:
    """A count and its noun: `1 trial`, `3,000 trials`."""
    return f"{number:,} {noun if number == 1 else plural or noun + 's'}"


def duration(seconds: object) -> str:
    """Seconds in the two units that matter.

    Example:
        >>> duration(180), duration(0.84), duration(4330), duration(None)
        ('3 min 0 s', '0.8 s', '1 h 12 min', '–')
    """
    if not is_number(seconds):
        return MISSING
    length = float(seconds)  # type: ignore[arg-type]
    if length < 9.95:
        return f"{length:.1f} s" if length else "0 s"
    total = round(length)
    if total < 60:
        return f"{total} s"
    if total < 3600:
        return f"{total // 60} min {total % 60} s"
    minutes = round(length / 60)
    return f"{minutes // 60} h {minutes % 60} min"


def metric(name: str) -> str:
    """A metric's name in prose."""
    return METRICS.get(name, clean(name))


def clean(text: object) -> str:
    """`text` with control, direction-changing and unpaired characters made visible as �."""
    return "".join("�" if unicodedata.category(c) in ("Cc", "Cf", "Cs", "Zl", "Zp") else c for c in str(text))


def shorten(text: object, length: int) -> str:
    """At most `length` characters, the cut marked."""
    cleaned = clean(text)
    return cleaned if len(cleaned) <= length else cleaned[: length - 1] + "…"


def finalize(shown: Any) -> Any:
    """What the template prints for a value: nothing is ever printed as `None` or `nan`."""
    if shown is None or (isinstance(shown, float) and not math.isfinite(shown)):
        return MISSING
    if isinstance(shown, str) and not hasattr(shown, "__html__"):
        return clean(shown)
    return shown


FAMILIES = {
    "gru": "a GRU",
    "rnn": "an RNN",
    "lstm": "an LSTM",
    "tcn": "a TCN",
    "transformer": "a Transformer",
    "textcnn": "a TextCNN",
    "bag": "a bag of words",
    "gcn": "a GCN",
    "sage": "a GraphSAGE network",
    "gat": "a GAT",
    "gin": "a GIN",
    "module": "a network of your own",
}
"""Families of networks that are told by name and width; the others have words of their own."""
