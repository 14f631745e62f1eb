"""Aligner: which frame and which robot state belong to a tick.

Always the newest sample that is not later than the tick, as in UMI's and rosetta's recorders: a
policy must see in training what it saw live, so the same class runs in both. Time is int ns on the
monotonic clock and comes in as an argument; nothing here reads a clock.
"""

from collections import deque
from dataclasses import dataclass
from enum import StrEnum
from typing import Generic, TypeVar

from wvl_models.contract.observation import CameraFrame, Observation, RobotState
from wvl_models.contract.pose import Setpoint

SampleT = TypeVar("SampleT")

_CAPACITY = 32
"""Samples kept: a second of frames, more than any tick can be late."""


class StreamBuffer(Generic[SampleT]):
    """The last samples of one source, in the order of their stamps."""

    def __init__(self, *, max_age_ns: int, tolerance_ns: int = 0) -> None:
        """An older sample than `max_age_ns` is stale; one up to `tolerance_ns` later still counts.

        The tolerance is for what was stamped while the tick was already being worked on.
        """
        self._max_age_ns, self._tolerance_ns = max_age_ns, tolerance_ns
        self._samples: deque[tuple[int, SampleT]] = deque(maxlen=_CAPACITY)
        self._num_rejected = 0

    @property
    def num_rejected(self) -> int:
        """Samples whose stamp was earlier than the one before; they are left out."""
        return self._num_rejected

    def push(self, stamp_ns: int, value: SampleT) -> None:
        """Add a sample; one that is there already is ignored, an earlier one is rejected."""
        newest_ns = self._samples[-1][0] if self._samples else stamp_ns - 1
        if stamp_ns > newest_ns:
            self._samples.append((stamp_ns, value))
        elif stamp_ns < newest_ns:
            self._num_rejected += 1

    def sample(self, tick_ns: int) -> SampleT | None:
        """The newest sample not later than the tick, or None where it is stale or missing."""
        for stamp_ns, value in reversed(self._samples):
            if stamp_ns <= tick_ns + self._tolerance_ns:
                return value if tick_ns - stamp_ns <= self._max_age_ns else None
        return None


class Missing(StrEnum):
    """What a tick lacks."""

    FRAME = "camera frame"
    STATE = "robot state"


@dataclass(frozen=True, kw_only=True, slots=True)
class AlignerLimits:
    """How old samples may be."""

    max_frame_age_ns: int
    max_state_age_ns: int
    tolerance_ns: int


class Aligner:
    """Frames and robot states, aligned to ticks."""

    def __init__(self, limits: AlignerLimits) -> None:
        self.frames: StreamBuffer[CameraFrame] = StreamBuffer(
            max_age_ns=limits.max_frame_age_ns, tolerance_ns=limits.tolerance_ns
        )
        self.states: StreamBuffer[RobotState] = StreamBuffer(
            max_age_ns=limits.max_state_age_ns, tolerance_ns=limits.tolerance_ns
        )

    def push_frame(self, frame: CameraFrame) -> None:
        """Add a camera frame."""
        self.frames.push(frame.stamp_ns, frame)

    def push_state(self, state: RobotState) -> None:
        """Add a robot state."""
        self.states.push(state.stamp_ns, state)

    def observe(self, tick_ns: int, target: Setpoint, instruction: str) -> Observation | Missing:
        """The observation at a tick, or what it lacks."""
        frame = self.frames.sample(tick_ns)
        if frame is None:
            return Missing.FRAME
        state = self.states.sample(tick_ns)
        if state is None:
            return Missing.STATE
        return Observation(
            stamp_ns=tick_ns, frame=frame, robot=state, target=target, instruction=instruction
        )
