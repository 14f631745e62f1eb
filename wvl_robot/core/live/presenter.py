"""LivePresenter: what the collecting panel shows and what its keys do. No Qt, no ROS.

Threading rule: as `review.presenter`: one thread calls everything, nothing blocks, `poll` takes
in what has happened.
"""

from collections import Counter, deque
from concurrent.futures import CancelledError, Future
from dataclasses import dataclass

from wvl_models.contract.episode import Outcome
from wvl_models.contract.errors import WvlError
from wvl_robot.core.announced_sink import EpisodeChange
from wvl_robot.core.live.control import (
    Answer,
    ArmReport,
    EpisodeReport,
    SessionControl,
    SessionReport,
)
from wvl_robot.core.live.view import Command as Command
from wvl_robot.core.live.view import Heard, LastEpisode, LiveMessage, refusal
from wvl_robot.core.live.view import Link as Link
from wvl_robot.core.live.view import LiveView as LiveView
from wvl_robot.core.session_status import SessionState

SILENT_S = {"session": 1.0, "arm": 2.5}
"""Five of the periods in which the nodes publish their status (0.2 s and 0.5 s)."""

PATIENCE_S = {Command.GO_HOME: 60.0, Command.RECOVER: 20.0}
"""The arm moves, or releases its brakes."""

_PATIENCE_S = 5.0
"""Everything else is answered by a node within a tick and the time of an fsync."""

_RATE_WINDOW_NS = 1_000_000_000


@dataclass(frozen=True, slots=True)
class _Request:
    command: Command
    future: Future[Answer]
    deadline_ns: int
    patience_s: float


