"""Plots with a cursor, in a real scene."""

from collections.abc import Callable

import numpy as np
import pytest
from PyQt5.QtTest import QTest

from wvl_robot.core.review.plots import Band, Curve, EpisodePlots, Plot
from wvl_robot.rqt.binding import Qt, QtCore
from wvl_robot.rqt.reward_lane import RIGHT_MARGIN_PX
from wvl_robot.rqt.signal_plots import SignalPlots
from wvl_robot.rqt.theme import PLOT_MARGIN_PX

NUM_STEPS, PX_PER_STEP = 50, 10


def content() -> EpisodePlots:
    ramp = np.linspace(0.0, 1.0, NUM_STEPS)
    nothing = np.full(NUM_STEPS, np.nan)
    return EpisodePlots(
        num_steps=NUM_STEPS,
        time_s=ramp,
        plots=(
            Plot(title="position", unit="m", curves=(Curve(name="x", values=ramp),)),
            Plot(title="force", unit="N", curves=(Curve(name="fx", values=nothing),)),
        ),
        refusals=(Band(start=3, stop=5, text="clamped"),),
        interventions=(),
        recorded_success=(),
    )


@pytest.fixture
def plots(shown: Callable) -> SignalPlots:
    plots = SignalPlots()
    plots.resize(PLOT_MARGIN_PX + RIGHT_MARGIN_PX + NUM_STEPS * PX_PER_STEP, 300)
    return shown(plots)


def titles(plots: SignalPlots) -> list[str]:
    return [item.titleLabel.text for item in plots.ci.items]


def test_the_titles_read_the_values_under_the_cursor(plots: SignalPlots) -> None:
    plots.show_plots(content())
    plots.show_cursor(NUM_STEPS - 1)
    first, second = titles(plots)
    assert "position [m]" in first
    assert "x +1.000" in first
    assert "fx -" in second, "what was not measured has no value"


def test_a_click_goes_to_the_step_below_the_mouse(plots: SignalPlots) -> None:
    plots.show_plots(content())
    sought: list[int] = []
    plots.sought.connect(sought.append)
    place = QtCore.QPoint(PLOT_MARGIN_PX + 20 * PX_PER_STEP + 2, 60)
    QTest.mouseClick(plots.viewport(), Qt.MouseButton.LeftButton, pos=place)
    assert sought == [20]


def test_another_episode_takes_the_place_of_the_one_before(plots: SignalPlots) -> None:
    plots.show_plots(content())
    plots.show_plots(content())
    assert len(plots.ci.items) == 2
    plots.show_plots(None)
    plots.show_cursor(3)
    assert len(plots.ci.items) == 0


def test_a_long_title_does_not_widen_its_plot(plots: SignalPlots, application) -> None:
    """Where it did, steps no longer stood below those of the lane."""
    plots.resize(300, 300)
    plots.show_plots(content())
    application.processEvents()
    for item in plots.ci.items:
        right = item.vb.mapRectToScene(item.vb.boundingRect()).right()
        assert abs(right - (300 - RIGHT_MARGIN_PX)) < 3
