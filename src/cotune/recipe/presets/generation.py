"""Where to search for generators."""

from cotune.recipe.presets.base import Row
from cotune.recipe.settings import Choice, Range

CONTEST = (
    Row("optimizer", "adam", "Radford et al. 2016"),
    Row("beta1", 0.5, "Radford et al. 2016"),
    Row("weight_decay", 0.0, "Radford et al. 2016"),
    Row("schedule", "constant", "Radford et al. 2016"),
    Row("warmup", 0.0, "Radford et al. 2016"),
    Row("averaging", "ema", "Yazıcı et al. 2019"),
    Row("ema_decay", 0.995, "Yazıcı et al. 2019; measured for short trainings"),
)
"""What every contest of a generator and a discriminator begins with."""

FAST_CONTEST_OF_IMAGES = (
    *CONTEST,
    Row("lr", Range(3e-4, 1e-3, log=True), "Radford et al. 2016: 2e-4; measured"),
)

BALANCED_CONTEST_OF_IMAGES = (
    *FAST_CONTEST_OF_IMAGES,
    Row("generator_lr", Range(0.5, 2.0, log=True), "Heusel et al. 2017"),
    Row("discriminator_norm", Choice(("none", "spectral")), "Miyato et al. 2018"),
)

BEST_CONTEST_OF_IMAGES = (
    *BALANCED_CONTEST_OF_IMAGES,
    Row("gan_loss", Choice(("cross_entropy", "hinge")), "Goodfellow et al. 2014; Lim & Ye 2017"),
    Row("instance_noise", Range(0.0, 0.2), "Sønderby et al. 2017"),
    Row("real_label", Range(0.85, 1.0), "Salimans et al. 2016"),
    Row("latent", Choice((32, 64, 128)), "Radford et al. 2016: 100"),
)

FAST_CONTEST_OF_ROWS = (
    *CONTEST,
    Row("scaling", "quantile", "numbers of many modes become nearly normal ones"),
    Row("lr", Range(3e-4, 2e-3, log=True), "Xu et al. 2019: 2e-4; measured"),
)

BALANCED_CONTEST_OF_ROWS = (
    *FAST_CONTEST_OF_ROWS,
    Row("generator_lr", Range(0.5, 2.0, log=True), "Heusel et al. 2017"),
    Row("gradient_penalty", Range(1.0, 10.0, log=True), "Gulrajani et al. 2017: 10"),
)

BEST_CONTEST_OF_ROWS = (
    *BALANCED_CONTEST_OF_ROWS,
    Row("gan_width", Choice((128, 256)), "Xu et al. 2019: 256"),
    Row("gan_depth", Choice((2, 3)), "Xu et al. 2019: 2"),
    Row("update_ratio", Choice((1, 2)), "Gulrajani et al. 2017: 5"),
)
