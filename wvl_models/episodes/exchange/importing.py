"""Episodes out of a LeRobot data set into a store, one by one, each committed for good.

A second import of the same data set adds what is missing and touches nothing else, so an
interrupted one is continued by the same command.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from wvl_models.contract.episode import EpisodeHeader, Label
from wvl_models.contract.errors import StoreError
from wvl_models.episodes.arrays import EpisodeArrays
from wvl_models.episodes.records import Ending
from wvl_models.episodes.store import EpisodeStore


@dataclass(frozen=True, kw_only=True, slots=True)
class Arrival:
    """One episode on its way in."""

    header: EpisodeHeader
    arrays: Callable[[], EpisodeArrays]
    """Reads it; not called for what is there already."""
    ending: Ending = Ending.COMMITTED
    first_label: Label | None = None
    labels: tuple[Label, ...] = ()
    """All in force, oldest first; the first one may be among them."""
    digest: str = ""
    """What the episode was where it came from; empty where that is not known."""


@dataclass(frozen=True, kw_only=True, slots=True)
class ImportReport:
    """What became of a data set."""

    num_added: int
    num_present: int
    """Were in the store already."""
    num_identical: int
    """Of all of them: equal to the exported episode, byte for byte."""


def admit(
    store: EpisodeStore,
    arrivals: Iterator[Arrival],
    on_episode: Callable[[int], None] = lambda num_done: None,
) -> ImportReport:
    """Commit what is not there yet; StoreError at the first that cannot be, the others stay."""
    known = set(store.ids())
    num_added = num_present = num_identical = 0
    for number, arrival in enumerate(arrivals, start=1):
        episode_id = arrival.header.episode_id
        if episode_id in known:
            _require_same(store, arrival)
            num_present += 1
        else:
            store.add(arrival.header, arrival.arrays(), arrival.first_label, arrival.ending)
            num_added += 1
        _add_labels(store, episode_id, arrival.labels)
        num_identical += store.facts(episode_id).digest == arrival.digest
        on_episode(number)
    return ImportReport(num_added=num_added, num_present=num_present, num_identical=num_identical)


def _require_same(store: EpisodeStore, arrival: Arrival) -> None:
    """The episode of that name must have come from the same place."""
    there, here = store.header(arrival.header.episode_id), arrival.header
    if (there.notes, there.task, there.instruction) != (here.notes, here.task, here.instruction):
        raise StoreError(
            f"{store.root} has another episode {here.episode_id} already. Import into another "
            "store, or give these another --name."
        )


def _add_labels(store: EpisodeStore, episode_id: str, labels: tuple[Label, ...]) -> None:
    said = {event.label for event in store.labels.history(episode_id)}
    for label in labels:
        if label not in said:
            store.labels.add(episode_id, label)
