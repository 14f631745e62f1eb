"""Films of episodes: every frame, enlarged, with its caption; a whole file or none."""

from collections.abc import Callable
from pathlib import Path

import av
import numpy as np
import pytest
from PIL import Image

from wvl_models.contract.errors import ConfigError, StoreError
from wvl_models.episodes.exchange.film import write_film
from wvl_models.episodes.store import EpisodeStore

MakeStore = Callable[..., EpisodeStore]


def frames_of(path: Path) -> list[np.ndarray]:
    if path.suffix == ".gif":
        with Image.open(path) as film:
            return [_picture(film, k) for k in range(film.n_frames)]
    with av.open(str(path)) as container:
        return [frame.to_ndarray(format="rgb24") for frame in container.decode(video=0)]


def _picture(film: Image.Image, number: int) -> np.ndarray:
    film.seek(number)
    return np.asarray(film.convert("RGB"))


@pytest.mark.parametrize("suffix", [".mp4", ".gif"])
def test_every_step_is_a_frame_with_its_picture_above(
    make_store: MakeStore, tmp_path: Path, suffix: str
) -> None:
    store = make_store(size=16)
    target = tmp_path / f"film{suffix}"
    assert write_film(store.view(), "ep-1", target) == pytest.approx(0.6)
    frames = frames_of(target)
    assert len(frames) == 6
    large = store.read("ep-1").rgb[3].repeat(30, axis=0).repeat(30, axis=1)
    error = frames[3][: large.shape[0]].astype(float) - large
    assert 10 * np.log10(255**2 / np.mean(error**2)) > 15


def test_the_caption_shows_success_in_green(make_store: MakeStore, tmp_path: Path) -> None:
    store = make_store()
    write_film(store.view(), "ep-1", tmp_path / "film.gif")

    def green(frame: np.ndarray) -> int:
        text = frame[480:-20].astype(int)
        return int(((text[..., 1] > 150) & (text[..., 0] < 120)).sum())

    frames = frames_of(tmp_path / "film.gif")
    assert green(frames[3]) > 0, "ep-1 succeeds in steps 3 and 4"
    assert green(frames[0]) == 0


def test_a_film_is_not_written_over_another(make_store: MakeStore, tmp_path: Path) -> None:
    (tmp_path / "film.mp4").write_bytes(b"precious")
    with pytest.raises(StoreError, match="exists already"):
        write_film(make_store().view(), "ep-0", tmp_path / "film.mp4")
    assert (tmp_path / "film.mp4").read_bytes() == b"precious"


def test_other_endings_are_refused(make_store: MakeStore, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"\.mp4 or \.gif"):
        write_film(make_store().view(), "ep-0", tmp_path / "film.avi")
    assert not list(tmp_path.glob("*film*"))
