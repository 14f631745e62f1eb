"""The lockstep environment: the virtual cell without network and without real time.

Same scene, same velocity-stream law, same profile planner and same servo gains as the FCI path,
but time advances only when asked: one `step` is one tick of 100 ms. About 40 times faster than
real time with frames, 60 times without, on one core.
"""

from dataclasses import dataclass

import mujoco
import numpy as np

from wvl_models.contract.camera import CameraCalibration, Intrinsics, View
from wvl_models.contract.observation import CameraFrame, Observation, RobotMode, RobotState
from wvl_models.contract.pose import Pose, Setpoint
from wvl_models.contract.rotation import F64
from wvl_robot.rig.config import RigConfig
from wvl_robot.rig.streaming import stream_twist
from wvl_robot.virtual.reference import VelocityProfile
from wvl_robot.virtual.scene import (
    VIEW_CAMERA,
    Scene,
    SceneRenderer,
    build_spec,
    compile_scene,
)
from wvl_robot.virtual.tasks import SceneState, VirtualTask

PERIOD_S = 0.1
"""One tick (paper 4.1: 10 Hz)."""

TIMESTEP_S = 0.002
"""Physics step; the FCI server must use 1 ms, contacts agree (parity test)."""

CONTROL_SLICES = 10
"""Joint velocities are re-solved this often per tick; the FCI server does it every millisecond."""

IK_DAMPING = 0.05
"""franka-sim 1.1.7 `cartesian_ik.DAMPING`."""

FINGER_SPEED_MPS = 0.1
"""Each finger's speed; the Franka Hand closes at 0.2 m/s at most."""

MIN_HELD_WIDTH_M = 0.002
"""As in `adapters.franka_gripper`."""

SUPERSAMPLE = 2


@dataclass(frozen=True, kw_only=True, slots=True)
class CellView:
    """What the virtual rig looks through."""

    calibration: CameraCalibration
    view: View

    @property
    def calibration_of_view(self) -> CameraCalibration:
        """A calibration whose image *is* the view: what lockstep episodes are recorded with."""
        return self.view.of(self.calibration)


