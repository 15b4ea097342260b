"""What is for graphs alone: features of nodes, what they hear, and what is learned before there are labels."""

from cotune.catalogue.base import Technique
from cotune.catalogue.derive import options, stand_in, technique
from cotune.recipe.names import GRAPHS

FACTS: dict[str, dict[str, tuple[str, str, str]]] = {
    "node_scaling": {
        "row": ("node_rows", "Kipf & Welling 2017", "features of each node divided by their sum"),
        "standard": ("node_standard", "LeCun et al. 1998", "(x − mean) / standard deviation of each feature of nodes"),
    },
    "structure": {
        "degree": ("node_degrees", "Xu et al. 2019", "log(1 + degree), and which degree it is, as features of nodes"),
        "walks": ("random_walks", "Dwivedi et al. 2022", "chances of a random walk to be back after 2 to 8 steps"),
        "all": ("node_structure", "Watts & Strogatz 1998", "degrees, walks, and how many neighbours are neighbours"),
    },
    "pretrain": {
        "masked": ("masked_features", "Hou et al. 2022", "features of half the nodes are hidden and told from "
        "the others"),
        "dgi": ("deep_graph_infomax", "Veličković et al. 2019", "nodes are told from nodes with exchanged features"),
    },
    "aggregate": {
        "mean": ("mean_of_neighbours", "Hamilton et al. 2017", "h W + (mean of neighbours' h) V + b"),
        "max": ("largest_of_neighbours", "Hamilton et al. 2017", "h W + (max of neighbours' relu(h P + c)) V + b"),
    },
    "readout": {
        "sum": ("sum_of_nodes", "Xu et al. 2019", "a graph's row is Σ h of its nodes"),
        "mean": ("mean_of_nodes", "Duvenaud et al. 2015", "a graph's row is the mean of its nodes' h"),
        "max": ("largest_of_nodes", "Hamilton et al. 2017", "a graph's row is, unit by unit, the largest of its "
        "nodes' h"),
    },
    "decoder": {
        "dot": ("dot_of_nodes", "Kipf & Welling 2016", "u and v have an edge with chance σ(⟨h_u, h_v⟩ + b)"),
        "mlp": ("network_of_nodes", "He et al. 2017", "two layers on h_u ⊙ h_v tell whether u and v have an edge"),
    },
}  # fmt: skip
"""By recipe key: name, reference, summary."""


def _of(kind: str, *keys: str) -> tuple[Technique, ...]:
    found = []
    for key in keys:
        for option in options(key):
            if option == "none":
                continue
            name, reference, summary = FACTS[key][option]
            found.append(
                technique(
                    kind, name, {key: option}, {key: stand_in(key, option)}, reference=reference, summary=summary,
                    families=GRAPHS, data=("graph",),
                )
            )  # fmt: skip
    return tuple(found)


def _share(key: str, value: float, reference: str, summary: str) -> Technique:
    return technique(
        "regularisation", key, {key: value}, {key: 0.0}, parameters=[key], reference=reference, summary=summary,
        families=GRAPHS, data=("graph",),
    )  # fmt: skip


GRAPH_PREPARATION_ROWS = _of("preparation", "node_scaling", "structure")
GRAPH_INITIALISATION_ROWS = _of("initialisation", "pretrain")
GRAPH_REGULARISATION_ROWS = (
    _share("input_dropout", 0.5, "Kipf & Welling 2017", "features of nodes are left out, each by itself"),
    _share(
        "attention_dropout", 0.5, "Veličković et al. 2018", "neighbours that a node listens to are left out"
    ),
)
GRAPH_ROWS = (
    *_of("graph", "aggregate", "readout", "decoder"),
    technique(
        "graph", "neighbour_sampling", {"neighbours": 10}, {"neighbours": 0}, parameters=["neighbours"],
        reference="Hamilton et al. 2017", summary="a step hears of so many neighbours of each node, drawn anew",
        families=GRAPHS, data=("graph",),
    ),
)  # fmt: skip