class LivePresenter:
    """See the module docstring."""

    def __init__(self, control: SessionControl) -> None:
        self._control = control
        self._now_ns = 0
        self._session: SessionReport | None = None
        self._arm: ArmReport | None = None
        self._was_heard = False
        self._requests: list[_Request] = []
        self._progress: deque[tuple[int, str, int]] = deque()
        """(heard_ns, episode, steps) of the last second."""
        self._last: LastEpisode | None = None
        self._outcomes: dict[str, Outcome | None] = {}
        """Of the episodes that were committed since this panel was opened."""
        self._num_aborted = 0
        self._news: list[EpisodeReport] = []
        self._message = LiveMessage(text="")
        self._view = self._look()

    @property
    def view(self) -> LiveView:
        """What to show now."""
        return self._view

    def poll(self, now_ns: int) -> bool:
        """Look at what has arrived, on the same monotonic clock; whether `view` has changed."""
        self._now_ns = now_ns
        self._session, self._arm = self._fresh_session(), self._fresh_arm()
        for request in tuple(self._requests):
            self._settle(request)
        for event in self._control.events():
            self._take(event)
        before, self._view = self._view, self._look()
        return before != self._view

    def news(self) -> tuple[EpisodeReport, ...]:
        """What happened to episodes since the last call (the list may want a `refresh`)."""
        news, self._news = tuple(self._news), []
        return news

    def refusal(self, command: Command) -> str:
        """Why a command is not possible now; empty where it is."""
        return refusal(command, self._heard())

    def start(self, task: str = "", notes: str = "") -> None:
        """Begin an episode."""
        if self._may(Command.START):
            self._ask(Command.START, self._control.start(task, notes))

    def stop(self) -> None:
        """End it; the success predicate says how, or nobody."""
        if self._may(Command.STOP):
            self._ask(Command.STOP, self._control.stop(None))

    def press_outcome(self, outcome: Outcome) -> None:
        """One key: ends the running episode with its label, or labels the last one.

        Pressing another key afterwards corrects the label; both stay on record.
        """
        if not self._may(Command.LABEL):
            return
        if self._session is not None and self._session.state is SessionState.RUNNING:
            self._ask(Command.LABEL, self._control.stop(outcome))
        elif self._last is not None and self._last.outcome is outcome:
            self._say(f"{self._last.episode_id} is labelled {outcome.value} already.")
        elif self._last is not None:
            self._ask(Command.LABEL, self._control.label(self._last.episode_id, outcome))

    def discard(self) -> None:
        """Give the running episode up."""
        if self._may(Command.DISCARD):
            self._ask(Command.DISCARD, self._control.discard())

    def undo(self) -> None:
        """Withdraw the operator's label of the last episode."""
        if self._may(Command.UNDO) and self._last is not None:
            self._ask(Command.UNDO, self._control.label(self._last.episode_id, None))

    def clear_fault(self) -> None:
        """Make the session ready again."""
        if self._may(Command.CLEAR_FAULT):
            self._ask(Command.CLEAR_FAULT, self._control.clear_fault())

    def recover(self) -> None:
        """Clear the arm's fault."""
        if self._may(Command.RECOVER):
            self._ask(Command.RECOVER, self._control.recover())

    def go_home(self) -> None:
        """Drive the arm home: it moves."""
        if self._may(Command.GO_HOME):
            self._ask(Command.GO_HOME, self._control.go_home())

    def _may(self, command: Command) -> bool:
        why_not = self.refusal(command)
        if why_not:
            self._say(f"{_name(command)}: {why_not}", is_error=True)
        return not why_not

    def _ask(self, command: Command, future: Future[Answer]) -> None:
        patience_s = PATIENCE_S.get(command, _PATIENCE_S)
        deadline_ns = self._now_ns + round(patience_s * 1e9)
        self._requests.append(_Request(command, future, deadline_ns, patience_s))
        self._say(f"{_name(command)} ...")

    def _settle(self, request: _Request) -> None:
        """Hear the answer, or stop waiting for it."""
        name = _name(request.command)
        if request.future.done():
            self._requests.remove(request)
            answer = _answer(request.future)
            text = answer.text or ("done" if answer.is_accepted else "refused")
            self._say(f"{name}: {text}", is_error=not answer.is_accepted)
        elif self._now_ns >= request.deadline_ns:
            self._requests.remove(request)
            request.future.cancel()
            self._say(
                f"{name}: no answer within {request.patience_s:.0f} s. It may have been done all "
                "the same: look at the state before you ask again.",
                is_error=True,
            )

    def _take(self, event: EpisodeReport) -> None:
        self._news.append(event)
        episode_id, outcome = event.episode_id, event.outcome
        if event.change is EpisodeChange.COMMITTED:
            self._last = LastEpisode(episode_id=episode_id, outcome=outcome)
            self._outcomes[episode_id] = outcome
            said = "unlabelled" if outcome is None else outcome.value
            self._say(f"{episode_id} is committed: {said}, {event.num_steps} steps.")
        elif event.change is EpisodeChange.LABELLED:
            if self._last is not None and self._last.episode_id == episode_id:
                self._last = LastEpisode(episode_id=episode_id, outcome=outcome)
            if episode_id in self._outcomes:
                self._outcomes[episode_id] = outcome
        elif event.change is EpisodeChange.ABORTED:
            self._num_aborted += 1
            self._say(f"{episode_id} is given up: {event.detail}")

    def _fresh_session(self) -> SessionReport | None:
        report = self._control.session()
        if report is None:
            return None
        self._was_heard = True
        if self._now_ns - report.heard_ns > SILENT_S["session"] * 1e9:
            return None
        self._note_progress(report)
        if self._last is None and report.last_episode_id:
            self._last = LastEpisode(episode_id=report.last_episode_id, outcome=None)
        return report

    def _fresh_arm(self) -> ArmReport | None:
        report = self._control.arm()
        if report is None or self._now_ns - report.heard_ns > SILENT_S["arm"] * 1e9:
            return None
        return report

    def _note_progress(self, report: SessionReport) -> None:
        progress = (report.heard_ns, report.episode_id, report.num_steps)
        if not self._progress or self._progress[-1] != progress:
            self._progress.append(progress)
        while report.heard_ns - self._progress[0][0] > _RATE_WINDOW_NS:
            self._progress.popleft()

    def _rate_hz(self) -> float | None:
        """Over the reports of one episode, once they span half the window."""
        if self._session is None or not self._session.episode_id:
            return None
        reports = [p for p in self._progress if p[1] == self._session.episode_id]
        first, last = reports[0], reports[-1]
        elapsed_ns = last[0] - first[0]
        return (last[2] - first[2]) / (elapsed_ns * 1e-9) if elapsed_ns >= 5e8 else None

    def _heard(self) -> Heard:
        return Heard(
            session=self._session,
            arm=self._arm,
            pending=tuple(request.command for request in self._requests),
            last=self._last,
        )

    def _look(self) -> LiveView:
        session, arm, heard = self._session, self._arm, self._heard()
        faults = [report.fault for report in (session, arm) if report is not None and report.fault]
        silent = Link.SILENT if self._was_heard else Link.NEVER_HEARD
        refusals = [(command, refusal(command, heard)) for command in Command]
        counts = Counter(outcome for outcome in self._outcomes.values() if outcome is not None)
        return LiveView(
            link=silent if session is None else Link.CONNECTED,
            state=None if session is None else session.state,
            arm_state=None if arm is None else arm.state,
            fault=" ".join(faults),
            not_ready="" if session is None else session.not_ready,
            episode_id="" if session is None else session.episode_id,
            num_steps=0 if session is None else session.num_steps,
            rate_hz=self._rate_hz(),
            num_missed_ticks=0 if session is None else session.num_missed_ticks,
            policy_version="" if session is None else session.policy_version,
            pending=heard.pending[-1] if heard.pending else None,
            last_episode_id="" if self._last is None else self._last.episode_id,
            last_outcome=None if self._last is None else self._last.outcome,
            num_committed=len(self._outcomes),
            num_aborted=self._num_aborted,
            outcomes=tuple((o, counts[o]) for o in Outcome if counts[o]),
            refusals=tuple((command, why) for command, why in refusals if why),
            message=self._message,
        )

    def _say(self, text: str, *, is_error: bool = False) -> None:
        self._message = LiveMessage(text=text, is_error=is_error)


def _name(command: Command) -> str:
    return command.value.replace("_", " ")


def _answer(future: Future[Answer]) -> Answer:
    """What was said; a request that failed on its way counts as refused."""
    try:
        return future.result()
    except (WvlError, CancelledError) as error:
        return Answer(is_accepted=False, text=str(error) or "cancelled")
