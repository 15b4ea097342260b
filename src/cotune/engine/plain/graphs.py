"""Networks over graphs for the plain twin: dense matrices of who hears whom, one network, no compiled loop.

| symbol | meaning                                             | shape         |
|--------|-----------------------------------------------------|---------------|
| A      | 1 where node i hears node j                         | node node     |
| number | place of an edge among the entries of the engine's graph | node node |

From the engine it takes first weights and draws; of a graph it takes which edges there are, and their order.
"""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from cotune.data.graphs.world import World
from cotune.engine import rng
from cotune.engine.chance import NUMBERS, StepChance
from cotune.engine.lanes import Lane
from cotune.nets.graph.gat import GAT
from cotune.nets.graph.gin import GIN
from cotune.nets.graph.network import GraphNetwork
from cotune.nets.graph.sage import SAGE
from cotune.nets.layout import ALIGN

MOMENTUM, EPSILON = 0.1, 1e-5


class Draws:
    """A lane's draws of a step; `step` is to be set."""

    def __init__(self, lane: Lane) -> None:
        self.lane, self.step = lane, 0

    def chance(self) -> StepChance:
        """Those of this step."""
        seed = torch.tensor([rng.seed_of(self.lane.seed, "chance")])
        shares = {
            name: torch.tensor([self.lane.number(name)]) for name in NUMBERS if self.lane.number(name) > 0
        }
        return StepChance(rng.keys(seed, torch.tensor([self.step])), shares)

    def factors(self, number: str, name: str, count: int) -> Tensor:
        """Factors [count]; ones where nothing is left out."""
        found = self.chance().factors(number, name, count)
        return torch.ones(count) if found is None else found[0]


