"""Sight: what a session sees of camera and arm at a tick, or why it must not go on."""

from wvl_models.contract.errors import CameraError, RobotError
from wvl_models.contract.observation import Observation
from wvl_models.contract.pose import Setpoint
from wvl_robot.core.aligner import Aligner, AlignerLimits, Missing
from wvl_robot.core.measured_target import measured_target
from wvl_robot.core.session_status import Fault, FaultKind
from wvl_robot.ports.arm_link import ArmLink
from wvl_robot.ports.camera import Camera, CameraFault


class Sight:
    """Camera and arm, aligned to ticks."""

    def __init__(self, camera: Camera, arm: ArmLink, limits: AlignerLimits) -> None:
        self._camera, self._arm, self._limits = camera, arm, limits
        self._aligner = Aligner(limits)

    def look(self, now_ns: int, target: Setpoint, instruction: str) -> Observation | Fault:
        """The observation at `now_ns`, or what is wrong with camera or arm."""
        self._hear_camera()
        self._hear_arm()
        camera_fault = self._camera.health().fault
        if camera_fault is not CameraFault.NONE:
            return Fault(kind=FaultKind.CAMERA_FAULT, detail=f"the stream is {camera_fault.value}")
        seen = self._aligner.observe(now_ns, target, instruction)
        if seen is Missing.FRAME:
            return Fault(
                kind=FaultKind.CAMERA_SILENT,
                detail=f"no frame within {self._limits.max_frame_age_ns / 1e6:.0f} ms",
            )
        if seen is Missing.STATE:
            return Fault(
                kind=FaultKind.ARM_SILENT,
                detail=f"no state within {self._limits.max_state_age_ns / 1e6:.0f} ms",
            )
        if not seen.robot.mode.is_commandable:
            return Fault(kind=FaultKind.ARM_FAULT, detail=f"its mode is {seen.robot.mode.value}")
        return seen

    def target_at_rest(self, now_ns: int, open_width_m: float) -> Setpoint | None:
        """The setpoint that the arm fulfils as it is; None where it is silent."""
        self._hear_arm()
        state = self._aligner.states.sample(now_ns)
        return measured_target(state, open_width_m) if state is not None else None

    def require(self, now_ns: int, open_width_m: float) -> Setpoint:
        """`target_at_rest`, with camera and arm ready; CameraError or RobotError otherwise."""
        target = self.target_at_rest(now_ns, open_width_m)
        if target is None:
            raise RobotError(
                "the arm is silent: its state has not been heard lately. Is the robot node up?"
            )
        seen = self.look(now_ns, target, "")
        if not isinstance(seen, Fault):
            return target
        if seen.kind in (FaultKind.CAMERA_SILENT, FaultKind.CAMERA_FAULT):
            raise CameraError(f"{seen}. Check the camera and its node, then start again.")
        raise RobotError(f"{seen}. Recover the arm, then start again.")

    def _hear_camera(self) -> None:
        frame = self._camera.latest()
        if frame is not None:
            self._aligner.push_frame(frame)

    def _hear_arm(self) -> None:
        state = self._arm.state()
        if state is not None:
            self._aligner.push_state(state)
