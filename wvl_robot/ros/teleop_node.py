"""Teleop node: reads one device and publishes it as Joy; what it means is the session's matter.

A process of its own: a driver that hangs or crashes takes nothing with it. While the device is
missing nothing is published, which the session takes for an open dead-man.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from wvl_robot.adapters.gamepad import Gamepad
from wvl_robot.adapters.keyboard import Keyboard, key_card
from wvl_robot.adapters.spacemouse import SpaceMouse
from wvl_robot.adapters.system_clock import SystemClock
from wvl_robot.core.joystick_reader import JoystickReader
from wvl_robot.ports.clock import Clock
from wvl_robot.ports.joystick import Joystick
from wvl_robot.rig.teleop_profile import load_teleop_profile
from wvl_robot.ros import convert, topics
from wvl_robot.ros.host import Host, run
from wvl_robot.ros.params import TeleopParams
from wvl_robot.ros.rig import share_of


def opener(params: TeleopParams, clock: Clock) -> Callable[[], Joystick]:
    """What opens the device that the parameters name."""
    if params.device == "gamepad":
        return lambda: Gamepad(params.model)
    if params.device == "spacemouse":
        return lambda: SpaceMouse(clock, params.model)
    profile = load_teleop_profile(share_of(params.share), params.profile)

    def open_keyboard() -> Keyboard:
        keyboard = Keyboard(profile, clock)
        print(key_card(profile), flush=True)
        return keyboard

    return open_keyboard


@contextmanager
def body(host: Host, params: TeleopParams) -> Iterator[None]:
    """See `host.run`."""
    clock = SystemClock()
    reader = JoystickReader(opener(params, clock), clock)
    is_keyboard = params.device == "keyboard"
    publish = host.publisher(topics.KEYBOARD_JOY if is_keyboard else topics.TELEOP_JOY)

    def pass_on() -> None:
        reading = reader.read()
        if reading is not None:
            publish(convert.to_joy(reading, reader.name, host.time()))

    def work() -> None:
        """One thread opens, reads and closes: SDL and hidapi want it so."""
        try:
            while not host.stop.wait(1.0 / params.rate_hz):
                pass_on()
        finally:
            reader.close()

    host.thread(work, "device")
    yield


def main() -> None:
    """Entry point."""
    run("teleop", TeleopParams, body)


if __name__ == "__main__":
    main()