class View:
    """A graph as dense matrices, without padding.

    Args:
        world: the engine's graph.
        graphs: numbers of those that are wanted, of many; `None` for the only one.
    """

    def __init__(self, world: World, graphs: Tensor | None) -> None:
        nodes = torch.arange(world.nodes)
        self.own = torch.zeros(world.nodes, dtype=torch.int64)
        if graphs is not None:
            assert world.bounds is not None
            parts = [nodes[world.bounds[g] : world.bounds[g + 1]] for g in graphs.tolist()]
            nodes = torch.cat(parts)
            self.own = torch.cat([torch.full((len(part),), i) for i, part in enumerate(parts)])
        n = self.nodes = len(nodes)
        self.padded = -(-max(1, n) // ALIGN) * ALIGN
        whole = torch.zeros(world.padded, world.padded, dtype=torch.bool)
        whole[world.edges.rows, world.edges.columns] = True
        self.adjacency = whole[nodes][:, nodes] & (self.own[:, None] == self.own[None, :])
        self.number = numbered(self.adjacency)
        self.looped_number = numbered(self.adjacency | torch.eye(n, dtype=torch.bool))
        self.extra_loops = self.padded - n
        if world.dense is not None:
            self.features = world.dense[nodes]
            self.entry: Tensor | None = None
        else:
            assert world.sparse is not None
            sparse, width = world.sparse, world.inputs
            table, there = (
                torch.zeros(world.padded, width),
                torch.zeros(world.padded, width, dtype=torch.bool),
            )
            table[sparse.rows, sparse.columns] = sparse.factors
            there[sparse.rows, sparse.columns] = True
            self.features, self.entry = table[nodes], numbered(there[nodes])


def numbered(there: Tensor) -> Tensor:
    """Row by row, the number of each place that is true; −1 elsewhere."""
    found = torch.full(there.shape, -1, dtype=torch.int64)
    found[there] = torch.arange(int(there.sum()))
    return found


class PlainGraph(nn.Module):
    """The lane's network over its graph, with its first weights, which have the engine's names and shapes."""

    def __init__(self, lane: Lane, first: dict[str, Tensor], moments: dict[str, Tensor]) -> None:
        super().__init__()
        assert isinstance(lane.structure.network, GraphNetwork)
        self.shape, self.world = lane.structure.network, lane.variant.world
        self.activation_name = lane.activation
        self.factors = Draws(lane)
        self.values = nn.ParameterDict({_key(name): nn.Parameter(w.clone()) for name, w in first.items()})
        for name, moment in moments.items():
            self.register_buffer(_key(name), moment.clone())

    def by_name(self) -> dict[str, tuple[Tensor, bool]]:
        """The parameters by the engine's names; none is turned."""
        return {name.replace("/", "."): (p, False) for name, p in self.values.items()}

    def w(self, name: str) -> Tensor:
        """A weight by the engine's name."""
        found: Tensor = self.values[_key(name)]
        return found

    def forward(self, _: Tensor, codes: Tensor) -> Tensor:
        """Logits [batch output]."""
        shape = self.shape
        view = View(self.world, codes[:, 0] if shape.task == "graph" else None)
        if isinstance(shape, SAGE) and shape.neighbours and self.training:
            return self.drawn(view, codes[:, 0])
        kept = self.dropped_edges(view)
        h = self.features_of(view)
        for i in range(shape.hidden):
            layer = f"convolution{i}"
            x = h if i == 0 else self.drop(h, layer, view)
            z = self.finished(layer, self.hear(layer, x, view, kept))
            h = h + z if shape.residual and i else z
        if shape.task == "node":
            if isinstance(shape, GIN):
                asked = self.drop_rows(h[codes[:, 0]])
                return asked @ self.w("head.weight") + self.w("head.bias")
            h = self.drop(h, "head", view) if shape.hidden else h
            return self.hear("head", h, view, kept)[codes[:, 0]]
        if shape.task == "link":
            both = h[codes[:, 0]] * h[codes[:, 1]]
            if shape.decoder == "dot":
                return F.pad(both.sum(1, keepdim=True), (1, 0)) + self.w("head.bias")
            z = self.act(both @ self.w("decoder.weight") + self.w("decoder.bias"), "")
            return z @ self.w("head.weight") + self.w("head.bias")
        rows = [self.read_out(h[view.own == i]) for i in range(len(codes))]
        return self.drop_rows(torch.stack(rows)) @ self.w("head.weight") + self.w("head.bias")

    def read_out(self, h: Tensor) -> Tensor:
        """A graph's row."""
        return {"sum": h.sum(0), "mean": h.mean(0), "max": h.max(0).values}[self.shape.readout]

    def draw(self, number: str, name: str, count: int) -> Tensor:
        """Factors of a step that trains."""
        return self.factors.factors(number, name, count) if self.training else torch.ones(count)

    def features_of(self, view: View) -> Tensor:
        """Features, some left out."""
        x = view.features * (self.draw("feature_mask", "mask", view.features.shape[1]) > 0)
        if view.entry is None:
            return (
                x
                * self.draw("input_dropout", "features", view.padded * x.shape[1]).view(-1, x.shape[1])[
                    : view.nodes
                ]
            )
        factors = self.draw("input_dropout", "features", int(view.entry.max()) + 1)
        return x * torch.where(view.entry < 0, 0.0, factors[view.entry])

    def drop(self, h: Tensor, name: str, view: View) -> Tensor:
        """Units, some left out."""
        return h * self.draw("dropout", name, view.padded * h.shape[1]).view(view.padded, -1)[: view.nodes]

    def drop_rows(self, h: Tensor) -> Tensor:
        """The same before a linear head."""
        return h * self.draw("dropout", "head", h.numel()).view(h.shape)

    def dropped_edges(self, view: View) -> Tensor:
        """A, some edges left out."""
        factors = self.draw("edge_drop", "edges", max(1, int(view.number.max()) + 1))
        return view.adjacency & (factors[view.number] > 0)

    def hear(self, layer: str, h: Tensor, view: View, kept: Tensor) -> Tensor:
        """What a convolution yields."""
        n, shape = view.nodes, self.shape
        looped = kept | torch.eye(n, dtype=torch.bool)
        if isinstance(shape, GAT):
            return self.attend(layer, h, view, looped) + self.w(f"{layer}.bias")
        if isinstance(shape, GIN):
            s = (1 + self.w(f"{layer}.epsilon")) * h + kept.float() @ h
            inner = f"{layer}.inner"
            z = s @ self.w(f"{inner}.weight") + self.bias(f"{inner}.bias")
            return self.finished(inner, z) @ self.w(f"{layer}.weight") + self.bias(f"{layer}.bias")
        if isinstance(shape, SAGE):
            own = h @ self.w(f"{layer}.weight") + self.w(f"{layer}.bias")
            return own + self.aggregate(layer, h, kept) @ self.w(f"{layer}.neighbour")
        root = looped.sum(1).float().rsqrt()
        return (looped * root[:, None] * root[None, :]) @ h @ self.w(f"{layer}.weight") + self.w(
            f"{layer}.bias"
        )

    def aggregate(self, layer: str, h: Tensor, kept: Tensor) -> Tensor:
        """What GraphSAGE's nodes hear."""
        assert isinstance(self.shape, SAGE)
        if self.shape.aggregate == "mean":
            return kept.float() @ h / kept.sum(1, keepdim=True).clamp(min=1)
        pooled = torch.relu(h @ self.w(f"{layer}.pool") + self.w(f"{layer}.pool_bias"))
        rows = [pooled[row].max(0).values if row.any() else torch.zeros(pooled.shape[1]) for row in kept]
        return torch.stack(rows)

    def attend(self, layer: str, h: Tensor, view: View, looped: Tensor) -> Tensor:
        """What attention's nodes hear, head by head."""
        assert isinstance(self.shape, GAT)
        heads = 1 if layer == "head" else self.shape.heads
        x = (h @ self.w(f"{layer}.weight")).view(view.nodes, heads, -1)
        sent, received = ((x * self.w(f"{layer}.{end}")).sum(2) for end in ("sender", "receiver"))
        scores = F.leaky_relu(received[:, None] + sent[None, :], 0.2)
        alpha = torch.where(looped[:, :, None], scores, -torch.inf).softmax(1)
        count = int(view.looped_number.max()) + 1 + view.extra_loops
        factors = self.draw("attention_dropout", f"{layer}.attention", count * heads).view(-1, heads)
        alpha = alpha * factors[view.looped_number]
        return torch.einsum("ijh,jhu->ihu", alpha, x).flatten(1)

    def finished(self, layer: str, z: Tensor) -> Tensor:
        """Norm and activation."""
        return self.act(self.norm(layer, z), layer)

    def norm(self, layer: str, z: Tensor) -> Tensor:
        """torch's own norms."""
        kind = self.shape.norm
        if kind == "none":
            return z
        scale = self.w(f"{layer}.norm.weight")
        if kind == "rms":
            return F.rms_norm(z, (z.shape[1],), scale, EPSILON)
        shift = self.w(f"{layer}.norm.bias")
        if kind == "batch":
            mean, variance = (getattr(self, _key(f"{layer}.norm.{part}")) for part in ("mean", "variance"))
            return F.batch_norm(z, mean, variance, scale, shift, self.training, MOMENTUM, EPSILON)
        groups = {"layer": 1, "group": z.shape[1] // 8}[kind]
        return F.group_norm(z, groups, scale, shift, EPSILON)

    def act(self, z: Tensor, layer: str) -> Tensor:
        """The lane's activation."""
        if self.shape.slopes:
            return F.prelu(z, self.w(f"{layer}.slope"))
        found: Tensor = getattr(F, {"identity": "threshold"}.get(self.activation_name, self.activation_name))(
            z
        )
        return found

    def bias(self, name: str) -> Tensor:
        """A bias, or nothing where a norm takes its place."""
        found: Tensor = self.values[_key(name)] if _key(name) in self.values else torch.zeros(1)
        return found

    def drawn(self, view: View, asked: Tensor) -> Tensor:
        """Logits by neighbours that are drawn for each node, level by level."""
        assert isinstance(self.shape, SAGE)
        count, depth, chance = self.shape.neighbours, self.shape.depth, self.factors.chance()
        asked_padded = torch.cat([asked, asked[-1:].expand(-len(asked) % ALIGN)])
        levels: list[list[int]] = [asked_padded.tolist()]
        for level in range(depth):
            hashes = chance.hashes(f"neighbours{level}", len(levels[-1]) * count)[0].tolist()
            heard = []
            for place, node in enumerate(levels[-1]):
                around = view.adjacency[node].nonzero()[:, 0].tolist()
                draws = hashes[place * count : (place + 1) * count]
                heard += [around[draw % len(around)] if around else node for draw in draws]
            levels.append(heard)
        features = self.features_of(view)
        h = [features[nodes] for nodes in levels]
        for i in range(depth):
            layer = "head" if i == depth - 1 else f"convolution{i}"
            following = []
            for level in range(depth - i):
                own = h[level] @ self.w(f"{layer}.weight") + self.w(f"{layer}.bias")
                x = h[level + 1].view(len(levels[level]), count, -1)
                if self.shape.aggregate == "mean":
                    heard_of = x.mean(1)
                else:
                    heard_of = torch.relu(x @ self.w(f"{layer}.pool") + self.w(f"{layer}.pool_bias")).amax(1)
                some = torch.tensor([bool(view.adjacency[node].any()) for node in levels[level]])
                z = own + (heard_of * some[:, None]) @ self.w(f"{layer}.neighbour")
                if layer != "head":
                    z = self.finished(layer, z)
                    z = h[level] + z if self.shape.residual and i else z
                    z = z * self.draw("dropout", f"{layer}, level {level}", z.numel()).view(z.shape)
                following.append(z)
            h = following
        return h[0][: len(asked)]


def _key(name: str) -> str:
    return name.replace(".", "/")
