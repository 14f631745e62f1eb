"""What a session node was started for: who decides, on which rig, at which task."""

from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from wvl_models.contract.episode import EpisodeHeader, Origin
from wvl_models.contract.errors import ConfigError
from wvl_models.contract.task import TaskConfig
from wvl_robot.core.session_config import SessionConfig
from wvl_robot.core.teleop_desk import TeleopDesk
from wvl_robot.ports.camera import CameraFault
from wvl_robot.ports.clock import Clock
from wvl_robot.ports.teleop import Teleop
from wvl_robot.rig.calibration import load_calibration
from wvl_robot.rig.config import RigConfig
from wvl_robot.ros.host import Host
from wvl_robot.ros.joy_teleop import Controls, hear_desk
from wvl_robot.ros.params import SessionParams

RATE_HZ = 10.0
"""Control and logging (paper 4.1)."""

STRICT_AGE_S = 0.15
"""With a limit above this one a slow camera is no fault: the age of its frames decides."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Setup:
    """What a session node was started for."""

    share: Path
    rig: RigConfig
    task: TaskConfig
    params: SessionParams

    @property
    def is_policy(self) -> bool:
        """Whether a policy decides."""
        return self.params.pilot == "policy"

    def session_config(self) -> SessionConfig:
        """Rates and patience."""
        age_s = self.params.max_sample_age_s
        return SessionConfig(
            max_frame_age_s=age_s,
            max_state_age_s=age_s,
            max_policy_silence_s=self.params.policy_patience_s,
            open_width_m=self.rig.gripper.open_width_m,
        )

    def tolerated(self) -> frozenset[CameraFault]:
        """Camera faults that are left to the age limit."""
        if self.params.max_sample_age_s <= STRICT_AGE_S:
            return frozenset()
        return frozenset({CameraFault.SLOW, CameraFault.SILENT})

    @property
    def has_desk(self) -> bool:
        """Whether a person is at the controls, to drive or to take over."""
        return self.params.teleop not in ("none", "scripted")

    def desk(self, host: Host, clock: Clock) -> TeleopDesk | None:
        """The person's controls, where there is one."""
        if not self.has_desk:
            return None
        controls = Controls(
            share=self.share,
            limits=self.rig.safety,
            device=self.params.teleop,
            profile=self.params.teleop_profile,
            stale_s=self.params.max_teleop_age_s,
        )
        return hear_desk(host, clock, controls)

    def scripted(self) -> Teleop:
        """Who plays a person on the virtual cell; ConfigError where nobody may."""
        if self.params.teleop != "scripted" or self.is_policy:
            raise ConfigError(
                f"teleop '{self.params.teleop}' cannot drive here: choose a device, or scripted on "
                "the virtual cell."
            )
        if not self.rig.is_virtual:
            raise ConfigError(f"rig '{self.rig.name}' is a real one: nobody scripted drives it.")
        from wvl_robot.virtual.operator import Imprecision, ScriptedOperator
        from wvl_robot.virtual.tasks import virtual_task

        return ScriptedOperator(
            virtual_task(self.task.name),
            Imprecision(aim_sigma_m=self.params.aim_sigma_m),
            self.params.near_share,
        )

    def origin(self) -> Origin:
        """Who decides, as an episode's header says it."""
        if self.is_policy:
            return Origin.POLICY
        return Origin.SCRIPTED if self.params.teleop == "scripted" else Origin.TELEOP

    def header(self, task: TaskConfig, seed: int | None, notes: str) -> EpisodeHeader:
        """Of an episode that begins now."""
        now, origin = datetime.now(UTC), self.origin()
        operator = self.params.operator
        return EpisodeHeader(
            episode_id=f"{task.name}-{origin.value}-live-{now:%Y%m%dt%H%M%S}{now.microsecond:06d}",
            task=task.name,
            instruction=task.instruction,
            rig=self.rig.name,
            calibration=load_calibration(self.share, self.rig),
            operator=operator or ("scripted" if origin is Origin.SCRIPTED else ""),
            origin=origin,
            rate_hz=RATE_HZ,
            created_utc=now.isoformat(timespec="milliseconds"),
            commit=self.params.commit,
            seed=seed,
            notes=notes,
        )

    def max_steps(self, task: TaskConfig) -> int:
        """Actions after which an episode ends by itself."""
        if self.origin() is Origin.TELEOP:
            return round(self.params.max_teleop_s * RATE_HZ)
        return task.horizon_steps + (self.params.waiting_steps if self.is_policy else 0)
