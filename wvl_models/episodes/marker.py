"""`store.json`: the file that makes a folder an episode store."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Literal

from wvl_models.contract.errors import StoreError
from wvl_models.episodes.filesystem import FileSystem, read_inside, store_errors
from wvl_models.episodes.layout import StoreLayout
from wvl_models.episodes.records import (
    MAX_DOCUMENT_BYTES,
    IsoTime,
    Record,
    parse_json,
    parse_record,
    render_document,
)
from wvl_models.episodes.schema import SCHEMA_VERSION


class _Marker(Record):
    """`store.json`."""

    kind: Literal["wvl-episode-store"]
    schema_version: int
    created_utc: IsoTime


def create_store(files: FileSystem, layout: StoreLayout) -> None:
    """Make an empty store in a new or empty folder; the marker comes last."""
    with store_errors(f"create an episode store at {layout.root}"):
        _make_root(files, layout.root)
        _refuse_strangers(layout)
        for folder in (layout.episodes, layout.all_staging):
            folder.mkdir(exist_ok=True)
        marker = _Marker(
            kind="wvl-episode-store",
            schema_version=SCHEMA_VERSION,
            created_utc=datetime.now(UTC).isoformat(timespec="seconds"),
        )
        files.replace_file(layout.marker, render_document(marker.model_dump(mode="json")))


def check_store(layout: StoreLayout) -> None:
    """StoreError unless the root is a store that this software reads."""
    root = layout.root
    try:
        data = read_inside(root, (layout.marker.name,), limit=MAX_DOCUMENT_BYTES)
    except (FileNotFoundError, NotADirectoryError) as error:
        raise StoreError(
            f"{root} is not an episode store (it has no {layout.marker.name}). "
            "Name the folder of one, or record into a new one."
        ) from error
    except OSError as error:
        raise StoreError(f"cannot open the episode store at {root}: {error.strerror}.") from error
    document = parse_json(data, source=str(layout.marker))
    marker = parse_record(document, _Marker, source=str(layout.marker))
    if marker.schema_version > SCHEMA_VERSION:
        raise StoreError(
            f"{root} was written by a newer version of this software (schema "
            f"{marker.schema_version}, this one reads up to {SCHEMA_VERSION}). Update first."
        )
    for folder in (layout.episodes, layout.all_staging):
        if folder.is_symlink() or not folder.is_dir():
            raise StoreError(f"{folder} is missing or a link; it must be a real folder.")


def _make_root(files: FileSystem, root: Path) -> None:
    """The folder and those above it that are missing; their names are on the disk, too."""
    missing = [folder for folder in root.parents if not folder.exists()]
    root.mkdir(parents=True, exist_ok=True)
    for folder in (root, *missing):
        files.sync_folder(folder.absolute().parent)


def _refuse_strangers(layout: StoreLayout) -> None:
    """Leave a folder alone that holds other things than a `create` that died half-way."""
    ours = {layout.episodes.name, layout.all_staging.name}
    strangers = sorted(
        path.name
        for path in layout.root.iterdir()
        if path.name not in ours and not path.name.startswith(f".{layout.marker.name}.")
    )
    if strangers:
        raise StoreError(
            f"{layout.root} holds other things ({', '.join(strangers[:3])}); an episode store "
            "wants an empty folder of its own."
        )
