"""Find every damage of a committed episode and name it. Allocates nothing a damaged file claims."""

import hashlib
import json
import os
import stat
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from wvl_models.contract.errors import DataError, StoreError
from wvl_models.episodes.arrays import EpisodeSignals, signals_of_tables
from wvl_models.episodes.chunks import ChunkError
from wvl_models.episodes.filesystem import open_inside, read_at, read_inside
from wvl_models.episodes.frames import read_frames, read_index
from wvl_models.episodes.layout import StoreLayout
from wvl_models.episodes.reading import FILES, read_manifest, read_table
from wvl_models.episodes.records import MAX_DOCUMENT_BYTES, Manifest, check_episode_id
from wvl_models.episodes.schema import (
    ARRAYS,
    GROUP_DOCUMENT,
    RGB,
    TABLES,
    array_document,
    chunk_file,
)

_BLOCK_BYTES = 1 << 20


class DamageKind(StrEnum):
    """What is wrong with a file."""

    MISSING = "missing"
    EXTRA = "extra"
    LINK = "link"
    """A symbolic link or something else that is no file; never opened."""
    EMPTY = "empty"
    SIZE = "size"
    """Shorter or longer than it was written."""
    CHECKSUM = "checksum"
    METADATA = "metadata"
    """A `zarr.json` that is not what the schema asks for."""
    CONTENT = "content"
    """Bytes as written, but no valid episode."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Damage:
    """One damaged file of one episode."""

    episode_id: str
    path: str
    """Inside the episode; the folder before the slash is the array."""
    kind: DamageKind
    detail: str

    def __str__(self) -> str:
        return f"{self.episode_id}/{self.path}: {self.kind.value}: {self.detail}"


def verify_episode(layout: StoreLayout, episode_id: str) -> tuple[Damage, ...]:
    """Everything that is wrong with an episode; empty when it is as it was committed.

    StoreError only where there is no such episode at all.
    """
    folder = layout.episode(check_episode_id(episode_id))
    if not os.path.lexists(folder):
        raise StoreError(f"there is no episode {episode_id} in {layout.root}.")
    if not stat.S_ISDIR(folder.lstat().st_mode):
        return (_damage(episode_id, "", DamageKind.LINK, "the episode is not a real folder"),)
    damages = list(_strangers(layout, episode_id))
    try:
        manifest = read_manifest(layout, episode_id)
    except StoreError as error:
        return (*damages, _damage(episode_id, GROUP_DOCUMENT, DamageKind.METADATA, str(error)))
    named = {damage.path for damage in damages}
    for path in sorted(FILES - named):
        damages += _check_file(layout, manifest, path)
    if not damages:
        damages += _check_content(layout, manifest)
    return tuple(damages)


def _damage(episode_id: str, path: str, kind: DamageKind, detail: str) -> Damage:
    return Damage(episode_id=episode_id, path=path, kind=kind, detail=detail)


def _strangers(layout: StoreLayout, episode_id: str) -> Iterator[Damage]:
    """Whatever lies in the folder and is not a file of an episode."""
    known = FILES | {GROUP_DOCUMENT}
    folder = layout.episode(episode_id)
    for path, entry in _walk(folder, ""):
        is_folder = entry.is_dir(follow_symlinks=False)
        if is_folder and path in ARRAYS:
            continue
        if path in known or path in ARRAYS:
            if not entry.is_file(follow_symlinks=False):
                yield _damage(episode_id, path, DamageKind.LINK, "is not a plain file or folder")
        else:
            yield _damage(episode_id, path, DamageKind.EXTRA, "does not belong to the episode")


def _walk(folder: str | os.PathLike[str], prefix: str) -> Iterator[tuple[str, os.DirEntry[str]]]:
    """Entries of the episode's folder and of its arrays' folders; deeper ones are strangers."""
    with os.scandir(folder) as entries:
        for entry in sorted(entries, key=lambda e: e.name):
            path = f"{prefix}{entry.name}"
            yield path, entry
            if path in ARRAYS and entry.is_dir(follow_symlinks=False):
                yield from _walk(entry.path, f"{path}/")


def _check_file(layout: StoreLayout, manifest: Manifest, path: str) -> list[Damage]:
    episode_id = manifest.header.episode_id
    expected = manifest.files[path]
    try:
        with open_inside(layout.episodes, (episode_id, *path.split("/"))) as descriptor:
            size = os.fstat(descriptor).st_size
            if size == expected.num_bytes and _sha256(descriptor, size) == expected.sha256:
                return _check_document(layout, manifest, path)
    except FileNotFoundError:
        return [_damage(episode_id, path, DamageKind.MISSING, "the file is not there")]
    except OSError as error:
        return [_damage(episode_id, path, DamageKind.LINK, str(error.strerror))]
    if size == 0:
        return [_damage(episode_id, path, DamageKind.EMPTY, "the file is empty")]
    if path.endswith(GROUP_DOCUMENT):
        return _check_document(layout, manifest, path)
    if size != expected.num_bytes:
        detail = f"{size} bytes where {expected.num_bytes} belong"
        return [_damage(episode_id, path, DamageKind.SIZE, detail)]
    return [_damage(episode_id, path, DamageKind.CHECKSUM, _which_chunk(layout, manifest, path))]


def _check_document(layout: StoreLayout, manifest: Manifest, path: str) -> list[Damage]:
    """Compare an array's `zarr.json` with what the schema asks for; chunks have none."""
    if not path.endswith(GROUP_DOCUMENT):
        return []
    episode_id = manifest.header.episode_id
    array = path.split("/")[0]
    try:
        parts = (episode_id, array, GROUP_DOCUMENT)
        found = json.loads(read_inside(layout.episodes, parts, limit=MAX_DOCUMENT_BYTES))
    except (OSError, ValueError, RecursionError) as error:
        return [_damage(episode_id, path, DamageKind.METADATA, f"is not JSON ({error})")]
    expected = array_document(array, manifest.num_steps, manifest.height, manifest.width)
    if found == expected and _file_is(layout, manifest, path):
        return []
    detail = _first_difference(found, expected) or "is spelled differently"
    return [_damage(episode_id, path, DamageKind.METADATA, detail)]


