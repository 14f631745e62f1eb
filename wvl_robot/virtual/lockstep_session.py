"""A whole session in lockstep: the real Session, gate and schedule over the lockstep cell.

Episodes recorded here went through the same code as those of the arm: only clock, camera, robot
and disk are replaced, and time advances as fast as the processor allows.
"""

from dataclasses import dataclass, replace

from wvl_models.contract.action import ActionSpec
from wvl_models.contract.camera import Intrinsics
from wvl_models.contract.chunk import ActionChunk
from wvl_models.contract.episode import EpisodeHeader, Label, Step
from wvl_models.contract.errors import RobotError
from wvl_models.contract.observation import CameraFrame, Observation, RobotState
from wvl_models.contract.policy import Policy
from wvl_models.contract.pose import Setpoint
from wvl_models.contract.trial import Trial
from wvl_models.episodes.arrays import EpisodeArrays
from wvl_robot.core.arm_guard import ArmGuard
from wvl_robot.core.decision import Pilot, PolicyPilot, TeleopPilot
from wvl_robot.core.schedule import ScheduleConfig, make_schedule
from wvl_robot.core.session import Session, SessionPorts
from wvl_robot.core.session_config import SessionConfig
from wvl_robot.core.session_status import SessionState
from wvl_robot.ports.arm_link import SetpointOrder, SetpointReceipt
from wvl_robot.ports.camera import CameraFault, CameraHealth
from wvl_robot.ports.teleop import Teleop
from wvl_robot.rig.config import RigConfig
from wvl_robot.virtual.lockstep import PERIOD_S, LockstepCell

PERIOD_NS = round(PERIOD_S * 1e9)

