"""What is written for others appears under its name when it is complete, or not at all."""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from wvl_models.contract.errors import StoreError
from wvl_models.episodes.filesystem import FileSystem, store_errors


@contextmanager
def staged_folder(target: Path) -> Iterator[Path]:
    """A new folder beside `target` that becomes `target` when the block ends well.

    An exception or Ctrl-C removes it; what a killed process left is removed by the next export
    to the same place. StoreError where `target` exists or another process is writing it.
    """
    files = FileSystem()
    staging = target.with_name(f".{target.name}.part")
    with store_errors(f"write to {target}"):
        if os.path.lexists(target):
            raise StoreError(f"{target} exists already. Remove it, or choose another place.")
        target.parent.mkdir(parents=True, exist_ok=True)
        staging.mkdir(exist_ok=True)
        descriptor = _lock(staging, target)
        try:
            for left in staging.iterdir():
                files.remove(left)
            yield staging
            _sync_tree(files, staging)
            if os.path.lexists(target):
                raise StoreError(f"{target} has appeared meanwhile; nothing was replaced.")
            staging.rename(target)
            files.sync_folder(target.parent)
        finally:
            if staging.exists():
                files.remove(staging)
            os.close(descriptor)


@contextmanager
def staged_file(target: Path) -> Iterator[Path]:
    """A path beside `target` to write a file to; it becomes `target` when the block ends well."""
    staging = target.with_name(f".{target.stem}.{os.getpid()}.part{target.suffix}")
    with store_errors(f"write {target}"):
        if os.path.lexists(target):
            raise StoreError(f"{target} exists already. Remove it, or choose another name.")
        try:
            yield staging
            _sync_file(FileSystem(), staging)
            staging.rename(target)
        finally:
            staging.unlink(missing_ok=True)


def _lock(staging: Path, target: Path) -> int:
    """Descriptor of the folder, locked; the kernel lets go of it when the process dies."""
    descriptor = os.open(staging, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        os.close(descriptor)
        raise StoreError(f"{target} is being written by another process. Wait for it.") from error
    return descriptor


def _sync_tree(files: FileSystem, folder: Path) -> None:
    for path in folder.iterdir():
        if path.is_dir():
            _sync_tree(files, path)
        else:
            _sync_file(files, path)
    files.sync_folder(folder)


def _sync_file(files: FileSystem, path: Path) -> None:
    descriptor = files.reopen(path)
    try:
        files.sync(descriptor)
    finally:
        files.close(descriptor)
