"""What every Clock must do. Subclass it in a test module and give it a `clock` fixture."""

from wvl_robot.ports.clock import Clock


class ClockSuite:
    """Conformance of a Clock."""

    def test_never_runs_backwards(self, clock: Clock) -> None:
        stamps = [clock.now_ns() for _ in range(1000)]
        assert stamps == sorted(stamps)

    def test_sleeps_until_the_deadline_and_not_less(self, clock: Clock) -> None:
        for _ in range(10):
            deadline_ns = clock.now_ns() + 3_000_000
            clock.sleep_until_ns(deadline_ns)
            assert clock.now_ns() >= deadline_ns

    def test_returns_at_once_from_a_deadline_that_has_passed(self, clock: Clock) -> None:
        before_ns = clock.now_ns()
        clock.sleep_until_ns(before_ns - 10**12)
        assert clock.now_ns() - before_ns < 1_000_000_000
