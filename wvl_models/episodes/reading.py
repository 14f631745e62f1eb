"""Read committed episodes. No lock, no zarr-python, no trust: every byte is checked on the way.

Sizes come from the manifest, whose digest is checked first; a chunk is read only if its file has
the size that the schema asks for, and used only if its crc32c fits.
"""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
from numpy.typing import NDArray

from wvl_models.contract.errors import DataError, StoreError
from wvl_models.contract.observation import U8
from wvl_models.episodes import chunks
from wvl_models.episodes.arrays import EpisodeArrays, EpisodeSignals, signals_of_tables
from wvl_models.episodes.chunks import ChunkError
from wvl_models.episodes.filesystem import open_inside, read_inside
from wvl_models.episodes.frames import read_frames, read_index
from wvl_models.episodes.layout import StoreLayout
from wvl_models.episodes.records import (
    MAX_DOCUMENT_BYTES,
    Manifest,
    check_episode_id,
    parse_json,
    parse_record,
    render_document,
)
from wvl_models.episodes.schema import ARRAYS, GROUP_DOCUMENT, RGB, TABLES, Table, chunk_file

FILES = frozenset(
    path for array in ARRAYS for path in (f"{array}/{GROUP_DOCUMENT}", chunk_file(array))
)
"""The files of an episode beside its manifest."""


def group_document(manifest: Manifest) -> dict[str, Any]:
    """The group's `zarr.json` (Any: JSON)."""
    attributes = {"wvl": manifest.model_dump(mode="json")}
    return {"zarr_format": 3, "node_type": "group", "attributes": attributes}


def read_manifest(layout: StoreLayout, episode_id: str) -> Manifest:
    """What the episode says of itself; StoreError if there is none or it is damaged."""
    check_episode_id(episode_id)
    source = f"episode {episode_id}: {GROUP_DOCUMENT}"
    try:
        data = read_inside(layout.episodes, (episode_id, GROUP_DOCUMENT), limit=MAX_DOCUMENT_BYTES)
    except FileNotFoundError as error:
        if os.path.lexists(layout.episode(episode_id)):
            raise StoreError(f"{source} is missing.") from error
        raise StoreError(
            f"there is no episode {episode_id} in {layout.root}; "
            "`wvl episodes ls` lists what is there."
        ) from error
    except OSError as error:
        raise StoreError(f"{source} cannot be read: {error.strerror}.") from error
    return parse_manifest(data, episode_id)


def parse_manifest(data: bytes, episode_id: str) -> Manifest:
    """The manifest in the bytes of a group document; StoreError that says what is wrong."""
    source = f"episode {episode_id}: {GROUP_DOCUMENT}"
    content = _own_attribute(parse_json(data, source=source))
    if content is None:
        raise StoreError(f"{source} is not a Zarr v3 group of this store (no attribute `wvl`).")
    manifest = parse_record(content, Manifest, source=source)
    if manifest.header.episode_id != episode_id:
        raise StoreError(f"{source} belongs to episode {manifest.header.episode_id}.")
    if manifest.files.keys() != FILES:
        raise StoreError(f"{source} does not list the files of an episode.")
    if data != render_document(group_document(manifest)):
        raise StoreError(f"{source} has been edited around its manifest.")
    return manifest


def read_signals(layout: StoreLayout, manifest: Manifest) -> EpisodeSignals:
    """Everything but the images."""
    with _damage(manifest, "content"):
        return EpisodeSignals(**_signal_fields(layout, manifest))


def read_arrays(layout: StoreLayout, manifest: Manifest) -> EpisodeArrays:
    """The whole episode."""
    rgb = read_rgb(layout, manifest, 0, manifest.num_steps)
    with _damage(manifest, "content"):
        return EpisodeArrays(rgb=rgb, **_signal_fields(layout, manifest))


def read_rgb(layout: StoreLayout, manifest: Manifest, start: int, stop: int) -> U8:
    """Frames `start` to `stop` (exclusive) [stop - start, H, W, 3], in one read of the file."""
    if not 0 <= start < stop <= manifest.num_steps:
        raise StoreError(
            f"frames {start} to {stop} asked of episode {manifest.header.episode_id}, which has "
            f"{manifest.num_steps}."
        )
    path = chunk_file(RGB)
    with (
        _damage(manifest, path),
        open_inside(layout.episodes, (manifest.header.episode_id, *path.split("/"))) as descriptor,
    ):
        size = os.fstat(descriptor).st_size
        if size != manifest.files[path].num_bytes:
            raise ChunkError(f"{size} bytes where {manifest.files[path].num_bytes} belong")
        spans = read_index(descriptor, manifest.num_steps)[start:stop]
        return read_frames(descriptor, spans, (manifest.height, manifest.width))


def read_table(layout: StoreLayout, manifest: Manifest, table: Table) -> NDArray[Any]:
    """One table, read-only (Any: its dtype)."""
    path = chunk_file(table.name)
    expected = table.num_bytes(manifest.num_steps) + chunks.CRC_BYTES
    with _damage(manifest, path):
        parts = (manifest.header.episode_id, *path.split("/"))
        data = read_inside(layout.episodes, parts, limit=expected)
        if len(data) != expected:
            raise ChunkError(f"{len(data)} bytes where {expected} belong")
        body = chunks.without_checksum(data)
    dtype = np.dtype(table.dtype).newbyteorder("<")
    return np.frombuffer(body, dtype=dtype).reshape(manifest.num_steps, table.num_columns)


def _signal_fields(layout: StoreLayout, manifest: Manifest) -> dict[str, Any]:
    tables = {table.name: read_table(layout, manifest, table) for table in TABLES}
    return signals_of_tables(tables) | {
        "policy_versions": manifest.policy_versions,
        "device_domains": manifest.device_domains,
    }


def _own_attribute(document: dict[str, Any]) -> object:
    attributes = document.get("attributes")
    return attributes.get("wvl") if isinstance(attributes, dict) else None


@contextmanager
def _damage(manifest: Manifest, place: str) -> Iterator[None]:
    """Name episode and file in whatever goes wrong inside."""
    try:
        yield
    except (ChunkError, DataError, OSError, MemoryError) as error:
        text = (error.strerror if isinstance(error, OSError) else None) or str(error)
        raise StoreError(
            f"episode {manifest.header.episode_id}: {place} is damaged: {text}. "
            f"`wvl episodes verify {manifest.header.episode_id}` names everything that is."
        ) from error
