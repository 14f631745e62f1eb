"""A derived table of all committed episodes, so that 10,000 of them are listed in a moment.

Never the truth: every row can be read again from its episode's manifest, and is, as soon as the
folder is not the one the row was made from (inode, time of change). `index.jsonl` may be deleted.
"""

import logging
import os
import threading
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Annotated, Any

from pydantic import Field

from wvl_models.contract.episode import Label, Origin
from wvl_models.contract.errors import StoreError, WvlError
from wvl_models.episodes.filesystem import FileSystem, read_inside, store_errors
from wvl_models.episodes.journal import journal_line, parse_journal
from wvl_models.episodes.layout import StoreLayout
from wvl_models.episodes.reading import read_manifest
from wvl_models.episodes.records import Ending, Manifest, Record, parse_record
from wvl_models.episodes.schema import SCHEMA_VERSION

_LOGGER = logging.getLogger(__name__)

_MAX_INDEX_BYTES = 1 << 30

_REWRITE_ROWS = 16
"""A reader that had to open more episodes than this leaves a fresh index behind."""


@dataclass(frozen=True, kw_only=True, slots=True)
class EpisodeFacts:
    """What is known of a committed episode without opening it; never changes."""

    episode_id: str
    task: str
    instruction: str
    rig: str
    calibration_id: str
    operator: str
    origin: Origin
    created_utc: str
    seed: int | None
    num_steps: int
    rate_hz: float
    image_shape: tuple[int, int]
    policy_versions: tuple[str, ...]
    ending: Ending
    num_bytes: int
    digest: str
    first_label: Label | None

    @classmethod
    def of(cls, manifest: Manifest) -> "EpisodeFacts":
        """The facts in a manifest."""
        header = manifest.header
        copied = ("episode_id", "task", "instruction", "rig", "operator", "origin", "created_utc")
        return cls(
            **{name: getattr(header, name) for name in (*copied, "seed", "rate_hz")},
            calibration_id=header.calibration.calibration_id,
            num_steps=manifest.num_steps,
            image_shape=(manifest.height, manifest.width),
            policy_versions=manifest.policy_versions,
            ending=manifest.ending,
            num_bytes=manifest.num_bytes,
            digest=manifest.digest,
            first_label=None if manifest.first_label is None else manifest.first_label.value(),
        )


_Stamp = tuple[int, int]
"""Inode and time of change (ns) of an episode's folder."""


class _Row(Record):
    """A line of the index."""

    version: Annotated[int, Field(ge=SCHEMA_VERSION, le=SCHEMA_VERSION)]
    stamp: _Stamp
    facts: EpisodeFacts


class EpisodeIndex:
    """All committed episodes of one store. Safe to call from several threads."""

    def __init__(self, files: FileSystem, layout: StoreLayout) -> None:
        self._files = files
        self._layout = layout
        self._mutex = threading.Lock()
        self._stored: dict[str, tuple[_Stamp, EpisodeFacts]] | None = None

    def facts(self) -> tuple[dict[str, EpisodeFacts], dict[str, str]]:
        """Episodes by id, sorted, and those that cannot be read with the reason."""
        with self._mutex, store_errors(f"list the episodes of {self._layout.root}"):
            is_first = self._stored is None
            stored = self._load() if self._stored is None else self._stored
            self._stored, damaged, num_read = self._refreshed(stored)
            if is_first and num_read >= _REWRITE_ROWS:
                self._rewrite(self._stored)
            return {name: facts for name, (_, facts) in sorted(self._stored.items())}, damaged

    def add(self, manifest: Manifest) -> None:
        """Note a new episode; called by the writer. A failure costs only time later."""
        facts = EpisodeFacts.of(manifest)
        try:
            stamp = _stamp(self._layout.episode(facts.episode_id).lstat())
            with self._mutex, self._layout.index.open("ab") as file:
                file.write(_row(stamp, facts))
        except OSError as error:
            _LOGGER.warning("the index of %s is not updated: %s", self._layout.root, error)

    def _refreshed(
        self, stored: Mapping[str, tuple[_Stamp, EpisodeFacts]]
    ) -> tuple[dict[str, tuple[_Stamp, EpisodeFacts]], dict[str, str], int]:
        """Rows of what is on the disk now, the damaged, and how many had to be opened."""
        rows: dict[str, tuple[_Stamp, EpisodeFacts]] = {}
        damaged: dict[str, str] = {}
        num_read = 0
        for entry in self._layout.folders_in(self._layout.episodes):
            try:
                stamp = _stamp(entry.stat(follow_symlinks=False))
            except FileNotFoundError:  # set aside in this moment
                continue
            known = stored.get(entry.name)
            if known is not None and known[0] == stamp:
                rows[entry.name] = known
                continue
            num_read += 1
            try:
                manifest = read_manifest(self._layout, entry.name)
            except StoreError as error:
                if os.path.lexists(entry.path):
                    damaged[entry.name] = str(error)
            else:
                rows[entry.name] = (stamp, EpisodeFacts.of(manifest))
        return rows, damaged, num_read

    def _load(self) -> dict[str, tuple[_Stamp, EpisodeFacts]]:
        try:
            name = self._layout.index.name
            text = parse_journal(read_inside(self._layout.root, (name,), limit=_MAX_INDEX_BYTES))
            rows = [_parse_row(record) for record in text.records]
        except (OSError, WvlError) as error:
            if not isinstance(error, FileNotFoundError):
                _LOGGER.warning("the index is unreadable and will be rebuilt: %s", error)
            return {}
        return {facts.episode_id: (stamp, facts) for stamp, facts in rows}

    def _rewrite(self, rows: Mapping[str, tuple[_Stamp, EpisodeFacts]]) -> None:
        data = b"".join(_row(stamp, facts) for stamp, facts in rows.values())
        try:
            self._files.replace_file(self._layout.index, data)
        except OSError as error:  # a reader may lack the permission
            _LOGGER.info("the index of %s is not rewritten: %s", self._layout.root, error)


def _stamp(state: os.stat_result) -> _Stamp:
    return state.st_ino, state.st_mtime_ns


def _row(stamp: _Stamp, facts: EpisodeFacts) -> bytes:
    return journal_line({"version": SCHEMA_VERSION, "stamp": stamp, "facts": asdict(facts)})


def _parse_row(record: dict[str, Any]) -> tuple[_Stamp, EpisodeFacts]:
    """Undo `_row` (Any: JSON); any error makes the caller rebuild the index."""
    row = parse_record(record, _Row, source="a row")
    return row.stamp, row.facts
