"""What an encoder does to the process that it works in."""

import os
from pathlib import Path

import numpy as np
import pytest

from wvl_models.episodes.exchange.video import Codec, VideoWriter


def schedules() -> set[int]:
    """Scheduling policies of all threads of this process."""
    return {os.sched_getscheduler(int(task.name)) for task in Path("/proc/self/task").iterdir()}


@pytest.mark.skipif(not Path("/proc/self/task").is_dir(), reason="threads are listed on Linux")
@pytest.mark.parametrize("codec", Codec)
def test_an_encoder_leaves_real_time_to_those_with_deadlines(codec: Codec, tmp_path: Path) -> None:
    """SVT-AV1 takes SCHED_FIFO 99 where it runs as root, for its caller, too."""
    before = schedules()
    writer = VideoWriter(tmp_path / "film.mp4", codec, rate_hz=10, shape=(64, 64))
    for _ in range(3):
        writer.append(np.zeros((64, 64, 3), np.uint8))
        assert schedules() == before
    writer.close()
    assert schedules() == before
