"""Campaign node: carries a campaign out over the same services an operator uses, then ends.

It ends with exit code 0 when every episode is committed; whoever started the graph takes that as
the end of the graph.
"""

import json
import logging
import queue
import threading
import time
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any

from std_srvs.srv import Trigger
from wvl_interfaces import msg, srv

from wvl_models.contract.errors import ConfigError, RobotError, SetupError
from wvl_robot.core.announced_sink import EpisodeChange
from wvl_robot.core.campaign import Campaign, CampaignReport, Ending, Plan
from wvl_robot.core.session_status import SessionState
from wvl_robot.rig.config import load_rig
from wvl_robot.ros import topics
from wvl_robot.ros.host import Host
from wvl_robot.ros.managed import Activate
from wvl_robot.ros.params import CampaignParams
from wvl_robot.ros.process import run
from wvl_robot.ros.rig import share_of

_LOG = logging.getLogger(__name__)

POLL_S = 0.05

SAY_AFTER_S = 5.0
"""How often to say what is being waited for."""


class RosCrew:
    """Robot, cell, session and policy nodes as a `Crew`."""

    def __init__(self, host: Host, patience_s: float, *, is_policy: bool) -> None:
        self._host, self._patience_s, self._is_policy = host, patience_s, is_policy
        self._session: Any = None  # SessionStatus
        self._arm: Any = None  # ArmStatus
        self._endings: queue.Queue[Ending] = queue.Queue()
        host.subscribe(topics.SESSION_STATUS, self._on_session)
        host.subscribe(topics.ARM_STATUS, self._on_arm)
        host.subscribe(topics.EPISODE_EVENT, self._on_event)
        used = [topics.RECOVER, topics.GO_HOME, topics.START, topics.CLEAR_FAULT, topics.RESET]
        if is_policy:
            used.append(topics.SWAP)
        self._clients = {e.name: host.client(e) for e in used}

    def get_ready(self) -> None:
        """See `Crew`."""
        asked_ns = time.monotonic_ns()
        self._wait(  # the event of an episode's end overtakes the status that shows the fault
            lambda: (
                self._session is not None
                and self._session.stamp_ns > asked_ns
                and self._session.state in (SessionState.IDLE, SessionState.FAULT)
            ),
            "the session node",
        )
        self._wait(lambda: self._arm is not None, "the robot node")
        if self._arm.state == "fault":
            self._call(topics.RECOVER, Trigger.Request())
            self._wait(lambda: self._arm.state != "fault", "the arm's recovery")
        if self._session.state == SessionState.FAULT:
            self._call(topics.CLEAR_FAULT, Trigger.Request())
        self._wait(
            lambda: self._session.state == SessionState.IDLE and self._session.is_ready,
            "the session to be ready",
            lambda: self._session.not_ready or self._session.fault or self._session.state,
        )

    def go_home(self) -> None:
        """See `Crew`."""
        self._call(topics.GO_HOME, Trigger.Request())

    def reset(self, seed: int) -> None:
        """See `Crew`."""
        self._call(topics.RESET, srv.ResetCell.Request(seed=seed))

    def start(self, seed: int) -> str:
        """See `Crew`."""
        request = srv.StartEpisode.Request(has_seed=True, seed=seed)
        return str(self._call(topics.START, request).episode_id)

    def wait_for_end(self, episode_id: str) -> Ending:
        """See `Crew`."""
        deadline = time.monotonic() + self._patience_s
        while time.monotonic() < deadline:
            self._check()
            try:
                ending = self._endings.get(timeout=POLL_S)
            except queue.Empty:
                continue
            if ending.episode_id == episode_id:
                return ending
        raise RobotError(f"episode {episode_id} has not ended within {self._patience_s:.0f} s.")

    def policy_version(self) -> str:
        """See `Crew`."""
        return str(self._session.policy_version) if self._is_policy else ""

    def swap(self, version: str) -> float:
        """See `Crew`."""
        start = time.monotonic()
        self._call(topics.SWAP, srv.SwapPolicy.Request(version=version))
        swap_s = time.monotonic() - start
        self._wait(lambda: self._session.policy_version == version, f"the session to use {version}")
        self._wait(lambda: self._arm.policy_version == version, f"the gate to pass {version}")
        return swap_s

    def _call(self, endpoint: topics.Endpoint, request: Any) -> Any:  # its request and response
        client = self._clients[endpoint.name]
        self._wait(client.service_is_ready, f"service {endpoint.name}")
        done = threading.Event()
        future = client.call_async(request)
        future.add_done_callback(lambda _: done.set())
        self._wait(done.is_set, f"the answer of {endpoint.name}")
        response = future.result()
        if not response.success:
            raise RobotError(f"{endpoint.name} was refused: {response.message}")
        return response

    def _wait(
        self, is_true: Callable[[], bool], what: str, why: Callable[[], str] = lambda: ""
    ) -> None:
        start = said = time.monotonic()
        while not is_true():
            self._check()
            now = time.monotonic()
            if now - start > self._patience_s:
                raise RobotError(f"waited {self._patience_s:.0f} s for {what}. {why()}".strip())
            if now - said > SAY_AFTER_S:
                said = now
                _LOG.info("waiting for %s %s", what, why())
            self._host.stop.wait(POLL_S)

    def _check(self) -> None:
        if self._host.stop.is_set():
            raise SetupError("the campaign was stopped.")

    def _on_session(self, status: msg.SessionStatus) -> None:
        self._session = status

    def _on_arm(self, status: msg.ArmStatus) -> None:
        self._arm = status

    def _on_event(self, event: msg.EpisodeEvent) -> None:
        if event.kind in (EpisodeChange.COMMITTED, EpisodeChange.ABORTED):
            self._endings.put(
                Ending(episode_id=event.episode_id, outcome=event.outcome, detail=event.detail)
            )


