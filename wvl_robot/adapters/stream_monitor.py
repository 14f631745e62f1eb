"""Judges a camera stream from what is known of its frames; knows no SDK and no clock.

Limits follow reliability plan row 5: unplug, freeze and the others within 200 ms. A frozen
camera reads as healthy to everybody who only counts frames (innate-os#848), hence the digests.
"""

from collections import deque
from dataclasses import dataclass

from wvl_robot.ports.camera import CameraFault, CameraHealth

SILENT_S = 0.12
"""Three and a half periods at 30 Hz. A fault must be known within 200 ms, and up to two frames are
still under way when it begins: with 0.15 s a camera that slowed down was named after 202 ms."""

BLACK_LEVEL = 4.0
"""Mean of the picture (of 255) below which nothing can be seen."""

SLOW_GAPS, SLOW_FACTOR = 5, 2.0
"""Slow: the mean of so many gaps, the running one included, exceeds this many periods."""

WRONG_HOLD_S = 0.5
"""How long a single frame of wrong size or with a device time that went back is reported."""

RATE_WINDOW_S = 1.0

WRAP_MS = 2**32 * 1e-3
"""A D435's clock counts 32 bits of microseconds: every 71.6 minutes it starts anew, which is no
fault (librealsense#11320)."""


@dataclass(frozen=True, kw_only=True, slots=True)
class FrameFacts:
    """What the monitor needs to know of one frame."""

    arrival_ns: int
    frame_number: int
    device_ms: float
    digest: int
    """Equal digests mean equal pictures."""
    brightness: float
    """Mean of the picture, 0 to 255."""
    is_right_size: bool


class StreamMonitor:
    """Collects facts in one thread and is asked from another; not locked, `judge` only reads."""

    def __init__(self, rate_hz: float) -> None:
        self._period_s = 1.0 / rate_hz
        self._recent: deque[FrameFacts] = deque(maxlen=round(2 * rate_hz * RATE_WINDOW_S))
        self._num_lost = 0
        self._backwards_ns = self._wrong_size_ns = -(10**18)

    def restart(self) -> None:
        """The device was reconnected: its counter and its clock start anew."""
        self._recent.clear()

    def add(self, facts: FrameFacts) -> None:
        """Take note of a frame, in the order of arrival."""
        before = self._recent[-1] if self._recent else None
        if before is not None:
            gap = facts.frame_number - before.frame_number
            self._num_lost += max(gap - 1, 0)
            if _went_back(before.device_ms, facts.device_ms):
                self._backwards_ns = facts.arrival_ns
        if not facts.is_right_size:
            self._wrong_size_ns = facts.arrival_ns
        self._recent.append(facts)

    def silence_s(self, now_ns: int) -> float:
        """Seconds since the last frame; infinite before the first."""
        recent = tuple(self._recent)
        return (now_ns - recent[-1].arrival_ns) * 1e-9 if recent else float("inf")

    def judge(self, now_ns: int) -> CameraHealth:
        """State of the stream at `now_ns`."""
        recent = tuple(self._recent)
        window_ns = now_ns - round(RATE_WINDOW_S * 1e9)
        num = sum(1 for facts in recent if facts.arrival_ns > window_ns)
        return CameraHealth(
            fault=self._fault(recent, now_ns),
            rate_hz=num / RATE_WINDOW_S,
            num_lost=self._num_lost,
        )

    def _fault(self, recent: tuple[FrameFacts, ...], now_ns: int) -> CameraFault:
        if not recent or (now_ns - recent[-1].arrival_ns) * 1e-9 > SILENT_S:
            return CameraFault.SILENT
        digests = [facts.digest for facts in recent[-3:]]
        if len(set(digests)) < len(digests):
            return CameraFault.FROZEN
        if recent[-1].brightness < BLACK_LEVEL:
            return CameraFault.BLACK
        if self._is_slow(recent, now_ns):
            return CameraFault.SLOW
        hold_ns = WRONG_HOLD_S * 1e9
        if now_ns - self._wrong_size_ns < hold_ns:
            return CameraFault.WRONG_SIZE
        if now_ns - self._backwards_ns < hold_ns:
            return CameraFault.TIME_BACKWARDS
        return CameraFault.NONE

    def _is_slow(self, recent: tuple[FrameFacts, ...], now_ns: int) -> bool:
        if len(recent) <= SLOW_GAPS:
            return False
        mean_s = (now_ns - recent[-SLOW_GAPS].arrival_ns) * 1e-9 / SLOW_GAPS
        return mean_s > SLOW_FACTOR * self._period_s


def _went_back(before_ms: float, after_ms: float) -> bool:
    back_ms = before_ms - after_ms
    return back_ms > 0.0 and abs(back_ms - WRAP_MS) > 0.01 * WRAP_MS
