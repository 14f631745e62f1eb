"""What the arm really does, read from the virtual cell's physics and from no node.

The cell publishes the scene's state in shared memory 200 times a second; a thread here keeps the
last seconds of it. Whatever is killed or stopped, this goes on.
"""

import threading
import time
from collections import deque
from types import TracebackType

import mujoco
import numpy as np

from wvl_models.contract.errors import SetupError
from wvl_models.contract.rotation import F64
from wvl_robot.virtual.camera_feed import scene_size
from wvl_robot.virtual.cell import CellConfig
from wvl_robot.virtual.scene import build_spec, compile_scene
from wvl_robot.virtual.shared import StateBoard, block_name
from wvl_robot.virtual.tasks import virtual_task

AT_REST_RADPS = 0.01
"""Joint speed that counts as standing still (fault plan row 8)."""

KEPT = 8000
"""Samples: 40 s at 200 Hz."""

_POLL_S = 0.002

_WINDOW_NS = 18_000_000
"""Speeds are taken over this long: the physics catches up in bursts after a delay."""


class ArmWatch:
    """Joint angles over time; a context manager."""

    def __init__(self, config: CellConfig) -> None:
        """Watches the cell of `config`, which must run and have a camera; SetupError otherwise."""
        task = virtual_task(config.task)
        spec = build_spec(task, config.look.calibration, config.look.view)
        self._scene = compile_scene(spec, task)
        self._board_name = block_name(config.rig.robot.host, "state")
        self._board = self._attach()
        if self._board is None:
            raise SetupError(f"no virtual cell with a camera runs at {config.rig.robot.host}.")
        self._samples: deque[tuple[int, F64]] = deque(maxlen=KEPT)
        self._late: deque[tuple[int, int]] = deque(maxlen=KEPT)
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._read_on, name="arm-watch", daemon=True)
        self._thread.start()

    def speed_radps(self) -> float:
        """Speed of the fastest joint just now; infinite where the physics stands still."""
        recent = self._since(time.monotonic_ns() - 4 * _WINDOW_NS)
        speeds = speeds_radps(recent)
        return speeds[-1][1] if speeds else float("inf")

    def rest_ms(self, fault_ns: int) -> float:
        """Milliseconds from `fault_ns` until the arm was at rest for good; infinite: it is not."""
        speeds = speeds_radps(self._since(fault_ns - _WINDOW_NS))
        moving = [stamp_ns for stamp_ns, speed in speeds if speed >= AT_REST_RADPS]
        if not speeds or speeds[-1][0] in moving[-1:]:
            return float("inf")
        return max((moving[-1] - fault_ns) * 1e-6, 0.0) if moving else 0.0

    def way_mm(self, since_ns: int) -> float:
        """How far the tool is from where it was at `since_ns`."""
        recent = self._since(since_ns)
        if not recent:
            return float("inf")
        return 1e3 * float(np.linalg.norm(self._tool_m(recent[-1][1]) - self._tool_m(recent[0][1])))

    def noise_ms(self, since_ns: int) -> float:
        """How late this process woke up at worst: what the machine's other work does to a thread.

        A figure that is worse than its limit by less than this says nothing about the product.
        """
        late = [late_ns for stamp_ns, late_ns in tuple(self._late) if stamp_ns >= since_ns]
        return max(late, default=0) * 1e-6

    def close(self) -> None:
        """Stop watching; may be called twice."""
        self._stop.set()
        self._thread.join(2.0)
        if self._board is not None:
            self._board.close()
            self._board = None

    def __enter__(self) -> "ArmWatch":
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def _attach(self) -> StateBoard | None:
        return StateBoard.attach(self._board_name, scene_size(self._scene.model))

    def _read_on(self) -> None:
        last_ns, since_s = 0, time.monotonic()
        before_ns = time.monotonic_ns()
        while not self._stop.wait(_POLL_S):
            now_ns = time.monotonic_ns()
            self._late.append((now_ns, now_ns - before_ns - round(_POLL_S * 1e9)))
            before_ns = now_ns
            if self._board is None or time.monotonic() - since_s > 1.0:  # another cell by now?
                fresh, since_s = self._attach(), time.monotonic()
                if self._board is not None:
                    self._board.close()
                self._board = fresh
            state = self._board.read() if self._board is not None else None
            if state is None or state[0] <= last_ns:
                continue
            last_ns, since_s = state[0], time.monotonic()
            self._samples.append((last_ns, state[1][self._scene.arm_qpos]))

    def _since(self, stamp_ns: int) -> list[tuple[int, F64]]:
        return [sample for sample in tuple(self._samples) if sample[0] >= stamp_ns]

    def _tool_m(self, joints_rad: F64) -> F64:
        data = mujoco.MjData(self._scene.model)
        data.qpos[self._scene.arm_qpos] = joints_rad
        mujoco.mj_kinematics(self._scene.model, data)
        return self._scene.base_T_ee(data).position_m


def speeds_radps(samples: list[tuple[int, F64]]) -> list[tuple[int, float]]:
    """Stamp and speed of the fastest joint, each over `_WINDOW_NS` back."""
    speeds, first = [], 0
    for number, (stamp_ns, joints_rad) in enumerate(samples):
        while first < number and samples[first + 1][0] <= stamp_ns - _WINDOW_NS:
            first += 1
        before_ns, before_rad = samples[first]
        if stamp_ns - before_ns >= _WINDOW_NS:
            fastest = float(np.abs(joints_rad - before_rad).max())
            speeds.append((stamp_ns, fastest / ((stamp_ns - before_ns) * 1e-9)))
    return speeds
