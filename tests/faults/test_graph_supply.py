"""When the trials of a row get a new graph."""

from pathlib import Path

from wvl_robot.faults.graph_supply import GraphSupply


class Graph:
    """Wears a little with every use."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.num_uses, self.is_closed = folder, 0, False

    def close(self) -> None:
        self.is_closed = True


def test_a_graph_is_shared_until_it_is_worn_or_dropped() -> None:
    supply = GraphSupply(Graph, lambda graph: graph.num_uses >= 2)
    first = supply.get()
    first.num_uses += 1
    assert supply.get() is first
    first.num_uses += 1
    second = supply.get()
    assert second is not first
    assert first.is_closed and not first.folder.exists()
    supply.drop()
    assert second.is_closed
    assert supply.get() is not second
    supply.drop()
