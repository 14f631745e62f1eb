"""What the core may import and touch: the rules of its room."""

import ast
from pathlib import Path

import pytest

import wvl_robot.core

FOLDER = Path(wvl_robot.core.__file__).parent
OURS = (
    "wvl_robot.ports",
    "wvl_robot.rig",
    "wvl_robot.core",
    "wvl_models.contract",
    "wvl_models.episodes",
    "wvl_models.registry",
)
CLOCKS = {"time", "monotonic", "perf_counter", "now", "utcnow", "today", "sleep"}


def imports(tree: ast.AST) -> list[str]:
    names = []
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and node.module is not None:
            names.append(node.module)
        elif isinstance(node, ast.Import):
            names += [alias.name for alias in node.names]
    return names


@pytest.mark.parametrize("path", sorted(FOLDER.rglob("*.py")), ids=lambda path: path.stem)
def test_the_core_knows_no_ros_no_torch_no_sdk_and_no_clock_but_its_port(path: Path) -> None:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    for name in imports(tree):
        if name.startswith("wvl_"):
            assert name.startswith(OURS), f"{path.name} imports {name}"
        else:
            assert name.split(".")[0] not in ("rclpy", "torch", "franky", "pyrealsense2", "time")
    called = [node.func for node in ast.walk(tree) if isinstance(node, ast.Call)]
    attributes = {func.attr for func in called if isinstance(func, ast.Attribute)}
    assert not attributes & CLOCKS, f"{path.name} calls {attributes & CLOCKS}"
