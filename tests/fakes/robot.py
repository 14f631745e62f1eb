"""An arm without dynamics: it reaches each setpoint one period after it was sent."""

import numpy as np

from tests.fakes.clock import FakeClock
from wvl_models.contract import rotation
from wvl_models.contract.errors import RobotError
from wvl_models.contract.observation import RobotMode, RobotState
from wvl_models.contract.pose import Pose, Setpoint

PERIOD_NS = 100_000_000
OPEN_WIDTH_M = 0.065


def tool_down(x_m: float = 0.48, y_m: float = 0.0, z_m: float = 0.2) -> Setpoint:
    """Gripper open, tool straight down."""
    pose = Pose(position_m=np.array([x_m, y_m, z_m]), quaternion_xyzw=np.array([1.0, 0, 0, 0]))
    return Setpoint(pose=pose, gripper_open=True)


class FakeRobot:
    """A `Robot` that remembers what it was told, and fails where a test wants it to."""

    def __init__(self, clock: FakeClock, home: Setpoint | None = None) -> None:
        self._clock = clock
        self._home = home or tool_down()
        self._from, self._to = self._home.pose, self._home
        self._since_ns = clock.now_ns()
        self.mode = RobotMode.IDLE
        self.is_silent = False
        self.sent: list[tuple[int, Setpoint]] = []
        self.holds: list[int] = []
        self.num_recoveries = 0
        self.recovery_fails_because = ""
        self.words = "cartesian_reflex"
        self.is_closed = False

    @property
    def fault(self) -> str | None:
        return None if self.mode.is_commandable else self.words

    def read(self) -> RobotState:
        if self.is_silent:
            raise RobotError("the arm is silent.")
        return RobotState(
            stamp_ns=self._clock.now_ns(),
            joint_positions_rad=np.zeros(7),
            joint_velocities_radps=np.zeros(7),
            base_T_ee=self._pose(),
            wrench=np.zeros(6),
            gripper_width_m=OPEN_WIDTH_M if self._to.gripper_open else 0.0,
            gripper_is_grasped=False,
            mode=self.mode,
        )

    def send(self, setpoint: Setpoint) -> None:
        if not self.mode.is_commandable:
            raise RobotError(f"the arm is in mode {self.mode.value}.")
        self._from, self._to, self._since_ns = self._pose(), setpoint, self._clock.now_ns()
        self.sent.append((self._clock.now_ns(), setpoint))

    def hold(self) -> None:
        self.holds.append(self._clock.now_ns())
        self._rest_at(self._pose())

    def recover(self) -> RobotState:
        if self.mode.is_commandable:
            raise RobotError("the arm has no fault to recover from.")
        if self.recovery_fails_because:
            raise RobotError(self.recovery_fails_because)
        self.num_recoveries += 1
        self.mode = RobotMode.IDLE
        return self.read()

    def go_home(self) -> None:
        if not self.mode.is_commandable:
            raise RobotError(f"the arm is in mode {self.mode.value}.")
        self._from, self._to = self._home.pose, self._home

    def close(self) -> None:
        self.is_closed = True

    def move_by_hand(self, setpoint: Setpoint) -> None:
        """Somebody pushed the arm somewhere else."""
        self._rest_at(setpoint.pose)

    def _rest_at(self, pose: Pose) -> None:
        self._from = pose
        self._to = Setpoint(pose=pose, gripper_open=self._to.gripper_open)

    def _pose(self) -> Pose:
        share = (self._clock.now_ns() - self._since_ns) / PERIOD_NS
        start, end = self._from, self._to.pose
        if share >= 1.0 or start is end:
            return end
        return Pose(
            position_m=start.position_m + share * (end.position_m - start.position_m),
            quaternion_xyzw=rotation.slerp(start.quaternion_xyzw, end.quaternion_xyzw, share),
        )
