"""Who decides a tick's setpoint: a person, a policy, or a person who overrides a policy."""

import logging
from dataclasses import dataclass, replace
from typing import Protocol

from wvl_models.contract.action import ActionSpec
from wvl_models.contract.errors import ConfigError
from wvl_models.contract.observation import Observation
from wvl_models.contract.pose import Setpoint
from wvl_models.contract.verdict import Reason
from wvl_robot.core.schedule import Schedule
from wvl_robot.ports.arm_link import Source
from wvl_robot.ports.decider import Decider
from wvl_robot.ports.teleop import Teleop, TeleopCommand, TeleopEvent

_LOGGER = logging.getLogger(__name__)


@dataclass(frozen=True, kw_only=True, slots=True)
class Decision:
    """What somebody wants for one tick."""

    setpoint: Setpoint
    source: Source
    policy_version: str = ""
    event: TeleopEvent = TeleopEvent.NONE
    """The button that was pressed."""


class Pilot(Protocol):
    """Decides every tick of a session."""

    def begin(self, seed: int | None, now_ns: int) -> None:
        """An episode starts; ConfigError where nobody could decide it."""
        ...

    def decide(self, observation: Observation) -> Decision:
        """The decision for the observation's tick."""
        ...

    def hold(self, target: Setpoint) -> Decision:
        """The decision of nobody: brake and stand still, with `target` left as it is.

        To order `target` once more is not that: the arm passes a target that stops at 0.25 m/s by
        15 mm and comes back, 0.6 s in all; braking takes 0.2 s (docs/decisions/002-streaming.md).
        """
        ...

    def pressed(self, target: Setpoint) -> TeleopEvent:
        """The button that was pressed while no episode is running."""
        ...

    def silent_for_ns(self, now_ns: int) -> int:
        """How long nobody has decided anything; 0 where it is a person's right to rest."""
        ...


class TeleopPilot:
    """A person decides everything; while the dead-man is open, the arm holds."""

    def __init__(self, teleop: Teleop, spec: ActionSpec) -> None:
        self._teleop, self._spec = teleop, spec

    def begin(self, seed: int | None, now_ns: int) -> None:
        """See `Pilot`."""
        self._teleop.begin(seed)

    def decide(self, observation: Observation) -> Decision:
        """See `Pilot`."""
        target = observation.target
        command = self._teleop.read(target)
        if not command.is_engaged:
            return replace(self.hold(target), event=command.event)
        setpoint = follow(target, command, self._spec)
        return Decision(setpoint=setpoint, source=Source.TELEOP, event=command.event)

    def hold(self, target: Setpoint) -> Decision:
        """See `Pilot`."""
        return Decision(setpoint=target, source=Source.HOLD)

    def pressed(self, target: Setpoint) -> TeleopEvent:
        """See `Pilot`."""
        return self._teleop.read(target).event

    def silent_for_ns(self, now_ns: int) -> int:
        """See `Pilot`."""
        return 0


class PolicyPilot:
    """A policy decides, through a schedule; a person may take over at any tick.

    On release everything the policy had planned is forgotten and it is asked again from where the
    person left the arm. While the person's device is silent nobody could take over: the arm holds.
    So it does where the policy has nothing to say, from the first tick without a row.
    """

    def __init__(
        self, decider: Decider, schedule: Schedule, spec: ActionSpec, teleop: Teleop | None = None
    ) -> None:
        self._decider, self._schedule, self._spec = decider, schedule, spec
        self._teleop = teleop
        self._policy_version = self._wanted_version = ""
        self._is_overridden = False
        self._heard_ns = 0
        self.num_refused = 0
        """Chunks that came and could not be used, since the start; the log says why."""

    @property
    def num_unanswered(self) -> int:
        """Observations that were handed over and never answered in time, since the start."""
        return self._schedule.num_unanswered

    def set_policy_version(self, policy_version: str) -> None:
        """Execute this version's chunks and no other's, from the next tick on. From any thread."""
        self._wanted_version = policy_version

    def begin(self, seed: int | None, now_ns: int) -> None:
        """See `Pilot`."""
        self._switch_version()
        if not self._policy_version:
            raise ConfigError("no policy is active: publish or choose a version, then start again.")
        self._schedule.restart(now_ns)
        self._heard_ns, self._is_overridden = now_ns, False
        if self._teleop is not None:
            self._teleop.begin(seed)

    def decide(self, observation: Observation) -> Decision:
        """See `Pilot`."""
        self._switch_version()
        target, tick_ns = observation.target, observation.stamp_ns
        command = self._teleop.read(target) if self._teleop is not None else None
        event = command.event if command is not None else TeleopEvent.NONE
        if command is not None and command.is_engaged:
            self._is_overridden, self._heard_ns = True, tick_ns
            setpoint = follow(target, command, self._spec)
            return Decision(setpoint=setpoint, source=Source.INTERVENTION, event=event)
        if command is not None and not command.is_live:
            self._is_overridden, self._heard_ns = True, tick_ns
            return replace(self.hold(target), event=event)
        if self._is_overridden:
            self._is_overridden = False
            self._schedule.restart(tick_ns)
        due = self._scheduled(observation)
        if due is None:
            return replace(self.hold(target), event=event)
        return Decision(
            setpoint=due,
            source=Source.POLICY,
            policy_version=self._policy_version,
            event=event,
        )

    def hold(self, target: Setpoint) -> Decision:
        """See `Pilot`; the version is the one whose turn it was."""
        return Decision(setpoint=target, source=Source.HOLD, policy_version=self._policy_version)

    def pressed(self, target: Setpoint) -> TeleopEvent:
        """See `Pilot`."""
        return self._teleop.read(target).event if self._teleop is not None else TeleopEvent.NONE

    def silent_for_ns(self, now_ns: int) -> int:
        """See `Pilot`: the time since a chunk last had something to say."""
        return now_ns - self._heard_ns

    def _switch_version(self) -> None:
        wanted = self._wanted_version
        if wanted != self._policy_version:
            _LOGGER.info("policy version '%s' -> '%s'", self._policy_version, wanted)
            self._policy_version = wanted
            self._schedule.expect_version(wanted)

    def _scheduled(self, observation: Observation) -> Setpoint | None:
        """What the schedule has for this tick, after it was given every chance to get it."""
        tick_ns = observation.stamp_ns
        self._take_answer(tick_ns)
        if self._schedule.should_ask(tick_ns):
            self._decider.ask(observation)
            before = self.num_unanswered
            self._schedule.asked(tick_ns)
            if self.num_unanswered > before:
                _LOGGER.warning("the policy has left %d observations unanswered", before + 1)
            self._take_answer(tick_ns)  # an in-process policy has answered already
        setpoint = self._schedule.setpoint(tick_ns, observation.target)
        if setpoint is not None:
            self._heard_ns = tick_ns
        return setpoint

    def _take_answer(self, tick_ns: int) -> None:
        chunk = self._decider.answer()
        if chunk is None:
            return
        reason = self._schedule.offer(chunk, tick_ns)
        if reason is not Reason.NONE:
            self.num_refused += 1
            _LOGGER.warning(
                "chunk %d of policy '%s' not used: %s",
                chunk.sequence,
                chunk.policy_version,
                reason.name,
            )


def follow(target: Setpoint, command: TeleopCommand, spec: ActionSpec) -> Setpoint:
    """Where a command leads from `target`."""
    return Setpoint.from_row(spec.integrate(target.as_row(), command.action[None])[0])
