"""An episode while it runs: how it came to its end, and with which label."""

from dataclasses import replace

from wvl_models.contract.episode import Label
from wvl_models.contract.observation import Observation
from wvl_robot.core.decision import Decision, Pilot
from wvl_robot.core.labelling import OUTCOME_OF, button_label, referee_label
from wvl_robot.core.recording import EpisodeRecording
from wvl_robot.ports.arm_link import Source
from wvl_robot.ports.teleop import TeleopEvent

_ENDING_EVENTS = frozenset({TeleopEvent.STOP, *OUTCOME_OF})


class RunningEpisode:
    """Ends after `max_steps` actions, on a request, or when a button says so.

    Steps in which a person had taken over from a policy do not count.
    """

    def __init__(self, recording: EpisodeRecording, max_steps: int, start_ns: int) -> None:
        self.recording = recording
        self._max_steps, self._start_ns = max_steps, start_ns
        self._is_ending = False
        self._num_overridden = 0
        self._pressed = TeleopEvent.NONE
        self._label: Label | None = None

    @property
    def is_ending(self) -> bool:
        """The next step is the last one, or the last one was."""
        return self._is_ending

    def press(self, event: TeleopEvent) -> None:
        """As if the operator had pressed the button at the next tick."""
        self._pressed = event

    def end(self, label: Label | None) -> None:
        """Let the next step be the last one."""
        self._is_ending, self._label = True, label

    def decide(self, pilot: Pilot, observation: Observation, reward: float) -> Decision:
        """The decision for a tick; in the last one the arm holds."""
        recording = self.recording
        if recording.num_steps - self._num_overridden >= self._max_steps:
            self._is_ending = True
        if self._is_ending:
            return pilot.hold(recording.target)
        decision = pilot.decide(observation)
        if self._pressed is not TeleopEvent.NONE:
            decision = replace(decision, event=self._pressed)
        if decision.event not in _ENDING_EVENTS:
            self._num_overridden += decision.source is Source.INTERVENTION
            return decision
        label = None
        if decision.event in OUTCOME_OF:
            rewards = [*recording.rewards, reward]
            elapsed_ns = observation.stamp_ns - self._start_ns
            label = button_label(OUTCOME_OF[decision.event], rewards, recording.header, elapsed_ns)
        self.end(label)
        return pilot.hold(recording.target)

    def label(self, now_ns: int) -> Label | None:
        """The one that was given, or the success predicate's, or none."""
        recording, elapsed_ns = self.recording, now_ns - self._start_ns
        return self._label or referee_label(recording.rewards, recording.header, elapsed_ns)
