"""A `SessionControl` over a real session in this process: its requests are carried out at once."""

from collections.abc import Callable
from concurrent.futures import Future

from tests.fakes.session_bench import SessionBench
from wvl_models.contract.episode import Label, Outcome
from wvl_models.contract.errors import WvlError
from wvl_models.episodes.store import EpisodeStore
from wvl_robot.core.announced_sink import AnnouncedSink, EpisodeChange, EpisodeNews
from wvl_robot.core.episode_recorder import EpisodeRecorder
from wvl_robot.core.labelling import OUTCOME_OF, relabel, withdraw
from wvl_robot.core.live.control import Answer, ArmReport, EpisodeReport, SessionReport
from wvl_robot.ports.referee import Referee
from wvl_robot.ports.teleop import TeleopEvent

_BUTTONS = {outcome: event for event, outcome in OUTCOME_OF.items()}


class LocalControl:
    """`is_mute`: requests are swallowed; `is_heard`: whether the status comes through."""

    def __init__(self, store: EpisodeStore, referee: Referee | None = None) -> None:
        self.store = store
        self.recorder = EpisodeRecorder(store)
        self.bench = SessionBench(sink=AnnouncedSink(self.recorder, self._hear), referee=referee)
        self.is_mute, self.is_heard, self.not_ready = False, True, ""
        self.swallowed: list[Future[Answer]] = []
        self._events: list[EpisodeReport] = []
        self._heard_ns = 0
        self._num_started = 0

    def session(self) -> SessionReport | None:
        if self.is_heard:
            self._heard_ns = self.bench.clock.now_ns()
        if not self._heard_ns:
            return None
        status = self.bench.session.status
        return SessionReport(
            heard_ns=self._heard_ns,
            state=status.state,
            fault=str(status.fault or ""),
            not_ready=self.not_ready,
            episode_id=status.episode_id,
            num_steps=status.num_steps,
            last_episode_id=status.last_episode_id,
            num_missed_ticks=status.num_missed_ticks,
            policy_version="",
        )

    def arm(self) -> ArmReport | None:
        guard = self.bench.guard
        return ArmReport(
            heard_ns=self.bench.clock.now_ns(),
            state=guard.state,
            fault=guard.fault,
            gripper_fault="",
        )

    def events(self) -> tuple[EpisodeReport, ...]:
        events, self._events = tuple(self._events), []
        return events

    def start(self, task: str, notes: str) -> Future[Answer]:
        self._num_started += 1
        return self._do(lambda: self.bench.start(episode_id=f"e{self._num_started}"))

    def stop(self, outcome: Outcome | None) -> Future[Answer]:
        event = TeleopEvent.STOP if outcome is None else _BUTTONS[outcome]
        return self._do(lambda: self.bench.session.press(event))

    def discard(self) -> Future[Answer]:
        return self._do(self.bench.session.discard)

    def label(self, episode_id: str, outcome: Outcome | None) -> Future[Answer]:
        def work() -> None:
            now = outcome
            if outcome is None:
                now = withdraw(self.store, episode_id, "")
            else:
                relabel(self.store, episode_id, Label(outcome=outcome))
            facts, header = self.store.facts(episode_id), self.store.header(episode_id)
            self._hear(
                EpisodeNews(
                    change=EpisodeChange.LABELLED,
                    header=header,
                    num_steps=facts.num_steps,
                    outcome=now,
                )
            )

        return self._do(work)

    def clear_fault(self) -> Future[Answer]:
        return self._do(self.bench.session.clear_fault)

    def recover(self) -> Future[Answer]:
        return self._do(self.bench.guard.recover)

    def go_home(self) -> Future[Answer]:
        return self._do(self.bench.guard.go_home)

    def _do(self, work: Callable[[], None]) -> Future[Answer]:
        future: Future[Answer] = Future()
        if self.is_mute:
            self.swallowed.append(future)
            return future
        try:
            work()
        except WvlError as error:
            future.set_result(Answer(is_accepted=False, text=str(error)))
        else:
            future.set_result(Answer(is_accepted=True, text=""))
        return future

    def _hear(self, news: EpisodeNews) -> None:
        self._events.append(
            EpisodeReport(
                change=news.change,
                episode_id=news.header.episode_id,
                task=news.header.task,
                origin=news.header.origin,
                outcome=news.outcome,
                num_steps=news.num_steps,
                detail=news.detail,
            )
        )
