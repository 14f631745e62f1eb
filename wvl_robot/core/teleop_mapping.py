"""From a device's axes and buttons to a command in policy space. Pure; the device is elsewhere.

A command is the target's delta for one tick: translation (m) and rotation vector (rad), both in the
base frame, and the gripper. Whatever comes in, it stays within the rig's limits:

    deflection -> dead zone, expo -> operator's view -> length of at most 1 -> times speed and tick

What does not fit the profile (too short, NaN, infinity) is refused by name and opens the dead-man,
as does silence; after either the dead-man must be let go once before it counts again.
"""

import math
import threading
from collections import deque
from collections.abc import Sequence

import numpy as np

from wvl_models.contract.errors import DataError
from wvl_models.contract.pose import Setpoint
from wvl_models.contract.rotation import F64
from wvl_robot.ports.teleop import TeleopCommand, TeleopEvent
from wvl_robot.rig.limits import SafetyLimits
from wvl_robot.rig.teleop_profile import Motion, Switch, TeleopProfile, event_of

STALE_NS = 150_000_000
"""A device that has been silent for longer is not held by anybody."""

DEBOUNCE_NS = 200_000_000
"""A button counts again this long after its last press."""

EVENT_LIFETIME_NS = 500_000_000
"""A press that nobody asked for within this time is forgotten, not carried out late."""

_STEP_SHARE = 0.99
"""Of the longest step: at the limit itself, rounding could turn a command into a refusal."""

_MOTIONS: tuple[Motion, ...] = ("x", "y", "z", "roll", "pitch", "yaw")


class TeleopMapping:
    """One device under one profile. Readings come from one thread, questions from another."""

    def __init__(
        self,
        profile: TeleopProfile,
        limits: SafetyLimits,
        period_s: float,
        stale_ns: int = STALE_NS,
    ) -> None:
        """`period_s` is one tick: a command's motion lasts that long."""
        self._profile, self._stale_ns = profile, stale_ns
        self._step_m = min(
            min(profile.speed_mps, limits.max_linear_mps) * period_s,
            _STEP_SHARE * limits.max_step_m,
        )
        self._step_rad = min(
            min(profile.turn_radps, limits.max_angular_radps) * period_s,
            _STEP_SHARE * limits.max_step_rad,
        )
        self._presses = {event_of(name): _Press() for name in profile.events}
        self._gripper_press = _Press()
        self._events: deque[tuple[int, TeleopEvent]] = deque(maxlen=8)
        self._lock = threading.Lock()
        self._heard_ns: int | None = None
        self._is_armed = self._is_held = self._should_close = False
        self._wants_open: bool | None = None
        self._flips = 0
        self._motion = np.zeros(6)

    def push(self, axes: Sequence[float], buttons: Sequence[int], now_ns: int) -> None:
        """A reading that arrived at `now_ns`. DataError, and the dead-man opens, where unusable."""
        with self._lock:
            try:
                self._check(axes, buttons)
            except DataError:
                self._disarm()
                raise
            is_first = not self._is_live(now_ns)
            if is_first:
                self._disarm()
            self._heard_ns = now_ns
            self._is_held = _is_pressed(self._profile.dead_man, axes, buttons)
            self._is_armed = self._is_armed or not self._is_held
            self._motion = self._steps(axes, buttons)
            self._take_presses(axes, buttons, now_ns, is_first=is_first)

    def is_live(self, now_ns: int) -> bool:
        """Whether the device has been heard lately."""
        with self._lock:
            return self._is_live(now_ns)

    def forget(self) -> None:
        """Forget every press that nobody has asked for yet."""
        with self._lock:
            self._events.clear()
            self._flips, self._wants_open = 0, None

    def read(self, target: Setpoint, now_ns: int) -> TeleopCommand:
        """The command for the tick at `now_ns`; `target` is what the arm was last told to reach."""
        with self._lock:
            is_live = self._is_live(now_ns)
            if not is_live:
                self._disarm()
            is_engaged = is_live and self._is_armed and self._is_held
            is_open = self._gripper(target.gripper_open, is_engaged=is_engaged)
            motion = self._motion if is_engaged else np.zeros(6)
            return TeleopCommand(
                action=np.append(motion, float(is_open)),
                is_engaged=is_engaged,
                event=self._next_event(now_ns),
                is_live=is_live,
            )

    def _is_live(self, now_ns: int) -> bool:
        return self._heard_ns is not None and now_ns - self._heard_ns <= self._stale_ns

    def _disarm(self) -> None:
        self._is_armed = self._is_held = False
        self._motion = np.zeros(6)
        self._flips, self._wants_open = 0, None

    def _check(self, axes: Sequence[float], buttons: Sequence[int]) -> None:
        profile = self._profile
        if len(axes) < profile.num_axes or len(buttons) < profile.num_buttons:
            raise DataError(
                f"{len(axes)} axes and {len(buttons)} buttons; the profile '{profile.description}' "
                f"needs {profile.num_axes} and {profile.num_buttons}. Choose the device's profile."
            )
        for index, value in enumerate(axes):
            if not math.isfinite(value):
                raise DataError(f"axis {index} is {value}; expected a number in [-1, 1].")

    def _steps(self, axes: Sequence[float], buttons: Sequence[int]) -> F64:
        """[6] the delta of one tick: 3 m, 3 rad."""
        profile = self._profile
        slow = profile.slow
        factor = 1.0
        if slow is not None and _is_pressed(slow, axes, buttons):
            factor = profile.slow_factor
        wanted = deflection(profile, axes)
        yaw_rad = math.radians(profile.view_yaw_deg)
        translation = factor * self._step_m * _cut(_turned(wanted[:3], yaw_rad))
        rotation = factor * self._step_rad * _cut(_turned(wanted[3:], yaw_rad))
        return np.concatenate([translation, rotation])

    def _take_presses(
        self, axes: Sequence[float], buttons: Sequence[int], now_ns: int, *, is_first: bool
    ) -> None:
        for name, switch in self._profile.events.items():
            event = event_of(name)
            is_down = _is_pressed(switch, axes, buttons)
            if self._presses[event].is_new(is_down, now_ns, is_first=is_first):
                self._events.append((now_ns, event))
        gripper = self._profile.gripper
        if gripper is None:
            return
        is_down = _is_pressed(gripper, axes, buttons)
        self._should_close = is_down
        is_new = self._gripper_press.is_new(is_down, now_ns, is_first=is_first)
        if is_new and self._is_armed and self._is_held:
            self._flips += 1

    def _gripper(self, is_open: bool, *, is_engaged: bool) -> bool:
        """What the fingers should do; without the dead-man, what they do."""
        if not is_engaged or self._profile.gripper is None:
            self._wants_open = None
            return is_open
        if self._profile.gripper_mode == "hold":
            return not self._should_close
        if self._wants_open == is_open:
            self._wants_open = None
        if self._flips % 2:
            now = is_open if self._wants_open is None else self._wants_open
            self._wants_open = not now
        self._flips = 0
        return is_open if self._wants_open is None else self._wants_open

    def _next_event(self, now_ns: int) -> TeleopEvent:
        while self._events:
            pressed_ns, event = self._events.popleft()
            if now_ns - pressed_ns <= EVENT_LIFETIME_NS:
                return event
        return TeleopEvent.NONE


