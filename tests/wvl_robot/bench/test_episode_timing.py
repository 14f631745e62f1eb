"""Every format gives back what was written; every lossless codec, too. Nothing is timed here."""

from pathlib import Path

import numpy as np
import pytest

from wvl_robot.bench.episode_formats import FORMATS
from wvl_robot.bench.episode_timing import codecs, make_steps, measure_codec, measure_formats

FRAMES = list(np.random.default_rng(0).integers(0, 256, (5, 12, 16, 3), dtype=np.uint8))


@pytest.mark.parametrize("name", FORMATS)
def test_a_format_gives_back_what_was_written(name: str, tmp_path: Path) -> None:
    pytest.importorskip({"hdf5": "h5py", "mcap": "mcap"}.get(name, "zarr"))
    steps = make_steps(FRAMES, 50, 0)
    names = sorted({"ours", name})
    found = measure_formats(tmp_path, steps, num_episodes=2, num_windows=10, seed=0, names=names)
    figures = found[name]
    assert (figures.num_episodes, figures.num_steps, figures.num_windows) == (2, 50, 10)
    assert figures.bytes_per_step > 0


def test_our_windows_are_the_measure_of_the_others(tmp_path: Path) -> None:
    steps = make_steps(FRAMES, 50, 0)
    found = measure_formats(
        tmp_path, steps, num_episodes=1, num_windows=10, seed=0, names=["ours", "zarr"]
    )
    assert found["ours"].window_times_ours_interval == (1.0, 1.0)
    low, high = found["zarr"].window_times_ours_interval
    assert low <= found["zarr"].window_times_ours <= high


@pytest.mark.parametrize("name", codecs())
def test_only_jpeg_loses_something(name: str) -> None:
    figures = measure_codec(codecs()[name], FRAMES)
    assert (figures.psnr_db is None) == (not name.startswith("jpeg"))
