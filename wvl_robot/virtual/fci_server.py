"""franka-sim with our scene: what is overridden in its simulator and in its server, and why.

Construction, finger speed, tool frame and one field of the state that it leaves out; nothing that
judges a command. Read against franka-sim 1.1.7.
"""

from collections import deque
from collections.abc import Callable
from concurrent.futures import Future
from typing import Any

import mujoco
import numpy as np
from franka_sim.comm_constraints import CommConstraintTracker, CycleOutcome
from franka_sim.control_modes import ControlMode
from franka_sim.franka_sim_server import FrankaSimServer
from franka_sim.mujoco_franka_sim import MujocoFrankaSim

from wvl_models.contract.rotation import F64
from wvl_robot.virtual.fci_log import PROVOKED
from wvl_robot.virtual.lockstep import FINGER_SPEED_MPS
from wvl_robot.virtual.motion_trace import MotionRecorder
from wvl_robot.virtual.reflex import Reflex
from wvl_robot.virtual.scene import PREFIX, Scene

TIMESTEP_S = 0.001
"""One physics step per command cycle, as the FCI has it."""

PUBLISH_EVERY = 5
"""Steps between two publications of the state (200 Hz: a rendered frame is at most 5 ms old)."""

SETTLE_STEPS = 100

LINK7_T_FLANGE = np.array(
    [[1.0, 0.0, 0.0, 0.0], [0.0, 1.0, 0.0, 0.0], [0.0, 0.0, 1.0, 0.107], [0.0, 0.0, 0.0, 1.0]]
)
"""franka-sim measures from link 7; the wire's F_T_EE starts at the flange, 107 mm further out."""

_COS = float(np.cos(np.pi / 4))
FLANGE_T_NOMINAL = np.array(
    [[_COS, _COS, 0.0, 0.0], [-_COS, _COS, 0.0, 0.0], [0.0, 0.0, 1.0, 0.1034], [0.0, 0.0, 0.0, 1.0]]
)
"""F_T_NE of a Franka Hand (Desk's default end effector): -45 degrees about z, 103.4 mm out."""


class FciSimulator(MujocoFrankaSim):
    """Our scene in place of franka-sim's: construction, finger speed, and a door to the physics.

    MuJoCo data belong to the physics thread. Everybody else hands it a function through
    `on_physics_thread`; it runs between two steps and must return within microseconds.
    """

    def __init__(
        self,
        scene: Scene,
        home_joints_rad: tuple[float, ...],
        open_width_m: float,
        publish: Callable[[mujoco.MjData], None] | None,
    ) -> None:
        super().__init__(enable_hand=True)
        self.scene = scene
        self._home_joints_rad = np.array(home_joints_rad)
        self._publish = publish
        self._requests: deque[tuple[Callable[[], Any], Future[Any]]] = deque()
        self._num_steps = 0
        self.recorder: MotionRecorder | None = None
        """Looks at every step; replaced by the physics thread alone."""
        self.latest_finger_positions = np.full(2, open_width_m / 2)
        self._finger_goal_m = self.latest_finger_positions

    def initialize_simulation(self) -> None:
        """Bind the compiled scene and let the objects settle with the arm at home."""
        self.prefix, self.model = PREFIX, self.scene.model
        self.data = mujoco.MjData(self.model)
        self._bind_model()
        self._configure_model()
        self.data.qpos[self.arm_qpos_adr] = self._home_joints_rad
        self.data.qpos[self.finger_qpos_adr] = self.latest_finger_positions
        self.latest_joint_positions = self._home_joints_rad.copy()
        self._position_feedforward.reset(self._home_joints_rad)
        mujoco.mj_forward(self.model, self.data)
        for _ in range(SETTLE_STEPS):
            self._apply_control()
            mujoco.mj_step(self.model, self.data)
        self._read_and_publish_state()

    def on_physics_thread(self, function: Callable[[], Any]) -> "Future[Any]":
        """Run `function` between two physics steps; the future carries result or exception."""
        future: Future[Any] = Future()
        self._requests.append((function, future))
        return future

    def update_ee_transform(self, f_t_ee: Any) -> None:
        """Take the wire's F_T_EE (column-major, from the flange) as seen from link 7."""
        flange_T_ee = np.asarray(f_t_ee, dtype=float).reshape(4, 4).T
        super().update_ee_transform((LINK7_T_FLANGE @ flange_T_ee).T.flatten())

    def update_finger_positions(self, positions: Any) -> None:
        """Where the fingers shall go; called by the gripper server's thread."""
        self._finger_goal_m = np.asarray(positions, dtype=float)

    def finger_control_force(self) -> F64:
        """franka-sim's finger servo behind a target that moves at the hand's own speed."""
        step_m = FINGER_SPEED_MPS * TIMESTEP_S
        change = np.clip(self._finger_goal_m - self.latest_finger_positions, -step_m, step_m)
        self.latest_finger_positions = self.latest_finger_positions + change
        return super().finger_control_force()

    def _apply_control(self) -> None:
        self._serve_requests()
        super()._apply_control()
        self._num_steps += 1
        if self.recorder is not None:
            self.recorder.add(self.data)
        if self._publish is not None and self._num_steps % PUBLISH_EVERY == 0:
            self._publish(self.data)

    def _serve_requests(self) -> None:
        while self._requests:
            function, future = self._requests.popleft()
            try:
                future.set_result(function())
            except BaseException as error:  # delivered to whoever asked
                future.set_exception(error)


class LossCounter(CommConstraintTracker):
    """franka-sim's account of lost command cycles, which also remembers how many there were."""

    num_lost = 0

    def tick(self, *arguments: Any, **named: Any) -> CycleOutcome:
        """Close a cycle; called by the thread that publishes states."""
        outcome = super().tick(*arguments, **named)
        self.num_lost += outcome.active and outcome.lost
        return outcome


class FciServer(FrankaSimServer):
    """franka-sim's server with the nominal tool frame of a Franka Hand."""

    _losses: LossCounter | None = None

    @property
    def comm(self) -> LossCounter:
        """The account of lost cycles; franka-sim sets a new one for every client."""
        assert self._losses is not None
        return self._losses

    @comm.setter
    def comm(self, tracker: CommConstraintTracker) -> None:
        before = self._losses
        self._losses = LossCounter(enforce=tracker.enforce)
        self._losses.num_lost = before.num_lost if before is not None else 0

    def _refresh_ee_transform(self) -> None:
        if hasattr(self, "robot_state"):  # also called from its constructor
            self.robot_state.state["F_T_NE"] = [float(v) for v in FLANGE_T_NOMINAL.T.flatten()]
        super()._refresh_ee_transform()

    def _echo_commanded_cartesian(self, command: dict[str, Any]) -> None:
        """Also report the commanded acceleration of a twist stream, as the robot does.

        libfranka: "O_ddP_EE_c: last commanded end effector acceleration in base frame". franka-sim
        leaves it zero for twists, and franky starts each re-planned profile from that field: every
        tick began with a jump of the commanded acceleration to zero.
        """
        before = list(self.robot_state.state["O_dP_EE_c"])
        super()._echo_commanded_cartesian(command)
        if self.control_mode is ControlMode.CARTESIAN_VELOCITY:
            after = self.robot_state.state["O_dP_EE_c"]
            self.robot_state.state["O_ddP_EE_c"] = [
                (b - a) / TIMESTEP_S for a, b in zip(before, after, strict=True)
            ]

    def provoke_reflex(self, reflex: Reflex) -> None:
        """Stop as the robot does, with that error on record."""
        self._abort_with_error(int(reflex), f"{reflex.name.lower()}, {PROVOKED}")
