"""Labels that a session can give by itself: a button's and the success predicate's.

A session has no wall clock; the time of a label is the episode's own start plus what has passed.
"""

import math
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta

import numpy as np

from wvl_models.contract.episode import EpisodeHeader, Label, Outcome, intervals_of
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
    intervals = intervals_of(np.array(rewards))
    if outcome is Outcome.SUCCESS and not intervals:
        intervals = ((len(rewards) - 1, len(rewards)),)
    return Label(
        outcome=outcome,
        success_intervals=intervals,
        author=header.operator or "operator",
        stamp_utc=_stamp_utc(header, elapsed_ns),
    )


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


def _stamp_utc(header: EpisodeHeader, elapsed_ns: int) -> str:
    start = datetime.fromisoformat(header.created_utc)
    return (start + timedelta(microseconds=elapsed_ns // 1000)).isoformat()
