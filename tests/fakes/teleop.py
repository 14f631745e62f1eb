"""A person at the controls who does what the test says."""

from collections.abc import Callable

import numpy as np

from wvl_models.contract.pose import Setpoint
from wvl_robot.ports.teleop import TeleopCommand, TeleopEvent

Script = Callable[[int, Setpoint], TeleopCommand]


def push(
    dx_m: float = 0.0,
    dy_m: float = 0.0,
    dz_m: float = 0.0,
    *,
    is_open: bool = True,
    event: TeleopEvent = TeleopEvent.NONE,
) -> TeleopCommand:
    """The dead-man held and the stick pushed."""
    action = np.array([dx_m, dy_m, dz_m, 0.0, 0.0, 0.0, float(is_open)])
    return TeleopCommand(action=action, is_engaged=True, event=event)


def hands_off(event: TeleopEvent = TeleopEvent.NONE) -> TeleopCommand:
    """The dead-man open; perhaps a button pressed."""
    return TeleopCommand(action=np.zeros(7), is_engaged=False, event=event)


def unplugged() -> TeleopCommand:
    """Nothing has been heard from the device lately."""
    return TeleopCommand(action=np.zeros(7), is_engaged=False, is_live=False)


class FakeTeleop:
    """A `Teleop` that plays a script, a function of the number of the reading."""

    def __init__(self, script: Script | None = None) -> None:
        self.script = script or (lambda step, target: hands_off())
        self.seeds: list[int | None] = []
        self._step = 0

    def begin(self, seed: int | None) -> None:
        self.seeds.append(seed)
        self._step = 0

    def read(self, target: Setpoint) -> TeleopCommand:
        command = self.script(self._step, target)
        self._step += 1
        return command

    def close(self) -> None:
        """Nothing to give back."""