def _file_is(layout: StoreLayout, manifest: Manifest, path: str) -> bool:
    parts = (manifest.header.episode_id, *path.split("/"))
    data = read_inside(layout.episodes, parts, limit=MAX_DOCUMENT_BYTES)
    return hashlib.sha256(data).hexdigest() == manifest.files[path].sha256


def _first_difference(found: Any, expected: dict[str, Any]) -> str:
    """Name the first field that differs (Any: JSON of unknown origin)."""
    if not isinstance(found, dict):
        return "is not a JSON object"
    for key in sorted(expected.keys() | found.keys()):
        if found.get(key) != expected.get(key):
            return f"{key} is {_short(found.get(key))} and should be {_short(expected.get(key))}"
    return ""


def _short(value: Any) -> str:
    """A value (Any: JSON) that fits into a line."""
    text = json.dumps(value)
    return text if len(text) <= 60 else text[:57] + "..."


def _which_chunk(layout: StoreLayout, manifest: Manifest, path: str) -> str:
    """Which frames of the images are damaged, or why a table is."""
    if path != chunk_file(RGB):
        table = next(t for t in TABLES if chunk_file(t.name) == path)
        try:
            read_table(layout, manifest, table)
        except StoreError:
            return "the checksum does not fit the data"
        return "the checksum fits, the digest does not: the file was rewritten"
    with open_inside(layout.episodes, (manifest.header.episode_id, *path.split("/"))) as descriptor:
        return _which_frames(descriptor, manifest)


def _which_frames(descriptor: int, manifest: Manifest) -> str:
    try:
        spans = read_index(descriptor, manifest.num_steps)
    except ChunkError as error:
        return f"the index of frames is damaged: {error}"
    damaged = []
    for step, span in enumerate(spans):
        try:
            read_frames(descriptor, [span], (manifest.height, manifest.width))
        except ChunkError:
            damaged.append(step)
    if not damaged:
        return "the checksums fit, the digest does not: the file was rewritten"
    return f"frames {', '.join(map(str, damaged[:10]))}" + (" and more" if damaged[10:] else "")


def _check_content(layout: StoreLayout, manifest: Manifest) -> list[Damage]:
    """A file as written may still hold what no episode can hold, if somebody forged the digests."""
    episode_id = manifest.header.episode_id
    try:
        tables = {table.name: read_table(layout, manifest, table) for table in TABLES}
        EpisodeSignals(
            **signals_of_tables(tables),
            policy_versions=manifest.policy_versions,
            device_domains=manifest.device_domains,
        )
    except (StoreError, DataError) as error:
        return [_damage(episode_id, GROUP_DOCUMENT, DamageKind.CONTENT, str(error))]
    path = chunk_file(RGB)
    with open_inside(layout.episodes, (episode_id, *path.split("/"))) as descriptor:
        try:
            for span in read_index(descriptor, manifest.num_steps):
                read_frames(descriptor, [span], (manifest.height, manifest.width))
        except ChunkError as error:
            return [_damage(episode_id, path, DamageKind.CONTENT, str(error))]
    return []


def _sha256(descriptor: int, size: int) -> str:
    digest = hashlib.sha256()
    for offset in range(0, size, _BLOCK_BYTES):
        digest.update(read_at(descriptor, offset, _BLOCK_BYTES))
    return digest.hexdigest()
