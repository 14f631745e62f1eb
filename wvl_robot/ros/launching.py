"""A graph as a launch description; `launch` and `launch_ros` are not on PyPI, hence imported late.

Nodes are started as `python -m ...` with the Python that runs `ros2 launch`: the same in a checkout
on wheels and in a workspace that colcon built.
"""

import os
import sys
from typing import Any

from wvl_robot import orphan
from wvl_robot.environment import node_environment
from wvl_robot.graph import find_graph, resolve
from wvl_robot.graph_spec import Graph, NodeStart
from wvl_robot.share import share_folder

SIGTERM_TIMEOUT_S = "25"
"""launch waits this long after SIGINT: a session commits or aborts its episode meanwhile."""


def describe(name: str) -> Any:  # launch.LaunchDescription
    """The launch description of a graph."""
    from launch.actions import DeclareLaunchArgument, OpaqueFunction, SetEnvironmentVariable

    from launch import LaunchDescription

    graph = find_graph(name)
    environment = node_environment(share_folder(), os.environ)
    return LaunchDescription(
        [
            *(
                DeclareLaunchArgument(
                    a.name,
                    default_value=a.default,
                    description=a.description,
                    choices=list(a.choices) or None,
                )
                for a in graph.arguments
            ),
            *(
                SetEnvironmentVariable(key, value)
                for key, value in environment.items()
                if key not in os.environ
            ),
            SetEnvironmentVariable(orphan.VARIABLE, str(os.getpid())),
            OpaqueFunction(function=lambda context: _nodes(graph, context)),
        ]
    )


def _nodes(graph: Graph, context: Any) -> list[Any]:  # launch context; launch_ros nodes
    given = {a.name: context.launch_configurations[a.name] for a in graph.arguments}
    return [_node(start) for start in resolve(graph, given)]


def _node(start: NodeStart) -> Any:  # launch_ros.actions.Node
    from launch.actions import Shutdown
    from launch_ros.actions import Node

    return Node(
        executable=sys.executable,
        arguments=list(start.words),
        name=start.name,
        exec_name=start.name,
        parameters=[*map(str, start.parameter_files), dict(start.parameters)],
        output="screen",
        sigterm_timeout=SIGTERM_TIMEOUT_S,
        on_exit=Shutdown(reason=f"node '{start.name}' has ended"),
    )
