"""The bytes on disk against zarr-python, in both directions."""

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import zarr
from zarr.codecs import BytesCodec, Crc32cCodec, ShardingCodec, ZstdCodec

from wvl_models.contract.episode import EpisodeHeader
from wvl_models.episodes import chunks
from wvl_models.episodes.chunks import ChunkError
from wvl_models.episodes.examples import example_arrays
from wvl_models.episodes.schema import ARRAYS, TABLES, Table, array_document, chunk_file
from wvl_models.episodes.store import EpisodeStore

MakeHeader = Callable[..., EpisodeHeader]


@pytest.fixture
def group(store: EpisodeStore, header: MakeHeader, rng: np.random.Generator) -> zarr.Group:
    store.add(header("a"), example_arrays(rng, 7))
    opened = zarr.open(store.root / "episodes" / "a", mode="r")
    assert isinstance(opened, zarr.Group)
    return opened


def test_plain_zarr_reads_what_the_store_wrote(group: zarr.Group, store: EpisodeStore) -> None:
    arrays = store.read("a")
    assert {name for name, _ in group.arrays()} == set(ARRAYS)
    assert np.array_equal(group["rgb"][:], arrays.rgb)
    for name, table in arrays.tables().items():
        assert np.array_equal(group[name][:], table, equal_nan=True)


def test_attributes_say_which_columns_are_what(group: zarr.Group, store: EpisodeStore) -> None:
    first, last = group["floats"].attrs["signals"]["decided"]["columns"]
    assert np.array_equal(group["floats"][:, first:last], store.read("a").decided)
    assert group["integers"].attrs["legend"]["verdict"]["REFUSE"] == 2


def test_header_is_readable_with_plain_zarr(group: zarr.Group) -> None:
    manifest = group.attrs["wvl"]
    assert manifest["header"]["task"] == "cube_on_plate"
    assert manifest["num_steps"] == 7


def test_every_array_carries_a_checksum_codec(group: zarr.Group) -> None:
    for _, array in group.arrays():
        codecs = json.dumps([codec.to_dict() for codec in array.metadata.codecs])
        assert '"crc32c"' in codecs


def test_black_frames_are_stored_and_not_left_out(
    store: EpisodeStore, header: MakeHeader, rng: np.random.Generator
) -> None:
    arrays = example_arrays(rng, 4)
    store.add(header("a"), replace(arrays, rgb=np.zeros_like(arrays.rgb)))
    shard = (store.root / "episodes" / "a" / chunk_file("rgb")).read_bytes()
    assert b"\xff" * 16 not in shard  # Zarr's mark of an inner chunk that was left out
    assert store.verify("a") == ()


def test_frames_written_by_zarr_python_are_decoded(
    tmp_path: Path, rng: np.random.Generator
) -> None:
    rgb = rng.integers(0, 256, (3, 6, 8, 3), dtype=np.uint8)
    sharding = ShardingCodec(
        chunk_shape=(1, 6, 8, 3), codecs=[BytesCodec(), ZstdCodec(level=1), Crc32cCodec()]
    )
    array = zarr.create_array(
        tmp_path / "theirs", shape=rgb.shape, chunks=rgb.shape, dtype="uint8",
        serializer=sharding, compressors=None, filters=None,
    )  # fmt: skip
    array[:] = rgb
    shard = (tmp_path / "theirs" / "c" / "0" / "0" / "0" / "0").read_bytes()
    size = chunks.index_bytes(3)
    table = np.frombuffer(chunks.without_checksum(shard[-size:]), "<u8").reshape(3, 2)
    for step, (offset, length) in enumerate(table.tolist()):
        out = np.empty((6, 8, 3), np.uint8)
        body = chunks.frame_body(shard[offset : offset + length], out.nbytes)
        chunks.decode_frame(body, out)
        assert np.array_equal(out, rgb[step])


@pytest.mark.parametrize("table", TABLES, ids=lambda table: table.name)
def test_tables_written_by_zarr_python_are_the_same_bytes(
    table: Table, tmp_path: Path, rng: np.random.Generator
) -> None:
    values = example_arrays(rng, 5).tables()[table.name]
    array = zarr.create_array(
        tmp_path / "theirs", shape=values.shape, chunks=values.shape, dtype=table.dtype,
        compressors=[Crc32cCodec()], filters=None,
    )  # fmt: skip
    array[:] = values
    theirs = (tmp_path / "theirs" / "c" / "0" / "0").read_bytes()
    assert theirs == chunks.with_checksum(values.tobytes())


def test_array_documents_are_those_that_zarr_python_writes_back(group: zarr.Group) -> None:
    for name, array in group.arrays():
        ours = array_document(name, 7, 6, 8)
        theirs = json.loads(json.dumps(array.metadata.to_dict(), default=str))
        assert {key: theirs[key] for key in ("shape", "data_type", "zarr_format")} == {
            key: ours[key] for key in ("shape", "data_type", "zarr_format")
        }


def test_a_frame_that_expands_to_another_size_is_refused_before_it_is_expanded() -> None:
    bomb = chunks.encode_frame(np.zeros((500, 500, 3), np.uint8))
    with pytest.raises(ChunkError, match="holds 750000 bytes where a frame has 12"):
        chunks.frame_body(bomb, 12)
