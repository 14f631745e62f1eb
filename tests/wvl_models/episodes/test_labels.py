"""Labels: history, authors, undo, and a log that survives."""

import threading
from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from wvl_models.contract.episode import EpisodeHeader, Label, Outcome, SubGoal, intervals_of
from wvl_models.contract.errors import DataError, StoreError
from wvl_models.episodes.examples import example_arrays, example_steps
from wvl_models.episodes.journal import journal_line, parse_journal
from wvl_models.episodes.labels import disagreement_of
from wvl_models.episodes.records import LabelRecord
from wvl_models.episodes.store import EpisodeStore

MakeHeader = Callable[..., EpisodeHeader]


def label(author: str, outcome: Outcome = Outcome.SUCCESS, *intervals: tuple[int, int]) -> Label:
    return Label(outcome=outcome, success_intervals=intervals, author=author)


@pytest.fixture
def labelled(store: EpisodeStore, header: MakeHeader, rng: np.random.Generator) -> EpisodeStore:
    """Episode `a` of 20 steps, labelled by the predicate at commit; `b` without a label."""
    arrays = example_arrays(rng, 20)
    store.add(header("a"), arrays, label("predicate", Outcome.FAILURE))
    store.add(header("b"), arrays)
    return store


def outcome(store: EpisodeStore, episode_id: str) -> Outcome | None:
    current = store.labels.current(episode_id)
    return None if current is None else current.outcome


def test_the_newest_label_is_current(labelled: EpisodeStore) -> None:
    labelled.labels.add("a", label("ann", Outcome.NEAR_SUCCESS))
    labelled.labels.add("a", label("bob", Outcome.SUCCESS))
    assert outcome(labelled, "a") is Outcome.SUCCESS


def test_history_keeps_everything_in_order(labelled: EpisodeStore) -> None:
    labelled.labels.add("a", label("ann"))
    labelled.labels.undo("a", "ann")
    history = labelled.labels.history("a")
    said = [(event.author, event.label and event.label.outcome) for event in history]
    assert said == [("predicate", Outcome.FAILURE), ("ann", Outcome.SUCCESS), ("ann", None)]
    assert all(event.stamp_utc for event in history)


def test_labels_survive_reopening(labelled: EpisodeStore) -> None:
    labelled.labels.add("b", label("ann", Outcome.SUCCESS, (3, 5), (7, 20)))
    current = EpisodeStore(labelled.root).labels.current("b")
    assert current is not None
    assert current.success_intervals == ((3, 5), (7, 20))


def test_undo_brings_back_what_was_current_before(labelled: EpisodeStore) -> None:
    labelled.labels.add("a", label("ann", Outcome.SUCCESS))
    labelled.labels.add("a", label("ann", Outcome.NEAR_SUCCESS))
    after = labelled.labels.undo("a", "ann")
    assert after is not None
    assert after.outcome is Outcome.SUCCESS
    labelled.labels.undo("a", "ann")
    assert outcome(labelled, "a") is Outcome.FAILURE


def test_undo_of_one_author_leaves_the_others(labelled: EpisodeStore) -> None:
    labelled.labels.add("a", label("ann", Outcome.SUCCESS))
    labelled.labels.add("a", label("bob", Outcome.NEAR_SUCCESS))
    labelled.labels.undo("a", "ann")
    assert outcome(labelled, "a") is Outcome.NEAR_SUCCESS


def test_the_label_given_at_commit_can_be_withdrawn(labelled: EpisodeStore) -> None:
    assert labelled.labels.undo("a", "predicate") is None


def test_undo_without_a_label_is_refused(labelled: EpisodeStore) -> None:
    with pytest.raises(StoreError, match="'ann' has no label in force"):
        labelled.labels.undo("a", "ann")


def test_two_authors_who_differ_are_reported(labelled: EpisodeStore) -> None:
    labelled.labels.add("b", label("ann", Outcome.SUCCESS, (10, 20)))
    assert labelled.labels.disagreement("b") is None
    labelled.labels.add("b", label("bob", Outcome.NEAR_SUCCESS, (10, 12)))
    found = labelled.labels.disagreement("b")
    assert found is not None
    assert found.authors == ("ann", "bob")
    assert set(found.outcomes) == {Outcome.SUCCESS, Outcome.NEAR_SUCCESS}
    assert found.num_steps_apart == 8
    assert labelled.summary()[1].is_disputed


def test_nearly_equal_intervals_are_no_disagreement(labelled: EpisodeStore) -> None:
    labelled.labels.add("b", label("ann", Outcome.SUCCESS, (10, 20)))
    labelled.labels.add("b", label("bob", Outcome.SUCCESS, (13, 20)))
    assert labelled.labels.disagreement("b") is None


