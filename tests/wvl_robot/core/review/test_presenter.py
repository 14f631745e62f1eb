"""The labelling panel without its pixels, on a real store on disk."""

import errno
from collections.abc import Callable, Iterator
from dataclasses import replace

import numpy as np
import pytest

from tests.wvl_robot.core.review.conftest import NUM_STEPS, AddEpisode, wait_for
from wvl_models.contract.episode import Label, Origin, Outcome, SubGoal
from wvl_models.episodes.filesystem import FileSystem
from wvl_models.episodes.overview import Need
from wvl_models.episodes.store import EpisodeStore
from wvl_models.episodes.suggestions import model_suggestion
from wvl_robot.core.review.episode_list import RowFilter, RowOrder
from wvl_robot.core.review.lane import LaneTool
from wvl_robot.core.review.presenter import Changed, ReviewPresenter

SUCCESS, NEAR, FAILURE = Outcome.SUCCESS, Outcome.NEAR_SUCCESS, Outcome.FAILURE

Open = Callable[..., ReviewPresenter]


@pytest.fixture
def opened(store: EpisodeStore) -> Iterator[Open]:
    """Presenters of the store as it is now, with their list read."""
    made: list[ReviewPresenter] = []

    def open_store(author: str = "ann") -> ReviewPresenter:
        made.append(ReviewPresenter(store, author))
        settle(made[-1])
        return made[-1]

    yield open_store
    for presenter in made:
        presenter.close()


class OnceFull(FileSystem):
    """A disk whose first write fails."""

    is_full = True

    def write(self, descriptor: int, data: bytes) -> None:
        if self.is_full:
            self.is_full = False
            raise OSError(errno.ENOSPC, "full")
        super().write(descriptor, data)


@pytest.fixture
def full_disk(store: EpisodeStore) -> Iterator[ReviewPresenter]:
    """A presenter whose first attempt to write to the disk fails."""
    presenter = ReviewPresenter(EpisodeStore(store.root, OnceFull()), "ann")
    yield presenter
    presenter.close()


def settle(presenter: ReviewPresenter, now_s: float = 0.0) -> frozenset[Changed]:
    """Until everything that was asked for has come; all that has changed."""
    changes = set(presenter.poll(now_s))

    def is_quiet() -> bool:
        changes.update(presenter.poll(now_s))
        jobs = (presenter._list_jobs, presenter._episode_jobs, presenter._label_jobs)
        return not any(job.num_running for job in jobs)

    wait_for(is_quiet)
    return frozenset(changes)


def select(presenter: ReviewPresenter, episode_id: str) -> ReviewPresenter:
    presenter.select(episode_id)
    settle(presenter)
    return presenter


def names(presenter: ReviewPresenter) -> list[str]:
    return [row.episode_id for row in presenter.rows]


def selected(presenter: ReviewPresenter) -> str:
    assert presenter.selected is not None
    return presenter.selected.facts.episode_id


def mine(store: EpisodeStore, episode_id: str, author: str = "ann") -> Label | None:
    standing = store.labels.book_of(episode_id).standing(episode_id)
    return next((label for label in standing if label.author == author), None)


