"""What every Camera must do. Subclass it in a test module and give it a `bench` fixture."""

from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from wvl_robot.ports.camera import Camera, CameraFault
from wvl_robot.ports.clock import Clock


@dataclass(frozen=True, kw_only=True, slots=True)
class CameraBench:
    """A started camera at 30 Hz, and the means to pull its plug."""

    camera: Camera
    clock: Clock
    unplug: Callable[[], None]
    plug_in: Callable[[], None]

    def wait_s(self, seconds: float) -> None:
        self.clock.sleep_until_ns(self.clock.now_ns() + round(seconds * 1e9))

    def wait_until(self, is_true: Callable[[], bool], at_most_s: float = 5.0) -> bool:
        """Look every 20 ms; whether it became true in time."""
        deadline_ns = self.clock.now_ns() + round(at_most_s * 1e9)
        while not is_true():
            if self.clock.now_ns() > deadline_ns:
                return False
            self.wait_s(0.02)
        return True

    def number(self) -> int:
        """Number of the newest frame."""
        frame = self.camera.latest()
        assert frame is not None
        return frame.frame_number

    def age_s(self) -> float:
        """Age of the newest frame."""
        frame = self.camera.latest()
        assert frame is not None
        return (self.clock.now_ns() - frame.stamp_ns) * 1e-9


class CameraSuite:
    """Conformance of a Camera; every test starts with a healthy stream."""

    def test_newest_frame_is_fresh(self, bench: CameraBench) -> None:
        assert bench.wait_until(lambda: 0.0 <= bench.age_s() < 0.05)

    def test_frames_count_up_and_stamps_increase(self, bench: CameraBench) -> None:
        seen = []
        for _ in range(5):
            last = bench.number()
            assert bench.wait_until(lambda last=last: bench.number() != last)
            frame = bench.camera.latest()
            assert frame is not None
            seen.append((frame.frame_number, frame.stamp_ns, frame.device_stamp_ns))
        for before, after in pairwise(seen):
            assert all(a < b for a, b in zip(before, after, strict=True))

    def test_a_frame_is_never_written_again(self, bench: CameraBench) -> None:
        frame = bench.camera.latest()
        assert frame is not None
        before = frame.rgb.copy()
        bench.wait_s(0.4)
        assert np.array_equal(frame.rgb, before)

    def test_a_running_stream_is_healthy(self, bench: CameraBench) -> None:
        assert bench.wait_until(lambda: bench.camera.health().fault is CameraFault.NONE)
        bench.wait_s(1.0)
        assert bench.wait_until(lambda: 20.0 < bench.camera.health().rate_hz < 40.0)

    def test_unplugged_the_newest_frame_grows_old_and_comes_back(self, bench: CameraBench) -> None:
        bench.wait_s(0.2)
        bench.unplug()
        assert bench.wait_until(lambda: bench.age_s() > 0.5)
        bench.plug_in()
        assert bench.wait_until(lambda: bench.age_s() < 0.05)

    def test_may_be_closed_twice(self, bench: CameraBench) -> None:
        bench.camera.close()
        bench.camera.close()