class _Press:
    """Finds the presses of one switch; contacts bounce."""

    def __init__(self) -> None:
        self._is_down, self._pressed_ns = False, -DEBOUNCE_NS

    def is_new(self, is_down: bool, now_ns: int, *, is_first: bool) -> bool:
        """Whether it was pressed just now; what is down when a device appears was not."""
        was_down, self._is_down = self._is_down, is_down
        if is_first or was_down or not is_down or now_ns - self._pressed_ns < DEBOUNCE_NS:
            return False
        self._pressed_ns = now_ns
        return True


def deflection(profile: TeleopProfile, axes: Sequence[float]) -> F64:
    """[6] x, y, z, roll, pitch, yaw in [-1, 1], under the profile's curve, as the operator sees."""
    wanted = np.zeros(6)
    for index, motion in enumerate(_MOTIONS):
        terms = profile.motion.get(motion, ())
        raw = sum(term.scale * min(max(float(axes[term.axis]), -1.0), 1.0) for term in terms)
        wanted[index] = shaped(min(max(raw, -1.0), 1.0), profile.dead_zone, profile.expo)
    return wanted


def shaped(value: float, dead_zone: float, expo: float) -> float:
    """A deflection in [-1, 1] without its dead zone and bent by `expo`; odd and monotonic."""
    size = (abs(value) - dead_zone) / (1.0 - dead_zone)
    if size <= 0.0:
        return 0.0
    return math.copysign((1.0 - expo) * size + expo * size**3, value)


def _turned(vector: F64, yaw_rad: float) -> F64:
    """`vector` [3] as the operator sees it, in the base frame."""
    cos, sin = math.cos(yaw_rad), math.sin(yaw_rad)
    x, y, z = vector
    return np.array([cos * x - sin * y, sin * x + cos * y, z])


def _cut(vector: F64) -> F64:
    """`vector` [3], no longer than 1."""
    return vector / max(1.0, float(np.linalg.norm(vector)))


def _is_pressed(switch: Switch, axes: Sequence[float], buttons: Sequence[int]) -> bool:
    if switch.button is not None:
        return switch.button < len(buttons) and bool(buttons[switch.button])
    assert switch.axis is not None
    value = axes[switch.axis]
    return value >= switch.beyond if switch.beyond > 0 else value <= switch.beyond
