"""Parameter files: the shipped ones change nothing, and a mistake in one names field and file."""

from pathlib import Path

import pytest
import yaml

pytest.importorskip("rclpy")

import rclpy
from rclpy.context import Context

from tests.cells import SHARE
from tests.ros.graphs import Place
from tests.ros.test_params import KINDS
from wvl_models.contract.errors import ConfigError
from wvl_robot.graph import find_graph, resolve
from wvl_robot.graphs import GRAPHS
from wvl_robot.ros.param_files import check_names, read_sources
from wvl_robot.ros.params import declare

pytestmark = pytest.mark.ros

SHIPPED = sorted((SHARE / "config" / "nodes").glob("*.yaml"))


def wvl_writes(folder: Path, text: str) -> list[str]:
    path = folder / "robot.yaml"
    path.write_text(text)
    return ["robot_node", "--ros-args", "--params-file", str(path), "-p", "rig:=virtual"]


@pytest.mark.parametrize("path", SHIPPED, ids=lambda path: path.stem)
def test_a_shipped_file_holds_the_numbers_that_no_argument_sets(path: Path) -> None:
    kind = KINDS[path.stem]
    set_by_graphs = {
        name
        for graph in GRAPHS.values()
        for node in graph.nodes
        if node.name == path.stem
        for name in node.parameters
    }
    left = {
        name: field.default
        for name, field in kind.model_fields.items()
        if name not in set_by_graphs and type(field.default) in (int, float)
    }
    values = yaml.safe_load(path.read_text())[f"/**/{path.stem}"]["ros__parameters"]
    assert values == left


def test_every_managed_node_with_something_left_to_set_has_a_file() -> None:
    starts = resolve(find_graph("closed_loop"), {"num_episodes": "1"})
    found = {s.name for s in starts if s.parameter_files}
    assert found == {path.stem for path in SHIPPED} - {"teleop"}


def test_a_file_counts_for_its_node_in_any_namespace(tmp_path: Path) -> None:
    for pattern in ("robot", "/robot", "/**/robot", "/lab/robot", "/**", "'*'"):
        text = f"{pattern}:\n  ros__parameters:\n    state_rate_hz: 20.0\n"
        assert list(read_sources(wvl_writes(tmp_path, text), "robot")) == ["state_rate_hz"]
        assert (pattern in ("/**", "'*'")) == bool(
            read_sources(wvl_writes(tmp_path, text), "camera")
        )


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("robot: [", "not valid YAML"),
        ("3", "expected `robot:`"),
        ("robot:\n  state_rate_hz: 3.0\n", "there must be `ros__parameters:`"),
    ],
)
def test_a_file_of_another_form_is_named(tmp_path: Path, text: str, said: str) -> None:
    with pytest.raises(ConfigError, match=rf"(?s)robot\.yaml.*{said}"):
        read_sources(wvl_writes(tmp_path, text), "robot")


def test_a_misspelt_parameter_is_named_with_its_file(tmp_path: Path) -> None:
    text = "robot:\n  ros__parameters:\n    state_rate: 20.0\n"
    sources = read_sources(wvl_writes(tmp_path, text), "robot")
    with pytest.raises(ConfigError, match=r"robot\.yaml: .* no parameter 'state_rate'"):
        check_names(sources, ["state_rate_hz"], "robot")


def test_a_folder_that_does_not_exist_is_an_error_at_the_start() -> None:
    with pytest.raises(ConfigError, match="there is no folder"):
        resolve(find_graph("learner"), {"nodes": "/nowhere"})


def test_a_wrong_value_is_named_with_its_file(place: Place) -> None:
    text = "robot:\n  ros__parameters:\n    state_rate_hz: 5000.0\n"
    arguments = wvl_writes(place.folder, text)[1:]
    context = Context()
    rclpy.init(context=context)
    node = rclpy.create_node("robot", context=context, cli_args=arguments)
    try:
        with pytest.raises(ConfigError, match=r"'state_rate_hz' of node 'robot' \(.*robot\.yaml\)"):
            declare(node, KINDS["robot"], arguments)
    finally:
        node.destroy_node()
        rclpy.shutdown(context=context)
