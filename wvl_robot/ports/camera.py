"""Camera: one colour stream, newest frame first."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

from wvl_models.contract.observation import CameraFrame


class CameraFault(StrEnum):
    """What can be wrong with a stream; the first that applies is reported."""

    NONE = "none"
    SILENT = "silent"
    """No frame for longer than the rig allows: unplugged or hung."""
    FROZEN = "frozen"
    """New frames, but the same picture (identical digests)."""
    BLACK = "black"
    SLOW = "slow"
    """Fewer frames per second than the rig asks for."""
    WRONG_SIZE = "wrong_size"
    TIME_BACKWARDS = "time_backwards"


@dataclass(frozen=True, kw_only=True, slots=True)
class CameraHealth:
    """How the stream is doing."""

    fault: CameraFault
    rate_hz: float
    """Measured over the last second."""
    num_lost: int
    """Frames missing in the sensor's count since the start, wherever they were lost."""


class Camera(Protocol):
    """A started camera; `latest` never blocks."""

    def latest(self) -> CameraFrame | None:
        """The newest frame, or None before the first."""
        ...

    def health(self) -> CameraHealth:
        """State of the stream at this moment."""
        ...

    def close(self) -> None:
        """Stop streaming and release the device; may be called twice."""
        ...
