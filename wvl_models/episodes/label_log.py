"""The log behind the labels, `labels.jsonl`: one record per label and per withdrawal."""

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

from pydantic import Field

from wvl_models.contract.episode import Label
from wvl_models.episodes.filesystem import FileSystem
from wvl_models.episodes.record_log import Content, RecordLog
from wvl_models.episodes.records import EpisodeId, IsoTime, LabelRecord, Record, parse_record


@dataclass(frozen=True, kw_only=True, slots=True)
class LabelEvent:
    """Somebody labelled an episode or took a label back."""

    episode_id: str
    author: str
    stamp_utc: str
    label: Label | None
    """None: the author's label in force is withdrawn."""


class _EventRecord(Record):
    """A `LabelEvent`."""

    episode_id: EpisodeId
    author: Annotated[str, Field(min_length=1)]
    stamp_utc: IsoTime
    label: LabelRecord | None


class LabelLog:
    """Reads and appends events; see `RecordLog`. Safe to call from several threads."""

    def __init__(self, files: FileSystem, path: Path) -> None:
        self._log = RecordLog(files, path, _event)

    @property
    def path(self) -> Path:
        """The file."""
        return self._log.path

    def events(self) -> list[LabelEvent | None]:
        """See `RecordLog.values`."""
        return self._log.values()

    def append(self, event: LabelEvent) -> None:
        """Add one event; on the disk when this returns."""
        content = {
            "episode_id": event.episode_id,
            "author": event.author,
            "stamp_utc": event.stamp_utc,
            "label": None if event.label is None else LabelRecord.of(event.label),
        }
        record = parse_record(content, _EventRecord, source="the label")
        self._log.append(record.model_dump(mode="json"))

    def repair(self, keep_original: Path) -> int:
        """See `RecordLog.repair`."""
        return self._log.repair(keep_original)


def _event(content: Content, source: str) -> LabelEvent:
    record = parse_record(content, _EventRecord, source=source)
    return LabelEvent(
        episode_id=record.episode_id,
        author=record.author,
        stamp_utc=record.stamp_utc,
        label=None if record.label is None else record.label.value(),
    )
