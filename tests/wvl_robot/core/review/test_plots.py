"""What there is to draw of an episode."""

from dataclasses import replace

import numpy as np

from wvl_models.contract.verdict import Reason, Verdict
from wvl_models.episodes.arrays import EpisodeSignals
from wvl_models.episodes.examples import example_arrays, example_steps
from wvl_robot.core.review.plots import Band, plots_of

NUM_STEPS = 6


def signals(rng: np.random.Generator) -> EpisodeSignals:
    return EpisodeSignals.from_steps(example_steps(rng, NUM_STEPS))


def test_measured_and_asked_for_share_an_axis() -> None:
    given = signals(np.random.default_rng(0))
    plots = plots_of(given)
    assert [plot.title for plot in plots.plots] == ["position", "gripper", "force", "torque"]
    position = {curve.name: curve for curve in plots.plots[0].curves}
    assert np.array_equal(position["y"].values, given.ee_pose[:, 1])
    assert np.array_equal(position["y target"].values, given.target[:, 1])
    assert position["y target"].is_target
    assert all(len(curve.values) == NUM_STEPS for plot in plots.plots for curve in plot.curves)


def test_time_starts_with_the_first_tick() -> None:
    time_s = plots_of(signals(np.random.default_rng(0))).time_s
    assert time_s[0] == 0.0
    assert np.allclose(np.diff(time_s), 0.1)


def test_bands_name_what_the_gate_did_and_where_a_person_took_over() -> None:
    verdict, reason = np.zeros((2, NUM_STEPS), np.int64)
    verdict[1:3], reason[1:3] = Verdict.CLAMP, Reason.LINEAR_SPEED
    verdict[3], reason[3] = Verdict.REFUSE, Reason.STALE
    person = np.array([0, 0, 0, 0, 1, 1], bool)
    given = replace(
        signals(np.random.default_rng(0)), verdict=verdict, reason=reason, is_intervention=person
    )
    plots = plots_of(given)
    assert plots.refusals == (
        Band(start=1, stop=3, text="clamp: linear speed"),
        Band(start=3, stop=4, text="refuse: stale"),
    )
    assert plots.interventions == (Band(start=4, stop=6, text="intervention"),)


def test_recorded_success_is_where_the_predicate_said_so() -> None:
    reward = np.array([0, np.nan, 1, 1, 0, 1], np.float32)
    given = replace(signals(np.random.default_rng(0)), reward=reward)
    assert plots_of(given).recorded_success == ((2, 4), (5, 6))


def test_an_imagined_episode_without_joints_can_be_drawn() -> None:
    nothing = np.full((NUM_STEPS, 7), np.nan)
    given = replace(
        example_arrays(np.random.default_rng(0), NUM_STEPS),
        ee_pose=nothing,
        gripper_width_m=nothing[:, 0],
        wrench=nothing[:, :6],
    )
    gripper = plots_of(given).plots[1]
    assert set(gripper.curves[1].values.tolist()) <= {0.0, 1.0}
