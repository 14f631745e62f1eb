"""The picture on the widget's own pixels."""

from collections.abc import Callable

import numpy as np
import pytest

from wvl_robot.rqt.picture import Picture


@pytest.fixture
def picture(shown: Callable) -> Picture:
    picture = Picture("nothing yet")
    picture.resize(400, 300)
    return shown(picture)


def halves(left: tuple[int, int, int], right: tuple[int, int, int]) -> np.ndarray:
    rgb = np.zeros((30, 40, 3), dtype=np.uint8)
    rgb[:, :20], rgb[:, 20:] = left, right
    return rgb


def pixel(picture: Picture, x: int, y: int) -> tuple[int, int, int]:
    colour = picture.grab().toImage().pixelColor(x, y)
    return colour.red(), colour.green(), colour.blue()


def test_red_stays_red_and_left_stays_left(picture: Picture) -> None:
    picture.show_rgb(halves((255, 0, 0), (0, 0, 255)))
    assert pixel(picture, 50, 150) == (255, 0, 0)
    assert pixel(picture, 350, 150) == (0, 0, 255)


def test_the_shape_is_kept(picture: Picture) -> None:
    picture.show_rgb(np.full((30, 30, 3), 200, dtype=np.uint8))
    assert pixel(picture, 200, 10) == (200, 200, 200)
    assert pixel(picture, 20, 150) != (200, 200, 200)


def test_a_stale_picture_is_dimmed_until_the_next(picture: Picture) -> None:
    rgb = np.full((30, 40, 3), 200, dtype=np.uint8)
    picture.show_rgb(rgb)
    picture.show_stale()
    assert not picture.has_picture
    assert pixel(picture, 200, 150)[0] < 150
    picture.show_rgb(rgb)
    assert picture.has_picture
    assert pixel(picture, 200, 150) == (200, 200, 200)


def test_words_take_the_place_of_a_picture(picture: Picture) -> None:
    picture.show_rgb(halves((255, 0, 0), (0, 0, 255)))
    picture.show_text("no episode")
    assert not picture.has_picture
    assert pixel(picture, 50, 150) != (255, 0, 0)
