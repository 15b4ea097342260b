"""Writes what the code knows better than any author: tables in docs/recipe.md, docs/combinations.md,
docs/presets.md and docs/techniques.md, and docs/recipe.schema.json.

    make docs

A test compares them with the code, so a key that is added without a word here, or changed without `make docs`, fails.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from cotune.catalogue.base import Technique
from cotune.catalogue.table import KINDS
from cotune.recipe.presets.base import Kind
from cotune.recipe.presets.by_kind import EFFORTS, ROWS
from cotune.recipe.reading import json_schema
from cotune.recipe.schema import Recipe, leaves
from cotune.recipe.settings import Domain, to_plain
from cotune.study.rules.rule import Rule
from cotune.study.rules.table import FINE, IMPOSSIBLE, RULES

HERE = Path(__file__).parent
BEGIN, END = "<!-- begin: made by docs/generate.py -->", "<!-- end -->"

MEANINGS = {
    "task": "What is to be learned. `auto`: two labels are binary, more are multiclass, numbers a regression. "
    "`forecast`: how a series goes on; see [forecast](forecast.md).",
    "method": "How rows are divided beside the test rows. All folds of a trial train at once, as lanes. `kfold` keeps "
    "the shares of classes in every fold where it can, `stratified` insists on it.",
    "missing": "What stands in for a missing number: one learned from the column, or the constant 0.",
    "indicators": "A 0/1 column beside each numeric column that has missing cells.",
    "outliers": "`clip` moves numbers onto Tukey's far fences. `remove` leaves out training rows that hold a number "
    "beyond them; it clips instead where that would be more than 10 % of the rows, or all of a class.",
    "scaling": "How numbers are brought to comparable scales. `quantile` maps them onto a normal distribution; "
    "`robust_clip` is `robust` with a smooth bound at ±3.",
    "numbers": "What a scaled number becomes. `piecewise`: piecewise linear codes, one for each bin between training "
    "quantiles. `periodic`: the number, and beside it three units made of 16 waves with learned frequencies. "
    "Networks of series take plain ones alone.",
    "bins": "Bins of each number, at most; equal quantiles merge.",
    "categories": "One 0/1 column for each category, or a learned vector for each, which networks of series do not "
    "take.",
    "select": "Which features stay: all, those that vary, or those that tell most about the target, by mutual "
    "information, in a linear model with L1 penalty, or in a forest of extremely randomised trees.",
    "keep": "Fraction of the features that stay; `l1` may keep fewer.",
    "balance": "`weights` counts rare classes more: n / (classes · n of the class). `oversample` repeats their rows up "
    "to the largest class, an epoch growing to five times its rows at most; `undersample` takes as many of each as the "
    "smallest has.",
    "node_scaling": "Of graphs: `row` divides the features of each node by their sum, `standard` brings each feature "
    "to mean 0 and deviation 1; sparse features keep their zeros.",
    "structure": "Of graphs: features from the edges alone, beside those that nodes bring. `degree`, `walks` (chances "
    "of a random walk to be back), `all`. Without features of nodes `none` is `degree`.",
    "input_dropout": "Of graphs: the chance that a feature of a node is left out of a step.",
    "attention_dropout": "The chance that a node does not listen to a neighbour in a step.",
    "aggregate": "What a node hears: the mean or the largest of its neighbours.",
    "neighbours": "Neighbours that are drawn for each node in a step that trains; 0 for all. Of nodes as rows.",
    "readout": "How the nodes of a graph become one row, where rows are graphs.",
    "decoder": "How two nodes become one row, where rows are pairs of nodes; see [graphs](graphs.md).",
    "edge_drop": "Of graphs: share of the edges that are left out of a step.",
    "pretrain": "What networks over graphs learn from all nodes before there are labels: features that are `masked`, "
    "or to tell the graph from one with exchanged features (`dgi`).",
    "pretrain_epochs": "Steps of it, each over the whole graph.",
    "pixels": "Of images: `standard` brings each channel to mean 0 and deviation 1, `unit` to 0 … 1.",
    "lookback": "Of forecasts: the steps before the first one to forecast that a network reads. `auto`: 4 or 14 "
    "seasons or horizons, whichever is longer, at most a quarter of the series.",
    "anchor": "Of forecasts: the level of its own that a window is read from and written back to: its `last` value, "
    "its `mean`, or mean and deviation (`standard`). `auto`: `last`.",
    "channel_scaling": "Of series: how each channel is brought to a comparable scale.",
    "each_series": "Of series: whether each is brought to mean 0 and deviation 1 by itself, before all else.",
    "gaps": "Of series: what stands where a number is missing: one on a line between its neighbours, or 0.",
    "gap_channels": "Of series: a 0/1 channel beside each that has gaps.",
    "tokens": "Of texts: what a token is: a word or sign, a character, or a piece of a word (`pip "
    "install tokenizers`).",
    "vocabulary": "Tokens that are told apart, the most frequent of the training rows.",
    "least_count": "Times that a token must occur in the training rows; others are one unknown token.",
    "length": "Tokens of a text that are read. `auto`: as many as 99 % of the training rows have, at most 400.",
    "lowercase": "Whether capitals count as small letters.",
    "windows": "Words that the filters of a TextCNN span, a size each.",
    "embedding_init": "How embeddings of words are drawn.",
    "word_swap": "Share of a text's words that change places in pairs.",
    "word_dropout": "Share of a text's words that become unknown.",
    "family": "Family of networks: `mlp`; `cnn` and `resnet`, which need images; `gru`, `rnn`, `lstm`, `tcn` and "
    "`transformer`, which read series, the columns of a table, in their order, as one, the windows of a forecast, or "
    "words; `textcnn` and `bag`, which read words; `gcn`, `sage`, `gat` and `gin`, of graphs; `gan`, which generates. "
    "`auto`: for images from 24 pixels on `resnet`, if there is time for 10 epochs of one, for others `cnn`; `tcn` for "
    "series, `textcnn` for texts, `gcn` for graphs, else `mlp`.",
    "layers": "Layers of a recurrent network or a Transformer, one on top of the other.",
    "bidirectional": "Whether every recurrent layer reads from the end, too.",
    "pooling": "What the head sees of all times: the last state, their mean, the largest, or a mean by attention. "
    "`auto`: `last` for recurrent networks, else `mean`.",
    "levels": "Convolutions over time, one after the other.",
    "time_kernel": "Times that a filter sees.",
    "dilation": "How many times wider apart these are from level to level; 1: neighbours throughout.",
    "causal": "Whether filters see earlier times alone.",
    "heads": "Heads of attention, over times or over graphs; `width` is that of all heads together, rounded up to a "
    "multiple of them.",
    "feedforward": "Units of the hidden layer in each layer of a Transformer, as a multiple of its width.",
    "filters": "Filters of the first convolution, doubled in each further one, or in each further stage of a `resnet`. "
    "`auto`: of a `cnn` 8 or 16, 16 to 64 on a GPU; of a `resnet` 32. Of a TextCNN those of each size; `auto`: 64.",
    "map_pooling": "What the head reads of the last maps: all pixels, or the mean or the largest of each. `auto`: "
    "`flatten` for a `cnn`, `average` for a `resnet`.",
    "block": "What a residual block adds to its maps; see [images](images.md).",
    "stages": "Stages of blocks; the sides of the images halve from one to the next. `auto`: up to 3.",
    "blocks": "Blocks of each stage.",
    "stem": "Pixels between the places of the first convolution. `auto`: 2 from 24 pixels on, else 1.",
    "excitation": "Whether blocks weigh their maps by what the whole image shows.",
    "experts": "Branches of each block of the last stage, of which a gate chooses two for each image; 1 is a plain "
    "block.",
    "supervision": "Weight of the loss of further heads on the stages before the last; 0 is none.",
    "exit_at": "An image leaves at the first head whose largest probability is at least this; 0 is never.",
    "convolutions": "Stages of convolution and 2 × 2 pooling. `auto`: 2 or 3, fewer for sides below 24 pixels.",
    "kernel": "Side of the filters. `auto`: 3.",
    "width": "Units of a hidden layer.",
    "depth": "Hidden layers; 0 is a linear model.",
    "activation": "What follows each hidden layer.",
    "norm": "Normalisation within each hidden layer.",
    "residual": "Whether hidden layers, or levels of convolutions over time, add to their input.",
    "dropout": "Probability that a hidden unit is left out of a step.",
    "dropout_kind": "What is left out: units (alpha: keeping mean and variance), feature maps, weights, layers.",
    "embedding_width": "Numbers in the vector of a category, or of a word. `auto`: 8, or 64; of `embeddings`, the "
    "file's.",
    "frequency_scale": "Spread of the first frequencies of periodic numbers.",
    "init": "How first weights are drawn. `lsuv` rescales each layer to unit variance on the lane's first batch; "
    "`zeros` is for linear models.",
    "init_std": "Standard deviation of the first weights.",
    "batch_size": "Rows a step. `auto`: a power of two near a hundredth of the rows, 32 to 256; `full`: "
    "all training rows of a fold.",
    "loss": "What is minimised. `auto`: cross_entropy for classes, mse for numbers.",
    "optimizer": "Rule that turns gradients into steps. Good rates differ: near 1 for adadelta, 0.1 for sgd, a tenth "
    "of adamw's for lion. `muon` turns hidden matrices' steps orthogonal, and takes AdamW's elsewhere; `schedule_free` "
    "judges a mean of the weights, and needs no falling rate.",
    "latent": "Numbers of noise that a row is made of.",
    "gan_width": "Filters next to the pixels, twice as many at each halving; of a table, units. `auto`: 32, 128.",
    "gan_depth": "Times that an image is halved; of a table, hidden layers. `auto`: down to 4 pixels; 2.",
    "gan_loss": "What generator and discriminator minimise. `auto`: cross_entropy for images, wasserstein for tables.",
    "gradient_penalty": "Weight of (‖slope‖ − 1)² of the discriminator between real and generated rows.",
    "generator_norm": "Normalisation in the generator.",
    "discriminator_norm": "Normalisation in the discriminator, of its weights (spectral) or of each row (layer).",
    "upsampling": "How the generator doubles the sides of an image.",
    "update_ratio": "Steps of the discriminator for one of the generator.",
    "generator_lr": "The generator's learning rate, as a multiple of the discriminator's.",
    "gan_balance": "What is done where one side is ahead: it waits, or the discriminator's steps get shorter.",
    "deep_supervision": "Weight of further heads, one on each stage of the discriminator; 0 is off.",
    "instance_noise": "Standard deviation of noise on what the discriminator sees; it fades to the end. 0 is off.",
    "real_label": "Label of real rows; below 1 labels are smoothed on one side.",
    "lr": "Peak learning rate.",
    "weight_decay": "Pull of weights to zero (not of biases); decoupled from the gradient in adamw, lion, muon and "
    "schedule_free, part of it elsewhere.",
    "momentum": "Fraction of the last step that goes on.",
    "beta1": "Memory of the mean gradient; in schedule_free the weight of the mean where gradients are taken.",
    "beta2": "Memory of the mean squared gradient (ρ of adadelta and rmsprop), or of lion's momentum.",
    "l1": "Weight of the sum of absolute weights in the loss.",
    "l2": "Weight of half the sum of squared weights in the loss; beside l1, the elastic net.",
    "label_smoothing": "Probability given to all classes alike in the target.",
    "quantile": "Quantile of the target that is predicted; 0.5 is the median.",
    "focal_gamma": "How much less rows count that are classified well; 0 is cross_entropy.",
    "embedding_size": "Numbers in the embedding of a row. The 10 training rows whose embeddings are nearest to a "
    "row's vote on its class (k-NN).",
    "margin": "Distance from which rows of different classes are far enough apart.",
    "contrast_temperature": "Spread of the similarities; small values look at the nearest rows.",
    "clip_norm": "Longest gradient, by norm; 0 is no limit.",
    "clip_value": "Largest number of a gradient; 0 is no limit.",
    "gradient_noise": "Standard deviation of noise on the gradient at the first step; it falls as (1 + t)^-0.275.",
    "max_norm": "Longest vector of weights into a unit; 0 is no limit.",
    "sam_rho": "Sharpness-aware steps: the gradient is taken so far uphill. Twice the work; 0 is off.",
    "lookahead": "Steps after which slow weights follow the fast ones, and these go back to them; 0 is off.",
    "lookahead_share": "How far the slow weights follow.",
    "averaging": "Which weights are judged and handed out: the last, an exponential average (ema), or a mean (swa).",
    "ema_decay": "Memory of the exponential average.",
    "swa_start": "Fraction of the training after which the mean begins.",
    "accumulate": "Batches to a step of the optimizer.",
    "batch_growth": "How many times as large the batch is at the end: 8 doubles it three times, at equal distances.",
    "freeze": "Layers, from the input, that keep their first weights.",
    "unfreeze": "Epochs after which the next frozen layer learns, the last first; 0 is never.",
    "layer_lr": "A layer's learning rate as a fraction of the next layer's, towards the head.",
    "label_noise": "Chance that a training label is replaced by one at random; of a regression, noise in the target.",
    "augment_probability": "Chance that an example undergoes a technique.",
    "input_noise": "Standard deviation of noise on the prepared features.",
    "feature_mask": "Share of the features that are 0 in a step.",
    "mixup": "α of the Beta(α, α) by which examples are mixed with others of their batch.",
    "cutmix": "The same, but a rectangle is taken from the other image.",
    "flip": "Chance that an image is mirrored, left and right.",
    "rotate": "Largest angle by which an image is turned, either way, in degrees.",
    "translate": "Furthest that an image is moved, as a share of its side.",
    "zoom": "Largest change of scale.",
    "shear": "Largest slant.",
    "crop": "Pixels of border that a crop of the old size may reach into.",
    "brightness": "Largest amount added to all pixels, in their standard deviations.",
    "contrast": "Largest change of an image's contrast.",
    "erase": "Largest share of an image that a blank rectangle takes.",
    "time_warp": "How unevenly the time of a series may run.",
    "window": "Share of a series that may be cut off, the rest stretched.",
    "amplitude": "Spread of the factor on each channel of a series.",
    "jitter": "Standard deviation of noise on each value of a series.",
    "schedule": "Course of the learning rate after the warmup.",
    "warmup": "Fraction of the steps in which the rate rises from zero.",
    "final_lr": "Fraction of the peak rate that is left at the end, or at the lowest.",
    "cycles": "Times that the rate falls and begins anew.",
    "drops": "Times that the rate drops by `decay_factor`: at equal distances with `step`, at 1/2, 3/4, 7/8 … of the "
    "steps with `multistep`.",
    "decay_factor": "What the rate is multiplied by when it drops.",
    "decay_power": "Power of the fraction of the steps that is left.",
    "decay_share": "Fraction of the steps in which the rate falls; before, it stays at the peak.",
    "plateau_patience": "Epochs in a row without a gain after which the rate drops by `decay_factor`, to `final_lr` "
    "at the lowest.",
    "strategy": "How configurations are chosen; see [search](search.md).",
    "metric": "What steers the search. `auto`: accuracy for classes, r2 for numbers.",
    "seed": "Of the splits, the search and every lane.",
}
"""For keys whose schema has no description of its own."""

SECTIONS = {
    "data": "Which data, and what is to be learned.",
    "split": "How the rows are divided. The test rows are used once, at the end.",
    "prepare": "From raw columns to numbers. Everything is fitted on a fold's training rows alone.",
    "network": "The architecture.",
    "generation": "A generator and its discriminator, where the task is generation; see [generation](generation.md).",
    "module": "A network of your own, filled in from `cotune.tune(build=…)`; see [module](module.md).",
    "augment": "What is done to training rows on their way into a network, anew in every step; 0 is off.",
    "training": "How each network is trained.",
    "search": "How the space is searched, and when to stop. Whichever limit is met first ends the study.",
    "after": "What is made of the trained networks, by what they say of validation rows. It costs no further training.",
}


def tables() -> str:
    """A section with a table for each section of the recipe."""
    known = leaves()
    parts = []
    for section, words in SECTIONS.items():
        rows = [_row(name, field) for name, (home, field) in known.items() if home == section]
        head = ["| key | default | legal values | meaning |", "|---|---|---|---|"]
        parts.append("\n".join([f"## {section}", "", words, "", *head, *rows]))
    assert set(SECTIONS) == set(Recipe.model_fields)
    return "\n\n".join(parts)


def _row(name: str, field: Any) -> str:
    domain = next((extra for extra in field.metadata if isinstance(extra, Domain)), None)
    meaning = field.description or MEANINGS[name]
    if domain is not None:
        if domain.when is not None:
            parent, values = domain.when
            meaning += f" Only with {parent}: {' or '.join(str(value) for value in values)}."
        if domain.source:
            meaning += f" *{domain.source}*"
    mark = "" if domain is None else " ●" if domain.fusable else " ○"
    legal = _legal_values(domain) if domain is not None else _legal_kind(field)
    return (
        f"| `{name}`{mark} | {_default(field.get_default(call_default_factory=True))} | {legal} | {meaning} |"
    )


def _default(value: Any) -> str:
    plain = to_plain(value)
    if plain is None or plain in ({}, ()):
        return "–"
    if isinstance(plain, dict):
        return f"`{{{', '.join(f'{k}: {_yaml(v)}' for k, v in plain.items())}}}`"
    if isinstance(plain, list):
        return f"`[{', '.join(map(_yaml, plain))}]`"
    return f"`{_yaml(plain)}`"


def _yaml(value: Any) -> str:
    return (
        str(value).lower()
        if isinstance(value, bool)
        else f"{value:g}"
        if isinstance(value, float)
        else str(value)
    )


def _legal_values(domain: Domain) -> str:
    words = [f"`{word}`" for word in (*domain.words, *domain.options)]
    match domain.kind:
        case "name":
            return ", ".join(words)
        case "bool":
            return "`true`, `false`"
        case kind:
            noun = "whole number" if kind == "int" else "number"
            steps = f", {domain.ladder}" if domain.step > 1 else ""
            return ", ".join([f"{noun} in {domain.interval}{steps}", *words])


def _legal_kind(field: Any) -> str:
    """What a key that cannot be searched takes, from its JSON Schema."""
    name = next(key for key, (_, known) in leaves().items() if known is field)
    section = leaves()[name][0]
    model = Recipe.model_fields[section].annotation
    assert model is not None
    return _said(model.model_json_schema()["properties"][name])


def _said(schema: dict[str, Any]) -> str:
    if "anyOf" in schema:
        return ", ".join(_said(part) for part in schema["anyOf"] if part.get("type") != "null")
    if "enum" in schema:
        return ", ".join(f"`{value}`" for value in schema["enum"])
    if "const" in schema:
        return f"`{schema['const']}`"
    if schema["type"] == "object" and "propertyNames" in schema:
        names = ", ".join(f"`{name}`" for name in schema["propertyNames"]["enum"])
        return f"{_said(schema['additionalProperties'])} for each of {names}"
    if schema["type"] == "object" and "enum" not in schema["additionalProperties"]:
        return "name: range or choices"
    if schema["type"] == "object":
        return "column: " + " or ".join(f"`{value}`" for value in schema["additionalProperties"]["enum"])
    if schema["type"] == "array":
        count = f"{schema['minItems']}: " if "minItems" in schema else ""
        return f"list of {count}{_said(schema['items'])}"
    nouns = {"integer": "whole number", "number": "number", "string": "text", "boolean": "`true`, `false`"}
    low = schema.get("minimum", schema.get("exclusiveMinimum"))
    high = schema.get("maximum", schema.get("exclusiveMaximum"))
    bounds = ""
    if low is not None:
        left = f"[{low:g}" if "minimum" in schema else f"({low:g}"
        right = "∞)" if high is None else f"{high:g}]" if "maximum" in schema else f"{high:g})"
        bounds = f" in {left}, {right}"
    return nouns[schema["type"]] + bounds


def combinations() -> str:
    """A table of the rules, and what stands beside them."""
    rules = [f"| {rule.name} | {rule.why} | {_done(rule)} |" for rule in RULES]
    head = ["| combination | why it makes no sense | what is done |", "|---|---|---|"]
    parts = [
        "\n".join(["## Refused, or mended", "", *head, *rules]),
        _two_columns("Settled elsewhere", ("combination", "how"), IMPOSSIBLE),
        _two_columns("Fine together", ("combination", "why"), FINE),
    ]
    return "\n\n".join(parts)


def _done(rule: Rule) -> str:
    named = {} if callable(rule.mend) else rule.mend
    if len(named) > 2:
        new = "the strengths become 0"
    else:
        new = rule.becomes or ", ".join(f"`{key}` becomes `{_yaml(value)}`" for key, value in named.items())
    return f"refused; in a search {new}" if rule.refused else new


def _two_columns(title: str, head: tuple[str, str], rows: Mapping[str, str]) -> str:
    lines = [f"| {name} | {words} |" for name, words in rows.items()]
    return "\n".join([f"## {title}", "", f"| {head[0]} | {head[1]} |", "|---|---|", *lines])


def techniques() -> str:
    """A section with a table for each kind of technique."""
    head = ["| technique | what it does | turned on by | its parameters | source |", "|---|---|---|---|---|"]
    return "\n\n".join(
        "\n".join([f"## {kind}", "", *head, *map(_technique, rows)]) for kind, rows in KINDS.items()
    )


def _technique(found: Technique) -> str:
    parameters = ", ".join(f"`{key}`" for key in found.parameters) or "–"
    cells = (found.summary, f"`{found.typed}`", parameters, found.reference)
    return f"| `{found.name}` | " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"


def page(before: str, tables: str) -> str:
    """A page with fresh tables between its marks."""
    head, rest = before.split(BEGIN)
    return f"{head}{BEGIN}\n\n{tables}\n\n{END}{rest.split(END, 1)[1]}"


def presets() -> str:
    """A table of the epochs, and one of each kind of data and preset."""
    head = [
        "| preset | rows a trial sees, all epochs together | epochs | epochs that slots are given up for |"
    ]
    efforts = [
        f"| `{name}` | {e.row_epochs:,} | {e.epochs[0]} to {e.epochs[1]} | {e.enough} |"
        for name, e in EFFORTS.items()
    ]
    parts = ["## Length of trials", "\n".join([*head, "|---|---|---|---|", *efforts])]
    titles: dict[Kind, str] = {
        "table": "Tables",
        "series": "Series",
        "image": "Images",
        "graph": "Graphs",
        "forecast": "Forecasts",
        "generated image": "Images to be generated",
        "generated table": "Tables to be generated",
    }
    for preset, kind in ((preset, kind) for kind in titles for preset in EFFORTS if ROWS[preset, kind]):
        rows = ROWS[preset, kind]
        parts.append(f"## {titles[kind]}: `{preset}`")
        lines = [
            f"| `{row.key}` | {_default(row.setting)} | {row.where.words() or 'all'} | {row.source} |"
            for row in rows
        ]
        parts.append("\n".join(["| key | setting | for | source |", "|---|---|---|---|", *lines]))
    return "\n\n".join(parts)


PAGES = {
    "recipe.md": tables,
    "combinations.md": combinations,
    "presets.md": presets,
    "techniques.md": techniques,
}
"""Page → what makes its tables."""


def main() -> None:
    """Write all files."""
    for name, made in PAGES.items():
        path = HERE / name
        path.write_text(page(path.read_text(encoding="utf-8"), made()), encoding="utf-8")
    (HERE / "recipe.schema.json").write_text(json_schema(), encoding="utf-8")


if __name__ == "__main__":
    main()
