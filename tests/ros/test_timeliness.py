import gc
import sys
from collections.abc import Iterator

import pytest

from wvl_robot.ros.timeliness import SWITCH_S, keep_time

pytestmark = pytest.mark.ros


@pytest.fixture(autouse=True)
def python_as_it_was() -> Iterator[None]:
    before_s = sys.getswitchinterval()
    yield
    sys.setswitchinterval(before_s)
    gc.unfreeze()


def test_threads_wait_a_tenth_of_a_millisecond_for_each_other() -> None:
    keep_time()
    assert sys.getswitchinterval() == pytest.approx(SWITCH_S)


def test_what_is_there_already_is_left_out_of_every_later_collection() -> None:
    gc.unfreeze()
    keep_time()
    assert gc.get_freeze_count() > 10_000