INTERVALS = st.lists(st.booleans(), min_size=30, max_size=30).map(
    lambda states: intervals_of(np.array(states, np.float32))
)


@given(said=st.lists(INTERVALS, min_size=2, max_size=3))
def test_steps_apart_are_those_that_not_all_call_the_same(
    said: list[tuple[tuple[int, int], ...]],
) -> None:
    labels = [label(f"author{k}", Outcome.SUCCESS, *said[k]) for k in range(len(said))]
    rewards = np.stack([given.rewards(30) for given in labels])
    num_apart = int((rewards.min(axis=0) != rewards.max(axis=0)).sum())
    found = disagreement_of(labels)
    assert (0 if found is None else found.num_steps_apart) == (num_apart if num_apart > 5 else 0)


def test_the_store_itself_has_no_opinion(
    store: EpisodeStore, header: MakeHeader, rng: np.random.Generator
) -> None:
    writer = store.begin(header("a"))
    writer.append(example_steps(rng)[0])
    writer.abort("operator let go")
    store.labels.add("a", label("ann", Outcome.NEAR_SUCCESS))
    assert outcome(store, "a") is Outcome.NEAR_SUCCESS
    assert store.labels.disagreement("a") is None


def test_rewards_follow_the_label(labelled: EpisodeStore) -> None:
    labelled.labels.add("a", label("ann", Outcome.SUCCESS, (3, 5)))
    assert np.flatnonzero(labelled.rewards("a")).tolist() == [3, 4]


def test_a_success_without_interval_means_the_last_step(labelled: EpisodeStore) -> None:
    labelled.labels.add("a", label("ann", Outcome.SUCCESS))
    assert np.flatnonzero(labelled.rewards("a")).tolist() == [19]


def test_rewards_without_a_label_are_the_recorded_ones(
    store: EpisodeStore, header: MakeHeader, rng: np.random.Generator
) -> None:
    recorded = np.array([0, 1, np.nan, 1, 0], np.float32)
    store.add(header("a"), replace(example_arrays(rng, 5), reward=recorded))
    assert store.rewards("a").tolist() == [0, 1, 0, 1, 0]


def test_a_label_beyond_the_episode_is_refused(labelled: EpisodeStore) -> None:
    with pytest.raises(StoreError, match="reach step 21 of an episode with 20 steps"):
        labelled.labels.add("a", label("ann", Outcome.SUCCESS, (3, 21)))


def test_sub_goals_survive_reopening(labelled: EpisodeStore) -> None:
    goals = (SubGoal(step=3, text="grasped"), SubGoal(step=9, text="lifted"))
    labelled.labels.add("b", replace(label("ann"), sub_goals=goals))
    current = EpisodeStore(labelled.root).labels.current("b")
    assert current is not None
    assert current.sub_goals == goals


def test_sub_goals_given_at_commit_survive(
    store: EpisodeStore, header: MakeHeader, rng: np.random.Generator
) -> None:
    goals = (SubGoal(step=1, text="grasped"),)
    store.add(header("a"), example_arrays(rng, 4), replace(label("ann"), sub_goals=goals))
    for _ in range(2):  # from the manifest, then from the index
        row = EpisodeStore(store.root).summary()[0]
        assert row.label is not None
        assert row.label.sub_goals == goals
    assert store.verify("a") == ()


def test_a_sub_goal_beyond_the_episode_is_refused(labelled: EpisodeStore) -> None:
    beyond = replace(label("ann"), sub_goals=(SubGoal(step=20, text="late"),))
    with pytest.raises(StoreError, match="sub_goals reach step 21 of an episode with 20 steps"):
        labelled.labels.add("a", beyond)


def test_sub_goals_out_of_order_are_refused() -> None:
    goals = (SubGoal(step=9, text="lifted"), SubGoal(step=3, text="grasped"))
    with pytest.raises(DataError, match="in the order of their steps"):
        replace(label("ann"), sub_goals=goals)


def test_a_label_without_sub_goals_is_stored_as_before_there_were_any() -> None:
    """Digests of manifests and revisions of snapshots from then must still fit."""
    stamped = replace(label("ann", Outcome.SUCCESS, (3, 5)), stamp_utc="2026-11-21T09:00:00+00:00")
    assert LabelRecord.of(stamped).model_dump(mode="json") == {
        "outcome": "success",
        "success_intervals": [[3, 5]],
        "author": "ann",
        "confidence": 1.0,
        "notes": "",
        "stamp_utc": "2026-11-21T09:00:00+00:00",
    }