class TestList:
    def test_the_list_comes_by_itself_and_says_so(self, store: EpisodeStore, add: AddEpisode):
        add("a")
        presenter = ReviewPresenter(store, "ann")
        try:
            assert presenter.is_loading
            assert presenter.rows == ()
            assert Changed.ROWS in settle(presenter)
            assert names(presenter) == ["a"]
            assert not presenter.is_loading
        finally:
            presenter.close()

    def test_the_queue_is_the_first_order(self, add: AddEpisode, opened: Open):
        add("done", ann=SUCCESS)
        add("unsure", ann=Label(outcome=SUCCESS, confidence=0.4))
        add("new")
        add("disputed", ann=SUCCESS, bob=FAILURE)
        presenter = opened()
        assert names(presenter) == ["disputed", "new", "unsure", "done"]
        assert presenter.rows[0].need is Need.DISPUTED
        counts = presenter.counts
        assert (counts.total, counts.disputed, counts.unlabelled, counts.unsure) == (4, 1, 1, 1)

    def test_other_orders(self, add: AddEpisode, opened: Open):
        add("b", created_utc="2026-11-21T09:00:00+00:00", ann=SUCCESS)
        add("a", created_utc="2026-11-21T08:00:00+00:00")
        add("c", created_utc="2026-11-21T07:00:00+00:00")
        presenter = opened()
        presenter.set_order(RowOrder.NEWEST)
        assert names(presenter) == ["b", "a", "c"]
        presenter.set_order(RowOrder.ID)
        assert names(presenter) == ["a", "b", "c"]
        assert Changed.ROWS in presenter.poll(0.0)

    @pytest.mark.parametrize(
        ("wanted", "shown"),
        [
            (RowFilter(tasks=("push",)), {"pushed"}),
            (RowFilter(outcomes=(None,)), {"new", "pushed"}),
            (RowFilter(outcomes=(SUCCESS, None)), {"new", "pushed", "good"}),
            (RowFilter(origins=(Origin.POLICY,)), {"new"}),
            (RowFilter(is_disputed_only=True), {"disputed"}),
            (RowFilter(text="PUSH"), {"pushed"}),
            (RowFilter(text="bob"), {"disputed"}),
            (RowFilter(without_label_of="ann"), {"new", "pushed"}),
            (RowFilter(policy_versions=("v7",)), set()),
        ],
    )
    def test_filters(self, add: AddEpisode, opened: Open, wanted: RowFilter, shown: set[str]):
        add("new", origin=Origin.POLICY)
        add("pushed", task="push")
        add("good", ann=SUCCESS)
        add("disputed", ann=NEAR, bob=FAILURE)
        presenter = opened()
        presenter.set_filter(wanted)
        assert set(names(presenter)) == shown
        assert presenter.counts.shown == len(shown)
        assert presenter.choices.tasks == ("lift_cube", "push")

    def test_a_new_episode_is_seen_at_the_next_refresh(self, add: AddEpisode, opened: Open):
        presenter = opened()
        add("late")
        presenter.refresh()
        settle(presenter)
        assert names(presenter) == ["late"]

    def test_a_suggestion_is_shown_as_one(self, store: EpisodeStore, add: AddEpisode, opened: Open):
        add("a")
        store.suggestions.add("a", model_suggestion("wm", np.linspace(0, 1, NUM_STEPS), 0.5))
        row = opened().rows[0]
        assert (row.suggested, row.suggestion_confidence) == (SUCCESS, 1.0)
        assert (row.outcome, row.confidence) == (None, None)

    def test_a_damaged_episode_is_counted_and_named(
        self, store: EpisodeStore, add: AddEpisode, opened: Open
    ):
        add("a")
        add("b")
        (store.layout.episode("a") / "zarr.json").unlink()
        presenter = opened()
        assert names(presenter) == ["b"]
        assert presenter.counts.unreadable == 1
        assert "a" in presenter.unreadable


class TestSelection:
    def test_content_follows_the_selection(self, add: AddEpisode, opened: Open):
        add("a", rewards=[0, 0, 1, 1, 1, 1], ann=SUCCESS, bob=FAILURE)
        presenter = opened()
        presenter.select("a")
        assert presenter.selected is not None
        assert presenter.selected.plots is None
        assert Changed.EPISODE in settle(presenter)
        episode = presenter.selected
        assert episode.plots is not None
        assert episode.plots.recorded_success == ((2, 6),)
        assert [label.author for label in episode.standing] == ["ann", "bob"]
        assert "disagree" in episode.disagreement
        assert [made.source for made in episode.suggestions] == ["predicate"]
        assert len(episode.history) == 2

    def test_up_and_down_the_list(self, add: AddEpisode, opened: Open):
        for name in "abc":
            add(name)
        presenter = opened()
        presenter.select_next()
        assert selected(presenter) == "a"
        presenter.select_next()
        presenter.select_next()
        presenter.select_next()
        assert selected(presenter) == "c"
        presenter.select_previous()
        assert selected(presenter) == "b"

    def test_a_selection_that_was_left_does_not_come_back(self, add: AddEpisode, opened: Open):
        add("a", ann=SUCCESS)
        add("b", ann=FAILURE)
        presenter = opened()
        presenter.select("a")
        presenter.select("b")
        settle(presenter)
        assert selected(presenter) == "b"
        assert presenter.draft.outcome is FAILURE

    def test_an_unknown_episode_is_a_message(self, opened: Open):
        presenter = opened()
        presenter.select("nowhere")
        assert presenter.message.is_error
        assert "no episode nowhere" in presenter.message.text

    def test_damage_is_a_message(self, store: EpisodeStore, add: AddEpisode, opened: Open):
        add("a")
        presenter = opened()
        (store.layout.episode("a") / "floats" / "c.0.0").write_bytes(b"")
        select(presenter, "a")
        assert presenter.message.is_error
        assert "floats" in presenter.message.text
        presenter.set_outcome(SUCCESS)
        assert not presenter.save()

    def test_the_next_in_the_queue_by_one_key_round_after_round(
        self, add: AddEpisode, opened: Open
    ):
        add("disputed", ann=SUCCESS, bob=FAILURE)
        add("new")
        add("done", ann=SUCCESS)
        presenter = opened()
        seen = []
        for _ in range(3):
            presenter.next_in_queue()
            seen.append(selected(presenter))
        assert seen == ["disputed", "new", "disputed"]

    def test_the_next_unlabelled_by_one_key(self, add: AddEpisode, opened: Open):
        add("disputed", ann=SUCCESS, bob=FAILURE)
        add("new1")
        add("new2")
        presenter = opened()
        seen = []
        for _ in range(3):
            presenter.next_unlabelled()
            seen.append(selected(presenter))
        assert seen == ["new1", "new2", "new1"]

    def test_an_empty_queue_says_so(self, add: AddEpisode, opened: Open):
        add("done", ann=SUCCESS)
        presenter = opened()
        presenter.next_in_queue()
        assert presenter.message.text == "Nothing else wants a look."
        presenter.next_unlabelled()
        assert presenter.message.text == "No other episode lacks a label."

    def test_the_keys_stay_inside_the_filter(self, add: AddEpisode, opened: Open):
        add("a")
        add("b", task="push")
        presenter = opened()
        presenter.set_filter(RowFilter(tasks=("push",)))
        presenter.next_in_queue()
        assert selected(presenter) == "b"


