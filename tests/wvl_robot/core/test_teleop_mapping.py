import math
from dataclasses import dataclass, field

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.cells import SHARE
from tests.fakes.robot import tool_down
from wvl_models.contract.action import ActionSpec
from wvl_models.contract.config import parse_config
from wvl_models.contract.errors import DataError
from wvl_models.contract.pose import Setpoint
from wvl_models.contract.verdict import Verdict
from wvl_robot.core.decision import follow
from wvl_robot.core.raw_order import RawOrder
from wvl_robot.core.safety import SafetyGate
from wvl_robot.core.teleop_mapping import TeleopMapping, shaped
from wvl_robot.ports.teleop import TeleopCommand, TeleopEvent
from wvl_robot.rig.limits import SafetyLimits
from wvl_robot.rig.teleop_profile import TeleopProfile, load_teleop_profile

LIMITS = SafetyLimits(workspace_low_m=(0.2, -0.4, 0.0), workspace_high_m=(0.8, 0.4, 0.6))
MS = 1_000_000
DEAD_MAN, SLOW, GRIPPER, START, SUCCESS = range(5)


def profile(**change: object) -> TeleopProfile:
    plain = {
        "description": "a stick",
        "num_axes": 6,
        "num_buttons": 5,
        "motion": {
            name: [{"axis": index}]
            for index, name in enumerate(("x", "y", "z", "roll", "pitch", "yaw"))
        },
        "dead_man": {"button": DEAD_MAN},
        "slow": {"button": SLOW},
        "gripper": {"button": GRIPPER},
        "events": {"start": {"button": START}, "success": {"button": SUCCESS}},
        "speed_mps": 0.1,
        "turn_radps": 0.5,
        "dead_zone": 0.0,
        "expo": 0.0,
    }
    return parse_config(plain | change, TeleopProfile, source="a test")


