"""Labels that a session can give by itself: a button's and the success predicate's.

A session has no wall clock; the time of a label is the episode's own start plus what has passed.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta

import numpy as np

from wvl_models.contract.episode import EpisodeHeader, Label, Outcome, intervals_of
from wvl_models.episodes.store import EpisodeStore
from wvl_models.episodes.suggestions import PREDICATE, judged
from wvl_robot.ports.teleop import TeleopEvent

REFEREE = PREDICATE
"""Author of the labels that the virtual cell's success predicate gives."""

OUTCOME_OF: Mapping[TeleopEvent, Outcome] = {
    TeleopEvent.SUCCESS: Outcome.SUCCESS,
    TeleopEvent.NEAR_SUCCESS: Outcome.NEAR_SUCCESS,
    TeleopEvent.FAILURE: Outcome.FAILURE,
}
"""Buttons that end an episode with a label."""


def button_label(
    outcome: Outcome, rewards: Sequence[float], header: EpisodeHeader, elapsed_ns: int
) -> Label:
    """The operator's label at the end of an episode.

    Success intervals come from the predicate where there is one; without, a success button vouches
    for the last step alone.
    """
    return Label(
        outcome=outcome,
        success_intervals=_button_intervals(outcome, np.array(rewards)),
        author=operator_of(header),
        stamp_utc=_stamp_utc(header, elapsed_ns),
    )


def operator_of(header: EpisodeHeader) -> str:
    """Who signs the labels that are given while collecting."""
    return header.operator or "operator"


def relabel(store: EpisodeStore, episode_id: str, said: Label) -> None:
    """Label a committed episode on a collecting operator's word.

    Where he names no success intervals, they are those that the button would have given. Without
    an author it is the episode's operator. StoreError where it cannot be stored.
    """
    intervals = said.success_intervals
    if not intervals:
        intervals = _button_intervals(said.outcome, store.read_signals(episode_id).reward)
    author = said.author or operator_of(store.header(episode_id))
    store.labels.add(episode_id, replace(said, success_intervals=intervals, author=author))


def withdraw(store: EpisodeStore, episode_id: str, author: str) -> Outcome | None:
    """Take a label back that was given while collecting; returns the outcome in force then.

    Without an author it is the episode's operator. StoreError where he has no label in force.
    """
    now = store.labels.undo(episode_id, author or operator_of(store.header(episode_id)))
    return None if now is None else now.outcome


def referee_label(rewards: Sequence[float], header: EpisodeHeader, elapsed_ns: int) -> Label | None:
    """The predicate's label (see `judged`); None where it could not judge every step."""
    if not rewards or any(math.isnan(reward) for reward in rewards):
        return None
    outcome, intervals = judged(np.array(rewards) > 0.5)
    return Label(
        outcome=outcome,
        success_intervals=intervals,
        author=REFEREE,
        stamp_utc=_stamp_utc(header, elapsed_ns),
    )


def _button_intervals(outcome: Outcome, rewards: np.ndarray) -> tuple[tuple[int, int], ...]:
    """See `button_label`."""
    intervals = intervals_of(rewards)
    if outcome is Outcome.SUCCESS and not intervals:
        return ((len(rewards) - 1, len(rewards)),)
    return intervals


def _stamp_utc(header: EpisodeHeader, elapsed_ns: int) -> str:
    start = datetime.fromisoformat(header.created_utc)
    return (start + timedelta(microseconds=elapsed_ns // 1000)).isoformat()
