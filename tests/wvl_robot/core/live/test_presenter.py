"""Collecting by key, on a real session with a real store; only arm, camera and clock are fakes."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.fakes.local_control import LocalControl
from tests.fakes.referee import FakeReferee
from wvl_models.contract.episode import Outcome
from wvl_models.contract.errors import SetupError
from wvl_models.episodes.store import EpisodeStore
from wvl_robot.core.announced_sink import EpisodeChange
from wvl_robot.core.arm_guard import ArmState
from wvl_robot.core.live.presenter import Command, Link, LivePresenter
from wvl_robot.core.session_status import SessionState

SUCCESS, NEAR, FAILURE = Outcome.SUCCESS, Outcome.NEAR_SUCCESS, Outcome.FAILURE


@pytest.fixture
def store(tmp_path: Path) -> Iterator[EpisodeStore]:
    with EpisodeStore.create(tmp_path / "store") as opened:
        yield opened


@pytest.fixture
def control(store: EpisodeStore) -> Iterator[LocalControl]:
    made = LocalControl(store)
    yield made
    made.recorder.close()


@pytest.fixture
def live(control: LocalControl) -> LivePresenter:
    presenter = LivePresenter(control)
    look(presenter, control)
    return presenter


def look(live: LivePresenter, control: LocalControl) -> None:
    live.poll(control.bench.clock.now_ns())


def run(live: LivePresenter, control: LocalControl, num_ticks: int) -> None:
    """Let the session tick, and the panel look after every tick."""
    for _ in range(num_ticks):
        control.bench.ticks(1)
        look(live, control)


def commit(live: LivePresenter, control: LocalControl, outcome: Outcome | None) -> None:
    """One episode from start to commit."""
    live.start()
    run(live, control, 3)
    if outcome is None:
        live.stop()
    else:
        live.press_outcome(outcome)
    run(live, control, 4)
    assert live.view.state is SessionState.IDLE


def test_an_episode_by_keys(
    live: LivePresenter, control: LocalControl, store: EpisodeStore
) -> None:
    live.start()
    run(live, control, 5)
    view = live.view
    assert (view.link, view.state) == (Link.CONNECTED, SessionState.RUNNING)
    assert (view.episode_id, view.num_steps) == ("e1", 5)
    live.press_outcome(NEAR)
    run(live, control, 4)
    view = live.view
    assert (view.state, view.last_episode_id, view.last_outcome) == (
        SessionState.IDLE,
        "e1",
        NEAR,
    )
    assert (view.num_committed, view.outcomes) == (1, ((NEAR, 1),))
    assert "e1 is committed: near_success" in view.message.text
    label = store.labels.current("e1")
    assert label is not None
    assert label.outcome is NEAR


def test_the_rate_is_that_of_the_steps(live: LivePresenter, control: LocalControl) -> None:
    assert live.view.rate_hz is None
    live.start()
    run(live, control, 3)
    assert live.view.rate_hz is None, "too early to tell"
    run(live, control, 20)
    assert live.view.rate_hz == pytest.approx(10.0)


def test_what_is_not_possible_says_why(live: LivePresenter, control: LocalControl) -> None:
    refused = dict(live.view.refusals)
    assert refused[Command.STOP] == "No episode is running."
    assert refused[Command.UNDO] == "There is nothing to undo."
    assert refused[Command.CLEAR_FAULT] == "There is no fault to clear."
    assert "there is no fault" in refused[Command.RECOVER]
    assert Command.START not in refused
    live.stop()
    look(live, control)
    assert live.view.message.is_error
    assert live.view.message.text == "stop: No episode is running."


def test_a_session_that_is_not_ready_says_why(live: LivePresenter, control: LocalControl) -> None:
    control.not_ready = "the camera is silent"
    look(live, control)
    assert live.view.not_ready == "the camera is silent"
    assert live.refusal(Command.START) == "the camera is silent"


def test_a_refusal_of_the_session_reaches_the_operator(
    live: LivePresenter, control: LocalControl
) -> None:
    live.start()
    live._requests.clear()  # a second panel
    live.start()
    look(live, control)
    assert live.view.message.is_error
    assert "an episode is running" in live.view.message.text


def test_discarding_keeps_the_steps_as_aborted(
    live: LivePresenter, control: LocalControl, store: EpisodeStore
) -> None:
    live.start()
    run(live, control, 4)
    live.discard()
    run(live, control, 1)
    assert (live.view.num_aborted, live.view.num_committed) == (1, 0)
    assert "discarded by the operator" in live.view.message.text
    assert [event.change for event in live.news()] == [EpisodeChange.STARTED, EpisodeChange.ABORTED]
    assert live.news() == ()


def test_stop_without_an_outcome_lets_the_predicate_say(store: EpisodeStore) -> None:
    control = LocalControl(store, FakeReferee(lambda now_ns: True))
    try:
        live = LivePresenter(control)
        look(live, control)
        commit(live, control, None)
        assert live.view.last_outcome is SUCCESS
        live.undo()
        look(live, control)
        assert live.view.message.is_error, "it was not the operator's label"
    finally:
        control.recorder.close()


class TestLastEpisode:
    def test_an_outcome_key_labels_it_afterwards(
        self, live: LivePresenter, control: LocalControl, store: EpisodeStore
    ) -> None:
        commit(live, control, None)
        assert live.view.last_outcome is None
        live.press_outcome(FAILURE)
        look(live, control)
        look(live, control)
        assert live.view.last_outcome is FAILURE
        label = store.labels.current("e1")
        assert label is not None
        assert (label.outcome, label.author) == (FAILURE, "example")

    def test_another_key_corrects_it_and_both_stay_on_record(
        self, live: LivePresenter, control: LocalControl, store: EpisodeStore
    ) -> None:
        commit(live, control, SUCCESS)
        live.press_outcome(NEAR)
        run(live, control, 1)
        assert live.view.outcomes == ((NEAR, 1),)
        assert len(store.labels.history("e1")) == 2
        assert store.rewards("e1").sum() == 0, "what the success key vouched for is gone"

    def test_the_same_key_twice_changes_nothing(
        self, live: LivePresenter, control: LocalControl, store: EpisodeStore
    ) -> None:
        commit(live, control, SUCCESS)
        live.press_outcome(SUCCESS)
        run(live, control, 1)
        assert "labelled success already" in live.view.message.text
        assert len(store.labels.history("e1")) == 1

    def test_undo_withdraws_it(
        self, live: LivePresenter, control: LocalControl, store: EpisodeStore
    ) -> None:
        commit(live, control, SUCCESS)
        live.undo()
        run(live, control, 1)
        assert store.labels.current("e1") is None
        assert live.view.last_outcome is None
        assert live.view.outcomes == ()
        live.undo()
        run(live, control, 1)
        assert live.view.message.is_error
        assert "no label in force" in live.view.message.text

    def test_undo_waits_for_the_end_of_an_episode(
        self, live: LivePresenter, control: LocalControl
    ) -> None:
        commit(live, control, SUCCESS)
        live.start()
        run(live, control, 2)
        assert "stop or discard" in live.refusal(Command.UNDO)

    def test_a_panel_opened_later_can_label_it(
        self, live: LivePresenter, control: LocalControl, store: EpisodeStore
    ) -> None:
        commit(live, control, None)
        later = LivePresenter(control)
        look(later, control)
        assert later.view.last_episode_id == "e1"
        later.press_outcome(NEAR)
        look(later, control)
        label = store.labels.current("e1")
        assert label is not None
        assert label.outcome is NEAR


class TestFaults:
    def test_a_fault_of_the_session_is_shown_and_cleared(
        self, live: LivePresenter, control: LocalControl
    ) -> None:
        live.start()
        run(live, control, 2)
        control.bench.camera.unplug()
        run(live, control, 5)
        assert live.view.state is SessionState.FAULT
        assert "camera" in live.view.fault
        assert live.refusal(Command.START) == "Clear the fault first."
        live.clear_fault()
        look(live, control)
        look(live, control)
        assert live.view.state is SessionState.IDLE

    def test_a_fault_of_the_arm_is_shown_and_recovered(
        self, live: LivePresenter, control: LocalControl
    ) -> None:
        control.bench.guard._latch("a hand in the way.")
        look(live, control)
        assert live.view.arm_state is ArmState.FAULT
        assert live.view.fault == "a hand in the way."
        assert live.refusal(Command.START) == "Recover the arm first."
        assert live.refusal(Command.GO_HOME) == "Recover the arm first."
        live.recover()
        look(live, control)
        assert live.view.arm_state is ArmState.READY

    def test_the_arm_is_not_sent_home_during_an_episode(
        self, live: LivePresenter, control: LocalControl
    ) -> None:
        live.start()
        run(live, control, 2)
        assert live.refusal(Command.GO_HOME) == "An episode is running."


class TestSilence:
    def test_nobody_was_ever_heard(self, control: LocalControl) -> None:
        control.is_heard = False
        live = LivePresenter(control)
        look(live, control)
        assert live.view.link is Link.NEVER_HEARD
        assert "not heard" in live.refusal(Command.START)

    def test_a_session_that_fell_silent_is_not_shown_as_alive(
        self, live: LivePresenter, control: LocalControl
    ) -> None:
        control.is_heard = False
        run(live, control, 9)
        assert live.view.link is Link.CONNECTED
        run(live, control, 2)
        assert (live.view.link, live.view.state) == (Link.SILENT, None)
        assert "not heard" in live.refusal(Command.START)

    def test_an_answer_that_never_comes_is_not_waited_for_for_ever(
        self, live: LivePresenter, control: LocalControl
    ) -> None:
        control.is_mute = True
        live.start()
        run(live, control, 49)
        assert live.view.pending is Command.START
        assert live.refusal(Command.GO_HOME) == "The answer to start is awaited."
        run(live, control, 2)
        assert live.view.pending is None
        assert "no answer within 5 s" in live.view.message.text
        assert control.swallowed[0].cancelled()

    def test_going_home_takes_its_time(self, live: LivePresenter, control: LocalControl) -> None:
        control.is_mute = True
        live.go_home()
        run(live, control, 100)
        assert live.view.pending is Command.GO_HOME

    def test_a_request_that_fails_on_its_way_is_refused_with_its_reason(
        self, live: LivePresenter, control: LocalControl
    ) -> None:
        control.is_mute = True
        live.start()
        control.swallowed[0].set_exception(SetupError("there is no service session/start."))
        look(live, control)
        assert live.view.message.is_error
        assert live.view.message.text == "start: there is no service session/start."

    def test_an_episode_can_be_ended_whatever_else_is_awaited(
        self, live: LivePresenter, control: LocalControl
    ) -> None:
        live.start()
        run(live, control, 2)
        control.is_mute = True
        control.bench.guard._latch("x")
        look(live, control)
        live.recover()
        assert live.refusal(Command.DISCARD) == ""
        assert live.refusal(Command.START) != ""


def test_poll_says_whether_there_is_anything_to_draw(
    live: LivePresenter, control: LocalControl
) -> None:
    now_ns = control.bench.clock.now_ns()
    live.poll(now_ns)
    assert not live.poll(now_ns + 1_000_000)
    live.start()
    assert live.poll(now_ns + 2_000_000)
