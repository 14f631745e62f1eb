"""A view of the store as a LeRobot v3.0 data set, episode by episode, complete or not at all."""

from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import pyarrow as pa

from wvl_models.contract.errors import ConfigError
from wvl_models.episodes.exchange import lerobot_format as layout
from wvl_models.episodes.exchange.film_files import FilmFiles, FilmFormat
from wvl_models.episodes.exchange.lerobot_documents import (
    Content,
    ImageCoding,
    LeRobotOptions,
    finite,
    write_documents,
)
from wvl_models.episodes.exchange.lerobot_format import OwnEpisode
from wvl_models.episodes.exchange.lerobot_stats import Stats, aggregate
from wvl_models.episodes.exchange.lerobot_tables import (
    episode_row,
    episode_stats,
    index_columns,
    is_measured,
    plain_columns,
    step_table,
)
from wvl_models.episodes.exchange.parquet_files import ParquetFiles
from wvl_models.episodes.exchange.staged import staged_folder
from wvl_models.episodes.exchange.video import Loss
from wvl_models.episodes.reading import read_manifest
from wvl_models.episodes.records import LabelRecord
from wvl_models.episodes.views import EpisodeView

_META_BATCH = 64
"""Rows of `meta/episodes` written at a time."""


@dataclass(frozen=True, kw_only=True, slots=True)
class LeRobotReport:
    """What was written, and what was lost."""

    num_episodes: int
    num_steps: int
    num_bytes: int
    images: ImageCoding
    psnr_db: float | None
    """Of all decoded frames against the stored ones; None where nothing was lost."""
    worst_psnr_db: float | None
    """Of the worst frame."""
    has_state: bool
    """False: an episode without measurements (imagination) is among them, so no
    `observation.state` was written for any."""
    snapshot_id: str


def export_lerobot(
    view: EpisodeView,
    target: Path,
    options: LeRobotOptions,
    on_episode: Callable[[int], None] = lambda num_done: None,
) -> LeRobotReport:
    """Write `view` as a data set into the new folder `target`.

    Holds one episode in memory. `on_episode` hears how many are done. ConfigError where the
    episodes do not fit into one data set, StoreError where one is damaged or the disk fails;
    nothing is left at `target` then.
    """
    rate_hz, shape = _common_format(view)
    has_state = all(is_measured(signals) for _, signals in view.signals())
    with staged_folder(target) as root:
        with _DataSetWriter(view, root, options, rate_hz, shape, has_state) as writer:
            for number, episode_id in enumerate(view.ids, start=1):
                writer.add(episode_id)
                on_episode(number)
        loss = writer.loss
        write_documents(root, writer.content(), loss)
        num_bytes = sum(path.stat().st_size for path in root.rglob("*") if path.is_file())
    return LeRobotReport(
        num_episodes=len(view),
        num_steps=writer.num_steps,
        num_bytes=num_bytes,
        images=options.images,
        psnr_db=finite(loss.psnr_db),
        worst_psnr_db=finite(loss.worst_psnr_db),
        has_state=has_state,
        snapshot_id=view.snapshot.snapshot_id,
    )


