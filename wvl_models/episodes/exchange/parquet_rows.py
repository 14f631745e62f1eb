"""Rows of one episode in a parquet file of others, and their numbers."""

from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from numpy.typing import NDArray

from wvl_models.contract.errors import DataError
from wvl_models.episodes.exchange.lerobot_info import Feature

_MAX_GROUP_BYTES = 4 << 30
"""Of one row group, unpacked; LeRobot keeps whole files at 100 MB."""


def groups_of(file: pq.ParquetFile, episode: int) -> list[int]:
    """Row groups that may hold rows of an episode, by the figures that parquet keeps."""
    metadata = file.metadata
    position = metadata.schema.names.index("episode_index") if metadata.num_columns else -1
    groups = []
    for group in range(metadata.num_row_groups):
        about = metadata.row_group(group)
        if about.total_byte_size > _MAX_GROUP_BYTES:
            raise DataError(f"row group {group} has {about.total_byte_size} bytes")
        figures = about.column(position).statistics
        if figures is None or not figures.has_min_max or figures.min <= episode <= figures.max:
            groups.append(group)
    return groups


def numbers_of(column: pa.ChunkedArray, feature: Feature) -> NDArray[Any]:
    """[T] or [T, width] (Any: the feature's dtype); DataError for gaps and uneven rows."""
    if column.null_count:
        raise DataError("a column has gaps")
    num_steps = len(column)
    while pa.types.is_list(column.type) or pa.types.is_fixed_size_list(column.type):
        column = pc.list_flatten(column)
    values = column.to_numpy()
    if values.dtype.kind not in "biuf" or len(values) != num_steps * feature.width:
        raise DataError(f"a column does not hold the announced {list(feature.shape)} numbers")
    return values if feature.width == 1 else values.reshape(num_steps, feature.width)
