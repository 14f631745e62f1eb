"""The cell at arm's length: orders, answers, and what a client sees of its server."""

import gc
import os
import signal
import time
from collections.abc import Iterator
from dataclasses import replace

import franky
import numpy as np
import pytest

from tests.cells import make_config
from wvl_models.contract.errors import ConfigError, SetupError
from wvl_robot.virtual.cell import CellProcess, VirtualCell
from wvl_robot.virtual.tasks import virtual_task

pytestmark = pytest.mark.cell

CONFIG = make_config(15, "cube_on_plate", with_camera=False)


@pytest.fixture(scope="module")
def cell() -> Iterator[CellProcess]:
    with CellProcess(CONFIG) as cell:
        yield cell


def test_reset_puts_every_object_where_the_seed_says(cell: CellProcess) -> None:
    for seed in (1, 2, 1):
        cell.reset(seed)
        time.sleep(0.3)
        layout = virtual_task("cube_on_plate").layout(np.random.default_rng(seed))
        for name, pose in cell.state().objects.items():
            expected = [layout[name].x_m, layout[name].y_m]
            assert pose.position_m[:2] == pytest.approx(expected, abs=0.001)


def test_success_is_the_task_s_own_judgement(cell: CellProcess) -> None:
    cell.reset(1)
    assert not cell.is_success()


def test_a_provoked_reflex_is_no_violation(cell: CellProcess) -> None:
    cell.provoke_reflex()
    report = cell.report()
    assert any("provoked" in line for line in report.warnings)
    assert report.violations == ()


def test_it_knows_whether_somebody_is_connected(cell: CellProcess) -> None:
    def becomes(has_client: bool) -> bool:
        deadline = time.monotonic() + 5.0
        while cell.has_client() is not has_client and time.monotonic() < deadline:
            time.sleep(0.02)
        return cell.has_client() is has_client

    assert becomes(False)
    robot = franky.Robot(CONFIG.rig.robot.host, realtime_config=franky.RealtimeConfig.Ignore)
    assert becomes(True)
    del robot
    gc.collect()
    assert becomes(False)


def test_a_second_cell_at_the_same_address_is_refused(cell: CellProcess) -> None:
    with pytest.raises(SetupError, match="taken"):
        CellProcess(CONFIG)


def test_an_unknown_task_is_refused_before_anything_starts() -> None:
    with pytest.raises(ConfigError, match="unknown task 'juggle'"):
        VirtualCell(replace(CONFIG, task="juggle"))


def test_a_dead_cell_is_reported() -> None:
    with CellProcess(make_config(16, with_camera=False)) as cell:
        os.kill(cell.pid, signal.SIGKILL)
        with pytest.raises(SetupError, match="process has died"):
            cell.check()


def test_the_commanded_acceleration_of_a_twist_stream_is_reported() -> None:
    """The robot reports it, and franky starts each re-planned profile from it."""
    config = make_config(17, with_camera=False)
    with CellProcess(config):
        robot = franky.Robot(config.rig.robot.host, realtime_config=franky.RealtimeConfig.Ignore)
        dynamics = franky.RelativeDynamicsFactor(0.3, 0.05, 0.05)
        twist = franky.Twist(np.array([0.0, 0.2, 0.0]))
        robot.move(
            franky.CartesianVelocityMotion(twist, franky.Duration(400), dynamics),
            asynchronous=True,
        )
        accelerations = []
        for _ in range(40):
            time.sleep(0.005)
            accelerations.append(robot.state.O_ddP_EE_c.linear[1])
        robot.join_motion()
    assert max(accelerations) == pytest.approx(0.05 * 13.0, abs=0.1)