class LockstepCell:
    """One task's scene under lockstep control; not thread-safe, one per process."""

    def __init__(
        self, task: VirtualTask, rig: RigConfig, look: CellView, instruction: str, *, frames: bool
    ) -> None:
        spec = build_spec(task, look.calibration, look.view)
        spec.option.timestep = TIMESTEP_S
        self.task, self._rig, self._instruction = task, rig, instruction
        self.tick = 0
        """Ticks since the reset."""
        self._intrinsics = look.view.intrinsics
        self._scene: Scene = compile_scene(spec, task)
        self._data = mujoco.MjData(self._scene.model)
        self._profile = VelocityProfile(rig.robot.stream)
        self._renderer = (
            SceneRenderer(self._scene.model, VIEW_CAMERA, SUPERSAMPLE) if frames else None
        )
        self._jacobian = np.zeros((6, self._scene.model.nv))
        self._finger_m = self._finger_goal_m = 0.0
        self.reset(0)

    def reset(self, seed: int) -> None:
        """Arm at home, gripper open, objects drawn from `seed`, everything at rest."""
        data, scene = self._data, self._scene
        mujoco.mj_resetData(scene.model, data)
        data.qpos[scene.arm_qpos] = self._rig.robot.home_joints_rad
        self._finger_m = self._finger_goal_m = self._rig.gripper.open_width_m / 2
        data.qpos[scene.finger_qpos] = self._finger_m
        data.ctrl[7:] = self._finger_m
        scene.place_objects(data, self.task.layout(np.random.default_rng(seed)))
        mujoco.mj_forward(scene.model, data)
        for _ in range(5):  # objects settle onto the table
            self._advance(np.zeros((CONTROL_SLICES, 6)))
        self._profile.reset()
        self.tick = 0
        self.target = Setpoint(pose=self.measured(), gripper_open=True)

    def measured(self) -> Pose:
        """`base_T_ee` as it is."""
        return self._scene.base_T_ee(self._data)

    def step(self, setpoint: Setpoint) -> None:
        """Send `setpoint` and let 100 ms pass."""
        twist = stream_twist(
            setpoint.pose, self.target.pose, self.measured(), PERIOD_S, self._rig.robot.stream
        )
        times_s = (np.arange(CONTROL_SLICES) + 0.5) * (PERIOD_S / CONTROL_SLICES)
        width_m = self._rig.gripper.open_width_m if setpoint.gripper_open else 0.0
        self._finger_goal_m = width_m / 2
        self._advance(self._profile.plan(twist, times_s, PERIOD_S))
        self.target = setpoint
        self.tick += 1

    def is_success(self) -> bool:
        """Whether the current state is a success state of the task."""
        return self.task.is_success(self.state())

    def state(self) -> SceneState:
        """Where everything is."""
        return self._scene.state(self._data)

    @property
    def intrinsics(self) -> Intrinsics:
        """Of the frames: the models' view."""
        return self._intrinsics

    def observe(self) -> Observation:
        """Observation at this tick (needs `frames=True`)."""
        frame = self.frame()
        return Observation(
            stamp_ns=frame.stamp_ns,
            frame=frame,
            robot=self.robot_state(),
            target=self.target,
            instruction=self._instruction,
        )

    def frame(self) -> CameraFrame:
        """What the models' view shows at this tick (needs `frames=True`)."""
        assert self._renderer is not None, "LockstepCell was built with frames=False"
        return CameraFrame(
            stamp_ns=self._stamp_ns,
            rgb=self._renderer.render(self._data),
            frame_number=self.tick,
            device_stamp_ns=self._stamp_ns,
            device_domain="simulated",
        )

    def robot_state(self) -> RobotState:
        """The arm at this tick."""
        data, scene = self._data, self._scene
        return RobotState(
            stamp_ns=self._stamp_ns,
            joint_positions_rad=data.qpos[scene.arm_qpos],
            joint_velocities_radps=data.qvel[scene.arm_dofs],
            base_T_ee=self.measured(),
            wrench=np.zeros(6),
            gripper_width_m=scene.gripper_width_m(data),
            gripper_is_grasped=self._is_grasped(),
            mode=RobotMode.MOVE,
        )

    @property
    def _stamp_ns(self) -> int:
        return round(self.tick * PERIOD_S * 1e9)

    def close(self) -> None:
        """Give the OpenGL context back."""
        if self._renderer is not None:
            self._renderer.close()

    def _advance(self, twists: F64) -> None:
        """One tick of physics under commanded twists [CONTROL_SLICES, 6]."""
        data, scene = self._data, self._scene
        slice_s = PERIOD_S / CONTROL_SLICES
        for twist in twists:
            data.ctrl[:7] = self._joint_velocity(twist)
            step_m = FINGER_SPEED_MPS * slice_s
            self._finger_m += float(np.clip(self._finger_goal_m - self._finger_m, -step_m, step_m))
            data.ctrl[7:] = self._finger_m
            mujoco.mj_step(scene.model, data, nstep=round(slice_s / TIMESTEP_S))
        mujoco.mj_forward(scene.model, data)

    def _joint_velocity(self, twist: F64) -> F64:
        """Damped least squares, the law franka-sim applies each millisecond."""
        scene = self._scene
        mujoco.mj_jacSite(
            scene.model, self._data, self._jacobian[:3], self._jacobian[3:], scene.tcp_site
        )
        jacobian = self._jacobian[:, scene.arm_dofs]
        square = jacobian @ jacobian.T + IK_DAMPING**2 * np.eye(6)
        return jacobian.T @ np.linalg.solve(square, twist)

    def _is_grasped(self) -> bool:
        """Something is between the fingers; closed ones hold nothing, as on the real hand."""
        scene, data = self._scene, self._data
        is_apart = scene.gripper_width_m(data) > MIN_HELD_WIDTH_M
        return is_apart and bool(scene.state(data).touched)