@dataclass
class Stick:
    """A device at 50 Hz, and a session that asks for a command at 10 Hz."""

    mapping: TeleopMapping
    now_ns: int = 1_000_000_000
    target: Setpoint = field(default_factory=tool_down)

    def hold(self, *buttons: int, axes: tuple[float, ...] = (0.0,) * 6, ms: int = 20) -> None:
        """Push readings for so long."""
        for _ in range(ms // 20):
            self.now_ns += 20 * MS
            self.mapping.push(axes, [int(index in buttons) for index in range(5)], self.now_ns)

    def read(self) -> TeleopCommand:
        return self.mapping.read(self.target, self.now_ns)


def stick(limits: SafetyLimits = LIMITS, **change: object) -> Stick:
    """A device that has been let go once."""
    ready = Stick(TeleopMapping(profile(**change), limits, 0.1))
    ready.hold()
    return ready


def forward(deflection: float = 1.0) -> tuple[float, ...]:
    return (deflection, 0.0, 0.0, 0.0, 0.0, 0.0)


def test_full_deflection_is_the_profiles_speed_for_one_tick() -> None:
    one = stick()
    one.hold(DEAD_MAN, axes=(1.0, 0.0, 0.0, 0.0, 0.0, -1.0))
    assert one.read().action == pytest.approx([0.01, 0, 0, 0, 0, -0.05, 1.0])


def test_nothing_moves_without_the_dead_man() -> None:
    one = stick()
    one.hold(axes=forward())
    command = one.read()
    assert not command.is_engaged and command.is_live
    assert command.action[:6] == pytest.approx(np.zeros(6))


def test_letting_go_stops_at_once() -> None:
    one = stick()
    one.hold(DEAD_MAN, axes=forward())
    one.hold(axes=forward())
    assert not one.read().is_engaged


def test_a_silent_device_is_not_held() -> None:
    one = stick()
    one.hold(DEAD_MAN, axes=forward())
    one.now_ns += 150 * MS
    assert one.read().is_engaged
    one.now_ns += 1
    command = one.read()
    assert not command.is_engaged and not command.is_live


def test_a_device_that_comes_back_held_must_be_let_go_first() -> None:
    one = stick()
    one.hold(DEAD_MAN, axes=forward())
    one.now_ns += 400 * MS
    one.hold(DEAD_MAN, axes=forward(), ms=200)
    assert one.read().is_live and not one.read().is_engaged
    one.hold()
    one.hold(DEAD_MAN, axes=forward())
    assert one.read().is_engaged


def test_a_device_that_appears_held_must_be_let_go_first() -> None:
    one = Stick(TeleopMapping(profile(), LIMITS, 0.1))
    one.hold(DEAD_MAN, START, axes=forward(), ms=100)
    command = one.read()
    assert not command.is_engaged
    assert command.event is TeleopEvent.NONE, "what is down when a device appears was not pressed"


@pytest.mark.parametrize(
    ("axes", "buttons", "message"),
    [
        ((0.0,) * 5, (0,) * 5, "5 axes and 5 buttons.*needs 6 and 5"),
        ((0.0,) * 6, (0,) * 4, "6 axes and 4 buttons"),
        ((), (), "0 axes"),
        ((0, math.nan, 0, 0, 0, 0), (1,) * 5, "axis 1 is nan"),
        ((0, 0, math.inf, 0, 0, 0), (1,) * 5, "axis 2 is inf"),
    ],
)
def test_an_unusable_reading_is_refused_by_name_and_opens_the_dead_man(
    axes: tuple[float, ...], buttons: tuple[int, ...], message: str
) -> None:
    one = stick()
    one.hold(DEAD_MAN, axes=forward())
    with pytest.raises(DataError, match=message):
        one.mapping.push(axes, buttons, one.now_ns)
    assert not one.read().is_engaged
    one.hold(DEAD_MAN, axes=forward(), ms=100)
    assert not one.read().is_engaged, "it must be let go once"


def test_slow_is_a_share_of_the_speed() -> None:
    one = stick(slow_factor=0.25)
    one.hold(DEAD_MAN, SLOW, axes=forward())
    assert one.read().action[0] == pytest.approx(0.0025)


def test_diagonals_are_not_faster() -> None:
    one = stick()
    one.hold(DEAD_MAN, axes=(1.0,) * 6)
    action = one.read().action
    assert np.linalg.norm(action[:3]) == pytest.approx(0.01)
    assert np.linalg.norm(action[3:6]) == pytest.approx(0.05)


def test_from_the_front_of_the_arm_left_is_the_other_way_round() -> None:
    one = stick(view_yaw_deg=180.0)
    one.hold(DEAD_MAN, axes=(1.0, 0.0, 0.0, 0.5, 0.0, 0.0))
    action = one.read().action
    assert action[0] == pytest.approx(-0.01)
    assert action[3] == pytest.approx(-0.025)


def test_the_rigs_limits_are_above_the_profiles_wishes() -> None:
    slow_rig = LIMITS.model_copy(update={"max_linear_mps": 0.03, "max_angular_radps": 0.2})
    one = stick(slow_rig, speed_mps=1.0, turn_radps=2.5)
    one.hold(DEAD_MAN, axes=(1.0, 0.0, 0.0, 0.0, 0.0, 1.0))
    assert one.read().action[:6] == pytest.approx([0.003, 0, 0, 0, 0, 0.02])


def test_the_gripper_toggles_from_what_it_is() -> None:
    one = stick()
    one.hold(DEAD_MAN, ms=40)
    assert one.read().action[6] == 1.0
    one.hold(DEAD_MAN, GRIPPER, ms=40)
    assert one.read().action[6] == 0.0
    assert one.read().action[6] == 0.0, "until the gate has let it through"


def test_a_gripper_that_has_obeyed_can_be_moved_by_somebody_else() -> None:
    one = stick()
    one.hold(DEAD_MAN, GRIPPER)
    assert one.read().action[6] == 0.0
    one.target = Setpoint(pose=one.target.pose, gripper_open=False)
    assert one.read().action[6] == 0.0
    one.target = Setpoint(pose=one.target.pose, gripper_open=True)
    assert one.read().action[6] == 1.0


def test_the_gripper_needs_the_dead_man() -> None:
    one = stick()
    one.hold(GRIPPER)
    one.hold(DEAD_MAN)
    assert one.read().action[6] == 1.0


def test_a_gripper_that_is_held_is_closed_while_it_is() -> None:
    one = stick(gripper_mode="hold")
    one.hold(DEAD_MAN, GRIPPER)
    assert one.read().action[6] == 0.0
    one.hold(DEAD_MAN)
    assert one.read().action[6] == 1.0


def test_a_press_is_one_event_however_long_it_takes() -> None:
    one = stick()
    one.hold(START, ms=400)
    assert one.read().event is TeleopEvent.START
    assert one.read().event is TeleopEvent.NONE


def test_a_press_between_two_ticks_is_not_lost() -> None:
    one = stick()
    one.hold(SUCCESS)
    one.hold()
    assert one.read().event is TeleopEvent.SUCCESS


def test_a_contact_that_bounces_is_one_press() -> None:
    one = stick()
    for _ in range(4):
        one.hold(START)
        one.hold()
    assert [one.read().event, one.read().event] == [TeleopEvent.START, TeleopEvent.NONE]


def test_two_buttons_are_two_events() -> None:
    one = stick()
    one.hold(START, SUCCESS)
    assert {one.read().event, one.read().event} == {TeleopEvent.START, TeleopEvent.SUCCESS}


def test_a_press_that_nobody_asked_for_in_time_is_forgotten() -> None:
    one = stick()
    one.hold(SUCCESS)
    one.hold(ms=520)
    assert one.read().event is TeleopEvent.NONE


def test_forgetting_forgets_presses() -> None:
    one = stick()
    one.hold(SUCCESS)
    one.mapping.forget()
    assert one.read().event is TeleopEvent.NONE


def test_a_button_that_the_device_lacks_is_never_pressed() -> None:
    one = stick(events={"discard": {"button": 40}})
    one.hold(DEAD_MAN, axes=forward())
    assert one.read().is_engaged and one.read().event is TeleopEvent.NONE


def test_an_axis_can_be_a_button_in_either_direction() -> None:
    cross = {
        "success": {"axis": 5, "beyond": 0.5},
        "start": {"axis": 5, "beyond": -0.5},
    }
    one = stick(events=cross)
    one.hold(axes=(0, 0, 0, 0, 0, -1.0))
    assert one.read().event is TeleopEvent.START
    one.hold(axes=(0, 0, 0, 0, 0, 1.0))
    assert one.read().event is TeleopEvent.SUCCESS


UNIT = st.floats(-1, 1)


@given(a=UNIT, b=UNIT, dead_zone=st.floats(0, 0.9), expo=st.floats(0, 1))
def test_the_curve_is_odd_monotonic_and_never_more_than_full(
    a: float, b: float, dead_zone: float, expo: float
) -> None:
    low, high = sorted((a, b))
    assert shaped(low, dead_zone, expo) <= shaped(high, dead_zone, expo) + 1e-12
    assert shaped(-a, dead_zone, expo) == -shaped(a, dead_zone, expo)
    assert abs(shaped(a, dead_zone, expo)) <= 1.0 + 1e-12
    assert shaped(1.0, dead_zone, expo) == pytest.approx(1.0)
    if abs(a) <= dead_zone:
        assert shaped(a, dead_zone, expo) == 0.0


VALUES = st.one_of(
    st.floats(allow_nan=True, allow_infinity=True, width=32),
    st.floats(-1, 1, width=32),
)
NONSENSE = st.tuples(
    st.lists(VALUES, max_size=10), st.lists(st.integers(-(2**31), 2**31 - 1), max_size=18)
)
PLAUSIBLE = st.tuples(
    st.lists(st.floats(-1.5, 1.5), min_size=8, max_size=8),
    st.lists(st.integers(0, 1), min_size=15, max_size=15),
)
GAPS_NS = st.sampled_from([0, 0, 20 * MS, 10**9])
PROFILES = [
    load_teleop_profile(SHARE, path.stem)
    for path in sorted((SHARE / "config" / "teleop").glob("*.yaml"))
]


@settings(max_examples=100, deadline=None)
@given(
    which=st.sampled_from(PROFILES),
    readings=st.lists(
        st.tuples(
            st.one_of(NONSENSE, PLAUSIBLE, PLAUSIBLE), st.sampled_from([0, 0, 20 * MS, 10**9])
        ),
        max_size=12,
    ),
    speed=st.floats(0.01, 1.0),
    step_m=st.floats(0.001, 0.1),
    step_rad=st.floats(0.001, 0.2),
)
def test_whatever_comes_in_the_gate_has_nothing_to_slow_down(
    which: TeleopProfile,
    readings: list[tuple[tuple[list[float], list[int]], int]],
    speed: float,
    step_m: float,
    step_rad: float,
) -> None:
    limits = SafetyLimits(
        workspace_low_m=(0.2, -0.4, 0.0),
        workspace_high_m=(0.8, 0.4, 0.6),
        max_linear_mps=speed,
        max_step_m=step_m,
        max_step_rad=step_rad,
        max_tilt_rad=math.pi,
    )
    mapping = TeleopMapping(which, limits, 0.1)
    spec, target, now_ns = ActionSpec.unnormalised(), tool_down(), 10**9
    gate = SafetyGate(limits, 0.1)
    for sequence, ((axes, buttons), gap_ns) in enumerate(readings):
        now_ns += gap_ns + 100 * MS
        try:
            mapping.push(axes, buttons, now_ns)
        except DataError as error:
            assert "axes and" in str(error) or "axis" in str(error)
        command = mapping.read(target, now_ns)
        assert np.isfinite(command.action).all() and command.action[6] in (0.0, 1.0)
        gate.resync(tuple(target.as_row()))
        order = RawOrder(
            sequence=sequence + 1,
            stamp_ns=now_ns,
            expires_ns=now_ns + 150 * MS,
            row=tuple(follow(target, command, spec).as_row()),
            source="teleop",
            policy_version="",
        )
        judgement = gate.judge(order, now_ns, is_ready=True)
        assert judgement.verdict is Verdict.PASS, judgement
