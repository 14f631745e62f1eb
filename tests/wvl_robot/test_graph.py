from pathlib import Path

import pytest

from tests.cells import SHARE
from wvl_models.contract.errors import ConfigError
from wvl_robot.graph import find_graph, resolve
from wvl_robot.graph_spec import Argued
from wvl_robot.graphs import GRAPHS


def start(graph: str, **given: str) -> dict[str, dict[str, object]]:
    """Parameters by node."""
    starts = resolve(find_graph(graph), given, share=SHARE, folder=Path("/somewhere"))
    return {node.name: dict(node.parameters) for node in starts}


def test_all_graphs_are_there() -> None:
    collecting = {"teleop_collect", "label"}
    deploying = {"deploy_policy", "serve_policy", "learner", "closed_loop"}
    assert set(GRAPHS) == collecting | deploying


@pytest.mark.parametrize("graph", GRAPHS.values(), ids=list(GRAPHS))
def test_every_argument_of_a_graph_is_used_by_a_node_and_the_other_way_round(graph) -> None:
    used = {
        source.argument
        for node in graph.nodes
        for source in node.parameters.values()
        if isinstance(source, Argued)
    }
    used |= {node.when[0] for node in graph.nodes if node.when is not None}
    of_every_node = {"nodes", "autostart"}
    assert used == {argument.name for argument in graph.arguments} - of_every_node


@pytest.mark.parametrize("graph", GRAPHS.values(), ids=list(GRAPHS))
def test_every_argument_is_explained(graph) -> None:
    assert all(argument.description.endswith(".") for argument in graph.arguments)


@pytest.mark.parametrize("graph", list(GRAPHS))
def test_every_graph_has_a_launch_file_and_no_other_exists(graph: str) -> None:
    files = {path.name for path in (SHARE / "launch").glob("*.launch.py")}
    assert f"{graph}.launch.py" in files
    assert len(files) == len(GRAPHS)


def test_the_defaults_wait_for_an_operator() -> None:
    assert set(start("teleop_collect")) == {"cell", "robot", "camera", "session"}


@pytest.mark.parametrize("given", [{"num_episodes": "2"}, {"seeds": "1,2"}])
def test_episodes_that_are_asked_for_bring_a_campaign(given: dict[str, str]) -> None:
    assert "campaign" in start("teleop_collect", **given)


def test_relative_paths_are_those_of_whoever_starts_the_graph() -> None:
    assert start("teleop_collect", store="data/x")["session"]["store"] == "/somewhere/data/x"
    assert start("teleop_collect", store="/abs")["session"]["store"] == "/abs"


def test_values_have_the_type_of_their_parameter() -> None:
    campaign = start("teleop_collect", num_episodes="3", seed="7")["campaign"]
    assert (campaign["num_episodes"], campaign["seed"]) == (3, 7)


def test_a_policy_may_run_on_another_machine() -> None:
    here = start("deploy_policy", policy="v0002")
    there = start("deploy_policy", policy_node="elsewhere")
    assert set(here) - set(there) == {"policy"}
    served = start("serve_policy", policy="v0002")
    assert set(served) == {"policy"}
    assert served["policy"] == here["policy"]


def make_real_rig(tmp_path: Path) -> None:
    for folder in ("rig", "task"):
        (tmp_path / "config" / folder).mkdir(parents=True)
    virtual = (SHARE / "config" / "rig" / "virtual.yaml").read_text()
    real = virtual.replace("name: virtual", "name: real").replace("serial: virtual", "serial: '1'")
    (tmp_path / "config" / "rig" / "real.yaml").write_text(real)
    task = (SHARE / "config" / "task" / "lift_cube.yaml").read_text()
    (tmp_path / "config" / "task" / "lift_cube.yaml").write_text(task)


def test_a_real_rig_has_no_virtual_cell(tmp_path: Path) -> None:
    make_real_rig(tmp_path)
    given = {"rig": "real", "teleop": "joy"}
    starts = resolve(find_graph("teleop_collect"), given, share=tmp_path)
    assert [node.name for node in starts] == ["robot", "camera", "session"]
    session = next(node for node in starts if node.name == "session")
    assert "max_sample_age_s" not in session.parameters, "a real rig keeps the strict limits"


def test_nobody_scripted_drives_a_real_arm(tmp_path: Path) -> None:
    make_real_rig(tmp_path)
    with pytest.raises(ConfigError, match=r"rig 'real' is a real one.*spacemouse\|gamepad"):
        resolve(find_graph("teleop_collect"), {"rig": "real"}, share=tmp_path)


@pytest.mark.parametrize("device", ["spacemouse", "gamepad"])
@pytest.mark.parametrize("graph", ["teleop_collect", "deploy_policy"])
def test_a_device_that_needs_no_terminal_is_read_by_the_graph(graph: str, device: str) -> None:
    nodes = start(graph, teleop=device, teleop_model="X")
    assert nodes["teleop"]["device"] == device and nodes["teleop"]["model"] == "X"
    assert nodes["session"]["teleop"] == device


@pytest.mark.parametrize("device", ["keyboard", "joy", "none"])
def test_other_devices_are_read_by_somebody_else(device: str) -> None:
    assert "teleop" not in start("deploy_policy", teleop=device)


def test_nobody_takes_over_unless_asked_to() -> None:
    assert start("deploy_policy")["session"]["teleop"] == "none"


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"teleop": "telepathy"}, "teleop:=telepathy is none of: scripted, spacemouse, gamepad"),
        ({"speed": "1"}, "no argument 'speed'. It has: rig,"),
        ({"task": "juggle"}, "unknown task 'juggle'. Known tasks: cube_on_plate"),
        ({"rig": "moon"}, r"moon.yaml: No such file.*Known there: template, virtual"),
        ({"num_episodes": "many"}, "num_episodes:=many is no int"),
    ],
)
def test_a_wrong_argument_is_named(given: dict[str, str], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        start("teleop_collect", **given)


def test_an_unknown_graph_lists_the_known_ones() -> None:
    with pytest.raises(ConfigError, match=r"unknown graph 'collect'\. Known graphs: closed_loop"):
        find_graph("collect")
