import logging

import pytest

from tests.fakes.clock import FakeClock
from tests.fakes.joystick import FakeJoystick
from wvl_models.contract.errors import SetupError
from wvl_robot.core.joystick_reader import JoystickReader
from wvl_robot.ports.joystick import Joystick


def make() -> tuple[JoystickReader, FakeJoystick, FakeClock]:
    clock, stick = FakeClock(), FakeJoystick()
    return JoystickReader(stick.open, clock), stick, clock


def test_the_device_is_opened_once_and_read() -> None:
    reader, stick, _ = make()
    assert [reader.read(), reader.read()] == [stick.reading] * 2
    assert (stick.num_opened, reader.name, reader.complaint) == (1, "a fake stick", "")


def test_a_missing_device_is_said_once_and_looked_for_every_second(
    caplog: pytest.LogCaptureFixture,
) -> None:
    reader, stick, clock = make()
    stick.is_there = False
    for _ in range(250):
        assert reader.read() is None
        clock.advance_s(0.02)
    assert caplog.text.count("not there. Looking for it every second.") == 1
    assert reader.complaint == "the fake stick is not there."
    stick.is_there = True
    clock.advance_s(1.0)
    assert reader.read() == stick.reading


def test_a_device_that_is_pulled_out_comes_back_without_a_restart(
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.INFO)
    reader, stick, clock = make()
    reader.read()
    stick.is_there = False
    assert reader.read() is None and not stick.is_open
    assert reader.name == ""
    stick.is_there = True
    clock.advance_s(1.0)
    assert reader.read() == stick.reading
    assert caplog.text.count("is connected") == 2


def test_what_looking_cannot_mend_is_raised() -> None:
    def open_device() -> Joystick:
        raise SetupError("a package is missing")

    with pytest.raises(SetupError, match="a package"):
        JoystickReader(open_device, FakeClock()).read()


def test_closing_gives_the_device_back() -> None:
    reader, stick, _ = make()
    reader.read()
    reader.close()
    assert not stick.is_open
