"""What rqt reads of us, without rqt: the plugin's file, its class, the package's export."""

import ast
import importlib.util
import json
from pathlib import Path
from xml.etree import ElementTree

import pytest

pytest.importorskip("rclpy", reason="ROS 2 is not installed: `make setup`")

from tests.cells import SHARE
from wvl_robot.ros.params import PanelParams
from wvl_robot.rqt.panel_node import PLUGIN, words_of

PACKAGE = SHARE / "ros2_ws" / "src" / "wvl_robot"

NEEDED = {"shutdown_plugin", "save_settings", "restore_settings"}


def plugin_class() -> ElementTree.Element:
    found = ElementTree.parse(PACKAGE / "plugin.xml").getroot().findall("class")
    assert len(found) == 1
    return found[0]


def test_the_package_exports_the_plugin_file() -> None:
    package = ElementTree.parse(PACKAGE / "package.xml").getroot()
    exports = [export.get("plugin") for export in package.findall("export/rqt_gui")]
    assert exports == ["${prefix}/plugin.xml"]
    assert '"plugin.xml"' in (PACKAGE / "setup.py").read_text()


def test_the_plugin_file_names_a_class_with_the_methods_rqt_calls() -> None:
    named = plugin_class()
    assert named.get("base_class_type") == "rqt_gui_py::Plugin"
    module, _, name = named.get("type", "").rpartition(".")
    spec = importlib.util.find_spec(module)
    assert spec is not None and spec.origin is not None
    tree = ast.parse(Path(spec.origin).read_text())
    classes = {node.name: node for node in tree.body if isinstance(node, ast.ClassDef)}
    methods = {node.name for node in classes[name].body if isinstance(node, ast.FunctionDef)}
    assert methods >= NEEDED


def test_the_launch_file_starts_the_same_class() -> None:
    assert plugin_class().get("type") == PLUGIN


def test_the_perspective_names_the_plugin_as_rqt_does() -> None:
    perspective = json.loads((SHARE / "config" / "rqt" / "wvl_label.perspective").read_text())
    running = perspective["groups"]["pluginmanager"]["keys"]["running-plugins"]["repr"]
    assert ast.literal_eval(running) == {f"wvl_robot/{plugin_class().get('name')}": [1]}


def test_the_nodes_parameters_become_the_plugins_words() -> None:
    params = PanelParams(store="/data/x", author="")
    assert words_of(params) == ["--store", "/data/x"]