class _DataSetWriter:
    """The files of a data set while they grow."""

    def __init__(
        self,
        view: EpisodeView,
        root: Path,
        options: LeRobotOptions,
        rate_hz: int,
        shape: tuple[int, int],
        has_state: bool,
    ) -> None:
        self._view, self._options = view, options
        self._rate_hz, self._shape, self._has_state = rate_hz, shape, has_state
        self.num_steps = 0
        self._num_episodes = 0
        self._tasks: dict[str, int] = {}
        self._stats: dict[str, Stats] = {}
        self._rows: list[dict[str, Any]] = []
        self._data = ParquetFiles(root, layout.DATA, file_bytes=options.data_file_bytes)
        self._meta = ParquetFiles(root, layout.EPISODES, file_bytes=options.data_file_bytes)
        self._films = None if options.codec is None else self._make_films(root)
        self._open = ExitStack()

    @property
    def loss(self) -> Loss:
        """Of the images so far."""
        return Loss() if self._films is None else self._films.loss

    def content(self) -> Content:
        """What the files hold."""
        return Content(
            options=self._options,
            rate_hz=self._rate_hz,
            shape=self._shape,
            has_state=self._has_state,
            num_episodes=self._num_episodes,
            num_steps=self.num_steps,
            tasks=self._tasks,
            stats=self._stats,
            snapshot_id=self._view.snapshot.snapshot_id,
        )

    def __enter__(self) -> Self:
        self._open.enter_context(self._data)
        self._open.enter_context(self._meta)
        if self._films is not None:
            self._open.enter_context(self._films)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        with self._open:
            if error is None:
                self._flush()
                if self._films is not None:
                    self._films.finish_file()

    def add(self, episode_id: str) -> None:
        """Append one episode to all files."""
        arrays = self._view.read(episode_id)
        own = _own_episode(self._view, episode_id)
        index = index_columns(
            arrays.num_steps,
            rate_hz=self._rate_hz,
            episode=self._num_episodes,
            first=self.num_steps,
            task=self._tasks.setdefault(own.header.instruction, len(self._tasks)),
        )
        rewards = self._view.rewards(episode_id)
        columns = plain_columns(arrays, rewards, has_state=self._has_state) | index
        stats = episode_stats(arrays, columns, self._options.feature)
        picture_feature = self._options.feature if self._films is None else None
        row = episode_row(
            index=self._num_episodes,
            first=self.num_steps,
            num_steps=arrays.num_steps,
            own=own,
            stats=stats,
            data=self._data.write(step_table(arrays, columns, picture_feature)),
            video=None if self._films is None else self._films.add(episode_id, arrays),
        )
        self._rows.append(row)
        for name, figures in stats.items():
            self._stats[name] = aggregate(self._stats.get(name), figures)
        self.num_steps += arrays.num_steps
        self._num_episodes += 1
        if len(self._rows) >= _META_BATCH:
            self._flush()

    def _make_films(self, root: Path) -> FilmFiles:
        codec = self._options.codec
        assert codec is not None
        film = FilmFormat(
            codec=codec,
            rate_hz=self._rate_hz,
            shape=self._shape,
            file_bytes=self._options.video_file_bytes,
        )
        return FilmFiles(self._view, root, self._options.feature, film)

    def _flush(self) -> None:
        """Write the rows of `meta/episodes` that wait."""
        if self._rows:
            place = self._meta.place_of_next()
            where = {
                "meta/episodes/chunk_index": place.chunk,
                "meta/episodes/file_index": place.file,
            }
            self._meta.write(pa.Table.from_pylist([row | where for row in self._rows]))
            self._rows = []


def _common_format(view: EpisodeView) -> tuple[int, tuple[int, int]]:
    """Rate and image shape of all episodes; ConfigError where they differ."""
    if not len(view):
        raise ConfigError("no episode is left to export; `wvl episodes ls` lists what there is.")
    rates = {view.header(episode_id).rate_hz for episode_id in view.ids}
    shapes = {facts.image_shape for facts in view.facts.values()}
    if len(rates) > 1 or len(shapes) > 1:
        raise ConfigError(
            f"a LeRobot data set has one rate and one image size, these episodes have "
            f"{sorted(rates)} Hz and {sorted(shapes)} (height, width). Export them apart "
            "(--task, --origin, --id)."
        )
    rate_hz = rates.pop()
    if rate_hz != int(rate_hz):
        raise ConfigError(f"a LeRobot data set has a whole number of frames a second: {rate_hz}.")
    return int(rate_hz), shapes.pop()


def _own_episode(view: EpisodeView, episode_id: str) -> OwnEpisode:
    manifest = read_manifest(view.layout, episode_id)
    return OwnEpisode(
        header=manifest.header,
        digest=manifest.digest,
        ending=manifest.ending,
        policy_versions=manifest.policy_versions,
        device_domains=manifest.device_domains,
        first_label=manifest.first_label,
        labels=tuple(LabelRecord.of(label) for label in view.labels.standing(episode_id)),
    )
