"""Tables into numbered parquet files, a new file when one is full."""

from pathlib import Path
from types import TracebackType
from typing import Self

import pyarrow as pa
import pyarrow.parquet as pq

from wvl_models.episodes.exchange.lerobot_format import FilePlace


class ParquetFiles:
    """`folder/chunk-NNN/file-NNN.parquet`; each table becomes one row group. Closes on exit."""

    def __init__(self, root: Path, folder: str, *, file_bytes: int) -> None:
        self._root = root
        self._folder = folder
        self._file_bytes = file_bytes
        self._place = FilePlace()
        self._writer: pq.ParquetWriter | None = None
        self._sink: pa.NativeFile | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._close()

    def place_of_next(self) -> FilePlace:
        """Which file the next table goes to."""
        if self._sink is not None and self._sink.tell() >= self._file_bytes:
            self._close()
            self._place = self._place.next()
        return self._place

    def write(self, table: pa.Table) -> FilePlace:
        """Append; returns which file it went to."""
        self.place_of_next()
        if self._writer is None:
            path = self._root.joinpath(*self._place.parts(self._folder, suffix="parquet"))
            path.parent.mkdir(parents=True, exist_ok=True)
            self._sink = pa.OSFile(str(path), "wb")
            self._writer = pq.ParquetWriter(self._sink, table.schema, compression="snappy")
        self._writer.write_table(table, row_group_size=max(len(table), 1))
        return self._place

    def _close(self) -> None:
        if self._writer is not None and self._sink is not None:
            self._writer.close()
            self._sink.close()
        self._writer = self._sink = None
