"""Read a LeRobot v3.0 data set that anybody may have written. Nothing in it is trusted.

Files are found by number below the data set's folder, never by a path that a file names, and
never through a link; announced sizes are checked before anything of that size is made.
"""

import os
import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from numpy.typing import NDArray

from wvl_models.contract.errors import DataError, StoreError
from wvl_models.contract.observation import U8
from wvl_models.episodes.exchange import lerobot_format as layout
from wvl_models.episodes.exchange.lerobot_format import FilePlace, OwnDocument
from wvl_models.episodes.exchange.lerobot_info import Entry, Feature, describe, read_info
from wvl_models.episodes.exchange.parquet_rows import groups_of, numbers_of
from wvl_models.episodes.exchange.pictures import decode_picture
from wvl_models.episodes.exchange.video import read_video
from wvl_models.episodes.filesystem import open_inside, read_inside
from wvl_models.episodes.records import (
    MAX_IMAGE_SIDE,
    MAX_STEPS,
    parse_json,
    parse_record,
)

_MAX_DOCUMENT_BYTES = 16 << 20
_MAX_PARQUET_BYTES = 8 << 30
_MAX_IMAGE_BYTES = 8 << 30
"""Of one episode in memory: 15 minutes of 640x480 at 10 Hz."""

_NUMBERED = re.compile(r"(chunk|file)-(\d{1,6})(\.parquet)?")


