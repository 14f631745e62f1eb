"""The virtual camera's picture maker: a child process that renders the scene at 30 Hz.

The cell publishes the scene's state on a `StateBoard`; this process draws it as the full camera
sees it and writes the frames into a `FrameRing`. Apart from the cell, because rendering takes
10 ms on one core and the robot protocol cannot wait that long. It ends by itself, and takes the
shared memory along, when the cell is gone.
`virtual_device.py` turns the ring into a RealSense device in the camera process.
"""

import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from dataclasses import asdict, dataclass
from pathlib import Path

import mujoco
import numpy as np

from wvl_models.contract.errors import SetupError, WvlError
from wvl_models.contract.observation import U8
from wvl_models.contract.rotation import F64
from wvl_robot.virtual.frame_ring import FeedFault, FeedFrame, FrameRing
from wvl_robot.virtual.scene import FULL_CAMERA, SceneRenderer
from wvl_robot.virtual.shared import StateBoard, block_name, remove_orphan

NICE_AS_HARDWARE, NICE_AS_PROGRAM = -5, 5
"""A camera has its own processor, so the renderer goes before ordinary programs where it may: the
robot protocol then has real-time priority and wins all the same. Where it may not, it steps back
behind the protocol, which then runs at normal priority."""

START_TIMEOUT_S = 20.0

STOPPED_S = 0.2
"""A state older than this means that the physics stands still: so do the frames."""

SLOW_RATE_HZ = 2.0
"""`FeedFault.SLOW` (reliability plan row 5)."""

CLOCK_JUMP_NS = 10_000_000_000
"""`FeedFault.TIME_BACKWARDS`."""

NUM_NOISE = 8
"""Noise pictures that are reused in turn."""


_OWN = "virtual camera: "
"""How the child begins the sentence that says why it ends."""


@dataclass(frozen=True, kw_only=True, slots=True)
class _Order:
    """What the child is started with, as JSON on its command line."""

    model_file: str
    state_block: str
    ring_block: str
    rate_hz: int


class CameraFeed:
    """The cell's end: owns the shared memory and the rendering child."""

    def __init__(self, host: str, model: mujoco.MjModel, rate_hz: int) -> None:
        """Make the shared memory; raises SetupError when another cell holds it."""
        width, height = (int(v) for v in model.cam_resolution[model.camera(FULL_CAMERA).id])
        self._board = StateBoard.create(block_name(host, "state"), scene_size(model))
        try:
            self._ring = FrameRing.create(block_name(host, "frames"), width, height)
        except WvlError:
            self._board.close()
            raise
        self._model, self._rate_hz = model, rate_hz
        self._words = tempfile.TemporaryFile()  # noqa: SIM115  # lives as long as the child
        self._child: subprocess.Popen[bytes] | None = None
        self._model_file: Path | None = None
        self._is_closed = False

    def publish(self, data: mujoco.MjData) -> None:
        """Put the scene's state on the board; called by the physics thread."""
        self._board.publish(time.monotonic_ns(), scene_values(data))

    def start(self) -> None:
        """Start the child; frames follow a second later."""
        with tempfile.NamedTemporaryFile(prefix="wvl_scene_", suffix=".mjb", delete=False) as file:
            self._model_file = Path(file.name)
        mujoco.mj_saveModel(self._model, str(self._model_file), None)
        order = _Order(
            model_file=str(self._model_file),
            state_block=self._board.block.name,
            ring_block=self._ring.block.name,
            rate_hz=self._rate_hz,
        )
        environment = {"LP_NUM_THREADS": "0", **os.environ}
        self._child = subprocess.Popen(
            [sys.executable, "-m", "wvl_robot.virtual.camera_feed", json.dumps(asdict(order))],
            env=environment,
            stdin=subprocess.DEVNULL,
            stderr=self._words,
            start_new_session=True,  # Ctrl-C is for us; we end it
        )

    def wait_for_frame(self) -> None:
        """Block until the first frame; raises SetupError when rendering is not possible."""
        deadline = time.monotonic() + START_TIMEOUT_S
        while self._ring.num_written == 0:
            self.check()
            if time.monotonic() > deadline:
                raise SetupError(f"no camera frame within {START_TIMEOUT_S:.0f} s of the start.")
            time.sleep(0.02)

    def check(self) -> None:
        """Raise SetupError if the child has died."""
        if self._child is not None and self._child.poll() is not None:
            raise SetupError(
                f"the virtual camera's renderer has died (exit status {self._child.returncode}): "
                f"{self._last_words()}"
            )

    def _last_words(self) -> str:
        """The child's own sentence, or what it printed last."""
        self._words.seek(0)
        lines = self._words.read().decode(errors="replace").splitlines() or ["it said nothing."]
        own = [line.removeprefix(_OWN) for line in lines if line.startswith(_OWN)]
        return own[-1] if own else lines[-1]

    def close(self) -> None:
        """End the child and remove the shared memory; may be called twice."""
        if self._is_closed:
            return
        self._is_closed = True
        if self._child is not None:
            _end(self._child)
        if self._model_file is not None:  # still there where the child was ended at once
            self._model_file.unlink(missing_ok=True)
        self._words.close()
        self._ring.close()
        self._board.close()


def _end(child: "subprocess.Popen[bytes]") -> None:
    child.terminate()
    try:
        child.wait(timeout=2.0)
    except subprocess.TimeoutExpired:
        child.kill()
        child.wait()


