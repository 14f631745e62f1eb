"""Session: the only loop. Ten times a second it looks, lets somebody decide, orders and records.

Everything that moves an arm or fills an episode passes through `tick`, in one thread; other
threads may call the rest between two ticks. What is seen is `sight`, who decides `decision`, what
becomes of an order `recording`, when it ends `running_episode`. When anything is missing the
session orders the arm to hold, gives the episode up with the reason, and waits for a person.

An episode of H actions has H + 1 steps: the last one shows where they led, and holds.
"""

import logging
import threading
from collections.abc import Callable
from dataclasses import dataclass

from wvl_models.contract.episode import EpisodeHeader, Label
from wvl_models.contract.errors import RobotError, StoreError, WvlError
from wvl_models.contract.verdict import Reason, Verdict
from wvl_robot.core.decision import Decision, Pilot
from wvl_robot.core.recording import EpisodeRecording, PendingStep
from wvl_robot.core.running_episode import RunningEpisode
from wvl_robot.core.session_config import SessionConfig
from wvl_robot.core.session_status import Fault, FaultKind, SessionState, SessionStatus
from wvl_robot.core.sight import Sight
from wvl_robot.core.ticks import TickGrid
from wvl_robot.ports.arm_link import ArmLink, SetpointOrder
from wvl_robot.ports.camera import Camera
from wvl_robot.ports.clock import Clock
from wvl_robot.ports.episode_sink import EpisodeSink
from wvl_robot.ports.referee import Referee
from wvl_robot.ports.teleop import TeleopEvent

_LOGGER = logging.getLogger(__name__)


@dataclass(frozen=True, kw_only=True, slots=True)
class SessionPorts:
    """Everything a session talks to."""

    clock: Clock
    camera: Camera
    arm: ArmLink
    sink: EpisodeSink
    pilot: Pilot
    referee: Referee | None = None