def test_an_unknown_episode_is_refused(labelled: EpisodeStore) -> None:
    with pytest.raises(StoreError, match="no episode nowhere"):
        labelled.labels.add("nowhere", label("ann"))


def test_an_unfinished_last_line_was_never_there(labelled: EpisodeStore) -> None:
    labelled.labels.add("a", label("ann", Outcome.SUCCESS))
    with labelled.layout.labels.open("ab") as log:
        log.write(b'{"number":1,"episode_id":"a","author":"bob","stamp')
    later = EpisodeStore(labelled.root)
    assert outcome(later, "a") is Outcome.SUCCESS
    later.labels.add("a", label("bob", Outcome.NEAR_SUCCESS))
    assert outcome(EpisodeStore(labelled.root), "a") is Outcome.NEAR_SUCCESS


def test_a_damaged_line_is_named_and_nothing_is_guessed(labelled: EpisodeStore) -> None:
    for author in ("ann", "bob"):
        labelled.labels.add("a", label(author, Outcome.SUCCESS))
    data = labelled.layout.labels.read_bytes()
    labelled.layout.labels.write_bytes(data.replace(b'"author":"ann"', b'"author":"amn"', 1))
    later = EpisodeStore(labelled.root)
    with pytest.raises(StoreError, match="damaged in line 1: its checksum fails"):
        later.labels.current("a")
    with pytest.raises(StoreError, match="damaged in line 1"):
        later.summary()


def test_repair_gives_up_only_the_damaged_line_and_keeps_the_file(labelled: EpisodeStore) -> None:
    labelled.labels.add("a", label("ann", Outcome.SUCCESS))
    labelled.labels.add("b", label("bob", Outcome.NEAR_SUCCESS))
    labelled.close()
    damaged = labelled.layout.labels.read_bytes().replace(b"success", b"succes5", 1)
    labelled.layout.labels.write_bytes(damaged)
    with EpisodeStore(labelled.root) as later:
        assert len(later.repair()) == 1
        assert outcome(later, "a") is Outcome.FAILURE
        assert outcome(later, "b") is Outcome.NEAR_SUCCESS
        later.labels.add("a", label("ann", Outcome.SUCCESS))
    assert (labelled.root / "aside" / "labels.jsonl.0").read_bytes() == damaged
    assert outcome(EpisodeStore(labelled.root), "a") is Outcome.SUCCESS


@pytest.mark.parametrize(
    ("foreign", "problem"),
    [
        ({"outcome": "splendid"}, r":2 is damaged or foreign: label.outcome"),
        ({"confidence": 2}, r":2 is damaged or foreign: label: .*confidence must lie in"),
        ({"success_intervals": [[5, 3]]}, r":2 is damaged or foreign: label: .*success_intervals"),
        ({"stamp_utc": "yesterday"}, r":2 is damaged or foreign: label.stamp_utc"),
        ({"colour": "red"}, r":2 is damaged or foreign: label.colour"),
        (
            {"sub_goals": [{"step": 9, "text": "b"}, {"step": 3, "text": "a"}]},
            r":2 is damaged or foreign: label: .*in the order of their steps",
        ),
    ],
)
def test_a_foreign_value_is_refused_by_its_line(
    labelled: EpisodeStore, foreign: dict[str, object], problem: str
) -> None:
    for author in ("ann", "bob"):
        labelled.labels.add("a", label(author))
    rows = parse_journal(labelled.layout.labels.read_bytes()).records
    rows[1]["label"] |= foreign
    labelled.layout.labels.write_bytes(b"".join(map(journal_line, rows)))
    with pytest.raises(StoreError, match=problem):
        EpisodeStore(labelled.root).summary()


def test_a_missing_line_is_noticed(labelled: EpisodeStore) -> None:
    for author in ("ann", "bob", "cid"):
        labelled.labels.add("a", label(author))
    lines = labelled.layout.labels.read_bytes().splitlines(keepends=True)
    labelled.layout.labels.write_bytes(lines[0] + lines[2])
    with pytest.raises(StoreError, match="line 2: it is numbered 2, so lines are missing"):
        EpisodeStore(labelled.root).labels.current("a")


def test_labels_of_several_stores_at_once_are_all_kept(labelled: EpisodeStore) -> None:
    def work(author: str) -> None:
        mine = EpisodeStore(labelled.root)
        for _ in range(10):
            mine.labels.add("a", label(author))

    threads = [threading.Thread(target=work, args=(f"author{k}",)) for k in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    authors = [event.author for event in labelled.labels.history("a")]
    assert {name: authors.count(name) for name in set(authors)} == {
        "predicate": 1,
        **{f"author{k}": 10 for k in range(4)},
    }
