"""The virtual cell's robot: our scene behind the robot's own network protocol.

franka-sim 1.1.7 serves the Franka Control Interface (TCP 1337, gripper 1338, UDP at 1 kHz) and
judges every command with the robot's own error names. Both of its enforce flags are on and cannot
be turned off. Physics and the protocol's threads share one Python interpreter, so a process that
serves a cell should do little else (see `wvl_robot.virtual.cell.CellProcess`).
"""

import errno
import ipaddress
import logging
import socket
import threading
import time
from collections.abc import Callable
from typing import Any

import mujoco
from franka_sim.franka_protocol import COMMAND_PORT
from franka_sim.gripper.protocol import GRIPPER_COMMAND_PORT

from wvl_models.contract.errors import RobotError, SetupError
from wvl_models.contract.rotation import F64
from wvl_robot.rig.config import RigConfig
from wvl_robot.virtual.fci_log import FciLog
from wvl_robot.virtual.fci_server import TIMESTEP_S, FciServer, FciSimulator
from wvl_robot.virtual.lockstep import CellView
from wvl_robot.virtual.motion_trace import MotionRecorder, MotionTrace
from wvl_robot.virtual.reflex import Reflex
from wvl_robot.virtual.scene import build_spec, compile_scene
from wvl_robot.virtual.tasks import Layout, SceneState, VirtualTask

START_TIMEOUT_S = 20.0
"""Scene compilation takes below a second; a loaded machine gets more."""

ANSWER_TIMEOUT_S = 5.0
"""The physics thread answers between two steps, 1 ms apart; a loaded machine gets more."""


