"""Frames of the virtual camera, from the cell's process to the SDK's door."""

import contextlib
import os
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from itertools import pairwise
from pathlib import Path

import mujoco
import numpy as np
import psutil
import pytest

from tests.cells import loopback, make_config
from wvl_models.contract.errors import CameraError, SetupError
from wvl_robot.adapters.realsense import RealSenseCamera
from wvl_robot.adapters.realsense_sources import SoftwareSource
from wvl_robot.adapters.system_clock import SystemClock
from wvl_robot.ports.camera import CameraFault
from wvl_robot.virtual.camera_device import VirtualD435
from wvl_robot.virtual.camera_feed import SensorNoise
from wvl_robot.virtual.cell import CellProcess
from wvl_robot.virtual.frame_ring import FeedFault, FrameRing
from wvl_robot.virtual.scene import FULL_CAMERA, SceneRenderer, build_spec, compile_scene
from wvl_robot.virtual.shared import FOLDER, block_name
from wvl_robot.virtual.tasks import virtual_task

pytestmark = pytest.mark.cell

CONFIG = make_config(10, with_camera=True)
HOST = CONFIG.rig.robot.host


def wait_until(is_true: Callable[[], bool], at_most_s: float = 8.0) -> bool:
    deadline = time.monotonic() + at_most_s
    while not is_true():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.01)
    return True


@pytest.fixture(scope="module")
def cell() -> Iterator[CellProcess]:
    with CellProcess(CONFIG) as cell:
        yield cell


@pytest.fixture
def ring(cell: CellProcess) -> Iterator[FrameRing]:
    ring = FrameRing.attach(block_name(HOST, "frames"))
    assert ring is not None
    yield ring
    ring.fault = FeedFault.NONE
    ring.close()


@contextlib.contextmanager
def open_camera(host: str = HOST) -> Iterator[RealSenseCamera]:
    intrinsics = CONFIG.look.calibration.intrinsics
    device = VirtualD435(host, intrinsics, CONFIG.rig.camera.rate_hz)
    source = SoftwareSource(device.device, CONFIG.rig.camera)
    camera = RealSenseCamera(source, CONFIG.rig.camera, SystemClock(), intrinsics, 3)
    try:
        yield camera
    finally:
        camera.close()
        device.close()


@pytest.fixture
def camera(cell: CellProcess, ring: FrameRing) -> Iterator[RealSenseCamera]:
    with open_camera() as camera:
        assert wait_until(lambda: camera.health().fault is CameraFault.NONE)
        yield camera


def test_frames_show_the_scene_as_the_calibrated_camera_sees_it(
    cell: CellProcess, camera: RealSenseCamera
) -> None:
    """The cube's centre projects onto red pixels, wherever it was put."""
    cell.reset(4)
    time.sleep(0.5)
    centre = cell.state().objects["cube"].position_m
    column, row = CONFIG.look.calibration.project(centre).round().astype(int)
    frame = camera.latest()
    assert frame is not None
    red, green, blue = frame.rgb[row, column].astype(int)
    assert red > 100
    assert red > 2 * max(green, blue)


def test_frames_are_recent_states(camera: RealSenseCamera) -> None:
    """Device time is the time of the rendered state; a frame must not be older than 100 ms."""
    frame = camera.latest()
    assert frame is not None
    assert 0 < frame.stamp_ns - frame.device_stamp_ns < 100_000_000


def test_a_scene_that_stands_still_does_not_look_frozen(camera: RealSenseCamera) -> None:
    time.sleep(0.5)
    assert camera.health().fault is not CameraFault.FROZEN


@pytest.mark.parametrize(
    ("feed_fault", "named"),
    [
        (FeedFault.FREEZE, {CameraFault.FROZEN}),
        (FeedFault.BLACK, {CameraFault.BLACK}),
        (FeedFault.SLOW, {CameraFault.SILENT, CameraFault.SLOW}),
        (FeedFault.WRONG_SIZE, {CameraFault.WRONG_SIZE}),
        (FeedFault.TIME_BACKWARDS, {CameraFault.TIME_BACKWARDS}),
        (FeedFault.UNPLUG, {CameraFault.SILENT}),
    ],
)
def test_a_fault_is_named_and_passes(
    camera: RealSenseCamera, ring: FrameRing, feed_fault: FeedFault, named: set[CameraFault]
) -> None:
    ring.fault = feed_fault
    assert wait_until(lambda: camera.health().fault in named, at_most_s=1.0)
    ring.fault = FeedFault.NONE
    assert wait_until(lambda: camera.health().fault is CameraFault.NONE)


