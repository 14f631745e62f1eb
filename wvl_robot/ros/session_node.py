"""Session node: the ten-hertz loop in a thread of its own, and an operator's services around it."""

import logging
import math
import shutil
import threading
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

from wvl_interfaces import msg

from wvl_models.contract.action import ActionSpec
from wvl_models.contract.episode import Label, Origin, Outcome
from wvl_models.contract.errors import ConfigError, DataError, RobotError, WvlError
from wvl_models.contract.task import TaskConfig, load_task
from wvl_models.episodes.store import EpisodeStore
from wvl_robot.adapters.system_clock import SystemClock
from wvl_robot.core.announced_sink import AnnouncedSink, EpisodeChange, EpisodeNews
from wvl_robot.core.decision import Pilot, TeleopPilot
from wvl_robot.core.episode_recorder import MAX_QUEUED_STEPS, EpisodeRecorder
from wvl_robot.core.health import Health, answers_health, recorder_health, session_health
from wvl_robot.core.labelling import relabel, withdraw
from wvl_robot.core.session import Session, SessionPorts
from wvl_robot.core.session_status import SessionState
from wvl_robot.core.sight import Sight
from wvl_robot.ports.teleop import TeleopEvent
from wvl_robot.rig.real_time import TICK_PRIORITY, prioritise_thread
from wvl_robot.ros import convert, topics
from wvl_robot.ros.host import Host
from wvl_robot.ros.managed import Activate
from wvl_robot.ros.params import SessionParams
from wvl_robot.ros.policy_follower import PolicyFollower
from wvl_robot.ros.process import run
from wvl_robot.ros.rig import load_rig_of
from wvl_robot.ros.session_ports import RosArmLink, RosCamera, RosRecovery, RosReferee
from wvl_robot.ros.session_setup import Setup
from wvl_robot.ros.timeliness import keep_time

_LOG = logging.getLogger(__name__)

STATUS_PERIOD_S = 0.2

BUTTONS: Mapping[str, TeleopEvent] = {
    "": TeleopEvent.STOP,
    Outcome.SUCCESS: TeleopEvent.SUCCESS,
    Outcome.NEAR_SUCCESS: TeleopEvent.NEAR_SUCCESS,
    Outcome.FAILURE: TeleopEvent.FAILURE,
}


