"""Row 5: what a camera can do wrong, through the real SDK's software device and the real adapter.

The virtual cell's renderer misbehaves on demand. A swapped camera is one whose serial number is not
the rig's; it is refused by name before a frame of it is used.
"""

import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import numpy as np

from wvl_models.contract.errors import CameraError
from wvl_robot.adapters.realsense import RealSenseCamera
from wvl_robot.adapters.realsense_sources import SoftwareSource
from wvl_robot.adapters.system_clock import SystemClock
from wvl_robot.faults.places import own_loopback
from wvl_robot.faults.promise import judge, promise
from wvl_robot.faults.trial import FaultRow, RowPlan, Trial
from wvl_robot.ports.camera import CameraFault
from wvl_robot.share import share_folder
from wvl_robot.virtual.camera_device import VirtualD435
from wvl_robot.virtual.cell import CellProcess, cell_config
from wvl_robot.virtual.frame_ring import FeedFault, FrameRing
from wvl_robot.virtual.shared import block_name

DETECTED_MS, BACK_S = 200.0, 3.0

POLL_S = 0.002

NAMED: Mapping[str, tuple[FeedFault, frozenset[CameraFault]]] = {
    "unplug": (FeedFault.UNPLUG, frozenset({CameraFault.SILENT})),
    "freeze": (FeedFault.FREEZE, frozenset({CameraFault.FROZEN})),
    "black": (FeedFault.BLACK, frozenset({CameraFault.BLACK})),
    "2 Hz": (FeedFault.SLOW, frozenset({CameraFault.SLOW, CameraFault.SILENT})),
    "wrong size": (FeedFault.WRONG_SIZE, frozenset({CameraFault.WRONG_SIZE})),
    "time back": (FeedFault.TIME_BACKWARDS, frozenset({CameraFault.TIME_BACKWARDS})),
}

SWAPPED = "swapped camera"

PLAN = RowPlan(
    number=5,
    title="camera",
    pass_line="named <= 200 ms after it began, well again <= 3 s after it ended, no restart",
    kinds=(*NAMED, SWAPPED),
    per_change=10,
    nightly=100,
    in_suite=2,
)


class CameraRow:
    """One cell, one camera, many faults."""

    plan = PLAN

    def __init__(self) -> None:
        share = share_folder()
        self._config = cell_config(share, "lift_cube", "virtual", own_loopback())
        self._cell = CellProcess(self._config)

    def run(self, kind: str, seed: int, folder: Path) -> Trial:
        """One fault at a random phase of the stream."""
        rng = np.random.default_rng(seed)
        return judge(PLAN, kind, seed, lambda: self._attempt(kind, rng))

    def close(self) -> None:
        """End the cell."""
        self._cell.close()

    def _attempt(self, kind: str, rng: np.random.Generator) -> Mapping[str, float]:
        if kind == SWAPPED:
            return self._swap(str(rng.integers(10**11, 10**12)))
        feed_fault, names = NAMED[kind]
        with self._ring() as ring, self._camera("virtual") as camera:
            _wait(lambda: camera.health().fault is CameraFault.NONE, BACK_S)
            time.sleep(rng.uniform(0.0, 0.1))
            start_s = time.monotonic()
            ring.fault = feed_fault
            noise_s = _wait(lambda: camera.health().fault in names, 2.0)
            detected_ms = 1e3 * (time.monotonic() - start_s)
            time.sleep(rng.uniform(0.0, 0.5))
            ring.fault, start_s = FeedFault.NONE, time.monotonic()
            _wait(lambda: camera.health().fault is CameraFault.NONE, 2 * BACK_S)
            back_s = time.monotonic() - start_s
        told = f"{detected_ms:.0f} ms until it was named (machine {1e3 * noise_s:.0f})"
        promise(detected_ms <= DETECTED_MS + 1e3 * noise_s, told)
        promise(back_s <= BACK_S, f"{back_s:.1f} s until the stream was well again")
        return {"detected_ms": detected_ms, "back_s": back_s, "noise_ms": 1e3 * noise_s}

    def _swap(self, serial: str) -> Mapping[str, float]:
        """The rig file names another camera than the one that is there."""
        start_s = time.monotonic()
        try:
            with self._camera(serial):
                promise(False, "another camera than the rig's was used")
        except CameraError as error:
            promise(serial in str(error) and "virtual" in str(error), f"not named: {error}")
        return {"detected_ms": 1e3 * (time.monotonic() - start_s)}

    @contextmanager
    def _ring(self) -> Iterator[FrameRing]:
        ring = FrameRing.attach(block_name(self._config.rig.robot.host, "frames"))
        if ring is None:
            raise CameraError("the cell has no camera.")
        try:
            yield ring
        finally:
            ring.fault = FeedFault.NONE
            ring.close()

    @contextmanager
    def _camera(self, serial: str) -> Iterator[RealSenseCamera]:
        rig, intrinsics = self._config.rig, self._config.look.calibration.intrinsics
        config = rig.camera.model_copy(update={"serial": serial})
        device = VirtualD435(rig.robot.host, intrinsics, config.rate_hz)
        try:
            source = SoftwareSource(device.device, config)
            camera = RealSenseCamera(source, config, SystemClock(), intrinsics, 3)
            try:
                yield camera
            finally:
                camera.close()
        finally:
            device.close()


def _wait(is_true: Callable[[], bool], at_most_s: float) -> float:
    """Until something is so: the longest that this thread was kept from looking, in seconds."""
    deadline_s = time.monotonic() + at_most_s
    before_s, noise_s = time.monotonic(), 0.0
    while not is_true():
        promise(time.monotonic() < deadline_s, f"not so within {at_most_s:.0f} s")
        time.sleep(POLL_S)
        noise_s = max(noise_s, time.monotonic() - before_s - POLL_S)
        before_s = time.monotonic()
    return noise_s


def open_row() -> FaultRow:
    """See `rows`."""
    return CameraRow()
