"""Every damage is named for what it is. Random damages: row 13 of the fault plan."""

import hashlib
import json
import os
import resource
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from wvl_models.contract.episode import EpisodeHeader
from wvl_models.contract.errors import StoreError
from wvl_models.episodes.examples import example_arrays
from wvl_models.episodes.records import canonical_json, render_document
from wvl_models.episodes.schema import ARRAYS, array_document, chunk_file
from wvl_models.episodes.store import EpisodeStore
from wvl_models.episodes.verify import DamageKind

MakeHeader = Callable[..., EpisodeHeader]
NUM_STEPS = 6
RGB = chunk_file("rgb")


@pytest.fixture
def folder(store: EpisodeStore, header: MakeHeader, rng: np.random.Generator) -> Path:
    store.add(header("a"), example_arrays(rng, NUM_STEPS))
    return store.root / "episodes" / "a"


def flip(path: Path, byte: int, bit: int = 0) -> None:
    data = bytearray(path.read_bytes())
    data[byte] ^= 1 << bit
    path.write_bytes(data)


def append(path: Path, data: bytes) -> None:
    path.write_bytes(path.read_bytes() + data)


def edit(path: Path, **changes: object) -> None:
    document = json.loads(path.read_text())
    path.write_text(json.dumps(document | changes))


def forge(folder: Path, **changes: object) -> None:
    """Change the manifest and every document and digest that would give the change away."""
    document = json.loads((folder / "zarr.json").read_text())
    manifest = document["attributes"]["wvl"] | changes
    for array in ARRAYS:
        size = (manifest["num_steps"], manifest["height"], manifest["width"])
        (folder / array / "zarr.json").write_bytes(render_document(array_document(array, *size)))
    for path, record in manifest["files"].items():
        data = (folder / path).read_bytes()
        record |= {"num_bytes": len(data), "sha256": hashlib.sha256(data).hexdigest()}
    del manifest["digest"]
    manifest["digest"] = hashlib.sha256(canonical_json(manifest)).hexdigest()
    document["attributes"]["wvl"] = manifest
    (folder / "zarr.json").write_bytes(render_document(document))


def replace_by_link(path: Path) -> None:
    moved = path.parent.parent.parent.parent / f"moved-{path.name}"
    path.rename(moved)
    path.symlink_to(moved)


DAMAGES: dict[str, tuple[Callable[[Path], object], str, DamageKind]] = {
    "missing frames": (lambda f: (f / RGB).unlink(), RGB, DamageKind.MISSING),
    "missing table": (
        lambda f: (f / "floats" / "c.0.0").unlink(), "floats/c.0.0", DamageKind.MISSING,
    ),
    "missing array": (lambda f: shutil.rmtree(f / "floats"), "floats/c.0.0", DamageKind.MISSING),
    "truncated": (lambda f: os.truncate(f / RGB, 100), RGB, DamageKind.SIZE),
    "grown": (lambda f: append(f / RGB, b"x"), RGB, DamageKind.SIZE),
    "flipped in a frame": (lambda f: flip(f / RGB, 40), RGB, DamageKind.CHECKSUM),
    "flipped in the index": (lambda f: flip(f / RGB, -20), RGB, DamageKind.CHECKSUM),
    "flipped in a table": (
        lambda f: flip(f / "integers" / "c.0.0", 5), "integers/c.0.0", DamageKind.CHECKSUM,
    ),
    "zero length": (
        lambda f: (f / "integers" / "c.0.0").write_bytes(b""), "integers/c.0.0", DamageKind.EMPTY,
    ),
    "no JSON": (
        lambda f: (f / "rgb" / "zarr.json").write_text("{]"), "rgb/zarr.json", DamageKind.METADATA,
    ),
    "deep JSON": (
        lambda f: (f / "rgb" / "zarr.json").write_text("[" * 100_000),
        "rgb/zarr.json", DamageKind.METADATA,
    ),
    "huge shape": (
        lambda f: edit(f / "floats" / "zarr.json", shape=[10**12, 53]),
        "floats/zarr.json", DamageKind.METADATA,
    ),
    "other dtype": (
        lambda f: edit(f / "floats" / "zarr.json", data_type="float32"),
        "floats/zarr.json", DamageKind.METADATA,
    ),
    "object dtype": (
        lambda f: edit(f / "floats" / "zarr.json", data_type="object", codecs=[{"name": "pickle"}]),
        "floats/zarr.json", DamageKind.METADATA,
    ),
    "version 2": (
        lambda f: edit(f / "floats" / "zarr.json", zarr_format=2),
        "floats/zarr.json", DamageKind.METADATA,
    ),
    "respelled": (
        lambda f: append(f / "rgb" / "zarr.json", b" "),
        "rgb/zarr.json", DamageKind.METADATA,
    ),
    "extra file": (lambda f: (f / "c.1").write_text(""), "c.1", DamageKind.EXTRA),
    "extra chunk": (
        lambda f: (f / "rgb" / "c.1.0.0.0").write_text(""), "rgb/c.1.0.0.0", DamageKind.EXTRA,
    ),
    "extra array": (lambda f: (f / "more").mkdir(), "more", DamageKind.EXTRA),
    "version 2 beside": (lambda f: (f / ".zgroup").write_text("{}"), ".zgroup", DamageKind.EXTRA),
    "linked file": (lambda f: replace_by_link(f / RGB), RGB, DamageKind.LINK),
    "linked array": (lambda f: replace_by_link(f / "rgb"), "rgb", DamageKind.LINK),
    "pipe": (
        lambda f: ((f / RGB).unlink(), os.mkfifo(f / RGB)), RGB, DamageKind.LINK,
    ),
    "group edited": (
        lambda f: edit(f / "zarr.json", zarr_format=2), "zarr.json", DamageKind.METADATA,
    ),
    "group missing": (lambda f: (f / "zarr.json").unlink(), "zarr.json", DamageKind.METADATA),
    "group emptied": (
        lambda f: (f / "zarr.json").write_text("{}"), "zarr.json", DamageKind.METADATA,
    ),
    "group too large": (
        lambda f: os.truncate(f / "zarr.json", 1 << 32), "zarr.json", DamageKind.METADATA,
    ),
    "forged steps": (
        lambda f: forge(f, num_steps=100_000), "zarr.json", DamageKind.CONTENT,
    ),
    "forged steps beyond limit": (
        lambda f: forge(f, num_steps=10**12), "zarr.json", DamageKind.METADATA,
    ),
    "forged image": (lambda f: forge(f, height=8192, width=8192), RGB, DamageKind.CONTENT),
    "forged version": (lambda f: forge(f, schema_version=2), "zarr.json", DamageKind.METADATA),
    "forged files": (lambda f: forge(f, files={}), "zarr.json", DamageKind.METADATA),
}  # fmt: skip