class Session:
    """One arm, one camera, one loop."""

    def __init__(
        self,
        ports: SessionPorts,
        config: SessionConfig,
        on_button: Callable[[TeleopEvent], None] | None = None,
    ) -> None:
        """`on_button` is called in the loop when a button is pressed while no episode runs.

        It may call `start` or `clear_fault`, and deals itself with what they raise.
        """
        self._ports, self._config, self._on_button = ports, config, on_button
        self._sight = Sight(ports.camera, ports.arm, config.aligner_limits())
        self._lock = threading.RLock()
        self._state = SessionState.IDLE
        self._fault: Fault | None = None
        self._episode: RunningEpisode | None = None
        self._last_episode_id = ""
        self._num_missed_ticks = self._late_ns = 0
        self._sequence = ports.clock.now_ns()
        """Counts orders on from the time of birth: those of a restarted session are never old."""

    @property
    def status(self) -> SessionStatus:
        """How the session is doing at this moment."""
        with self._lock:
            recording = self._episode.recording if self._episode is not None else None
            return SessionStatus(
                state=self._state,
                fault=self._fault,
                episode_id=recording.header.episode_id if recording is not None else "",
                num_steps=recording.num_steps if recording is not None else 0,
                verdict=recording.verdict if recording is not None else Verdict.PASS,
                reason=recording.reason if recording is not None else Reason.NONE,
                last_episode_id=self._last_episode_id,
                num_missed_ticks=self._num_missed_ticks,
                late_ns=self._late_ns,
            )

    def start(self, header: EpisodeHeader, seed: int | None, max_steps: int | None = None) -> None:
        """Begin an episode at the next tick, from where the arm is.

        Raises a WvlError, and changes nothing, where camera, arm, policy or store is not ready.
        """
        with self._lock:
            if self._state is SessionState.FAULT:
                raise RobotError(f"the session stopped ({self._fault}). Clear the fault first.")
            if self._episode is not None:
                raise RobotError(f"an episode is {self._state.value}; stop or discard it first.")
            now_ns = self._ports.clock.now_ns()
            target = self._sight.require(now_ns, self._config.open_width_m)
            self._ports.pilot.begin(seed, now_ns)
            patience_ns = round(self._config.receipt_patience_s * 1e9)
            recording = EpisodeRecording(self._ports.sink, header, target, patience_ns)
            max_steps = max_steps or self._config.max_steps
            self._episode = RunningEpisode(recording, max_steps, now_ns)
            self._enter(SessionState.RUNNING, f"episode {header.episode_id}")

    def stop(self, label: Label | None = None) -> None:
        """End the episode: one more step shows the outcome, then it is committed.

        Without a label the success predicate gives one, where there is one that could judge.
        """
        with self._lock:
            if self._state is not SessionState.RUNNING or self._episode is None:
                raise RobotError(f"no episode to stop: the session is {self._state.value}.")
            self._episode.end(label)

    def press(self, event: TeleopEvent) -> None:
        """A button that is not on the teleoperation device: ends the episode with its label."""
        with self._lock:
            if self._state is not SessionState.RUNNING or self._episode is None:
                raise RobotError(f"no episode to end: the session is {self._state.value}.")
            self._episode.press(event)

    def discard(self) -> None:
        """On the operator's word: brake, give the episode up; what was written stays, ABORTED."""
        with self._lock:
            if self._episode is None:
                raise RobotError(f"no episode to discard: the session is {self._state.value}.")
            self._give_up(self._episode, "discarded by the operator", SessionState.IDLE)

    def clear_fault(self) -> None:
        """On the operator's word: be ready for the next episode."""
        with self._lock:
            if self._state is not SessionState.FAULT:
                raise RobotError(f"no fault to clear: the session is {self._state.value}.")
            self._fault = None
            self._enter(SessionState.IDLE, "fault cleared by the operator")

    def run(self, stop: threading.Event) -> None:
        """Tick until `stop` is set; brake, and give up the episode that is running then."""
        clock = self._ports.clock
        grid = TickGrid(clock.now_ns(), self._config.period_ns)
        try:
            while not stop.is_set():
                clock.sleep_until_ns(grid.deadline_ns)
                if stop.is_set():
                    break
                now_ns = clock.now_ns()
                num_missed = grid.skip_missed(now_ns)
                if num_missed:
                    self._count_missed(num_missed)
                    continue
                self._late_ns = now_ns - grid.deadline_ns
                self.tick(now_ns)
                grid.advance()
        finally:
            with self._lock:
                if self._episode is not None:
                    self._give_up(self._episode, "the session was shut down", SessionState.IDLE)

    def tick(self, now_ns: int) -> None:
        """Everything that happens at one tick; `now_ns` becomes the observation's stamp."""
        with self._lock:
            receipts = self._ports.arm.receipts()
            episode = self._episode
            if episode is None:
                self._watch_buttons(now_ns)
                return
            episode.recording.take(receipts)
            try:
                episode.recording.settle(now_ns)
                if self._state is SessionState.RUNNING:
                    self._run_tick(episode, now_ns)
                elif episode.recording.num_pending == 0:
                    self._finish(episode, now_ns)
            except WvlError as error:
                is_store = isinstance(error, StoreError)
                kind = FaultKind.STORE if is_store else FaultKind.DECISION
                self._fail(episode, Fault(kind=kind, detail=str(error)))

    def _run_tick(self, episode: RunningEpisode, now_ns: int) -> None:
        recording = episode.recording
        seen = self._find_fault(recording, now_ns) or self._sight.look(
            now_ns, recording.target, recording.header.instruction
        )
        if isinstance(seen, Fault):
            self._fail(episode, seen)
            return
        reward = self._reward(now_ns)
        decision = episode.decide(self._ports.pilot, seen, reward)
        if decision.event is TeleopEvent.DISCARD:
            self.discard()
            return
        decided_ns = self._ports.clock.now_ns()
        sequence = self._order(decision, now_ns)
        recording.add(
            PendingStep(
                sequence=sequence,
                observation=seen,
                decision=decision,
                decided_ns=decided_ns,
                reward=reward,
            )
        )
        if episode.is_ending:
            self._enter(SessionState.FINISHING, f"{recording.num_steps} steps")

    def _order(self, decision: Decision, now_ns: int) -> int:
        """Send it on its way; returns its sequence number."""
        self._sequence += 1
        self._ports.arm.order(
            SetpointOrder(
                sequence=self._sequence,
                stamp_ns=now_ns,
                expires_ns=now_ns + round(self._config.order_lifetime_s * 1e9),
                setpoint=decision.setpoint,
                source=decision.source,
                policy_version=decision.policy_version,
            )
        )
        return self._sequence

    def _find_fault(self, recording: EpisodeRecording, now_ns: int) -> Fault | None:
        """What is wrong although camera and arm are there."""
        refusals = recording.refusals
        if len(refusals) >= self._config.max_refusals:
            return Fault(
                kind=FaultKind.REFUSALS,
                detail=f"{len(refusals)} in a row, the last because of {refusals[-1].name}",
            )
        silence_s = self._ports.pilot.silent_for_ns(now_ns) * 1e-9
        if silence_s > self._config.max_policy_silence_s:
            return Fault(
                kind=FaultKind.POLICY_SILENT, detail=f"no usable chunk for {silence_s:.1f} s"
            )
        return None

    def _fail(self, episode: RunningEpisode, fault: Fault) -> None:
        """Give the episode up and wait for a person."""
        self._fault = fault
        self._give_up(episode, str(fault), SessionState.FAULT)

    def _give_up(self, episode: RunningEpisode, why: str, state: SessionState) -> None:
        """Order the arm to hold; what was written stays, ABORTED, even where nothing hears that."""
        try:
            hold = self._ports.pilot.hold(episode.recording.target)
            self._order(hold, self._ports.clock.now_ns())
        finally:
            self._episode = None
            episode.recording.abort(why)
            self._enter(state, why)

    def _finish(self, episode: RunningEpisode, now_ns: int) -> None:
        self._last_episode_id = episode.recording.finish(episode.label(now_ns))
        self._episode = None
        self._enter(SessionState.IDLE, f"committed {self._last_episode_id}")

    def _reward(self, now_ns: int) -> float:
        referee = self._ports.referee
        is_success = referee.is_success(now_ns) if referee is not None else None
        return float("nan") if is_success is None else float(is_success)

    def _watch_buttons(self, now_ns: int) -> None:
        if self._on_button is None:
            return
        target = self._sight.target_at_rest(now_ns, self._config.open_width_m)
        if target is None:
            return
        try:
            event = self._ports.pilot.pressed(target)
        except WvlError:  # nonsense presses no button; an episode is given up with its words
            return
        if event is not TeleopEvent.NONE:
            self._on_button(event)

    def _count_missed(self, num_missed: int) -> None:
        with self._lock:
            if self._episode is not None:
                self._num_missed_ticks += num_missed
                _LOGGER.warning("%d ticks missed", num_missed)

    def _enter(self, state: SessionState, why: str) -> None:
        level = logging.WARNING if state is SessionState.FAULT else logging.INFO
        _LOGGER.log(level, "session %s -> %s: %s", self._state.value, state.value, why)
        self._state = state
