"""A person at the controls over ROS: Joy messages in, a `Teleop` for the session out.

The device is another process's business (`teleop_node`, or any driver that publishes Joy), so that
neither its faults nor its waiting reach the session; a driver that dies is a device that is silent.
"""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from sensor_msgs.msg import Joy

from wvl_models.contract.errors import ConfigError, DataError
from wvl_robot.core.teleop_desk import TeleopDesk
from wvl_robot.core.teleop_mapping import TeleopMapping
from wvl_robot.ports.clock import Clock
from wvl_robot.rig.limits import SafetyLimits
from wvl_robot.rig.teleop_profile import load_teleop_profile
from wvl_robot.ros import topics
from wvl_robot.ros.host import Host
from wvl_robot.ros.session_ports import Complaints
from wvl_robot.ros.topics import Topic

PERIOD_S = 0.1
"""One tick of the session (paper 4.1: 10 Hz)."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Controls:
    """What an operator sits at."""

    share: Path
    limits: SafetyLimits
    device: str
    profile: str
    """Empty: the device's own."""
    stale_s: float


def hear_desk(host: Host, clock: Clock, controls: Controls) -> TeleopDesk:
    """The desk of an operator with that device, fed by its topic, and by the keyboard's beside it.

    ConfigError names a wrong profile.
    """
    device, profile = controls.device, controls.profile
    if device == "keyboard":
        main = _hear(host, clock, topics.KEYBOARD_JOY, controls, profile or "keyboard")
        return TeleopDesk(clock, device, main)
    if profile == "keyboard":
        raise ConfigError(f"teleop_profile:=keyboard is no layout of a {device}.")
    name = profile or ("gamepad" if device == "joy" else device)
    main = _hear(host, clock, topics.TELEOP_JOY, controls, name)
    keyboard = _hear(host, clock, topics.KEYBOARD_JOY, controls, "keyboard")
    return TeleopDesk(clock, device, main, keyboard)


def _hear(
    host: Host, clock: Clock, topic: Topic, controls: Controls, profile: str
) -> TeleopMapping:
    mapping = TeleopMapping(
        load_teleop_profile(controls.share, profile),
        controls.limits,
        PERIOD_S,
        round(controls.stale_s * 1e9),
    )
    host.subscribe(topic, _into(mapping, clock, topic, Complaints()))
    return mapping


def _into(
    mapping: TeleopMapping, clock: Clock, topic: Topic, complain: Complaints
) -> Callable[[Joy], None]:
    def on_joy(message: Joy) -> None:
        try:
            mapping.push(message.axes, message.buttons, clock.now_ns())
        except DataError as error:
            complain(topic.name, error)

    return on_joy
