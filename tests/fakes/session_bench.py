"""A whole robot side in memory: session, robot process, arm, camera, store, on one fake clock."""

import threading
from dataclasses import replace

import numpy as np

from tests.fakes.arm_link import FakeArmLink
from tests.fakes.camera import FakeCamera
from tests.fakes.clock import FakeClock
from tests.fakes.decider import Brain, FakeDecider
from tests.fakes.episode_sink import FakeEpisodeSink
from tests.fakes.robot import OPEN_WIDTH_M, FakeRobot
from tests.fakes.teleop import FakeTeleop, Script
from wvl_models.contract.config import parse_config
from wvl_models.contract.episode import EpisodeHeader
from wvl_models.contract.examples import example_action_spec, example_header
from wvl_robot.core.arm_guard import ArmGuard
from wvl_robot.core.decision import Pilot, PolicyPilot, TeleopPilot
from wvl_robot.core.schedule import ScheduleConfig, make_schedule
from wvl_robot.core.session import Session, SessionPorts
from wvl_robot.core.session_config import SessionConfig
from wvl_robot.core.session_status import SessionState
from wvl_robot.ports.episode_sink import EpisodeSink
from wvl_robot.ports.referee import Referee
from wvl_robot.ports.teleop import TeleopEvent
from wvl_robot.rig.limits import SafetyLimits

SPEC = example_action_spec()
PERIOD_NS = SPEC.period_ns
LIMITS = SafetyLimits(workspace_low_m=(0.28, -0.3, 0.0), workspace_high_m=(0.68, 0.3, 0.45))
WATCH_NS = 10_000_000


class SessionBench:
    """Teleoperation by default; with a `brain`, a policy that the teleop may override."""

    def __init__(
        self,
        script: Script | None = None,
        *,
        brain: Brain | None = None,
        schedule: ScheduleConfig | None = None,
        config: dict[str, object] | None = None,
        referee: Referee | None = None,
        sink: EpisodeSink | None = None,
        start_ns: int = 1_000_000_000,
        inference_ns: int = 0,
        watch_ns: int = WATCH_NS,
    ) -> None:
        self.clock = FakeClock(start_ns)
        self.robot = FakeRobot(self.clock)
        self.guard = ArmGuard(
            self.robot, self.clock, LIMITS, period_s=0.1, open_width_m=OPEN_WIDTH_M
        )
        self.clock.every(watch_ns, self.guard.watch)
        self.arm = FakeArmLink(self.guard, self.clock)
        self.camera = FakeCamera(self.clock)
        self.fake_sink = FakeEpisodeSink()
        self.teleop = FakeTeleop(script)
        self.decider: FakeDecider | None = None
        self.pilot: Pilot = TeleopPilot(self.teleop, SPEC)
        if brain is not None:
            self.decider = FakeDecider(self.clock, brain, delay_ns=inference_ns)
            plan = make_schedule(SPEC, schedule or ScheduleConfig())
            pilot = PolicyPilot(self.decider, plan, SPEC, self.teleop)
            pilot.set_policy_version("v0001")
            self.guard.set_policy_version("v0001")
            self.pilot = pilot
        self.button_presses = 0
        self.ports = SessionPorts(
            clock=self.clock,
            camera=self.camera,
            arm=self.arm,
            sink=sink or self.fake_sink,
            pilot=self.pilot,
            referee=referee,
        )
        self.config = parse_config(config or {}, SessionConfig, source="test")
        self.restart_session()

    def restart_session(self) -> None:
        """The session's process died and is up again; everything else went on."""
        self.session = Session(self.ports, self.config, self._press)

    @property
    def sink(self) -> FakeEpisodeSink:
        return self.fake_sink

    @property
    def state(self) -> SessionState:
        return self.session.status.state

    def header(self, episode_id: str = "e1") -> EpisodeHeader:
        return replace(example_header(np.random.default_rng(0)), episode_id=episode_id)

    def start(self, max_steps: int | None = None, episode_id: str = "e1") -> None:
        self.session.start(self.header(episode_id), 7, max_steps)

    def run_s(self, seconds: float) -> None:
        """Let the session's own loop run for so long."""
        stop = threading.Event()
        self.clock.at(self.clock.now_ns() + round(seconds * 1e9) - 1, stop.set)
        self.session.run(stop)

    def ticks(self, number: int) -> None:
        """Tick by hand, on time."""
        for _ in range(number):
            self.session.tick(self.clock.now_ns())
            self.clock.sleep_until_ns(self.clock.now_ns() + PERIOD_NS)

    def _press(self, event: TeleopEvent) -> None:
        self.button_presses += 1
        if event is TeleopEvent.START and self.state is SessionState.IDLE:
            self.start()
        if event is TeleopEvent.CLEAR_FAULT and self.state is SessionState.FAULT:
            self.session.clear_fault()
