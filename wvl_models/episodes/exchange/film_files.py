"""The video files of a LeRobot data set: many episodes one behind the other, checked when full."""

from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Self

from wvl_models.episodes.arrays import EpisodeArrays
from wvl_models.episodes.exchange.lerobot_format import FilePlace
from wvl_models.episodes.exchange.video import Codec, Loss, VideoWriter, read_video
from wvl_models.episodes.views import EpisodeView


@dataclass(frozen=True, kw_only=True, slots=True)
class FilmFormat:
    """What every file of a data set has in common."""

    codec: Codec
    rate_hz: int
    shape: tuple[int, int]
    """Height and width."""
    file_bytes: int
    """A file that has so many is full."""


class FilmFiles:
    """The video files: episodes one behind the other, each file decoded again when it is full."""

    def __init__(
        self,
        view: EpisodeView,
        root: Path,
        feature: str,
        film: FilmFormat,
    ) -> None:
        self.loss = Loss()
        self._view = view
        self._root = root
        self._feature = feature
        self._film = film
        self._place = FilePlace()
        self._writer: VideoWriter | None = None
        self._inside: list[str] = []
        """Episodes of the file that is open."""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if self._writer is not None:
            self._writer.close()

    def add(self, episode_id: str, arrays: EpisodeArrays) -> tuple[str, FilePlace, float, float]:
        """Append; returns feature, file, begin and end in seconds."""
        if self._writer is not None and self._writer.num_bytes >= self._film.file_bytes:
            self.finish_file()
            self._place = self._place.next()
        if self._writer is None:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            self._writer = VideoWriter(
                self._path, self._film.codec, self._film.rate_hz, self._film.shape
            )
        begin = self._writer.num_frames
        for rgb in arrays.rgb:
            self._writer.append(rgb)
        self._inside.append(episode_id)
        end = self._writer.num_frames
        rate = self._film.rate_hz
        return self._feature, self._place, begin / rate, end / rate

    def finish_file(self) -> None:
        """Close the file and hold it against the store, frame by frame."""
        if self._writer is None:
            return
        num_frames = self._writer.num_frames
        self._writer.close()
        self._writer = None
        with self._path.open("rb") as file:
            decoded = read_video(
                file,
                first=0,
                num_frames=num_frames,
                rate_hz=self._film.rate_hz,
                shape=self._film.shape,
            )
            for episode_id in self._inside:
                for stored in self._view.read(episode_id).rgb:
                    self.loss = self.loss.add(stored, next(decoded))
        self._inside = []

    @property
    def _path(self) -> Path:
        return self._root.joinpath(*self._place.parts("videos", self._feature, suffix="mp4"))