def test_wrong_size_frames_are_not_handed_out(camera: RealSenseCamera, ring: FrameRing) -> None:
    ring.fault = FeedFault.WRONG_SIZE
    assert wait_until(lambda: camera.health().fault is CameraFault.WRONG_SIZE)
    frame = camera.latest()
    assert frame is not None
    assert frame.rgb.shape == (480, 640, 3)


def test_no_cell_no_camera() -> None:
    with pytest.raises(CameraError, match="start the virtual cell first"):
        VirtualD435(loopback(11), CONFIG.look.calibration.intrinsics, 30, attach_timeout_s=0.2)


def _children(pid: int) -> list[int]:
    listed = subprocess.run(["pgrep", "-P", str(pid)], capture_output=True, text=True, check=False)
    return [int(line) for line in listed.stdout.split()]


def _has_ended(pid: int) -> bool:
    """Gone, or a zombie that nobody has fetched yet."""
    status = Path(f"/proc/{pid}/stat")
    return not status.exists() or status.read_text().rpartition(")")[2].split()[0] == "Z"


def test_a_killed_cell_leaves_nothing_behind_and_a_new_one_is_found() -> None:
    config = make_config(12, with_camera=True)
    host = config.rig.robot.host
    with CellProcess(config) as cell, open_camera(host) as camera:
        renderers = _children(cell.pid)
        assert renderers
        os.kill(cell.pid, signal.SIGKILL)
        assert wait_until(lambda: camera.health().fault is CameraFault.SILENT)
        assert wait_until(lambda: not any(FOLDER.glob(block_name(host, "*"))))
        for pid in renderers:
            assert wait_until(lambda pid=pid: _has_ended(pid))
        with CellProcess(config):
            assert wait_until(lambda: camera.health().fault is CameraFault.NONE)


def test_a_killed_renderer_is_reported() -> None:
    with CellProcess(make_config(13, with_camera=True)) as cell:
        for pid in _children(cell.pid):
            os.kill(pid, signal.SIGKILL)
        time.sleep(0.2)
        with pytest.raises(SetupError, match="renderer has died"):
            cell.check()


def test_a_renderer_that_is_told_to_end_ends() -> None:
    """Its cell ignores the signals that are meant for their common parent."""
    with CellProcess(make_config(13, with_camera=True)) as cell:
        (renderer,) = (psutil.Process(pid) for pid in _children(cell.pid))
        renderer.terminate()
        assert wait_until(lambda: renderer.status() == psutil.STATUS_ZOMBIE)


def test_noise_never_repeats_a_picture_and_stays_within_one_step() -> None:
    noise = SensorNoise(48, 64, np.random.default_rng(0))
    clean = np.full((48, 64, 3), 200, dtype=np.uint8)
    noisy = [clean.copy() for _ in range(50)]
    for picture in noisy:
        noise.apply(picture)
        assert np.abs(picture.astype(int) - 200).max() == 1
    assert all((a != b).any() for a, b in pairwise(noisy))


def test_full_camera_and_calibration_agree() -> None:
    """A marker drawn at a known place appears where the calibration projects it."""
    task = virtual_task("lift_cube")
    scene = compile_scene(build_spec(task, CONFIG.look.calibration, CONFIG.look.view), task)
    data = mujoco.MjData(scene.model)
    scene.place_objects(data, task.layout(np.random.default_rng(1)))
    data.qpos[scene.arm_qpos] = CONFIG.rig.robot.home_joints_rad
    mujoco.mj_forward(scene.model, data)
    renderer = SceneRenderer(scene.model, FULL_CAMERA, 1)
    rgb = renderer.render(data).astype(int)
    renderer.close()
    red = (rgb[..., 0] > 100) & (rgb[..., 0] > 2 * rgb[..., 1:].max(axis=-1))
    rows, columns = np.nonzero(red)
    centre = CONFIG.look.calibration.project(scene.state(data).objects["cube"].position_m)
    assert [columns.mean(), rows.mean()] == pytest.approx(centre.tolist(), abs=3.0)
