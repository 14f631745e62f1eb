import pytest

pytest.importorskip("rclpy")

from tests.cells import SHARE
from tests.ros.test_params import KINDS
from wvl_robot.ros.reference import NODES, reference

pytestmark = pytest.mark.ros


def test_the_page_says_what_the_code_does() -> None:
    written = (SHARE / "docs" / "ros.md").read_text(encoding="utf-8")
    assert written == reference(), "run `python -m wvl_robot.ros.reference > docs/ros.md`"


def test_every_node_is_described() -> None:
    assert dict(NODES) == KINDS