def scene_size(model: mujoco.MjModel) -> int:
    """Number of values that say how a scene looks."""
    return int(model.nq + 7 * model.nmocap)


def scene_values(data: mujoco.MjData) -> F64:
    """Joint and object positions, then the mocap bodies' positions and orientations."""
    return np.concatenate([data.qpos, data.mocap_pos.ravel(), data.mocap_quat.ravel()])


def _pose_scene(model: mujoco.MjModel, data: mujoco.MjData, values: F64) -> None:
    """Put `scene_values` back in."""
    nq, nm = model.nq, model.nmocap
    data.qpos[:] = values[:nq]
    data.mocap_pos[:] = values[nq : nq + 3 * nm].reshape(nm, 3)
    data.mocap_quat[:] = values[nq + 3 * nm :].reshape(nm, 4)
    mujoco.mj_kinematics(model, data)
    mujoco.mj_camlight(model, data)


class SensorNoise:
    """A flip of the lowest bit in a quarter of the values, other ones in every frame.

    A real sensor never sends the same picture twice, which is how a frozen camera is told from
    a scene that stands still; without it the virtual camera would look frozen at rest.
    """

    def __init__(self, height: int, width: int, rng: np.random.Generator) -> None:
        bits = rng.integers(0, 4, size=(NUM_NOISE, height, width, 3), dtype=np.uint8) == 0
        self._noise = bits.astype(np.uint8)
        self._rng = rng

    def apply(self, rgb: U8) -> None:
        """Add noise in place; the pictures are shifted, so that none comes twice in a row."""
        noise = self._noise[self._rng.integers(NUM_NOISE)]
        rgb ^= np.roll(noise, int(self._rng.integers(noise.shape[0])), axis=0)


class _Renderer:
    """Draws, spoils on demand, and writes into the ring; lives in the child."""

    def __init__(self, model: mujoco.MjModel, ring: FrameRing, rate_hz: int) -> None:
        self._model, self._data = model, mujoco.MjData(model)
        self._ring, self._period_s = ring, 1.0 / rate_hz
        self._draw = SceneRenderer(model, FULL_CAMERA, 1)
        self._noise = SensorNoise(ring.height, ring.width, np.random.default_rng(0))
        self._number, self._clock_offset_ns = 0, 0
        self._frozen: U8 | None = None
        self._last_fault = FeedFault.NONE

    def step(self, stamp_ns: int, values: F64) -> float:
        """Render and write one frame; seconds until the next is due."""
        fault = self._ring.fault
        if fault is FeedFault.TIME_BACKWARDS and self._last_fault is not fault:
            self._clock_offset_ns -= CLOCK_JUMP_NS
        self._last_fault = fault
        self._number += 1
        if fault is not FeedFault.UNPLUG:
            rgb = self._picture(fault, values)
            device_ns = stamp_ns + self._clock_offset_ns
            self._ring.write(FeedFrame(frame_number=self._number, device_ns=device_ns, rgb=rgb))
        return 1.0 / SLOW_RATE_HZ if fault is FeedFault.SLOW else self._period_s

    def close(self) -> None:
        """Give the OpenGL context back."""
        self._draw.close()

    def _picture(self, fault: FeedFault, values: F64) -> U8:
        if fault is FeedFault.FREEZE and self._frozen is not None:
            return self._frozen
        _pose_scene(self._model, self._data, values)
        rgb = self._draw.render(self._data)
        if fault is FeedFault.BLACK:
            rgb[:] = 0
        self._noise.apply(rgb)
        if fault is FeedFault.WRONG_SIZE:
            rgb = np.ascontiguousarray(rgb[::2, ::2])
        self._frozen = rgb
        return rgb


def _render_on(order: _Order, parent: int) -> None:
    model = mujoco.MjModel.from_binary_path(order.model_file)
    Path(order.model_file).unlink(missing_ok=True)
    ring = FrameRing.attach(order.ring_block)
    board = StateBoard.attach(order.state_block, scene_size(model))
    if ring is None or board is None:
        return  # the cell has gone meanwhile
    renderer = _Renderer(model, ring, order.rate_hz)
    due = time.monotonic()
    try:
        while os.getppid() == parent:
            state = board.read()
            wait_s = 1.0 / order.rate_hz
            if state is not None and time.monotonic_ns() - state[0] < STOPPED_S * 1e9:
                wait_s = renderer.step(*state)
            due = max(due + wait_s, time.monotonic())
            time.sleep(max(due - time.monotonic(), 0.0))
    finally:
        renderer.close()
        for name in (order.ring_block, order.state_block):
            remove_orphan(name)


def main() -> None:
    """Entry of the child process; ends quietly on SIGTERM and when its parent dies."""
    parent = os.getppid()
    signal.signal(signal.SIGTERM, signal.SIG_DFL)  # a `CellProcess` ignores it, and we inherit that
    try:
        os.setpriority(os.PRIO_PROCESS, 0, NICE_AS_HARDWARE)
    except PermissionError:
        os.setpriority(os.PRIO_PROCESS, 0, NICE_AS_PROGRAM)
    try:
        _render_on(_Order(**json.loads(sys.argv[1])), parent)
    except (KeyboardInterrupt, BrokenPipeError):
        pass
    except WvlError as error:
        print(f"{_OWN}{error}", file=sys.stderr)
        sys.exit(1)


if __name__ == "__main__":
    main()
