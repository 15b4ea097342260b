"""The network's section of a recipe: its family, and what each family can be."""

from typing import Annotated

from pydantic import BeforeValidator, Field

from cotune.recipe.names import (
    ACTIVATIONS,
    ANCHORS,
    BLOCKS,
    CONVOLVING,
    DROPOUTS,
    FAMILIES,
    GRAPHS,
    INITS,
    MAP_POOLINGS,
    NORMS,
    OF_WORDS,
    POOLINGS,
    RECURRENT,
    SEQUENTIAL,
    WINDOWS,
)
from cotune.recipe.section import Section
from cotune.recipe.settings import Choice, Domain, Range, Setting
from cotune.recipe.units import as_path


class NetworkSection(Section):
    """The architecture."""

    family: Annotated[
        Setting,
        Domain("name", options=FAMILIES, words=("auto",), source="LeCun et al. 1998; Cho et al. 2014"),
    ] = "auto"
    width: Annotated[
        Setting, Domain("int", low=1, high=8192, when=("family", ("mlp", *SEQUENTIAL, *GRAPHS)))
    ] = Choice((64, 128, 256))
    depth: Annotated[Setting, Domain("int", low=0, high=64, when=("family", ("mlp", *GRAPHS)))] = Choice(
        (1, 2, 3)
    )
    filters: Annotated[
        Setting,
        Domain("int", low=8, high=512, step=8, words=("auto",), when=("family", (*CONVOLVING, "textcnn"))),
    ] = "auto"
    convolutions: Annotated[
        Setting, Domain("int", low=1, high=8, words=("auto",), when=("family", ("cnn",)))
    ] = "auto"
    kernel: Annotated[
        Setting, Domain("int", low=1, high=11, step=2, words=("auto",), when=("family", CONVOLVING))
    ] = "auto"
    layers: Annotated[
        Setting, Domain("int", low=1, high=16, when=("family", (*RECURRENT, "transformer")))
    ] = 1
    bidirectional: Annotated[
        Setting, Domain("bool", when=("family", RECURRENT), source="Schuster & Paliwal 1997")
    ] = False
    pooling: Annotated[
        Setting,
        Domain(
            "name", options=POOLINGS, words=("auto",), when=("family", SEQUENTIAL), source="Yang et al. 2016"
        ),
    ] = "auto"
    levels: Annotated[
        Setting, Domain("int", low=1, high=12, when=("family", ("tcn",)), source="Wang et al. 2017")
    ] = 3
    time_kernel: Annotated[
        Setting, Domain("int", low=1, high=65, when=("family", ("tcn",)), source="Wang et al. 2017: 3 to 8")
    ] = 5
    dilation: Annotated[
        Setting, Domain("int", low=1, high=4, when=("family", ("tcn",)), source="Bai et al. 2018: 2")
    ] = 2
    causal: Annotated[
        Setting, Domain("bool", when=("family", ("tcn",)), source="van den Oord et al. 2016")
    ] = False
    heads: Annotated[
        Setting,
        Domain(
            "int",
            low=1,
            high=64,
            when=("family", ("transformer", "gat")),
            source="Vaswani et al. 2017; Veličković et al. 2018",
        ),
    ] = 8
    feedforward: Annotated[
        Setting,
        Domain("int", low=1, high=8, when=("family", ("transformer",)), source="Vaswani et al. 2017: 4"),
    ] = 2
    map_pooling: Annotated[
        Setting,
        Domain(
            "name",
            options=MAP_POOLINGS,
            words=("auto",),
            when=("family", CONVOLVING),
            source="Lin et al. 2014",
        ),
    ] = "auto"
    block: Annotated[
        Setting,
        Domain(
            "name",
            options=BLOCKS,
            when=("family", ("resnet",)),
            source="He et al. 2016; Howard et al. 2017; Chollet 2017",
        ),
    ] = "basic"
    stages: Annotated[
        Setting, Domain("int", low=1, high=6, words=("auto",), when=("family", ("resnet",)))
    ] = "auto"
    blocks: Annotated[Setting, Domain("int", low=1, high=32, when=("family", ("resnet",)))] = 1
    stem: Annotated[Setting, Domain("int", low=1, high=4, words=("auto",), when=("family", ("resnet",)))] = (
        "auto"
    )
    excitation: Annotated[Setting, Domain("bool", when=("family", ("resnet",)), source="Hu et al. 2018")] = (
        False
    )
    experts: Annotated[
        Setting, Domain("int", low=1, high=32, when=("family", ("resnet",)), source="Shazeer et al. 2017")
    ] = 1
    supervision: Annotated[
        Setting, Domain("float", low=0, high=2, when=("family", ("resnet",)), source="Lee et al. 2015")
    ] = 0.0
    exit_at: Annotated[
        Setting,
        Domain(
            "float",
            low=0,
            high=1,
            when=("family", ("resnet",)),
            source="Teerapittayanon et al. 2016; Huang et al. 2018",
        ),
    ] = 0.0
    activation: Annotated[Setting, Domain("name", options=ACTIVATIONS)] = Choice(("relu", "gelu", "silu"))
    norm: Annotated[
        Setting,
        Domain("name", options=NORMS, source="Ioffe & Szegedy 2015; Ba et al. 2016"),
    ] = "none"
    anchor: Annotated[
        Setting,
        Domain("name", options=ANCHORS, words=("auto",), source="Zeng et al. 2023; Kim et al. 2022"),
    ] = "auto"
    residual: Annotated[
        Setting, Domain("bool", when=("family", ("mlp", "tcn", *GRAPHS)), source="He et al. 2016")
    ] = False
    dropout: Annotated[
        Setting, Domain("float", low=0, below=1, fusable=True, source="Srivastava et al. 2014")
    ] = Range(0.0, 0.5)
    dropout_kind: Annotated[
        Setting,
        Domain(
            "name",
            options=DROPOUTS,
            source="Klambauer et al. 2017; Tompson et al. 2015; Wan et al. 2013; Huang et al. 2016",
        ),
    ] = "unit"
    input_dropout: Annotated[
        Setting,
        Domain(
            "float",
            low=0,
            below=1,
            fusable=True,
            when=("family", GRAPHS),
            source="Kipf & Welling 2017",
        ),
    ] = 0.0
    attention_dropout: Annotated[
        Setting,
        Domain(
            "float", low=0, below=1, fusable=True, when=("family", ("gat",)), source="Veličković et al. 2018"
        ),
    ] = 0.0
    aggregate: Annotated[
        Setting,
        Domain("name", options=("mean", "max"), when=("family", ("sage",)), source="Hamilton et al. 2017"),
    ] = "mean"
    neighbours: Annotated[
        Setting,
        Domain(
            "int",
            low=0,
            high=1000,
            when=("family", ("sage",)),
            source="Hamilton et al. 2017",
        ),
    ] = 0
    readout: Annotated[
        Setting,
        Domain("name", options=("sum", "mean", "max"), when=("family", GRAPHS), source="Xu et al. 2019"),
    ] = "sum"
    decoder: Annotated[
        Setting, Domain("name", options=("dot", "mlp"), when=("family", GRAPHS), source="Kipf & Welling 2016")
    ] = "dot"
    windows: Annotated[
        Setting,
        Domain("name", options=WINDOWS, when=("family", ("textcnn",)), source="Kim 2014: 3-4-5 words"),
    ] = "3-4-5"
    embedding_width: Annotated[
        Setting, Domain("int", low=1, high=1024, words=("auto",), when=("categories", ("embedding",)))
    ] = "auto"
    embedding_init: Annotated[
        Setting,
        Domain(
            "name",
            options=("uniform", "normal"),
            when=("family", OF_WORDS),
            source="Kim 2014; Vaswani et al. 2017",
        ),
    ] = "uniform"
    embeddings: Annotated[str, BeforeValidator(as_path, json_schema_input_type=str)] | None = Field(
        None,
        description="File of word embeddings, in the text or binary format of word2vec or in GloVe's, that networks of "
        "words begin with; words that it lacks are drawn by `embedding_init`. `freeze: 1` leaves them as they are.",
    )
    frequency_scale: Annotated[
        Setting,
        Domain(
            "float",
            low=1e-3,
            high=100,
            fusable=True,
            when=("numbers", ("periodic",)),
            source="Gorishniy 2022",
        ),
    ] = 0.1
    init: Annotated[
        Setting,
        Domain(
            "name",
            options=INITS,
            fusable=True,
            source="He 2015; Glorot & Bengio 2010; LeCun 1998; Saxe et al. 2014; Mishkin & Matas 2016",
        ),
    ] = "he"
    init_std: Annotated[
        Setting,
        Domain(
            "float",
            low=0,
            high=100,
            fusable=True,
            when=("init", ("normal", "uniform", "truncated_normal")),
            source="Devlin et al. 2019",
        ),
    ] = 0.02
    pretrained: Annotated[str, BeforeValidator(as_path, json_schema_input_type=str)] | None = Field(
        None,
        description="Directory of an earlier study, or a .safetensors file, whose weights networks begin with: "
        "layers whose names and shapes fit, the others by `init`. `freeze`, `unfreeze` and `layer_lr` say how "
        "they learn on.",
    )
