"""What the simulated arm really did, once a millisecond: for benchmarks and for tests of stopping.

Filled by the physics thread into arrays that exist already; 3 us a step.
"""

import time
from dataclasses import dataclass

import mujoco
import numpy as np

from wvl_models.contract.rotation import F64
from wvl_robot.virtual.scene import Scene

_RATE_HZ = 1000


@dataclass(frozen=True, kw_only=True, slots=True)
class MotionTrace:
    """One row per physics step."""

    stamps_ns: np.ndarray
    """int64 [N] monotonic; steps come in bursts where the machine is busy."""
    joints_rad: F64
    """[N, 7]"""
    tool_m: F64
    """[N, 3] in the base frame."""

    def since(self, stamp_ns: int) -> "MotionTrace":
        """The rows from a moment on."""
        first = int(np.searchsorted(self.stamps_ns, stamp_ns))
        return MotionTrace(
            stamps_ns=self.stamps_ns[first:],
            joints_rad=self.joints_rad[first:],
            tool_m=self.tool_m[first:],
        )


class MotionRecorder:
    """Keeps the motion from now on, until it is full."""

    def __init__(self, scene: Scene, seconds: float) -> None:
        self._scene, self._num = scene, 0
        size = round(seconds * _RATE_HZ)
        self._stamps_ns = np.zeros(size, dtype=np.int64)
        self._joints_rad, self._tool_m = np.zeros((size, 7)), np.zeros((size, 3))

    def add(self, data: mujoco.MjData) -> None:
        """One physics step; nothing where there is no room any more."""
        row = self._num
        if row == len(self._stamps_ns):
            return
        self._stamps_ns[row] = time.monotonic_ns()
        self._joints_rad[row] = data.qpos[self._scene.arm_qpos]
        self._tool_m[row] = data.site_xpos[self._scene.tcp_site]
        self._num = row + 1

    def trace(self) -> MotionTrace:
        """What was kept so far."""
        return MotionTrace(
            stamps_ns=self._stamps_ns[: self._num].copy(),
            joints_rad=self._joints_rad[: self._num].copy(),
            tool_m=self._tool_m[: self._num].copy(),
        )