class TestFilm:
    def test_the_frame_under_the_cursor(self, store: EpisodeStore, add: AddEpisode, opened: Open):
        add("a")
        presenter = select(opened(), "a")
        changes: set[Changed] = set()
        for step in (0, 4, 99):
            presenter.seek(step)
            changes.clear()

            def has_come(changes: set[Changed] = changes) -> bool:
                changes.update(presenter.poll(0.0))
                return Changed.FRAME in changes

            wait_for(has_come)
            assert presenter.frame is not None
            assert np.array_equal(presenter.frame, store.read("a").rgb[min(step, 5)])
        assert presenter.step == 5

    def test_playing_follows_the_clock_and_stops_at_the_end(self, add: AddEpisode, opened: Open):
        add("a")
        presenter = select(opened(), "a")
        presenter.play()
        steps = []
        for now_s in (100.0, 100.11, 100.21, 100.35):
            assert Changed.STEP in presenter.poll(now_s)
            steps.append(presenter.step)
        assert steps == [0, 1, 2, 3]
        presenter.poll(107.0)
        assert (presenter.step, presenter.is_playing) == (5, False)

    def test_playing_begins_anew_at_the_end(self, add: AddEpisode, opened: Open):
        add("a")
        presenter = select(opened(), "a")
        presenter.seek(5)
        presenter.play(2.0)
        presenter.poll(0.0)
        presenter.poll(0.11)
        assert (presenter.step, presenter.is_playing) == (2, True)
        presenter.pause()
        presenter.poll(9.0)
        assert presenter.step == 2

    def test_a_running_film_runs_on_from_where_it_is_put(self, add: AddEpisode, opened: Open):
        add("a")
        presenter = select(opened(), "a")
        presenter.play()
        presenter.poll(0.0)
        presenter.seek(3)
        presenter.poll(5.0)
        presenter.poll(5.11)
        assert presenter.step == 4


