"""The networks that peers train: ordinary modules, of the same shape and with the same first weights' law as cotune's.

MLP: linear, activation, dropout, over and over, and a linear head. CNN: convolution, activation, dropout, 2 by 2
pooling, twice, and a linear head on all pixels. GRU: one layer, its state at each row's own end, dropout, a linear
head. GCN: two convolutions (Kipf & Welling 2017), dropout before each.
"""

from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

ACTIVATIONS: dict[str, type[nn.Module]] = {"relu": nn.ReLU, "silu": nn.SiLU, "elu": nn.ELU}


def started(network: nn.Module) -> nn.Module:
    """He's normal weights, zero biases; of a recurrent layer orthogonal state weights, gate by gate."""
    with torch.no_grad():
        for name, parameter in network.named_parameters():
            if parameter.ndim < 2:
                parameter.zero_()
            elif "weight_hh" in name:
                for gate in parameter.split(parameter.shape[1]):
                    nn.init.orthogonal_(gate)
            else:
                nn.init.kaiming_normal_(parameter, nonlinearity="relu")
    return network


class MLP(nn.Sequential):
    """See above."""

    def __init__(self, inputs: int, outputs: int, config: dict[str, Any]) -> None:
        layers: list[nn.Module] = []
        for _ in range(config["depth"]):
            layers += [nn.Linear(inputs, config["width"]), ACTIVATIONS[config["activation"]]()]
            layers += [nn.Dropout(config["dropout"])]
            inputs = config["width"]
        super().__init__(*layers, nn.Linear(inputs, outputs))

    def forward(self, x: Tensor, _: Tensor) -> Tensor:
        """Logits [row output]."""
        found: Tensor = super().forward(x)
        return found


class CNN(nn.Module):
    """See above."""

    def __init__(self, shape: tuple[int, int, int], outputs: int, config: dict[str, Any]) -> None:
        super().__init__()
        height, across, channels = shape
        self.shape, first, side = shape, config["filters"], config["kernel"]
        blocks: list[nn.Module] = []
        for units in (first, 2 * first):
            blocks += [nn.Conv2d(channels, units, side, padding=side // 2)]
            blocks += [ACTIVATIONS[config["activation"]](), nn.Dropout(config["dropout"]), nn.MaxPool2d(2)]
            channels, height, across = units, height // 2, across // 2
        self.body = nn.Sequential(*blocks)
        self.head = nn.Linear(channels * height * across, outputs)

    def forward(self, x: Tensor, _: Tensor) -> Tensor:
        """Logits [row output]."""
        found: Tensor = self.head(self.body(x.view(-1, self.shape[2], *self.shape[:2])).flatten(1))
        return found


class GRU(nn.Module):
    """See above. What comes after a row's end changes no state before it, so that nothing need be packed."""

    def __init__(self, shape: tuple[int, int], outputs: int, config: dict[str, Any]) -> None:
        super().__init__()
        self.shape = shape
        self.body = nn.GRU(shape[1], config["width"], batch_first=True)
        self.drop = nn.Dropout(config["dropout"])
        self.head = nn.Linear(config["width"], outputs)

    def forward(self, x: Tensor, codes: Tensor) -> Tensor:
        """Logits [row output]."""
        states, _ = self.body(x.view(-1, *self.shape))
        last = states[torch.arange(len(states)), codes[:, 0] - 1]
        found: Tensor = self.head(self.drop(last))
        return found


class Graph:
    """What all rows share: the matrix D^-½(A + I)D^-½, and the nodes' features, sparse."""

    def __init__(self, arrays: Any) -> None:
        nodes, width = (int(n) for n in arrays["graph_shape"])
        edges = torch.from_numpy(arrays["edges"])
        root = torch.bincount(edges[0], minlength=nodes).float().rsqrt()
        weights = root[edges[0]] * root[edges[1]]
        self.adjacency = torch.sparse_coo_tensor(edges, weights, (nodes, nodes)).coalesce().to_sparse_csr()
        places = torch.stack([torch.from_numpy(arrays[f"feature_{end}"]) for end in ("rows", "columns")])
        values = torch.from_numpy(arrays["feature_values"]).float()
        found = torch.sparse_coo_tensor(places, values, (nodes, width)).coalesce()
        rows, columns = found.indices()
        self.values, self.shape = found.values(), (nodes, width)
        self.turned = torch.argsort(columns, stable=True)
        self.by_row = _starts(rows, nodes), columns
        self.by_column = _starts(columns[self.turned], width), rows[self.turned]


def _starts(sorted_rows: Tensor, count: int) -> Tensor:
    return F.pad(torch.bincount(sorted_rows, minlength=count).cumsum(0), (1, 0))


class Times(torch.autograd.Function):
    """x w, x sparse; its transpose was sorted beforehand: autograd's own backward pass would sort it every time."""

    @staticmethod
    def forward(context: Any, values: Tensor, w: Tensor, graph: Graph) -> Tensor:
        """[node unit]."""
        context.save_for_backward(values)
        context.graph = graph
        return _csr(*graph.by_row, values, graph.shape) @ w

    @staticmethod
    def backward(context: Any, *gradients: Tensor) -> Any:
        """Of w alone."""
        graph, (values,) = context.graph, context.saved_tensors
        return None, _csr(*graph.by_column, values[graph.turned], graph.shape[::-1]) @ gradients[0], None


def _csr(starts: Tensor, columns: Tensor, values: Tensor, shape: tuple[int, int]) -> Tensor:
    return torch.sparse_csr_tensor(starts, columns, values, shape, check_invariants=False)


class GCN(nn.Module):
    """See above. Features stay sparse: dropout leaves out some of their entries."""

    def __init__(self, graph: Graph, outputs: int, config: dict[str, Any]) -> None:
        super().__init__()
        self.graph, self.config = graph, config
        self.first = nn.Parameter(torch.empty(graph.shape[1], config["width"]))
        self.second = nn.Parameter(torch.empty(config["width"], outputs))
        self.first_bias = nn.Parameter(torch.zeros(config["width"]))
        self.second_bias = nn.Parameter(torch.zeros(outputs))
        for weight in (self.first, self.second):
            nn.init.xavier_uniform_(weight)
        self.activation = ACTIVATIONS[config["activation"]]()

    def forward(self, _: Tensor, codes: Tensor) -> Tensor:
        """Logits of the nodes that are asked for [row output]."""
        graph, config = self.graph, self.config
        values = F.dropout(graph.values, config["input_dropout"], self.training)
        h = graph.adjacency @ Times.apply(values, self.first, graph) + self.first_bias
        h = F.dropout(self.activation(h), config["dropout"], self.training)
        found: Tensor = (graph.adjacency @ (h @ self.second) + self.second_bias)[codes[:, 0]]
        return found


def network_of(facts: dict[str, Any], arrays: Any, config: dict[str, Any], graph: Graph | None) -> nn.Module:
    """The network of a configuration.

    Args:
        facts: of the request.
        arrays: of the task.
        graph: where rows are nodes of one.
    """
    outputs = max(1, facts["classes"])
    match facts["family"]:
        case "mlp":
            return started(MLP(arrays["train_x"].shape[1], outputs, config))
        case "cnn":
            made = started(CNN(tuple(facts["shape"]), outputs, config))
            return made.to(memory_format=torch.channels_last)  # measured: a quarter less time
        case "gru":
            return started(GRU(tuple(facts["shape"]), outputs, config))
        case "gcn":
            assert graph is not None
            return GCN(graph, outputs, config)
    raise ValueError(f"there is no family {facts['family']!r}")
