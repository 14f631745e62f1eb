from pathlib import Path

from wvl_robot.share import share_folder


def test_a_checkout_is_its_own_share_folder() -> None:
    assert share_folder() == Path(__file__).parents[2]