class TestLabelling:
    def test_an_outcome_by_one_key_and_on_to_the_next(
        self, store: EpisodeStore, add: AddEpisode, opened: Open
    ):
        add("a")
        add("b")
        presenter = select(opened(), "a")
        assert presenter.label_and_next(NEAR)
        assert selected(presenter) == "b"
        settle(presenter)
        label = mine(store, "a")
        assert label is not None
        assert (label.outcome, label.success_intervals, label.author) == (NEAR, (), "ann")
        assert label.stamp_utc
        row = next(row for row in presenter.rows if row.episode_id == "a")
        assert (row.outcome, row.authors) == (NEAR, ("ann",))
        assert presenter.num_drafts == 0

    def test_everything_that_can_be_said_is_stored(
        self, store: EpisodeStore, add: AddEpisode, opened: Open
    ):
        add("a")
        presenter = select(opened(), "a")
        presenter.set_outcome(SUCCESS)
        presenter.begin_drag(3)
        presenter.drag_to(5)
        assert presenter.draft.intervals == ((3, 6),)
        presenter.end_drag()
        presenter.set_confidence(0.7)
        presenter.set_notes("slow")
        presenter.note_sub_goal(2, "grasped")
        assert presenter.is_edited
        assert presenter.save()
        settle(presenter)
        label = mine(store, "a")
        assert label is not None
        assert replace(label, stamp_utc="") == Label(
            outcome=SUCCESS,
            success_intervals=((3, 6),),
            author="ann",
            confidence=0.7,
            notes="slow",
            sub_goals=(SubGoal(step=2, text="grasped"),),
        )
        assert not presenter.is_edited
        assert store.rewards("a").tolist() == [0, 0, 0, 1, 1, 1]

    def test_recorded_success_is_kept_unless_it_is_changed(
        self, store: EpisodeStore, add: AddEpisode, opened: Open
    ):
        add("a", rewards=[0, 0, 0, 0, 1, 1])
        presenter = select(opened(), "a")
        assert presenter.draft.outcome is None
        assert not presenter.is_edited
        presenter.set_outcome(SUCCESS)
        presenter.save()
        settle(presenter)
        label = mine(store, "a")
        assert label is not None
        assert label.success_intervals == ((4, 6),)

    def test_erasing_and_clearing(self, add: AddEpisode, opened: Open):
        add("a", rewards=[0, 1, 1, 1, 1, 1])
        presenter = select(opened(), "a")
        presenter.begin_drag(2, LaneTool.ERASE)
        presenter.drag_to(3)
        presenter.end_drag()
        assert presenter.draft.intervals == ((1, 2), (4, 6))
        presenter.begin_drag(1, LaneTool.ERASE)
        presenter.cancel_drag()
        assert presenter.draft.intervals == ((1, 2), (4, 6))
        presenter.clear_intervals()
        assert presenter.draft.intervals == ()

    def test_a_draft_without_an_outcome_is_not_saved(
        self, store: EpisodeStore, add: AddEpisode, opened: Open
    ):
        add("a")
        presenter = select(opened(), "a")
        presenter.set_notes("x")
        assert not presenter.save()
        assert "Say how it ended" in presenter.message.text
        settle(presenter)
        assert mine(store, "a") is None
        assert presenter.is_edited

    def test_a_doubtful_draft_is_saved_at_the_second_time(
        self, store: EpisodeStore, add: AddEpisode, opened: Open
    ):
        add("a", rewards=[0, 1, 1, 0, 0, 0])
        presenter = select(opened(), "a")
        assert not presenter.label_and_next(FAILURE)
        assert presenter.message.is_error
        assert "2 steps are marked as success" in presenter.message.text
        assert presenter.label_and_next(FAILURE)
        settle(presenter)
        label = mine(store, "a")
        assert label is not None
        assert (label.outcome, label.success_intervals) == (FAILURE, ((1, 3),))

    def test_a_doubt_comes_back_after_an_edit(self, add: AddEpisode, opened: Open):
        add("a", rewards=[0, 1, 1, 0, 0, 0])
        presenter = select(opened(), "a")
        presenter.set_outcome(FAILURE)
        assert not presenter.save()
        presenter.set_notes("really")
        assert not presenter.save()

    def test_a_suggestion_is_taken_over_by_a_person_or_not_at_all(
        self, store: EpisodeStore, add: AddEpisode, opened: Open
    ):
        add("a")
        store.suggestions.add("a", model_suggestion("wm", np.array([0, 0, 1, 1, 0.2, 0.1]), 0.5))
        presenter = select(opened(), "a")
        assert presenter.draft.outcome is None
        presenter.take_over("wm")
        assert (presenter.draft.outcome, presenter.draft.intervals) == (NEAR, ((2, 4),))
        assert presenter.draft.confidence == 1.0
        settle(presenter)
        assert store.labels.current("a") is None

    def test_another_authors_label_can_be_taken_over(self, add: AddEpisode, opened: Open):
        add("a", bob=Label(outcome=NEAR, success_intervals=((1, 3),), notes="bob's"))
        presenter = select(opened(), "a")
        presenter.take_over("bob")
        assert (presenter.draft.outcome, presenter.draft.notes) == (NEAR, "")
        presenter.take_over("eve")
        assert presenter.message.is_error

    def test_two_authors_are_both_kept_and_their_disagreement_is_shown(
        self, store: EpisodeStore, add: AddEpisode, opened: Open
    ):
        add("a", bob=FAILURE)
        presenter = select(opened("ann"), "a")
        presenter.set_outcome(SUCCESS)
        presenter.save()
        settle(presenter)
        assert presenter.selected is not None
        assert [label.author for label in presenter.selected.standing] == ["bob", "ann"]
        assert "disagree" in presenter.selected.disagreement
        assert presenter.rows[0].is_disputed

    def test_saving_what_is_stored_already_adds_nothing(
        self, store: EpisodeStore, add: AddEpisode, opened: Open
    ):
        add("a", ann=SUCCESS)
        presenter = select(opened(), "a")
        assert presenter.save()
        settle(presenter)
        assert len(store.labels.history("a")) == 1


