"""Start a graph of nodes without `ros2 launch`, e.g. wvl up teleop_collect task:=lift_cube.

Known graphs: teleop_collect, deploy_policy, label, learner, closed_loop.
"""

import os
from collections.abc import Sequence
from typing import Annotated

import typer
from rich.table import Table

from wvl_models.cli.output import make_console
from wvl_models.contract.errors import ConfigError, SetupError
from wvl_robot.cli.supervisor import GraphEnd, supervise
from wvl_robot.environment import node_environment
from wvl_robot.graph import find_graph, resolve
from wvl_robot.graph_spec import Graph, NodeStart
from wvl_robot.share import share_folder

app = typer.Typer(add_completion=False)


@app.command(help=__doc__)
def up(
    name: Annotated[str, typer.Argument(metavar="GRAPH", help="Which graph.")],
    arguments: Annotated[
        list[str] | None, typer.Argument(metavar="[KEY:=VALUE]...", help="See --show-args.")
    ] = None,
    show_args: Annotated[
        bool, typer.Option("--show-args", help="List the graph's arguments and stop.")
    ] = False,
) -> None:
    """Exit code 0 on Ctrl-C and after a campaign, 1 when a node died."""
    graph = find_graph(name)
    if show_args:
        _show(graph)
        return
    share = share_folder()
    starts = resolve(graph, parse_arguments(arguments or ()), share=share)
    end = supervise(starts, node_environment(share, os.environ))
    _judge(end, starts)


def parse_arguments(words: Sequence[str]) -> dict[str, str]:
    """`key:=value` words; ConfigError shows how it is written."""
    values = {}
    for word in words:
        key, separator, value = word.partition(":=")
        if not separator or not key:
            raise ConfigError(f"'{word}' is not an argument; write key:=value, e.g. rig:=virtual.")
        values[key] = value
    return values


def _judge(end: GraphEnd, starts: Sequence[NodeStart]) -> None:
    """Return where all is well; SetupError with the node's own words where it is not."""
    if not end.node:
        return
    may_end = any(start.may_end for start in starts if start.name == end.node)
    if may_end and end.exit_code == 0:
        return
    said = next((line for line in reversed(end.last_lines) if line.startswith(f"{end.node}: ")), "")
    if said:
        raise SetupError(said)
    lines = "\n".join(f"  {line}" for line in end.last_lines)
    raise SetupError(
        f"node '{end.node}' ended with exit code {end.exit_code}, and the graph with it. "
        f"Its last lines:\n{lines}"
    )


def _show(graph: Graph) -> None:
    table = Table(title=f"{graph.name}: {graph.description}")
    for column in ("argument", "default", "meaning"):
        table.add_column(column)
    for argument in graph.arguments:
        meaning = argument.description
        if argument.choices:
            meaning += f" One of: {', '.join(argument.choices)}."
        table.add_row(argument.name, argument.default or "(empty)", meaning)
    make_console().print(table)
