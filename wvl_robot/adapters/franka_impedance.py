"""The impedance tracker: a spring pulls the tool to a reference that a thread of ours leads.

franky takes references as they come, without interpolation and without an expiry
(facts/robot_peers.md 3.2): both are here. The reference walks from where it is to the target in one
period and stays there; when no setpoint follows, the torque loop is ended.
"""

import logging
import threading
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from wvl_models.contract import rotation
from wvl_models.contract.errors import RobotError
from wvl_models.contract.pose import Pose
from wvl_models.contract.rotation import F64
from wvl_robot.adapters.franka_connect import first_line, import_franky, sdk_errors
from wvl_robot.rig.streaming import ImpedanceConfig

if TYPE_CHECKING:
    import franky

_LOG = logging.getLogger(__name__)


@dataclass(frozen=True, kw_only=True, slots=True)
class Segment:
    """The reference's way to one target."""

    start: Pose
    end: Pose
    start_s: float
    """Monotonic time."""
    duration_s: float

    def at(self, now_s: float) -> Pose:
        """Where the reference is: linear and slerp, and then it stays."""
        share = min(1.0, max(0.0, (now_s - self.start_s) / self.duration_s))
        way = self.end.position_m - self.start.position_m
        return Pose(
            position_m=self.start.position_m + share * way,
            quaternion_xyzw=rotation.slerp(
                self.start.quaternion_xyzw, self.end.quaternion_xyzw, share
            ),
        )

    def velocity_at(self, now_s: float) -> tuple[F64, F64]:
        """Its linear (m/s) and angular (rad/s) velocity; none after the end."""
        if now_s >= self.start_s + self.duration_s:
            return np.zeros(3), np.zeros(3)
        turn = rotation.multiply(
            self.end.quaternion_xyzw, rotation.conjugate(self.start.quaternion_xyzw)
        )
        linear = (self.end.position_m - self.start.position_m) / self.duration_s
        return linear, rotation.to_rotvec(turn) / self.duration_s


class ImpedanceTracker:
    """See the module docstring; implements `ArmMode`.

    The thread that leads the reference lives as long as its torque loop; `_lock` keeps its calls of
    franky apart from those of the arm's own thread.
    """

    def __init__(self, config: ImpedanceConfig, period_s: float) -> None:
        self._config, self._period_s = config, period_s
        self._lock = threading.Lock()
        self._motion: Any = None  # franky.CartesianImpedanceTrackingMotion
        self._segment: Segment | None = None

    def lead(
        self, robot: "franky.Robot", target: Pose, previous_target: Pose, measured: Pose
    ) -> None:
        """Send the reference on to `target`; starts the torque loop where none runs."""
        if not (np.isfinite(target.position_m).all() and np.isfinite(target.quaternion_xyzw).all()):
            raise RobotError(f"the target {target} is not finite; nothing sent.")
        with self._lock:
            now_s = time.monotonic()
            is_running = self._motion is not None and robot.is_in_control
            start = self._segment.at(now_s) if is_running and self._segment else measured
            self._segment = Segment(
                start=start, end=target, start_s=now_s, duration_s=self._period_s
            )
            if is_running:
                robot.poll_motion()  # raises what the loop died of
            else:
                self._begin(robot, measured)

    def stop(self, robot: "franky.Robot") -> None:
        """Damp the arm to rest and end the torque loop."""
        with self._lock:
            self._end(robot)

    def _begin(self, robot: "franky.Robot", measured: Pose) -> None:
        franky = import_franky()
        motion = franky.CartesianImpedanceTrackingMotion(
            translational_stiffness=self._config.translational_stiffness,
            rotational_stiffness=self._config.rotational_stiffness,
        )
        motion.set_reference(franky.CartesianReference(target=_affine(measured)))
        robot.move(motion, asynchronous=True)
        self._motion = motion
        threading.Thread(
            target=self._walk, args=(robot, motion), name="impedance reference", daemon=True
        ).start()

    def _walk(self, robot: "franky.Robot", motion: Any) -> None:
        """The thread: lead the reference of `motion` until another one has taken its place."""
        while True:
            with self._lock:
                segment = self._segment
                if self._motion is not motion or segment is None:
                    return
                now_s = time.monotonic()
                if now_s - segment.start_s > self._config.hold_s:
                    self._expire(robot)
                    return
                motion.set_reference(_reference(segment, now_s))
            time.sleep(1.0 / self._config.rate_hz)

    def _expire(self, robot: "franky.Robot") -> None:
        try:
            self._end(robot)
        except sdk_errors() as error:  # the arm's own thread finds the fault at its next reading
            _LOG.warning("the torque loop did not end cleanly: %s", first_line(error))

    def _end(self, robot: "franky.Robot") -> None:
        self._motion = self._segment = None
        if robot.is_in_control:
            robot.move(import_franky().TorqueStopMotion(), asynchronous=True)


def _affine(pose: Pose) -> "franky.Affine":
    return import_franky().Affine(pose.position_m, pose.quaternion_xyzw)


def _reference(segment: Segment, now_s: float) -> "franky.CartesianReference":
    franky = import_franky()
    linear_mps, angular_radps = segment.velocity_at(now_s)
    return franky.CartesianReference(
        target=_affine(segment.at(now_s)), target_twist=franky.Twist(linear_mps, angular_radps)
    )