class TestDrafts:
    def test_unsaved_edits_survive_a_look_at_another_episode(self, add: AddEpisode, opened: Open):
        add("a")
        add("b")
        presenter = select(opened(), "a")
        presenter.set_outcome(SUCCESS)
        select(presenter, "b")
        assert presenter.draft.outcome is None
        assert presenter.num_drafts == 1
        marked = {row.episode_id: row.has_draft for row in presenter.rows}
        assert marked == {"a": True, "b": False}
        select(presenter, "a")
        assert presenter.draft.outcome is SUCCESS

    def test_revert_drops_them(self, add: AddEpisode, opened: Open):
        add("a", ann=SUCCESS)
        presenter = select(opened(), "a")
        presenter.set_outcome(FAILURE)
        presenter.set_notes("x")
        presenter.revert()
        assert (presenter.draft.outcome, presenter.is_edited) == (SUCCESS, False)

    def test_a_label_that_could_not_be_stored_comes_back_as_a_draft(
        self, store: EpisodeStore, add: AddEpisode, full_disk: ReviewPresenter
    ):
        add("a")
        add("b")
        presenter = full_disk
        presenter.refresh()
        settle(presenter)
        select(presenter, "a")
        assert presenter.label_and_next(SUCCESS)
        settle(presenter)
        assert presenter.message.is_error
        assert "a is NOT labelled" in presenter.message.text
        assert presenter.num_drafts == 1
        select(presenter, "a")
        assert presenter.draft.outcome is SUCCESS
        assert presenter.save()
        settle(presenter)
        assert mine(store, "a") is not None


class TestUndo:
    def test_edits_go_first_one_by_one(self, add: AddEpisode, opened: Open):
        add("a")
        presenter = select(opened(), "a")
        presenter.set_outcome(SUCCESS)
        presenter.begin_drag(3)
        presenter.drag_to(5)
        presenter.end_drag()
        presenter.undo()
        assert (presenter.draft.outcome, presenter.draft.intervals) == (SUCCESS, ())
        presenter.undo()
        assert not presenter.is_edited

    def test_then_the_last_saved_label_wherever_it_is(
        self, store: EpisodeStore, add: AddEpisode, opened: Open
    ):
        for name in "abc":
            add(name)
        presenter = select(opened(), "a")
        for _ in "ab":
            presenter.label_and_next(SUCCESS)
            settle(presenter)
        presenter.undo()
        settle(presenter)
        assert selected(presenter) == "b"
        assert mine(store, "b") is None
        assert mine(store, "a") is not None
        assert presenter.draft.outcome is None
        presenter.undo()
        settle(presenter)
        assert selected(presenter) == "a"
        assert mine(store, "a") is None
        presenter.undo()
        assert presenter.message.text == "There is nothing to undo."

    def test_the_label_before_comes_back(self, store: EpisodeStore, add: AddEpisode, opened: Open):
        add("a", ann=NEAR)
        presenter = select(opened(), "a")
        presenter.set_outcome(SUCCESS)
        presenter.save()
        settle(presenter)
        presenter.undo()
        settle(presenter)
        label = mine(store, "a")
        assert label is not None
        assert label.outcome is NEAR
        assert presenter.draft.outcome is NEAR
        assert len(store.labels.history("a")) == 3, "nothing is erased"

    def test_a_label_of_an_earlier_day_can_be_withdrawn(
        self, store: EpisodeStore, add: AddEpisode, opened: Open
    ):
        add("a", ann=NEAR, bob=FAILURE)
        presenter = select(opened(), "a")
        presenter.undo()
        settle(presenter)
        assert mine(store, "a") is None
        assert mine(store, "a", "bob") is not None
