"""The Franka Hand behind two threads, so that no gripper call ever blocks a tick.

A command takes about a second on hardware and a second one sent meanwhile blocks its caller
(facts/robot_peers.md section 0.9); even a read waits up to 17 ms for the next packet (measured).
One thread sends: the newest wish wins, only a change is sent, and a wish that comes and goes
while the hand is busy is never sent. The other reads.
"""

import logging
import threading
import time
from typing import TYPE_CHECKING

from wvl_robot.adapters.franka_connect import first_line, sdk_errors
from wvl_robot.rig.config import GripperConfig

if TYPE_CHECKING:
    import franky

_LOG = logging.getLogger(__name__)

OPEN_TOLERANCE_M = 0.003
"""A hand this close to the rig's open width counts as open when it is first met."""

MIN_HELD_WIDTH_M = 0.002
"""Fingers closer than this hold nothing, whatever the grasp command answered."""

MAX_WIDTH_M = 0.08
"""The hand's stroke: as epsilons of `grasp`, "closed on whatever is there"."""

_JOIN_S = 2.0

_LOOK_UP_S = 0.5
"""How often an idle sender looks whether the program has ended."""


class FrankaGripper:
    """Opens and closes on wish; the newest width is always at hand."""

    def __init__(self, gripper: "franky.Gripper", config: GripperConfig) -> None:
        """Starts both threads; the first reading is there when this returns."""
        self._gripper: franky.Gripper | None = gripper
        self._config = config
        state = gripper.state
        self._width_m, self._is_grasped = float(state.width), bool(state.is_grasped)
        is_open = abs(self._width_m - config.open_width_m) <= OPEN_TOLERANCE_M
        self._is_open: bool | None = True if is_open else None  # what was last sent
        self._wish: bool | None = None
        self._is_busy = False
        self._is_closing_down = False
        self._changed = threading.Condition()
        self.fault: str | None = None
        """Why the last command or reading failed; None once one succeeds."""
        self._threads = [
            threading.Thread(target=self._send_wishes, name="gripper-send"),
            threading.Thread(target=self._read_on, name="gripper-read"),
        ]
        for thread in self._threads:
            thread.start()

    @property
    def width_m(self) -> float:
        """Distance of the fingers at the last reading."""
        return self._width_m

    @property
    def is_grasped(self) -> bool:
        """The last grasp ended on something, and it is still between the fingers."""
        return self._is_grasped and self._width_m > MIN_HELD_WIDTH_M

    def command(self, *, is_open: bool) -> None:
        """Wish for an open or closed hand; returns at once."""
        with self._changed:
            self._wish = is_open
            self._changed.notify_all()

    def wait_until_done(self, timeout_s: float) -> bool:
        """Block until the last wish has been carried out; False on time-out."""
        with self._changed:
            return self._changed.wait_for(
                lambda: not self._is_busy and self._wish in (None, self._is_open),
                timeout=timeout_s,
            )

    def close(self) -> None:
        """End both threads and let go of the hand; may be called twice.

        A command under way gets two seconds to finish. The hand serves one client at a time, so
        nothing may hold on to the old connection.
        """
        with self._changed:
            self._is_closing_down = True
            self._changed.notify_all()
        for thread in self._threads:
            thread.join(_JOIN_S)
        self._gripper = None

    def _must_end(self) -> bool:
        """Closed, or the main thread ended without closing.

        Not daemon threads: Python kills those inside libfranka's calls, and C++ then terminates
        the whole process ("terminate called without an active exception", seen).
        """
        return self._is_closing_down or not threading.main_thread().is_alive()

    def _send_wishes(self) -> None:
        while not self._must_end():
            with self._changed:
                has_wish = self._changed.wait_for(
                    lambda: self._is_closing_down or self._wish not in (None, self._is_open),
                    timeout=_LOOK_UP_S,
                )
                if not has_wish or self._is_closing_down:
                    continue
                wish, self._is_busy = bool(self._wish), True
            self._send(is_open=wish)
            with self._changed:
                self._is_open, self._is_busy = wish, False
                self._changed.notify_all()

    def _send(self, *, is_open: bool) -> None:
        """One blocking command. A failed one counts as sent: the next change tries anew."""
        c, gripper = self._config, self._gripper
        if gripper is None:
            return
        try:
            if is_open:
                gripper.move(c.open_width_m, c.speed_mps)
            else:
                gripper.grasp(0.0, c.speed_mps, c.force_n, MAX_WIDTH_M, MAX_WIDTH_M)
        except sdk_errors() as error:
            self.fault = f"the gripper did not {'open' if is_open else 'close'}: " + first_line(
                error
            )
            _LOG.warning("%s", self.fault)
            return
        self.fault = None

    def _read_on(self) -> None:
        while not self._must_end() and self._gripper is not None:
            try:
                state = self._gripper.state
            except sdk_errors() as error:
                self.fault = f"the gripper is silent: {first_line(error)}"
                time.sleep(0.1)
                continue
            self._width_m, self._is_grasped = float(state.width), bool(state.is_grasped)
