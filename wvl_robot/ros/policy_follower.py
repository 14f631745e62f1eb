"""Whose chunks a session executes: those of the policy that the policy node says it serves."""

import logging
import math
import time

from wvl_interfaces import msg

from wvl_models.contract.action import ActionSpec
from wvl_models.contract.errors import DataError
from wvl_models.contract.task import TaskConfig
from wvl_robot.core.decision import PolicyPilot
from wvl_robot.core.health import SILENT_AFTER_S
from wvl_robot.core.schedule import make_schedule, schedule_of
from wvl_robot.ports.teleop import Teleop
from wvl_robot.ros import convert, topics
from wvl_robot.ros.host import Host
from wvl_robot.ros.session_ports import RosDecider

_LOG = logging.getLogger(__name__)

STATUS_TIMEOUT_S = 5.0
"""It comes every second; a policy node that loads a candidate may be late."""


class PolicyFollower:
    """Follows the policy node: whose chunks the session executes."""

    def __init__(self, host: Host, task: TaskConfig, teleop: Teleop | None) -> None:
        spec = ActionSpec.unnormalised()
        self._spec = spec
        schedule = make_schedule(spec, schedule_of(task, spec.chunk_steps))
        self.pilot = PolicyPilot(RosDecider(host), schedule, spec, teleop)
        self.version, self._heard_s = "", time.monotonic()
        self._frame_age_s = math.inf
        self._version_at_arm = self._problem = ""
        host.subscribe(topics.ARM_STATUS, self._on_arm)
        host.subscribe(topics.POLICY_STATUS, self._on_status)

    def complaint(self) -> str:
        """Why no episode may start; empty where one may."""
        if not self.version:
            return "no policy is being served"
        silence_s = time.monotonic() - self._heard_s
        if silence_s > STATUS_TIMEOUT_S:
            return f"policy {self.version} has been silent for {silence_s:.0f} s"
        if not self._frame_age_s <= SILENT_AFTER_S:  # it meets a new camera node in its own time
            return f"policy {self.version} hears no camera"
        if self._version_at_arm != self.version:
            return f"the robot node does not let orders of policy {self.version} pass yet"
        return ""

    def _on_arm(self, status: msg.ArmStatus) -> None:
        self._version_at_arm = status.policy_version

    def _on_status(self, message: msg.PolicyStatus) -> None:
        self._heard_s, self._frame_age_s = time.monotonic(), message.frame_age_s
        version, problem = self._judge(message)
        if problem and problem != self._problem:  # it comes every second
            _LOG.error(problem)
        self._problem, self.version = problem, version
        self.pilot.set_policy_version(version)

    def _judge(self, message: msg.PolicyStatus) -> tuple[str, str]:
        """The version that can be executed, empty for none, and what is wrong with it."""
        try:
            served = convert.from_policy_status(message)
        except DataError as error:
            return "", f"the policy's own description is unusable: {error}"
        if served is None:
            return "", ""
        version, spec = served
        if (spec.chunk_steps, spec.rate_hz) == (self._spec.chunk_steps, self._spec.rate_hz):
            return version, ""
        return "", (
            f"policy {version} has chunks of {spec.chunk_steps} steps at {spec.rate_hz:g} Hz; this "
            f"session executes {self._spec.chunk_steps} at {self._spec.rate_hz:g}"
        )
