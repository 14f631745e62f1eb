"""Where things lie in a store.

store.json          what this folder is, and its schema version
lock                held by the one writer (`lock`)
labels.jsonl        every label and every withdrawal, in order (`labels`)
suggestions.jsonl   what predicates and models suggest; no label (`suggestions`)
index.jsonl         derived; may be deleted at any time (`index`)
episodes/<id>/      one Zarr v3 group per committed episode (`schema`); never rewritten
staging/<id>/       an episode being recorded, or what a crash left of one (`staging`)
    header.json  steps.jsonl  episode/
aside/<id>/         what `repair` could not use; never read again, never deleted
cache/              derived statistics
"""

import os
from dataclasses import dataclass
from pathlib import Path

from wvl_models.episodes.records import check_episode_id, is_episode_id
from wvl_models.episodes.schema import GROUP_DOCUMENT, chunk_file


@dataclass(frozen=True, slots=True)
class StoreLayout:
    """Paths below the root of one store."""

    root: Path

    @property
    def marker(self) -> Path:
        """The file that makes a folder a store."""
        return self.root / "store.json"

    @property
    def labels(self) -> Path:
        """The log of labels."""
        return self.root / "labels.jsonl"

    @property
    def suggestions(self) -> Path:
        """The log of suggestions."""
        return self.root / "suggestions.jsonl"

    @property
    def index(self) -> Path:
        """The derived index."""
        return self.root / "index.jsonl"

    @property
    def episodes(self) -> Path:
        """Folder of committed episodes."""
        return self.root / "episodes"

    @property
    def all_staging(self) -> Path:
        """Folder of episodes that are being recorded."""
        return self.root / "staging"

    @property
    def aside(self) -> Path:
        """Folder of what nothing reads."""
        return self.root / "aside"

    @property
    def cache(self) -> Path:
        """Folder of derived figures."""
        return self.root / "cache"

    def episode(self, episode_id: str) -> Path:
        """Group of a committed episode; StoreError for an id that is none."""
        return self.episodes / check_episode_id(episode_id)

    def staging(self, episode_id: str) -> "Staging":
        """Folders of an episode before its commit."""
        return Staging(self.all_staging / check_episode_id(episode_id))

    def folders_in(self, folder: Path) -> list[os.DirEntry[str]]:
        """Real folders (no links) with valid names, in no order."""
        with os.scandir(folder) as entries:
            return [entry for entry in entries if _is_episode_folder(entry)]

    def strays_in(self, folder: Path) -> tuple[str, ...]:
        """Names of everything else there."""
        with os.scandir(folder) as entries:
            return tuple(sorted(e.name for e in entries if not _is_episode_folder(e)))


@dataclass(frozen=True, slots=True)
class Staging:
    """Paths of one episode before its commit."""

    folder: Path

    @property
    def header(self) -> Path:
        """The header, written and synced before the first step."""
        return self.folder / "header.json"

    @property
    def steps(self) -> Path:
        """One line per complete step."""
        return self.folder / "steps.jsonl"

    @property
    def group(self) -> Path:
        """The Zarr group in the making; renamed into `episodes/` at commit."""
        return self.folder / "episode"

    @property
    def frames(self) -> Path:
        """The images so far."""
        return self.group / chunk_file("rgb")

    @property
    def manifest(self) -> Path:
        """Written last."""
        return self.group / GROUP_DOCUMENT


def _is_episode_folder(entry: os.DirEntry[str]) -> bool:
    return entry.is_dir(follow_symlinks=False) and is_episode_id(entry.name)
