"""Every format gives back what was written; every lossless codec, too. Nothing is timed here."""

from pathlib import Path

import numpy as np
import pytest

from wvl_robot.bench.episode_formats import FORMATS
from wvl_robot.bench.episode_timing import codecs, make_steps, measure_codec, measure_format

FRAMES = list(np.random.default_rng(0).integers(0, 256, (5, 12, 16, 3), dtype=np.uint8))


@pytest.mark.parametrize("name", FORMATS)
def test_a_format_gives_back_what_was_written(name: str, tmp_path: Path) -> None:
    pytest.importorskip({"hdf5": "h5py", "mcap": "mcap"}.get(name, "zarr"))
    figures = measure_format(name, tmp_path / name, make_steps(FRAMES, 50, 0), 10, 0)
    assert figures.num_steps == 50
    assert figures.bytes_per_step > 0


@pytest.mark.parametrize("name", codecs())
def test_only_jpeg_loses_something(name: str) -> None:
    figures = measure_codec(codecs()[name], FRAMES)
    assert (figures.psnr_db is None) == (not name.startswith("jpeg"))
