"""Teleop node: reads one device and publishes it as Joy; what it means is the session's matter.

A process of its own: a driver that hangs or crashes takes nothing with it. While the device is
missing nothing is published, which the session takes for an open dead-man.
"""

from collections.abc import Callable

from wvl_robot.adapters.gamepad import Gamepad
from wvl_robot.adapters.keyboard import Keyboard, key_card
from wvl_robot.adapters.spacemouse import SpaceMouse
from wvl_robot.adapters.system_clock import SystemClock
from wvl_robot.core.health import Health, Level
from wvl_robot.core.joystick_reader import JoystickReader
from wvl_robot.ports.clock import Clock
from wvl_robot.ports.joystick import Joystick
from wvl_robot.rig.teleop_profile import load_teleop_profile
from wvl_robot.ros import convert, topics
from wvl_robot.ros.host import Host
from wvl_robot.ros.managed import Activate
from wvl_robot.ros.params import TeleopParams
from wvl_robot.ros.process import run
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


def configure(host: Host, params: TeleopParams) -> Activate:
    """Configured: the profile is read. Active: the device is read, or looked for."""
    clock = SystemClock()
    open_device = opener(params, clock)
    topic = topics.KEYBOARD_JOY if params.device == "keyboard" else topics.TELEOP_JOY

    def activate(active: Host) -> None:
        reader = JoystickReader(open_device, clock)
        publish = active.publisher(topic)

        def pass_on() -> None:
            reading = reader.read()
            if reading is not None:
                publish(convert.to_joy(reading, reader.name, active.time()))

        def work() -> None:
            """One thread opens, reads and closes: SDL and hidapi want it so."""
            try:
                while not active.stop.wait(1.0 / params.rate_hz):
                    pass_on()
            finally:
                reader.close()

        active.reports.append(lambda: _health(reader))
        active.thread(work, "device")

    return activate


def _health(reader: JoystickReader) -> Health:
    level = Level.OK if reader.name else Level.ERROR
    return Health(part="device", level=level, message=reader.name or reader.complaint)


def main() -> None:
    """Entry point."""
    run("teleop", TeleopParams, configure)


if __name__ == "__main__":
    main()