class LeRobotDataSet:
    """A folder opened for reading. StoreError: it is none, or damaged; the message names where."""

    def __init__(self, root: Path) -> None:
        self.root = root
        info = self._document(layout.INFO)
        if info is None:
            raise StoreError(f"{root} is not a LeRobot data set (it has no {layout.INFO}).")
        self._info = read_info(info, root)
        own = self._document(layout.OWN_DOCUMENT)
        self.own = (
            None
            if own is None
            else parse_record(own, OwnDocument, source=f"{root}/{layout.OWN_DOCUMENT}")
        )

    @property
    def name(self) -> str:
        """Of the folder."""
        return self.root.resolve().name

    @property
    def fps(self) -> float:
        """Steps a second."""
        return self._info.fps

    @property
    def num_episodes(self) -> int:
        """As `info.json` announces it."""
        return self._info.total_episodes

    @property
    def features(self) -> dict[str, Feature]:
        """Columns by name."""
        return self._info.features

    def describe(self) -> str:
        """The features in one sentence, for error messages."""
        return describe(self.features)

    def feature(self, name: str) -> Feature:
        """DataError that lists what there is where `name` is not."""
        if name not in self.features:
            raise DataError(f"{self.root} has no feature {name!r}; {self.describe()}.")
        return self.features[name]

    def tasks(self) -> dict[int, str]:
        """Instructions by number."""
        with self._parquet(tuple(layout.TASKS.split("/"))) as file:
            rows = file.read().to_pydict()
        texts = [v for v in rows.values() if v and all(isinstance(text, str) for text in v)]
        if "task_index" not in rows or len(texts) != 1:
            raise StoreError(f"{self.root}/{layout.TASKS} does not hold a text for each task_index")
        return dict(zip(rows["task_index"], texts[0], strict=True))

    def entries(self) -> Iterator[Entry]:
        """All episodes in the order of their files."""
        files = self._meta_files()
        num_rows = sum(self._num_rows(parts) for parts in files)
        if num_rows != self._info.total_episodes:
            raise StoreError(
                f"{self.root} lists {num_rows} episodes where {layout.INFO} announces "
                f"{self._info.total_episodes}."
            )
        for parts in files:
            with self._parquet(parts) as file:
                wanted = [n for n in file.schema_arrow.names if not n.startswith("stats/")]
                for batch in file.iter_batches(batch_size=256, columns=wanted):
                    yield from map(self._entry, batch.to_pylist())

    def _num_rows(self, parts: tuple[str, ...]) -> int:
        with self._parquet(parts) as file:
            return int(file.metadata.num_rows)

    def read_columns(self, entry: Entry, names: Sequence[str]) -> dict[str, NDArray[Any]]:
        """Numbers of one episode by feature, [T] or [T, width] (Any: each feature's dtype)."""
        columns = list(dict.fromkeys(("episode_index", *names)))
        for name in columns:
            self.feature(name)
        parts = entry.data.parts(layout.DATA, suffix="parquet")
        with self._parquet(parts) as file:
            tables = [
                file.read_row_group(group, columns=columns)
                for group in groups_of(file, entry.index)
            ]
            if not tables:
                raise DataError(f"episode {entry.index} is not in it")
            table = pa.concat_tables(tables)
            table = table.filter(pc.equal(table["episode_index"], entry.index))
            if len(table) != entry.num_steps:
                raise DataError(
                    f"episode {entry.index} has {len(table)} rows where {entry.num_steps} are "
                    "announced"
                )
            return {name: numbers_of(table[name], self.features[name]) for name in names}

    def image_shape(self, name: str) -> tuple[int, int]:
        """Height and width of a feature's images; DataError unless they are colour images."""
        feature = self.feature(name)
        shape = feature.shape
        if not feature.is_image or len(shape) != 3 or 3 not in (shape[0], shape[2]):
            raise DataError(f"{name} holds no colour images; {self.describe()}.")
        height, width = shape[:2] if shape[2] == 3 else shape[1:]
        if not (0 < height <= MAX_IMAGE_SIDE and 0 < width <= MAX_IMAGE_SIDE):
            raise DataError(f"{name} announces images of {width}x{height}.")
        return height, width

    def read_images(self, entry: Entry, name: str) -> U8:
        """[T, H, W, 3] of one episode."""
        height, width = self.image_shape(name)
        if entry.num_steps * height * width * 3 > _MAX_IMAGE_BYTES:
            raise DataError(
                f"episode {entry.index} announces {entry.num_steps} images of {width}x{height}: "
                f"more than {_MAX_IMAGE_BYTES >> 30} GiB."
            )
        rgb = np.empty((entry.num_steps, height, width, 3), dtype=np.uint8)
        count = 0
        for frame in self._frames(entry, name, (height, width)):
            if count == len(rgb):
                raise DataError(f"{self.root}: episode {entry.index} has too many images")
            rgb[count] = frame
            count += 1
        if count != len(rgb):
            raise DataError(f"{self.root}: episode {entry.index} has {count} images of {len(rgb)}.")
        return rgb

    def _frames(self, entry: Entry, name: str, shape: tuple[int, int]) -> Iterator[U8]:
        if self.features[name].dtype == "image":
            yield from self._pictures(entry, name, shape)
            return
        if name not in entry.videos:
            raise DataError(f"{self.root}: episode {entry.index} names no video of {name}.")
        place, begin_s = entry.videos[name]
        with self._file(place.parts("videos", name, suffix="mp4")) as file:
            yield from read_video(
                file,
                first=round(begin_s * self.fps),
                num_frames=entry.num_steps,
                rate_hz=self.fps,
                shape=shape,
            )

    def _pictures(self, entry: Entry, name: str, shape: tuple[int, int]) -> Iterator[U8]:
        with self._parquet(entry.data.parts(layout.DATA, suffix="parquet")) as file:
            batches = file.iter_batches(
                batch_size=32,
                row_groups=groups_of(file, entry.index),
                columns=["episode_index", name],
            )
            for batch in batches:
                chosen = batch.filter(pc.equal(batch["episode_index"], entry.index))
                for row in chosen[name].to_pylist():
                    data = row.get("bytes") if isinstance(row, dict) else None
                    if not isinstance(data, bytes):
                        raise DataError(f"{name} has an image that is not inside the file")
                    yield decode_picture(data, shape)

    def _entry(self, row: dict[str, Any]) -> Entry:
        """One row of `meta/episodes` (Any: straight from the file)."""
        try:
            videos = {
                name: (_place(row, f"videos/{name}"), float(row[f"videos/{name}/from_timestamp"]))
                for name, feature in self.features.items()
                if feature.dtype == "video" and row.get(f"videos/{name}/file_index") is not None
            }
            num_steps = int(row["length"])
            entry = Entry(
                index=int(row["episode_index"]),
                num_steps=num_steps,
                data=_place(row, "data"),
                videos=videos,
                own=row.get("wvl/record"),
            )
        except (KeyError, TypeError, ValueError) as error:
            raise StoreError(
                f"{self.root}/{layout.EPISODES} is damaged or foreign: {error!r}."
            ) from error
        if not 1 <= num_steps <= MAX_STEPS or any(
            not 0 <= begin_s < 1e7 for _, begin_s in videos.values()
        ):
            raise StoreError(
                f"{self.root}: episode {entry.index} announces {num_steps} steps; "
                f"1 to {MAX_STEPS} can be read."
            )
        return entry

    def _meta_files(self) -> list[tuple[str, ...]]:
        """The parquet files of `meta/episodes`, by their numbers."""
        folder = self.root / layout.EPISODES
        with self._reading(layout.EPISODES):
            chunks = sorted(
                path.name for path in folder.iterdir() if _NUMBERED.fullmatch(path.name)
            )
            return [
                ("meta", "episodes", chunk, file)
                for chunk in chunks
                for file in sorted(p.name for p in (folder / chunk).iterdir())
                if _NUMBERED.fullmatch(file)
            ]

    def _document(self, path: str) -> dict[str, Any] | None:
        """A JSON file (Any: JSON); None where there is none."""
        with self._reading(path):
            try:
                data = read_inside(self.root, path.split("/"), limit=_MAX_DOCUMENT_BYTES)
            except (FileNotFoundError, NotADirectoryError):
                return None
        return parse_json(data, source=f"{self.root}/{path}")

    @contextmanager
    def _parquet(self, parts: tuple[str, ...]) -> Iterator[pq.ParquetFile]:
        with self._file(parts) as file:
            if os.fstat(file.fileno()).st_size > _MAX_PARQUET_BYTES:
                raise DataError("the file is too large")
            yield pq.ParquetFile(file)

    @contextmanager
    def _file(self, parts: tuple[str, ...]) -> Iterator[BinaryIO]:
        with (
            self._reading("/".join(parts)),
            open_inside(self.root, parts) as descriptor,
            os.fdopen(os.dup(descriptor), "rb") as file,
        ):
            yield file

    @contextmanager
    def _reading(self, path: str) -> Iterator[None]:
        """Name the file in whatever goes wrong with it."""
        try:
            yield
        except DataError as error:
            raise DataError(f"{self.root}/{path}: {error}.") from error
        except OSError as error:
            if isinstance(error, FileNotFoundError | NotADirectoryError) and path.endswith("json"):
                raise
            why = error.strerror or str(error)
            link = " (a link? copy the data set with `cp -rL`)" if error.errno in (40, 20) else ""
            raise StoreError(f"{self.root}/{path} cannot be read: {why}{link}.") from error
        except (pa.ArrowException, MemoryError) as error:
            first = str(error).splitlines()[0] if str(error) else type(error).__name__
            raise StoreError(f"{self.root}/{path} is damaged or foreign: {first}.") from error


def _place(row: dict[str, Any], prefix: str) -> FilePlace:
    """Numbers of a file (Any: straight from the file)."""
    chunk, file = int(row[f"{prefix}/chunk_index"]), int(row[f"{prefix}/file_index"])
    if min(chunk, file) < 0:
        raise ValueError(f"{prefix} lies in file {chunk}/{file}")
    return FilePlace(chunk=chunk, file=file)
