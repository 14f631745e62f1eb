"""A camera whose frames depend on the time and a seed alone."""

import numpy as np

from tests.fakes.clock import FakeClock
from wvl_models.contract.observation import CameraFrame
from wvl_robot.ports.camera import CameraFault, CameraHealth

_NUM_PICTURES = 8


class FakeCamera:
    """A `Camera` at 30 Hz: a frame for every 33 ms of the clock, until it is unplugged."""

    def __init__(
        self, clock: FakeClock, seed: int = 0, *, size_px: int = 8, rate_hz: float = 30.0
    ) -> None:
        rng = np.random.default_rng(seed)
        self._clock, self._period_ns = clock, round(1e9 / rate_hz)
        shape = (_NUM_PICTURES, size_px, size_px, 3)
        self._pictures = rng.integers(0, 256, shape, dtype=np.uint8)
        self._start_ns = clock.now_ns()
        self._unplugged_ns: int | None = None
        self._newest: CameraFrame | None = None
        self.fault = CameraFault.NONE
        self.is_closed = False

    def latest(self) -> CameraFrame | None:
        now_ns = self._clock.now_ns() if self._unplugged_ns is None else self._unplugged_ns
        number = (now_ns - self._start_ns) // self._period_ns
        if self._newest is None or self._newest.frame_number != number:
            stamp_ns = self._start_ns + number * self._period_ns
            self._newest = CameraFrame(
                stamp_ns=stamp_ns,
                rgb=self._pictures[number % _NUM_PICTURES],
                frame_number=number,
                device_stamp_ns=stamp_ns - self._start_ns,
                device_domain="hardware_clock",
            )
        return self._newest

    def health(self) -> CameraHealth:
        return CameraHealth(fault=self.fault, rate_hz=1e9 / self._period_ns, num_lost=0)

    def close(self) -> None:
        self.is_closed = True

    def unplug(self) -> None:
        """No further frames; nobody says so."""
        self._unplugged_ns = self._clock.now_ns()

    def plug_in(self) -> None:
        self._unplugged_ns = None
