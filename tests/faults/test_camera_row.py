"""Row 5 of the fault plan."""

from collections.abc import Iterator

import pytest

from tests.faults.rows import assert_the_pass_line_holds
from wvl_robot.faults import row_05_camera

pytestmark = [pytest.mark.cell, pytest.mark.slow]


@pytest.fixture(scope="module")
def row() -> Iterator[row_05_camera.CameraRow]:
    row = row_05_camera.CameraRow()
    yield row
    row.close()


@pytest.mark.parametrize("kind", row_05_camera.PLAN.kinds)
def test_the_camera_s_fault_is_named_and_passes(row: row_05_camera.CameraRow, kind: str) -> None:
    assert_the_pass_line_holds(row, kind)
