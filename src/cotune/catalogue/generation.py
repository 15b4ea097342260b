"""Generation: how a generator and a discriminator contend."""

from collections.abc import Mapping
from typing import Any

from cotune.catalogue.base import Technique
from cotune.catalogue.derive import options, technique, told
from cotune.engine.goals.contest_losses import CONTEST_LOSSES
from cotune.types import Task, Value

KIND = "generation"


def _row(
    name: str, on: Mapping[str, Value], off: Mapping[str, Value], reference: str, summary: str, **more: Any
) -> Technique:
    return technique(
        KIND,
        name,
        on,
        off,
        reference=reference,
        summary=summary,
        families=("gan",),
        tasks=(Task.GENERATION,),
        **more,
    )


def _loss(name: str) -> Technique:
    other = next(each for each in options("gan_loss") if each != name)
    found = CONTEST_LOSSES[name]
    summary = f"{told(found.discriminator)}; the generator: {told(found.generator)}"
    return _row(name, {"gan_loss": name}, {"gan_loss": other}, found.source, summary)


GENERATION_ROWS = (
    *(_loss(name) for name in options("gan_loss")),
    _row("generator_batch_norm", {"generator_norm": "batch"}, {"generator_norm": "none"}, "Radford et al. 2016",
         "in the generator; judged with moments measured by its own weights"),
    _row("generator_layer_norm", {"generator_norm": "layer"}, {"generator_norm": "none"}, "Ba et al. 2016",
         "in the generator, over the units of each row"),
    _row("discriminator_spectral_norm", {"discriminator_norm": "spectral"}, {"discriminator_norm": "none"},
         "Miyato et al. 2018", "w / σ(w) in the discriminator, σ the largest singular value"),
    _row("discriminator_layer_norm", {"discriminator_norm": "layer"}, {"discriminator_norm": "none"},
         "Gulrajani et al. 2017", "in the discriminator, where batch norm would tie rows together"),
    _row("transposed_convolution", {"upsampling": "transposed"}, {"upsampling": "nearest"}, "Radford et al. 2016",
         "a convolution's gradient doubles the sides of an image", data=("image",)),
    _row("nearest_upsampling", {"upsampling": "nearest"}, {"upsampling": "transposed"}, "Odena et al. 2016",
         "nearest pixels, then a convolution: no chequered patterns", data=("image",)),
    _row("update_ratio", {"update_ratio": 2}, {"update_ratio": 1}, "Arjovsky et al. 2017",
         "the discriminator takes several steps for one of the generator", parameters=["update_ratio"]),
    _row("two_time_scales", {"generator_lr": 0.5}, {"generator_lr": 1.0}, "Heusel et al. 2017",
         "the generator learns at another rate than the discriminator", parameters=["generator_lr"]),
    _row("balance_by_waiting", {"gan_balance": "waiting"}, {"gan_balance": "none"}, "Goodfellow et al. 2014",
         "the side that is far ahead waits"),
    _row("balance_by_slowing", {"gan_balance": "slowed"}, {"gan_balance": "none"}, "Berthelot et al. 2017",
         "the better the discriminator tells, the shorter its steps"),
    _row("deep_supervision", {"deep_supervision": 0.5}, {"deep_supervision": 0.0}, "Lee et al. 2015",
         "heads on the discriminator's stages add their losses", parameters=["deep_supervision"]),
    _row("instance_noise", {"instance_noise": 0.1}, {"instance_noise": 0.0}, "Sønderby et al. 2017",
         "noise on real and generated rows alike, which fades", parameters=["instance_noise"]),
    _row("one_sided_label_smoothing", {"real_label": 0.9}, {"real_label": 1.0}, "Salimans et al. 2016",
         "the label of real rows is a bit less than 1", parameters=["real_label"]),
    _row("latent", {"latent": 128}, {"latent": 64}, "Goodfellow et al. 2014", "numbers of noise a row is made of",
         parameters=["latent"]),
)  # fmt: skip
