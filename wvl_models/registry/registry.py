"""The registry: immutable versions in folders, one of them current, every move on record.

    <root>/<kind>/<version>/          files and manifest.json, written once
    <root>/<kind>/current             the current version's name, replaced by rename
    <root>/<kind>/history.jsonl       promotions in order; rollback reads it

A version appears by rename and is never written again. Torch-free.
"""

import json
import os
import shutil
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from wvl_models.contract.errors import CheckpointError
from wvl_models.registry.manifest import (
    MANIFEST,
    VERSION_PATTERN,
    Canary,
    Kind,
    Manifest,
    Metric,
    digest_of,
    read_manifest,
    verify_files,
)

CURRENT, HISTORY = "current", "history.jsonl"


class Registry:
    """Versions below one root folder."""

    def __init__(self, root: Path) -> None:
        self.root = root

    def publish(
        self,
        kind: Kind,
        source: Path,
        *,
        factory: str,
        parent: str | None,
        commit: str,
        snapshot: str | None,
        configuration: dict[str, Any],
        metrics: Sequence[Metric] = (),
        canary: Canary | None = None,
    ) -> Manifest:
        """Copy the files of `source` into a new version; does not make it current.

        Raises CheckpointError where the disk refuses; nothing half-published remains.
        """
        home = self.root / kind
        staging = home / f".staging-{os.getpid()}"
        shutil.rmtree(staging, ignore_errors=True)
        try:
            staging.parent.mkdir(parents=True, exist_ok=True)
            shutil.copytree(source, staging, ignore=shutil.ignore_patterns(MANIFEST))
            files = {
                p.relative_to(staging).as_posix(): digest_of(p)
                for p in sorted(staging.rglob("*"))
                if p.is_file()
            }
            if not files:
                raise OSError(f"{source} holds no files")
            number = 1 + len(self.versions(kind))
            content = digest_of(staging / max(files, key=lambda n: (staging / n).stat().st_size))
            manifest = Manifest(
                kind=kind,
                factory=factory,
                version=f"{kind}-{number:04d}-{content[:8]}",
                parent=parent,
                created_utc=_now(),
                commit=commit,
                snapshot=snapshot,
                configuration=configuration,
                metrics=tuple(metrics),
                canary=canary,
                files=files,
            )
            (staging / MANIFEST).write_text(manifest.model_dump_json(indent=2))
            _sync_tree(staging)
            staging.rename(home / manifest.version)
            _sync(home)
        except OSError as error:
            shutil.rmtree(staging, ignore_errors=True)
            raise CheckpointError(
                f"cannot publish into {home}: {error}. Free space or choose another registry."
            ) from error
        return manifest

    def versions(self, kind: Kind) -> tuple[str, ...]:
        """Published versions, oldest first."""
        home = self.root / kind
        if not home.is_dir():
            return ()
        return tuple(sorted(p.parent.name for p in home.glob(f"[!.]*/{MANIFEST}")))

    def folder(self, kind: Kind, version: str) -> Path:
        """Folder of a version; raises CheckpointError that lists the known ones."""
        known = self.versions(kind)
        if not VERSION_PATTERN.fullmatch(version) or version not in known:
            listed = ", ".join(known) or "none"
            raise CheckpointError(f"no {kind} version '{version}' in {self.root}; known: {listed}.")
        return self.root / kind / version

    def manifest(self, kind: Kind, version: str) -> Manifest:
        """Manifest of a version; CheckpointError where it speaks of another one."""
        manifest = read_manifest(self.folder(kind, version))
        if (manifest.kind, manifest.version) != (kind, version):
            raise CheckpointError(
                f"{self.root / kind / version} holds the {manifest.kind} {manifest.version}; "
                "versions cannot be renamed."
            )
        return manifest

    def verify(self, kind: Kind, version: str) -> Path:
        """Folder of a version whose files are exactly what was published."""
        folder = self.folder(kind, version)
        verify_files(folder, self.manifest(kind, version))
        return folder

    def current(self, kind: Kind) -> str | None:
        """The current version, or None before the first promotion."""
        path = self.root / kind / CURRENT
        return path.read_text(encoding="utf-8").strip() if path.is_file() else None

    def promote(self, kind: Kind, version: str, *, reason: str) -> None:
        """Verify a version and make it current."""
        self._move(kind, version, reason, is_rollback=False)

    def roll_back(self, kind: Kind) -> str:
        """Make the version current that was current before; returns it.

        A second call goes back one further: a version that was rolled back from is not returned
        to but by `promote`.
        """
        now = self.current(kind)
        before = self._before(kind, now)
        if before is None:
            raise CheckpointError(f"no earlier {kind} version to roll back to in {self.root}.")
        self._move(kind, before, f"rollback from {now}", is_rollback=True)
        return before

    def _before(self, kind: Kind, now: str | None) -> str | None:
        """The version that was in force before `now`, by the promotions that still stand."""
        path = self.root / kind / HISTORY
        standing: list[str] = []
        for line in path.read_text(encoding="utf-8").splitlines() if path.exists() else []:
            try:
                event = json.loads(line)
                version, is_rollback = str(event["version"]), bool(event.get("is_rollback"))
            except (ValueError, KeyError, TypeError, AttributeError):  # torn by a crash
                continue
            if is_rollback and version in standing:
                del standing[len(standing) - standing[::-1].index(version) :]
            elif standing[-1:] != [version]:
                standing.append(version)
        if now not in standing:
            return None
        earlier = standing[: len(standing) - 1 - standing[::-1].index(now)]
        return earlier[-1] if earlier else None

    def _move(self, kind: Kind, version: str, reason: str, *, is_rollback: bool) -> None:
        self.verify(kind, version)
        home = self.root / kind
        event = {
            "version": version,
            "before": self.current(kind),
            "reason": reason,
            "is_rollback": is_rollback,
            "at": _now(),
        }
        with (home / HISTORY).open("a", encoding="utf-8") as log:
            log.write(json.dumps(event) + "\n")
            log.flush()
            os.fsync(log.fileno())
        fresh = home / f".{CURRENT}-{os.getpid()}"
        fresh.write_text(version + "\n", encoding="utf-8")
        _sync(fresh)
        fresh.replace(home / CURRENT)
        _sync(home)


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")


def _sync(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _sync_tree(folder: Path) -> None:
    for path in [*folder.rglob("*"), folder]:
        _sync(path)