class SessionFront:
    """The session on behalf of ROS: requests in, status and news out."""

    def __init__(self, host: Host, setup: Setup, store: EpisodeStore) -> None:
        self._host, self._setup, self._store = host, setup, store
        self._clock, self._lock = SystemClock(), threading.Lock()
        self._desk = setup.desk(host, self._clock)
        self._follower = PolicyFollower(host, setup.task, self._desk) if setup.is_policy else None
        self._recover = RosRecovery(host)
        self._recorder = EpisodeRecorder(store)
        self._camera = camera = RosCamera(host, self._clock, setup.tolerated())
        self._arm = arm = RosArmLink(host)
        config = setup.session_config()
        self._config = config
        self._sight = Sight(camera, arm, config.aligner_limits())
        self._said_not_ready = ""
        self._late_ns: deque[int] = deque([0], maxlen=round(1.0 / STATUS_PERIOD_S))
        """Of the ticks that the last second's statuses told of."""
        self._publish_status = host.publisher(topics.SESSION_STATUS)
        self._publish_event = host.publisher(topics.EPISODE_EVENT)
        ports = SessionPorts(
            clock=self._clock,
            camera=camera,
            arm=arm,
            sink=AnnouncedSink(self._recorder, self._announce),
            pilot=self._pilot(),
            referee=RosReferee(host),
        )
        self.session = Session(ports, config, self._on_button if setup.has_desk else None)

    def close(self) -> None:
        """End the writer; an open episode is kept as aborted."""
        self._recorder.close()

    def start(self, request: Any) -> dict[str, Any]:  # StartEpisode.Request
        """Begin an episode."""
        task = self._setup.task
        if request.task and request.task != task.name:
            if self._setup.origin() is Origin.SCRIPTED:
                raise ConfigError(f"the scripted operator was started for '{task.name}' alone.")
            task = load_task(self._setup.share, request.task)
        seed = int(request.seed) if request.has_seed else None
        episode_id = self._start(task, seed, request.notes, int(request.max_steps))
        return {"message": "started", "episode_id": episode_id}

    def stop(self, request: Any) -> dict[str, Any]:  # StopEpisode.Request
        """End or discard the running episode."""
        if request.discard:
            self.session.discard()
            return {"message": "discarded"}
        if request.outcome not in BUTTONS:
            raise ConfigError(
                f"unknown outcome '{request.outcome}'; known: success, near_success, failure."
            )
        self.session.press(BUTTONS[request.outcome])
        return {"message": "one more step shows the outcome"}

    def label(self, request: Any) -> dict[str, Any]:  # LabelEpisode.Request
        """Label a committed episode, or withdraw the label of an author."""
        outcome = _outcome(request.outcome)
        if len(request.success_starts) != len(request.success_ends):
            raise DataError("success_starts and success_ends must have the same length.")
        spans = zip(request.success_starts, request.success_ends, strict=True)
        episode_id, author = request.episode_id, request.author
        if outcome is None:
            outcome = withdraw(self._store, episode_id, author)
            message = f"withdrawn; now {'unlabelled' if outcome is None else outcome.value}"
        else:
            said = Label(
                outcome=outcome,
                success_intervals=tuple((int(first), int(last)) for first, last in spans),
                author=author,
                confidence=float(request.confidence),
                notes=request.notes,
            )
            relabel(self._store, episode_id, said)
            message = f"labelled {outcome.value}"
        facts, header = self._store.facts(episode_id), self._store.header(episode_id)
        self._announce(
            EpisodeNews(
                change=EpisodeChange.LABELLED,
                header=header,
                num_steps=facts.num_steps,
                outcome=outcome,
            )
        )
        return {"message": message}

    def clear_fault(self, request: Any) -> dict[str, Any]:  # Trigger.Request
        """Be ready again."""
        self.session.clear_fault()
        return {"message": "cleared"}

    def healths(self) -> tuple[Callable[[], Health], ...]:
        """For /diagnostics."""
        policy = (self._answers_health,) if self._follower is not None else ()
        return self._session_health, self._recorder_health, *policy

    def run(self, stop: threading.Event) -> None:
        """The loop, in its own thread; nothing that the process does besides comes before it."""
        prioritise_thread(TICK_PRIORITY)
        self.session.run(stop)

    def report(self) -> None:
        """Publish the status."""
        status, not_ready = self.session.status, self._not_ready()
        self._said_not_ready = not_ready
        self._late_ns.append(status.late_ns)
        version = self._follower.version if self._follower is not None else ""
        now_ns, stamp = self._clock.now_ns(), self._host.time()
        self._publish_status(convert.to_session_status(status, now_ns, not_ready, version, stamp))

    def _session_health(self) -> Health:
        frame = self._camera.latest()
        age_ns = self._clock.now_ns() - frame.stamp_ns if frame is not None else math.inf
        return session_health(
            self.session.status,
            self._said_not_ready,
            worst_late_s=max(self._late_ns) * 1e-9,
            frame_age_s=age_ns * 1e-9,
            num_lost_frames=self._camera.health().num_lost,
        )

    def _answers_health(self) -> Health:
        assert self._follower is not None
        pilot = self._follower.pilot
        return answers_health(
            self._follower.version,
            num_unanswered=pilot.num_unanswered,
            num_refused=pilot.num_refused,
        )

    def _recorder_health(self) -> Health:
        free = shutil.disk_usage(self._store.root).free
        return recorder_health(self._recorder.num_queued, MAX_QUEUED_STEPS, free)

    def _pilot(self) -> Pilot:
        if self._follower is not None:
            return self._follower.pilot
        return TeleopPilot(self._desk or self._setup.scripted(), ActionSpec.unnormalised())

    def _start(self, task: TaskConfig, seed: int | None, notes: str, max_steps: int) -> str:
        """The new episode's id; a WvlError where one may not start."""
        header = self._setup.header(task, seed, notes)
        not_ready = self._not_ready()
        if not_ready and self.session.status.state is SessionState.IDLE:
            raise RobotError(not_ready)
        self.session.start(header, seed, max_steps or self._setup.max_steps(task))
        return header.episode_id

    def _not_ready(self) -> str:
        """Why no episode may start; empty where one may."""
        return next(filter(None, (complain() for complain in self._complaints())), "")

    def _complaints(self) -> Iterator[Callable[[], str]]:
        if self._follower is not None:
            yield self._follower.complaint
        if self._desk is not None:
            yield self._desk.complaint
        yield self._arm.complaint
        yield self._sight_complaint

    def _sight_complaint(self) -> str:
        try:
            self._sight.require(self._clock.now_ns(), self._config.open_width_m)
        except WvlError as error:
            return str(error)
        return ""

    def _on_button(self, event: TeleopEvent) -> None:
        task = self._setup.task
        try:
            if event is TeleopEvent.START:
                self._start(task, None, "", 0)
            elif event is TeleopEvent.CLEAR_FAULT:
                self._recover()
                self.session.clear_fault()
        except WvlError as error:
            _LOG.warning("%s refused: %s", event.value, error)

    def _announce(self, news: EpisodeNews) -> None:
        self._publish_event(
            msg.EpisodeEvent(
                header=convert.header(self._host.time()),
                kind=news.change.value,
                episode_id=news.header.episode_id,
                task=news.header.task,
                origin=news.header.origin.value,
                outcome=news.outcome.value if news.outcome is not None else "",
                num_steps=news.num_steps,
                detail=news.detail,
            )
        )


def _outcome(text: str) -> Outcome | None:
    """None for an empty one; ConfigError for one that is none."""
    try:
        return Outcome(text) if text else None
    except ValueError as error:
        raise ConfigError(
            f"unknown outcome '{text}'; known: {', '.join(outcome.value for outcome in Outcome)}."
        ) from error


def open_store(folder: Path) -> EpisodeStore:
    """The store, repaired and locked by this process; StoreError where another one writes."""
    store = EpisodeStore.create(folder)
    store.lock()
    for repair in store.repair():
        _LOG.warning("the store was repaired: %s", repair)
    return store


def configure(host: Host, params: SessionParams) -> Activate:
    """Configured: the store is open, repaired and ours. Active: the loop runs.

    Deactivating in an episode gives it up as aborted; the arm holds when the last order runs out.
    """
    share, rig = load_rig_of(params)
    task = load_task(share, params.task)
    setup = Setup(share=share, rig=rig, task=task, params=params)
    store = host.enter(open_store(Path(params.store)))

    def activate(active: Host) -> None:
        front = SessionFront(active, setup, store)
        active.at_end(front.close)
        active.serve(topics.START, front.start)
        active.serve(topics.STOP, front.stop)
        active.serve(topics.LABEL, front.label)
        active.serve(topics.CLEAR_FAULT, front.clear_fault)
        keep_time()
        active.thread(lambda: front.run(active.stop), "session")
        active.every(STATUS_PERIOD_S, front.report, "status")
        for health in front.healths():
            active.diagnose(health)

    return activate


def main() -> None:
    """Entry point."""
    run("session", SessionParams, configure)


if __name__ == "__main__":
    main()