@pytest.mark.parametrize("name", DAMAGES)
def test_names_every_damage(store: EpisodeStore, folder: Path, name: str) -> None:
    damage, path, kind = DAMAGES[name]
    damage(folder)
    found = {(item.path, item.kind) for item in EpisodeStore(store.root).verify("a")}
    assert (path, kind) in found


UNREADABLE = ("zarr.json", "rgb", RGB, "integers/c.0.0")
"""Files without which there is nothing to read; the arrays' `zarr.json` are for other readers."""


@pytest.mark.parametrize("name", [name for name in DAMAGES if DAMAGES[name][1] in UNREADABLE])
def test_refuses_to_read_what_is_damaged(store: EpisodeStore, folder: Path, name: str) -> None:
    DAMAGES[name][0](folder)
    with pytest.raises(StoreError, match="episode a: "):
        EpisodeStore(store.root).read("a")


def test_names_the_damaged_frames(store: EpisodeStore, folder: Path) -> None:
    size = (folder / RGB).stat().st_size
    flip(folder / RGB, size // 2)
    (damage,) = store.verify("a")
    assert "frames" in damage.detail
    assert damage.path == RGB


def test_names_all_damages_at_once(store: EpisodeStore, folder: Path) -> None:
    flip(folder / RGB, 30)
    (folder / "floats" / "c.0.0").unlink()
    (folder / "junk").write_text("x")
    kinds = [damage.kind for damage in store.verify("a")]
    assert sorted(kinds) == [DamageKind.CHECKSUM, DamageKind.EXTRA, DamageKind.MISSING]


def test_an_episode_that_is_a_link_is_no_episode(
    store: EpisodeStore, folder: Path, tmp_path: Path
) -> None:
    folder.rename(tmp_path / "elsewhere")
    folder.symlink_to(tmp_path / "elsewhere")
    assert store.ids() == ()
    assert store.strays() == ("a",)
    assert [damage.kind for damage in store.verify("a")] == [DamageKind.LINK]


def test_an_episode_under_another_name_is_refused(store: EpisodeStore, folder: Path) -> None:
    folder.rename(folder.parent / "b")
    with pytest.raises(StoreError, match="belongs to episode a"):
        store.read("b")


def test_forged_sizes_cost_no_memory(store: EpisodeStore, folder: Path) -> None:
    forge(folder, num_steps=100_000, height=8192, width=8192)  # claims 20 TB
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    assert store.verify("a") != ()
    with pytest.raises(StoreError):
        EpisodeStore(store.root).read("a")
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 20_000  # kB