def plan_of(params: CampaignParams) -> Plan:
    """What the parameters ask for."""
    seeds = _numbers(params.seeds)
    if not seeds:
        seeds = tuple(range(params.seed, params.seed + params.num_episodes))
    return Plan(
        seeds=seeds,
        swap_to=params.swap_to,
        seeds_after=_numbers(params.seeds_after),
        max_attempts=params.max_attempts,
    )


def _numbers(text: str) -> tuple[int, ...]:
    return tuple(int(part) for part in text.split(",") if part.strip())


def write_report(report: CampaignReport, path: Path) -> None:
    """JSON, beside and then renamed; SetupError where it cannot be written."""
    fresh = path.with_name(path.name + ".new")
    try:
        fresh.write_text(json.dumps(asdict(report), indent=1) + "\n", encoding="utf-8")
        fresh.replace(path)
    except OSError as error:
        raise SetupError(f"cannot write the report {path}: {error.strerror}.") from error


def configure(host: Host, params: CampaignParams) -> Activate:
    """Configured: the plan is made. Active: it is carried out, from its beginning."""
    if not load_rig(share_of(params.share), params.rig).is_virtual:
        raise ConfigError(
            f"rig '{params.rig}' cannot reset itself, so it has no campaigns: leave num_episodes "
            "and seeds out, and start each episode yourself."
        )
    plan = plan_of(params)

    def activate(active: Host) -> None:
        crew = RosCrew(active, params.patience_s, is_policy=params.is_policy)
        campaign = Campaign(plan, crew, _LOG.info)
        active.thread(lambda: carry_out(active, campaign, params.report), "campaign")

    return activate


def carry_out(host: Host, campaign: Campaign, report: str) -> None:
    """The campaign's thread: its end is the node's."""
    try:
        done = campaign.run()
    except SetupError:
        if host.stop.is_set():
            return
        raise
    if report:
        write_report(done, Path(report))
    _LOG.info("campaign done: %d episodes", len(done.before) + len(done.after))
    host.finish()


def main() -> None:
    """Entry point."""
    run("campaign", CampaignParams, configure)


if __name__ == "__main__":
    main()
