"""Ways to damage a committed episode on the disk; each says which file a check must name.

A mutation takes the episode's folder and a generator and returns the path, inside the episode,
that must be named.
"""

import hashlib
import json
import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from wvl_models.episodes.records import canonical_json, render_document
from wvl_models.episodes.schema import (
    ARRAYS,
    GROUP_DOCUMENT,
    TABLES,
    array_document,
    chunk_file,
)

Mutation = Callable[[Path, np.random.Generator], str]

_CHUNKS = tuple(chunk_file(array) for array in ARRAYS)
_DOCUMENTS = (GROUP_DOCUMENT, *(f"{array}/{GROUP_DOCUMENT}" for array in ARRAYS))
_TABLE_DOCUMENTS = tuple(f"{table.name}/{GROUP_DOCUMENT}" for table in TABLES)
_TRILLION = 10**12


def _pick(draw: np.random.Generator, paths: tuple[str, ...]) -> str:
    return paths[int(draw.integers(len(paths)))]


def _missing(folder: Path, draw: np.random.Generator) -> str:
    path = _pick(draw, _CHUNKS + _DOCUMENTS)
    (folder / path).unlink()
    return path


def _truncated(folder: Path, draw: np.random.Generator) -> str:
    path = _pick(draw, _CHUNKS + _DOCUMENTS)
    size = (folder / path).stat().st_size
    os.truncate(folder / path, int(draw.integers(1, size)))
    return path


def _empty(folder: Path, draw: np.random.Generator) -> str:
    path = _pick(draw, _CHUNKS + _DOCUMENTS)
    os.truncate(folder / path, 0)
    return path


def _flipped(folder: Path, draw: np.random.Generator) -> str:
    """One to eight bits that differ from each other."""
    path = _pick(draw, _CHUNKS + _DOCUMENTS)
    data = bytearray((folder / path).read_bytes())
    num_flips = int(draw.integers(1, 9))
    for bit in draw.choice(8 * len(data), num_flips, replace=False).tolist():
        data[bit // 8] ^= 1 << bit % 8
    (folder / path).write_bytes(data)
    return path


def _grown(folder: Path, draw: np.random.Generator) -> str:
    path = _pick(draw, _CHUNKS + _DOCUMENTS)
    with (folder / path).open("ab") as file:
        file.write(draw.bytes(int(draw.integers(1, 100))))
    return path


def _bad_json(folder: Path, draw: np.random.Generator) -> str:
    path = _pick(draw, _DOCUMENTS)
    texts = ("", "{", "[]", "null", "[" * 100_000, '{"a":' * 10_000, "\x00", '{"shape": NaN}')
    (folder / path).write_text(texts[int(draw.integers(len(texts)))])
    return path


def _edit(folder: Path, path: str, **changes: Any) -> str:
    document = json.loads((folder / path).read_bytes())
    (folder / path).write_bytes(render_document(document | changes))
    return path


def _huge_shape(folder: Path, draw: np.random.Generator) -> str:
    path = _pick(draw, _DOCUMENTS[1:])
    return _edit(folder, path, shape=[_TRILLION] * int(draw.integers(1, 5)))


def _huge_claim(folder: Path, draw: np.random.Generator) -> str:
    """The manifest and every document claim 20 TB, with digests that fit."""
    sizes = {"num_steps": 100_000, "height": 8192, "width": 8192}
    name = tuple(sizes)[int(draw.integers(3))]
    _forge(folder, **{name: sizes[name]})
    return ""


def _object_dtype(folder: Path, draw: np.random.Generator) -> str:
    path = _pick(draw, _DOCUMENTS[1:])
    dtype = ("object", "|O", "pickle", {"name": "numpy.object"})[int(draw.integers(4))]
    return _edit(folder, path, data_type=dtype)


def _pickle_codec(folder: Path, draw: np.random.Generator) -> str:
    path = _pick(draw, _DOCUMENTS[1:])
    return _edit(folder, path, codecs=[{"name": "numcodecs.pickle", "configuration": {}}])


def _version_2(folder: Path, draw: np.random.Generator) -> str:
    if draw.random() < 0.5:
        return _edit(folder, _pick(draw, _DOCUMENTS), zarr_format=2)
    path = _pick(draw, (".zgroup", ".zattrs", "rgb/.zarray", "floats/.zarray"))
    (folder / path).write_text('{"zarr_format": 2}')
    return path


def _link(folder: Path, draw: np.random.Generator) -> str:
    """A file becomes a link to itself elsewhere, or to a file of the machine."""
    path = _pick(draw, _CHUNKS + _DOCUMENTS)
    moved = folder.parent.parent.parent / "moved"
    (folder / path).rename(moved)
    (folder / path).symlink_to(moved if draw.random() < 0.5 else Path("/etc/passwd"))
    return path


def _linked_array(folder: Path, draw: np.random.Generator) -> str:
    array = _pick(draw, ARRAYS)
    moved = folder.parent.parent.parent / "moved"
    (folder / array).rename(moved)
    (folder / array).symlink_to(moved)
    return array


def _path_outside(folder: Path, draw: np.random.Generator) -> str:
    """The manifest names a file outside the episode, with a digest that fits."""
    outside = ("../../../outside", "/etc/passwd", "rgb/../../other/zarr.json", "..")
    document = json.loads((folder / GROUP_DOCUMENT).read_bytes())
    files = document["attributes"]["wvl"]["files"]
    record = files.pop(_pick(draw, _CHUNKS))
    _forge(folder, files=files | {_pick(draw, outside): record})
    return GROUP_DOCUMENT


def _stranger(folder: Path, draw: np.random.Generator) -> str:
    path = _pick(draw, ("c.1", "rgb/c.1.0.0.0", "floats/c/0", "data.pkl", "rgb/.hidden"))
    (folder / path).parent.mkdir(exist_ok=True)
    (folder / path).write_bytes(draw.bytes(20))
    return path.removesuffix("/0")


def _forge(folder: Path, **changes: Any) -> None:
    """Change the manifest, and every document and digest that would give the change away."""
    document = json.loads((folder / GROUP_DOCUMENT).read_bytes())
    manifest = document["attributes"]["wvl"] | changes
    size = (manifest["num_steps"], manifest["height"], manifest["width"])
    for array in ARRAYS:
        text = render_document(array_document(array, *size))
        (folder / array / GROUP_DOCUMENT).write_bytes(text)
    for path, record in manifest["files"].items():
        if (folder / path).is_file() and path in _CHUNKS + _DOCUMENTS:
            data = (folder / path).read_bytes()
            record |= {"num_bytes": len(data), "sha256": hashlib.sha256(data).hexdigest()}
    del manifest["digest"]
    manifest["digest"] = hashlib.sha256(canonical_json(manifest)).hexdigest()
    document["attributes"]["wvl"] = manifest
    (folder / GROUP_DOCUMENT).write_bytes(render_document(document))


MUTATIONS: Mapping[str, Mutation] = {
    "missing": _missing,
    "truncated": _truncated,
    "zero length": _empty,
    "flipped bits": _flipped,
    "grown": _grown,
    "bad JSON": _bad_json,
    "huge shape": _huge_shape,
    "huge claim": _huge_claim,
    "object dtype": _object_dtype,
    "pickle codec": _pickle_codec,
    "version 2": _version_2,
    "link": _link,
    "linked array": _linked_array,
    "path outside": _path_outside,
    "stranger": _stranger,
}