CHUNK_LIFETIME_NS = 10_000_000_000
"""Chunks of a policy that answers at once never grow stale in lockstep."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Recorded:
    """One episode as the session recorded it, in memory."""

    header: EpisodeHeader
    arrays: EpisodeArrays
    label: Label | None


class _Clock:
    """Time that moves only when the station says so."""

    def __init__(self) -> None:
        self.time_ns = PERIOD_NS

    def now_ns(self) -> int:
        return self.time_ns

    def sleep_until_ns(self, deadline_ns: int) -> None:
        self.time_ns = max(self.time_ns, deadline_ns)


class _Robot:
    """The lockstep arm as a `Robot`: remembers what it was told until the station steps."""

    def __init__(self, cell: LockstepCell, clock: _Clock) -> None:
        self._cell, self._clock = cell, clock
        self.pending: Setpoint | None = None
        self.fault = None

    def read(self) -> RobotState:
        return replace(self._cell.robot_state(), stamp_ns=self._clock.now_ns())

    def send(self, setpoint: Setpoint) -> None:
        self.pending = setpoint

    def hold(self) -> None:
        self.pending = None

    def recover(self) -> RobotState:
        raise RobotError("the lockstep arm has no faults to recover from.")

    def go_home(self) -> None:
        self.pending = None

    def close(self) -> None:
        """Nothing to give back."""


class _Camera:
    """The lockstep view as a `Camera`."""

    def __init__(self, cell: LockstepCell, clock: _Clock, render_every: int) -> None:
        """Draws every `render_every`-th frame anew: a trial needs those that the policy sees."""
        self._cell, self._clock, self._render_every = cell, clock, render_every
        self._frame: CameraFrame | None = None

    def latest(self) -> CameraFrame | None:
        stamp_ns = self._clock.now_ns()
        if self._frame is None or self._cell.tick % self._render_every == 0:
            self._frame = self._cell.frame()
        return replace(self._frame, stamp_ns=stamp_ns, device_stamp_ns=stamp_ns)

    def health(self) -> CameraHealth:
        return CameraHealth(fault=CameraFault.NONE, rate_hz=1 / PERIOD_S, num_lost=0)

    def close(self) -> None:
        """The cell is closed by its owner."""


class _ArmLink:
    """Order and receipt in one call."""

    def __init__(self, guard: ArmGuard) -> None:
        self._guard = guard
        self._receipts: list[SetpointReceipt] = []

    def state(self) -> RobotState | None:
        return self._guard.read()

    def order(self, order: SetpointOrder) -> None:
        self._receipts.append(self._guard.on_order(order))

    def receipts(self) -> list[SetpointReceipt]:
        arrived, self._receipts = self._receipts, []
        return arrived


class _Memory:
    """An `EpisodeSink` that keeps the last episode."""

    def __init__(self) -> None:
        self._header: EpisodeHeader | None = None
        self._steps: list[Step] = []
        self.recorded: Recorded | None = None
        self.aborted = ""

    def start(self, header: EpisodeHeader) -> None:
        self._header, self._steps, self.recorded, self.aborted = header, [], None, ""

    def append(self, step: Step) -> None:
        self._steps.append(step)

    def finish(self, label: Label | None) -> str:
        assert self._header is not None
        arrays = EpisodeArrays.from_steps(self._steps)
        self.recorded = Recorded(header=self._header, arrays=arrays, label=label)
        return self._header.episode_id

    def abort(self, reason: str) -> None:
        self.aborted = reason


class _Referee:
    def __init__(self, cell: LockstepCell) -> None:
        self._cell = cell

    def is_success(self, stamp_ns: int) -> bool | None:
        return self._cell.is_success()


class InstantDecider:
    """A policy in the same process that answers at once."""

    def __init__(self, policy: Policy, camera: Intrinsics, policy_version: str) -> None:
        self._policy, self._camera, self._version = policy, camera, policy_version
        self._chunk: ActionChunk | None = None
        self._sequence = 0

    def ask(self, observation: Observation) -> None:
        """See `Decider`."""
        actions = self._policy.act([observation], self._camera)[0]
        self._sequence += 1
        self._chunk = ActionChunk(
            observation_stamp_ns=observation.stamp_ns,
            period_ns=self._policy.spec.period_ns,
            expires_ns=observation.stamp_ns + CHUNK_LIFETIME_NS,
            policy_version=self._version,
            sequence=self._sequence,
            start=observation.target,
            actions=actions,
        )

    def answer(self) -> ActionChunk | None:
        """See `Decider`."""
        chunk, self._chunk = self._chunk, None
        return chunk


class LockstepStation:
    """Runs episodes on one cell, one after the other."""

    def __init__(self, cell: LockstepCell, rig: RigConfig) -> None:
        self._cell, self._rig = cell, rig
        self._clock, self._memory = _Clock(), _Memory()

    def teleoperate(self, teleop: Teleop, header: EpisodeHeader, max_steps: int) -> Recorded:
        """An episode under an operator; `header.seed` is the reset."""
        pilot = TeleopPilot(teleop, ActionSpec.unnormalised())
        return self._recorded(self._begin(pilot, header, max_steps, "", render_every=1))

    def deploy(
        self,
        policy: Policy,
        policy_version: str,
        header: EpisodeHeader,
        max_steps: int,
        schedule: ScheduleConfig,
    ) -> Recorded:
        """An episode under a policy."""
        pilot = self._pilot(policy, policy_version, schedule)
        return self._recorded(self._begin(pilot, header, max_steps, policy_version, render_every=1))

    def try_out(
        self,
        policy: Policy,
        policy_version: str,
        header: EpisodeHeader,
        max_steps: int,
        schedule: ScheduleConfig,
    ) -> Trial:
        """As `deploy`, up to the first success, and without keeping anything.

        Where the policy looks at multiples of a horizon alone, only those frames are drawn.
        """
        is_regular = schedule.lead_steps == 0 and schedule.ensemble_decay is None
        pilot = self._pilot(policy, policy_version, schedule)
        run = self._begin(
            pilot,
            header,
            max_steps,
            policy_version,
            render_every=schedule.execute_steps if is_regular else 1,
        )
        while run.is_going and not self._cell.is_success():
            self._advance(run)
        done = self._cell.is_success()
        if run.is_going:
            run.session.discard()
        assert header.seed is not None
        return Trial(seed=header.seed, first_success_step=self._cell.tick if done else None)

    def _pilot(self, policy: Policy, version: str, schedule: ScheduleConfig) -> PolicyPilot:
        decider = InstantDecider(policy, self._cell.intrinsics, version)
        pilot = PolicyPilot(decider, make_schedule(policy.spec, schedule), policy.spec)
        pilot.set_policy_version(version)
        return pilot

    def _begin(
        self,
        pilot: Pilot,
        header: EpisodeHeader,
        max_steps: int,
        policy_version: str,
        *,
        render_every: int,
    ) -> "_Run":
        assert header.seed is not None, "a virtual episode needs the seed of its reset"
        self._cell.reset(header.seed)
        robot = _Robot(self._cell, self._clock)
        guard = ArmGuard(
            robot,
            self._clock,
            self._rig.safety,
            period_s=PERIOD_S,
            open_width_m=self._rig.gripper.open_width_m,
        )
        guard.set_policy_version(policy_version)
        ports = SessionPorts(
            clock=self._clock,
            camera=_Camera(self._cell, self._clock, render_every),
            arm=_ArmLink(guard),
            sink=self._memory,
            pilot=pilot,
            referee=_Referee(self._cell),
        )
        session = Session(ports, SessionConfig(open_width_m=self._rig.gripper.open_width_m))
        session.start(header, header.seed, max_steps)
        return _Run(session=session, robot=robot)

    def _recorded(self, run: "_Run") -> Recorded:
        while run.is_going:
            self._advance(run)
        if self._memory.recorded is None:
            raise RobotError(f"the episode was given up: {self._memory.aborted}")
        return self._memory.recorded

    def _advance(self, run: "_Run") -> None:
        """One tick of the session, and the 100 ms after it."""
        run.session.tick(self._clock.now_ns())
        self._cell.step(run.robot.pending or self._cell.target)
        self._clock.time_ns += PERIOD_NS


@dataclass(frozen=True, kw_only=True, slots=True)
class _Run:
    """An episode under way."""

    session: Session
    robot: _Robot

    @property
    def is_going(self) -> bool:
        """Whether another tick belongs to the episode."""
        return self.session.status.state in (SessionState.RUNNING, SessionState.FINISHING)