class FciRobot:
    """One served robot with its table: start it, put objects down, ask what happened, stop it."""

    def __init__(
        self,
        task: VirtualTask,
        rig: RigConfig,
        look: CellView,
        publish: Callable[[mujoco.MjData], None] | None = None,
        answer_timeout_s: float = ANSWER_TIMEOUT_S,
    ) -> None:
        """`publish` is called by the physics thread every `PUBLISH_EVERY` steps."""
        self._answer_timeout_s = answer_timeout_s
        spec = build_spec(task, look.calibration, look.view)
        spec.option.timestep = TIMESTEP_S
        spec.option.disableflags |= mujoco.mjtDisableBit.mjDSBL_ACTUATION
        self.task, self.scene = task, compile_scene(spec, task)
        self.log = FciLog()
        self._host = rig.robot.host
        self._simulator = FciSimulator(
            self.scene, rig.robot.home_joints_rad, rig.gripper.open_width_m, publish
        )
        self._server = FciServer(
            host=self._host,
            physics_sim=self._simulator,
            gripper_physics=True,
            enforce_comm_constraints=True,
            enforce_motion_limits=True,
        )
        self._thread: threading.Thread | None = None
        self._failure: BaseException | None = None

    def start(self) -> None:
        """Serve from background threads; returns once a client can connect."""
        _check_loopback(self._host)
        for port in (COMMAND_PORT, GRIPPER_COMMAND_PORT):
            _check_port(self._host, port)
        logging.getLogger("franka_sim").addHandler(self.log)
        self._thread = threading.Thread(target=self._run, name="fci-physics", daemon=True)
        self._thread.start()
        deadline = time.monotonic() + START_TIMEOUT_S
        while not (self._simulator.running and self._server.gripper_server.running):
            if self._failure is not None or time.monotonic() > deadline:
                self.stop()
                raise SetupError(f"the virtual cell did not start: {self._failure or 'time-out'}.")
            time.sleep(0.01)

    @property
    def is_running(self) -> bool:
        """Whether physics and protocol are being served."""
        return self._thread is not None and self._thread.is_alive() and self._failure is None

    @property
    def has_client(self) -> bool:
        """Whether somebody is connected to the arm."""
        connection = self._server.client_socket
        return connection is not None and connection.fileno() >= 0

    def place_objects(self, layout: Layout) -> None:
        """Put the objects down at rest, between two physics steps; the arm does not notice."""
        simulator = self._simulator

        def place() -> None:
            self.scene.place_objects(simulator.data, layout)
            simulator.data.qacc_warmstart[:] = 0.0

        self._ask(place)

    def state(self) -> SceneState:
        """What the success predicate looks at, one physics step old."""
        return self._ask(lambda: self.scene.state(self._simulator.data))

    def is_success(self) -> bool:
        """Whether the current state is a success state of the task."""
        return self.task.is_success(self.state())

    def record_motion(self, seconds: float) -> None:
        """Keep what the arm does from now on, for so long at most; forgets what was kept."""
        recorder = MotionRecorder(self.scene, seconds)

        def begin() -> None:
            self._simulator.recorder = recorder

        self._ask(begin)

    def motion(self) -> MotionTrace:
        """What was kept since `record_motion`; SetupError where nothing is."""
        recorder = self._simulator.recorder
        if recorder is None:
            raise SetupError("no motion is being recorded; call record_motion first.")
        return self._ask(recorder.trace)

    def joint_positions_rad(self) -> F64:
        """[7] as the physics has them."""
        return self._simulator.get_robot_state()["q"]

    def move_fingers(self, width_m: float) -> None:
        """Send the fingers to a width, as the gripper server does."""
        self._simulator.update_finger_positions([width_m / 2, width_m / 2])

    @property
    def enforces(self) -> tuple[bool, bool]:
        """Whether communication constraints and motion limits end a motion."""
        return self._server.enforce_comm_constraints, self._server.enforce_motion_limits

    @property
    def num_lost_cycles(self) -> int:
        """Command cycles that the client missed while a motion ran."""
        return int(self._server.comm.num_lost)

    def provoke_reflex(self, reflex: Reflex = Reflex.CARTESIAN_REFLEX) -> None:
        """Stop the arm as the robot does, by default as after a collision; for tests."""
        self._server.provoke_reflex(reflex)

    def stop(self) -> None:
        """Close the ports and end the threads; may be called twice."""
        self._server.stop()
        if self._thread is not None:
            self._thread.join(timeout=5.0)
            self._thread = None
        logging.getLogger("franka_sim").removeHandler(self.log)

    def _ask(self, function: Callable[[], Any]) -> Any:
        if not self.is_running:
            raise SetupError(f"the virtual cell is not running ({self._failure or 'not started'}).")
        answer = self._simulator.on_physics_thread(function)
        try:
            return answer.result(timeout=self._answer_timeout_s)
        except TimeoutError:
            raise RobotError(
                f"the virtual cell's physics has not answered within {self._answer_timeout_s:g} s. "
                "Is this machine overloaded?"
            ) from None

    def _run(self) -> None:
        try:
            self._server.start()
        except BaseException as error:  # kept for whoever asks next; the thread must not die unseen
            self._failure = error
            logging.getLogger(__name__).critical("the virtual cell has died: %s", error)


def _check_loopback(host: str) -> None:
    """Raise SetupError unless `host` is this machine alone: the protocol has no password."""
    try:
        is_loopback = ipaddress.ip_address(host).is_loopback
    except ValueError:
        is_loopback = False
    if not is_loopback:
        raise SetupError(
            f"the virtual cell serves loopback addresses only, not '{host}'. Is this the rig of a "
            "real robot? For a cell set robot.host to 127.0.0.1 (or 127.0.0.2, ...)."
        )


def _check_port(host: str, port: int) -> None:
    """Raise SetupError unless `host:port` can be served."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as error:
            if error.errno != errno.EADDRINUSE:
                raise SetupError(
                    f"cannot serve the virtual robot at {host}:{port}: {error.strerror}. "
                    "robot.host must be a loopback address of this machine."
                ) from error
            raise SetupError(
                f"port {port} of {host} is taken: another virtual cell (or robot software) runs "
                "there. Stop it, or set robot.host in the rig file to another loopback address, "
                "e.g. 127.0.0.2."
            ) from error
