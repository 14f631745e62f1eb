"""Parameters: what the graphs set exists, is of the right type, and describes itself."""

from pathlib import Path

import pytest

pytest.importorskip("rclpy")

import rclpy
from rclpy.context import Context
from rclpy.parameter import Parameter

from tests.ros.graphs import Place
from wvl_models.contract.errors import ConfigError
from wvl_robot.graph import resolve
from wvl_robot.graphs import GRAPHS
from wvl_robot.ros import params

pytestmark = pytest.mark.ros

KINDS = {
    "cell": params.CellParams,
    "robot": params.RobotParams,
    "camera": params.CameraParams,
    "session": params.SessionParams,
    "policy": params.PolicyParams,
    "teleop": params.TeleopParams,
    "learner": params.LearnerParams,
    "panel": params.PanelParams,
    "campaign": params.CampaignParams,
}


@pytest.mark.parametrize("kind", KINDS.values())
def test_a_nul_character_is_refused_in_a_sentence(kind: type[params.NodeParams]) -> None:
    name = next(key for key, field in kind.model_fields.items() if field.annotation is str)
    with pytest.raises(ConfigError, match=f"{name}.*NUL"):
        params.read(kind, {name: "a\0b"}, "node")


@pytest.mark.parametrize("graph", GRAPHS.values(), ids=list(GRAPHS))
def test_every_parameter_of_a_graph_is_one_of_its_node(graph) -> None:
    given = {"num_episodes": "1"} if any(node.is_campaign for node in graph.nodes) else {}
    if any(argument.name == "teleop" for argument in graph.arguments):
        given["teleop"] = "gamepad"
    for start in resolve(graph, given, folder=Path("/tmp")):
        params.read(KINDS[start.name], start.parameters, start.name)


@pytest.mark.parametrize("kind", KINDS.values(), ids=list(KINDS))
def test_every_parameter_says_what_it_is(kind) -> None:
    assert all(field.description for field in kind.model_fields.values())


def test_a_node_declares_its_parameters_with_description_and_range(place: Place) -> None:
    context = Context()
    rclpy.init(context=context)
    node = rclpy.create_node("a", context=context)
    try:
        read = params.declare(node, params.SessionParams)
        descriptor = node.describe_parameter("near_share")
    finally:
        node.destroy_node()
        rclpy.shutdown(context=context)
    assert read == params.SessionParams()
    assert "meant to miss" in descriptor.description
    assert descriptor.read_only
    assert descriptor.floating_point_range[0].to_value == 1.0


@pytest.mark.parametrize(
    ("name", "value"), [("near_share", 2.0), ("pilot", "nobody"), ("waiting_steps", "six")]
)
def test_a_wrong_value_is_named_with_its_node(place: Place, name: str, value: object) -> None:
    context = Context()
    rclpy.init(context=context)
    overrides = [Parameter(name, value=value)]
    node = rclpy.create_node("a", context=context, parameter_overrides=overrides)
    try:
        with pytest.raises(ConfigError, match=f"(?s){name}"):
            params.declare(node, params.SessionParams)
    finally:
        node.destroy_node()
        rclpy.shutdown(context=context)
