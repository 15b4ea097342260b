"""How networks learn to make rows like those at hand: the contest of a generator and a discriminator."""

from typing import Annotated

from cotune.recipe.names import CONTEST_LOSSES
from cotune.recipe.section import Section
from cotune.recipe.settings import Domain, Setting

GAN = ("family", ("gan",))


class GenerationSection(Section):
    """A generator and a discriminator, for `task: generation`."""

    latent: Annotated[Setting, Domain("int", low=2, high=1024, when=GAN, source="Goodfellow et al. 2014")] = (
        64
    )
    gan_width: Annotated[
        Setting,
        Domain(
            "int",
            low=8,
            high=1024,
            words=("auto",),
            when=GAN,
            source="Radford et al. 2016",
        ),
    ] = "auto"
    gan_depth: Annotated[
        Setting,
        Domain("int", low=1, high=6, words=("auto",), when=GAN, source="Radford et al. 2016"),
    ] = "auto"
    gan_loss: Annotated[
        Setting,
        Domain(
            "name",
            options=CONTEST_LOSSES,
            words=("auto",),
            when=GAN,
            source="Goodfellow et al. 2014; Mao et al. 2017; Gulrajani et al. 2017; Lim & Ye 2017",
        ),
    ] = "auto"
    gradient_penalty: Annotated[
        Setting,
        Domain(
            "float",
            low=0,
            high=1000,
            fusable=True,
            when=("gan_loss", ("wasserstein",)),
            source="Gulrajani et al. 2017",
        ),
    ] = 10.0
    generator_norm: Annotated[
        Setting, Domain("name", options=("batch", "layer", "none"), when=GAN, source="Radford et al. 2016")
    ] = "batch"
    discriminator_norm: Annotated[
        Setting,
        Domain(
            "name",
            options=("none", "spectral", "layer"),
            when=GAN,
            source="Miyato et al. 2018; Ba et al. 2016",
        ),
    ] = "none"
    upsampling: Annotated[
        Setting, Domain("name", options=("transposed", "nearest"), when=GAN, source="Odena et al. 2016")
    ] = "transposed"
    update_ratio: Annotated[
        Setting,
        Domain(
            "int",
            low=1,
            high=20,
            when=GAN,
            source="Arjovsky et al. 2017",
        ),
    ] = 1
    generator_lr: Annotated[
        Setting,
        Domain(
            "float",
            low=0.01,
            high=100,
            fusable=True,
            when=GAN,
            source="Heusel et al. 2017",
        ),
    ] = 1.0
    gan_balance: Annotated[
        Setting,
        Domain(
            "name",
            options=("none", "waiting", "slowed"),
            when=GAN,
            source="Berthelot et al. 2017",
        ),
    ] = "none"
    deep_supervision: Annotated[
        Setting,
        Domain(
            "float",
            low=0,
            high=10,
            fusable=True,
            when=GAN,
            source="Lee et al. 2015",
        ),
    ] = 0.0
    instance_noise: Annotated[
        Setting,
        Domain(
            "float",
            low=0,
            high=2,
            fusable=True,
            when=GAN,
            source="Sønderby et al. 2017",
        ),
    ] = 0.0
    real_label: Annotated[
        Setting,
        Domain(
            "float",
            low=0.5,
            high=1,
            fusable=True,
            when=("gan_loss", ("cross_entropy", "least_squares")),
            source="Salimans et al. 2016",
        ),
    ] = 1.0
