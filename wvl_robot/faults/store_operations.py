"""What a store is asked to do while a disk or a process dies, and which outcomes are allowed.

Every operation touches one episode. Interrupted, it may leave the state before it, the state
after it, or (recording) an ABORTED episode of the complete steps; never anything else.
"""

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

import numpy as np

from wvl_models.contract.episode import Label, Outcome, Step
from wvl_models.episodes.arrays import EpisodeArrays
from wvl_models.episodes.filesystem import FileSystem
from wvl_models.episodes.reading import parse_manifest
from wvl_models.episodes.records import Ending
from wvl_models.episodes.schema import GROUP_DOCUMENT
from wvl_models.episodes.store import EpisodeStore
from wvl_models.episodes.writer import EpisodeWriter
from wvl_robot.faults.promise import promise
from wvl_robot.faults.sample_store import (
    SUCCESS,
    EpisodeContent,
    digest_of,
    draw_steps,
    header_of,
    record,
)

FAILURE = Label(outcome=Outcome.FAILURE, author="bob")


class Deed(StrEnum):
    """What is done to the episode."""

    ADD = "add"
    RECORD = "record"
    ABORT = "abort"
    REPAIR = "repair"
    LABEL = "label"
    UNDO = "undo"
    SET_ASIDE = "set_aside"


@dataclass(frozen=True, kw_only=True, slots=True)
class Operation:
    """One deed on one episode."""

    deed: Deed
    episode_id: str
    steps: Sequence[Step]
    """Of the episode when it is whole."""

    def committed(self, *labels: tuple[str, Outcome]) -> EpisodeContent:
        """The whole episode with these labels in force."""
        return self._content(len(self.steps), Ending.COMMITTED, labels)

    def aborted(self, num_steps: int, ending: Ending) -> EpisodeContent:
        """The episode's beginning, as the store keeps it."""
        return self._content(num_steps, ending, (("store", Outcome.ABORTED),))

    def _content(
        self, num_steps: int, ending: Ending, labels: tuple[tuple[str, Outcome], ...]
    ) -> EpisodeContent:
        arrays = EpisodeArrays.from_steps(self.steps[:num_steps])
        return EpisodeContent(
            ending=ending, num_steps=num_steps, content=digest_of(arrays), labels=labels
        )


def draw_operation(draw: np.random.Generator, deed: Deed, episode_id: str) -> Operation:
    """A deed on an episode of one to four random steps."""
    steps = draw_steps(draw, int(draw.integers(1, 5)))
    return Operation(deed=deed, episode_id=episode_id, steps=steps)


def prepare(root: Path, files: FileSystem, operation: Operation) -> None:
    """What must be there before the deed."""
    with EpisodeStore(root, files) as store:
        match operation.deed:
            case Deed.LABEL | Deed.UNDO | Deed.SET_ASIDE:
                record(store, operation.episode_id, operation.steps)
            case Deed.REPAIR:  # what a recorder that died leaves
                _append_all(store, operation)


def perform(root: Path, files: FileSystem, operation: Operation) -> None:
    """The deed."""
    name = operation.episode_id
    with EpisodeStore(root, files) as store:
        match operation.deed:
            case Deed.ADD:
                store.add(header_of(name), EpisodeArrays.from_steps(operation.steps), SUCCESS)
            case Deed.RECORD:
                record(store, name, operation.steps)
            case Deed.ABORT:
                _append_all(store, operation).abort("asked to")
            case Deed.REPAIR:
                store.repair()
            case Deed.LABEL:
                store.labels.add(name, FAILURE)
            case Deed.UNDO:
                store.labels.undo(name, SUCCESS.author)
            case Deed.SET_ASIDE:
                store.set_aside(name)


def _append_all(store: EpisodeStore, operation: Operation) -> EpisodeWriter:
    writer = store.begin(header_of(operation.episode_id))
    for step in operation.steps:
        writer.append(step)
    return writer


_ANN = (SUCCESS.author, SUCCESS.outcome)
_BOB = (FAILURE.author, FAILURE.outcome)

_BEFORE: Mapping[Deed, Callable[[Operation], EpisodeContent | None]] = {
    deed: lambda operation: operation.committed(_ANN)
    for deed in (Deed.LABEL, Deed.UNDO, Deed.SET_ASIDE)
}
_AFTER: Mapping[Deed, Callable[[Operation], EpisodeContent | None]] = {
    Deed.ADD: lambda operation: operation.committed(_ANN),
    Deed.RECORD: lambda operation: operation.committed(_ANN),
    Deed.ABORT: lambda operation: operation.aborted(len(operation.steps), Ending.ABORTED),
    Deed.REPAIR: lambda operation: operation.aborted(len(operation.steps), Ending.RECOVERED),
    Deed.LABEL: lambda operation: operation.committed(_ANN, _BOB),
    Deed.UNDO: lambda operation: operation.committed(),
    Deed.SET_ASIDE: lambda operation: None,
}


def before(operation: Operation) -> EpisodeContent | None:
    """The episode before the deed; None: there is none that readers see."""
    make = _BEFORE.get(operation.deed)
    return None if make is None else make(operation)


def after(operation: Operation) -> EpisodeContent | None:
    """The episode when the deed was acknowledged."""
    return _AFTER[operation.deed](operation)


def remains(operation: Operation) -> list[EpisodeContent | None]:
    """What a repair may make of an interrupted recording: nothing, or any number of steps."""
    if operation.deed not in (Deed.RECORD, Deed.ABORT, Deed.REPAIR):
        return []
    endings = (Ending.ABORTED, Ending.RECOVERED)
    numbers = range(1, len(operation.steps) + 1)
    return [None, *(operation.aborted(n, ending) for n in numbers for ending in endings)]


def require_kept_aside(root: Path, operation: Operation) -> None:
    """What was set aside lies there, byte for byte; PromiseBrokenError otherwise."""
    name = operation.episode_id
    folder = root / "aside" / f"{name}.0"
    promise((folder / GROUP_DOCUMENT).is_file(), f"{name} is neither in the store nor aside")
    manifest = parse_manifest((folder / GROUP_DOCUMENT).read_bytes(), name)
    for path, expected in manifest.files.items():
        data = (folder / path).read_bytes() if (folder / path).is_file() else b""
        is_same = hashlib.sha256(data).hexdigest() == expected.sha256
        promise(is_same, f"{name}/{path} was damaged on its way aside")
