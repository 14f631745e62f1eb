"""The nodes to start for a graph and what was said about its arguments. No ROS here."""

import os
from collections.abc import Mapping
from pathlib import Path

from wvl_models.contract.errors import ConfigError
from wvl_models.contract.task import load_task
from wvl_robot.graph_spec import Argued, Graph, NodeStart, Value
from wvl_robot.graphs import DEVICES, GRAPHS, ON_THE_VIRTUAL_RIG, WHETHER_AUTOSTART
from wvl_robot.rig.config import load_rig
from wvl_robot.share import share_folder


def find_graph(name: str) -> Graph:
    """The graph of that name; ConfigError lists the known ones."""
    if name not in GRAPHS:
        raise ConfigError(f"unknown graph '{name}'. Known graphs: {', '.join(sorted(GRAPHS))}.")
    return GRAPHS[name]


def resolve(
    graph: Graph, given: Mapping[str, str], *, share: Path | None = None, folder: Path | None = None
) -> tuple[NodeStart, ...]:
    """The nodes to start; ConfigError names an unknown argument, rig or task, and wrong values.

    `folder` is what relative paths mean (default: the working directory).
    """
    values = _values(graph, given)
    share = share or share_folder()
    is_virtual = True
    if "rig" in values:
        is_virtual = load_rig(share, values["rig"]).is_virtual
    if "task" in values:
        load_task(share, values["task"])
    if not is_virtual and values.get("teleop") == "scripted":
        raise ConfigError(
            f"teleop:=scripted plays a person on the virtual cell; rig '{values['rig']}' is a real "
            f"one. Choose teleop:={'|'.join(DEVICES)}."
        )
    wants_campaign = values.get("num_episodes", "0") != "0" or any(
        values.get(name) for name in ("seeds", "seeds_after")
    )
    starts = []
    for node in graph.nodes:
        if (node.is_virtual_only and not is_virtual) or (node.is_campaign and not wants_campaign):
            continue
        if node.when is not None and values[node.when[0]] not in node.when[1]:
            continue
        parameters = {
            name: _resolve_one(source, values, folder or Path.cwd())
            for name, source in node.parameters.items()
        }
        if is_virtual:
            parameters |= ON_THE_VIRTUAL_RIG.get(node.name, {})
        if node.name not in ("learner", "panel"):
            parameters["share"] = str(share)
        if "autostart" in values:
            parameters["autostart"] = _resolve_one(WHETHER_AUTOSTART, values, folder or Path.cwd())
        starts.append(
            NodeStart(
                name=node.name,
                module=node.module,
                parameters=parameters,
                may_end=node.is_campaign or node.is_panel,
                parameter_files=_parameter_files(node.name, values, share, folder or Path.cwd()),
                is_restarted=node.is_restarted,
            )
        )
    return tuple(starts)


def _parameter_files(
    name: str, values: Mapping[str, str], share: Path, folder: Path
) -> tuple[Path, ...]:
    chosen = values.get("nodes", "")
    nodes = folder / chosen if chosen else share / "config" / "nodes"
    if chosen and not nodes.is_dir():
        raise ConfigError(f"nodes:={chosen}: there is no folder {nodes}.")
    path = nodes / f"{name}.yaml"
    return (path,) if path.is_file() else ()


def _values(graph: Graph, given: Mapping[str, str]) -> dict[str, str]:
    known = {argument.name: argument.default for argument in graph.arguments}
    for name in given:
        if name not in known:
            raise ConfigError(
                f"graph '{graph.name}' has no argument '{name}'. It has: {', '.join(known)}."
            )
    values = known | dict(given)
    for argument in graph.arguments:
        if argument.choices and values[argument.name] not in argument.choices:
            raise ConfigError(
                f"{argument.name}:={values[argument.name]} is none of: "
                f"{', '.join(argument.choices)}."
            )
    return values


def _resolve_one(source: Argued | Value, values: Mapping[str, str], folder: Path) -> Value:
    if not isinstance(source, Argued):
        return source
    text = values[source.argument]
    if source.is_path:
        return os.path.normpath(folder / text) if text else ""
    if source.kind is bool:
        return _truth(source.argument, text)
    try:
        return source.kind(text)
    except ValueError as error:
        raise ConfigError(f"{source.argument}:={text} is no {source.kind.__name__}.") from error


def _truth(name: str, text: str) -> bool:
    if text not in ("true", "false"):
        raise ConfigError(f"{name}:={text} must be true or false.")
    return text == "true"
