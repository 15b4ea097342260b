"""Activations: what follows each hidden layer."""

from cotune.catalogue.derive import stand_in, technique
from cotune.nets.activations import ACTIVATIONS

FACTS = {
    "identity": ("a stack of such layers is one linear layer", "x"),
    "relu": ("Nair & Hinton 2010", "max(0, x)"),
    "leaky_relu": ("Maas et al. 2013", "x where x > 0, else 0.01 x"),
    "elu": ("Clevert et al. 2016", "x where x > 0, else eˣ − 1"),
    "selu": ("Klambauer et al. 2017", "1.0507 (x where x > 0, else 1.6733 (eˣ − 1))"),
    "gelu": ("Hendrycks & Gimpel 2016", "x Φ(x)"),
    "silu": ("Elfwing et al. 2018; Ramachandran et al. 2017 (swish)", "x σ(x)"),
    "tanh": ("LeCun et al. 1998", "(eˣ − e⁻ˣ) / (eˣ + e⁻ˣ)"),
    "sigmoid": ("Verhulst 1845", "σ(x) = 1 / (1 + e⁻ˣ)"),
    "softplus": ("Dugas et al. 2001", "log(1 + eˣ)"),
    "mish": ("Misra 2019", "x tanh(log(1 + eˣ))"),
    "hardsigmoid": ("Courbariaux et al. 2015", "x / 6 + ½, kept in [0, 1]"),
    "hardswish": ("Howard et al. 2019", "x · hardsigmoid(x)"),
    "hardtanh": ("Collobert 2004", "x, kept in [−1, 1]"),
    "prelu": ("He et al. 2015", "x where x > 0, else a x; the slope a is learned, one a unit"),
}
"""Activation → reference, formula."""

ACTIVATION_ROWS = tuple(
    technique(
        "activation", name, {"activation": name}, {"activation": stand_in("activation", name)},
        reference=FACTS[name][0], summary=FACTS[name][1],
    )
    for name in ACTIVATIONS
)  # fmt: skip
