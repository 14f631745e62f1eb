"""The same steps in our store, raw Zarr, HDF5 and MCAP, each as its library is meant to be used.

All end with what they wrote on the disk (fsync), none syncs per step. The others hold the 536
bytes of numbers of a step in one small array or message beside the image; none of them has our
digests, checksums of images (MCAP: of chunks), journal or crash recovery.
"""

import importlib
import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import zarr

from wvl_models.contract.episode import EpisodeHeader, Step
from wvl_models.contract.errors import SetupError
from wvl_models.contract.observation import U8
from wvl_models.episodes.rows import row_of
from wvl_models.episodes.store import EpisodeStore


class Format(Protocol):
    """One episode written step by step, then read in windows."""

    def append(self, step: Step) -> None:
        """One step."""
        ...

    def finish(self) -> None:
        """All on the disk when this returns."""
        ...

    def read(self, start: int, length: int) -> U8:
        """Images [length, H, W, 3] of a window, decoded."""
        ...

    def close(self) -> None:
        """Give files back."""
        ...


class OurStore:
    """`EpisodeStore` as the session uses it."""

    def __init__(self, folder: Path, header: EpisodeHeader, num_steps: int) -> None:
        self._store = EpisodeStore.create(folder)
        self._writer = self._store.begin(header)

    def append(self, step: Step) -> None:
        """See `Format`."""
        self._writer.append(step)

    def finish(self) -> None:
        """Commit."""
        self._writer.commit()

    def read(self, start: int, length: int) -> U8:
        """Checked on the way."""
        return self._store.read_rgb_window(self._writer.episode_id, start, start + length)

    def close(self) -> None:
        """Free the lock."""
        self._store.close()


class RawZarr:
    """zarr-python, one image per chunk, default codecs; is told the length beforehand.

    To make the array long and cut it at the end would be slower: zarr-python 3.1.6 then asks for
    every chunk that was never written.
    """

    def __init__(self, folder: Path, header: EpisodeHeader, num_steps: int) -> None:
        self._folder, self._num_steps = folder, num_steps
        self._group = zarr.create_group(folder)
        self._rgb: Any = None  # zarr.Array
        self._rows: list[list[float]] = []

    def append(self, step: Step) -> None:
        """One chunk file."""
        rgb = step.observation.frame.rgb
        if self._rgb is None:
            shape = (self._num_steps, *rgb.shape)
            self._rgb = self._group.create_array(
                "rgb", shape=shape, chunks=(1, *rgb.shape), dtype="uint8"
            )
        self._rgb[len(self._rows)] = rgb
        self._rows.append(_numbers(step))

    def finish(self) -> None:
        """The numbers, and fsync of every file."""
        self._group.create_array("rows", data=np.array(self._rows))
        for path in self._folder.rglob("*"):
            _sync(path)

    def read(self, start: int, length: int) -> U8:
        """Through zarr-python."""
        return np.asarray(self._rgb[start : start + length])

    def close(self) -> None:
        """Nothing is open."""


class Hdf5:
    """h5py, one image per chunk, no compression (its default)."""

    def __init__(self, folder: Path, header: EpisodeHeader, num_steps: int) -> None:
        folder.mkdir()
        self._path = folder / "episode.h5"
        self._h5py = _library("h5py")
        self._file = self._h5py.File(self._path, "w")
        self._rgb: Any = None  # h5py.Dataset
        self._rows: list[list[float]] = []

    def append(self, step: Step) -> None:
        """One chunk."""
        rgb = step.observation.frame.rgb
        if self._rgb is None:
            self._rgb = self._file.create_dataset(
                "rgb", (0, *rgb.shape), "u1", maxshape=(None, *rgb.shape), chunks=(1, *rgb.shape)
            )
        self._rgb.resize(len(self._rows) + 1, axis=0)
        self._rgb[len(self._rows)] = rgb
        self._rows.append(_numbers(step))

    def finish(self) -> None:
        """The numbers, and fsync."""
        self._file["rows"] = np.array(self._rows)
        self._file.close()
        _sync(self._path)
        self._file = self._h5py.File(self._path, "r")
        self._rgb = self._file["rgb"]

    def read(self, start: int, length: int) -> U8:
        """Through h5py."""
        return np.asarray(self._rgb[start : start + length])

    def close(self) -> None:
        """The file."""
        self._file.close()


class Mcap:
    """mcap (python), chunks of 1 MiB, zstd and chunk checksums (its defaults)."""

    def __init__(self, folder: Path, header: EpisodeHeader, num_steps: int) -> None:
        folder.mkdir()
        self._path = folder / "episode.mcap"
        self._out = self._path.open("wb")
        self._writer = _library("mcap.writer").Writer(self._out)
        self._writer.start()
        schema = self._writer.register_schema("raw", "", b"")
        self._rgb = self._writer.register_channel("rgb", "", schema)
        self._row = self._writer.register_channel("row", "", schema)
        self._shape: tuple[int, ...] = ()
        self._stamps: list[int] = []

    def append(self, step: Step) -> None:
        """Two messages."""
        frame, stamp_ns = step.observation.frame, step.observation.stamp_ns
        self._shape = frame.rgb.shape
        self._writer.add_message(self._rgb, stamp_ns, frame.rgb.tobytes(), stamp_ns)
        numbers = np.array(_numbers(step)).tobytes()
        self._writer.add_message(self._row, stamp_ns, numbers, stamp_ns)
        self._stamps.append(stamp_ns)

    def finish(self) -> None:
        """Index, and fsync."""
        self._writer.finish()
        self._out.close()
        _sync(self._path)

    def read(self, start: int, length: int) -> U8:
        """By time, through the file's index."""
        first, last = self._stamps[start], self._stamps[start + length - 1]
        with self._path.open("rb") as file:
            reader = _library("mcap.reader").make_reader(file)
            found = reader.iter_messages(topics=["rgb"], starting_at=first, ending_before=last + 1)
            images = [np.frombuffer(m.data, np.uint8).reshape(self._shape) for _, _, m in found]
        return np.stack(images)

    def close(self) -> None:
        """Nothing is open."""


FORMATS: Mapping[str, Callable[[Path, EpisodeHeader, int], Format]] = {
    "ours": OurStore,
    "zarr": RawZarr,
    "hdf5": Hdf5,
    "mcap": Mcap,
}


def _numbers(step: Step) -> list[float]:
    row = row_of(step)
    return [*row.numbers, *map(float, row.integers)]


def _library(name: str) -> Any:
    """A module of the bench extra (Any: no types); SetupError where it is missing."""
    try:
        return importlib.import_module(name)
    except ModuleNotFoundError as error:
        raise SetupError(
            f'this benchmark needs the Python package {name}: pip install -e ".[bench]".'
        ) from error


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def folder_bytes(folder: Path) -> int:
    """Size of all files below."""
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())
