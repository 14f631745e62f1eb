"""Rows of the fault plan whose trials share a graph that is started once."""

import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Container, Mapping
from pathlib import Path
from typing import Generic, TypeVar

from wvl_robot.faults.live_graph import LiveGraph
from wvl_robot.faults.promise import judge, promise
from wvl_robot.faults.stall import despite_stalls
from wvl_robot.faults.trial import RowPlan, Trial

G = TypeVar("G", bound=LiveGraph)


class GraphSupply(Generic[G]):
    """One graph for many trials; a trial that did not pass gets the next one a new graph."""

    def __init__(
        self, open_graph: Callable[[Path], G], is_worn: Callable[[G], bool] = lambda graph: False
    ) -> None:
        """`open_graph` is given a folder for the graph's files; a worn graph is used no more."""
        self._open_graph, self._is_worn = open_graph, is_worn
        self._graph: G | None = None

    def get(self) -> G:
        """The graph, started if need be."""
        if self._graph is not None and self._is_worn(self._graph):
            self.drop()
        if self._graph is None:
            folder = Path(tempfile.mkdtemp(prefix="wvl-fault-graph-"))
            self._graph = self._open_graph(folder)
        return self._graph

    def drop(self, keep: Path | None = None) -> None:
        """End the graph, if there is one; its files go to `keep`."""
        graph, self._graph = self._graph, None
        if graph is None:
            return
        graph.close()
        if keep is not None:
            shutil.copytree(graph.folder, keep / "graph")
        shutil.rmtree(graph.folder, ignore_errors=True)


class GraphRow(Generic[G]):
    """A row whose trial is one attempt on the shared graph, which is made ready before and after.

    Whatever a graph does not come back from is a problem of the trial after which it did not.
    """

    def __init__(
        self,
        plan: RowPlan,
        supply: GraphSupply[G],
        attempt: Callable[[G, str, int], Mapping[str, float]],
        stopping: Container[str] = (),
    ) -> None:
        """`attempt` on the graph, of a kind, with a seed: what was measured.

        Kinds that make the robot stop by themselves are `stopping` (see `despite_stalls`).
        """
        self.plan, self._supply, self._attempt = plan, supply, attempt
        self._stopping = stopping

    def run(self, kind: str, seed: int, folder: Path) -> Trial:
        """One attempt; where it did not pass the graph's files are kept in `folder`."""
        done = judge(self.plan, kind, seed, lambda: self._whole(kind, seed))
        if not done.passed:
            self._supply.drop(folder)
        return done

    def close(self) -> None:
        """End the graph."""
        self._supply.drop()

    def _whole(self, kind: str, seed: int) -> Mapping[str, float]:
        graph = self._supply.get()
        graph.make_ready()
        figures = despite_stalls(
            graph, lambda: self._attempt(graph, kind, seed), may_stop=kind in self._stopping
        )
        graph.make_ready()
        found = graph.problems()
        promise(not found, found)
        return figures


def publish_shipped_policy(registry: Path) -> None:
    """The policy that ships with the package as the registry's current one; torch in a child."""
    subprocess.run(
        [sys.executable, "-m", "wvl_robot.faults.shipped_policy", str(registry)], check=True
    )
