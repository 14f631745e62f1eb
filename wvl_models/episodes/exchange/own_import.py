"""Episodes of our own exports come back as they were: from the columns `wvl.*`, bit for bit.

Images are what the export made of them: equal after png, decoded video otherwise.
"""

import json
from collections.abc import Iterator
from functools import partial

from wvl_models.contract.errors import StoreError
from wvl_models.episodes.arrays import EpisodeArrays
from wvl_models.episodes.exchange import lerobot_format as layout
from wvl_models.episodes.exchange.importing import Arrival
from wvl_models.episodes.exchange.lerobot_dataset import LeRobotDataSet
from wvl_models.episodes.exchange.lerobot_format import OwnEpisode, own_signals
from wvl_models.episodes.exchange.lerobot_info import Entry
from wvl_models.episodes.records import parse_record


def own_arrivals(data_set: LeRobotDataSet) -> Iterator[Arrival]:
    """Every episode of a data set that `wvl episodes export` wrote."""
    assert data_set.own is not None
    camera = data_set.own.camera
    for entry in data_set.entries():
        own = _own_record(data_set, entry)
        yield Arrival(
            header=own.header.value(),
            arrays=partial(_arrays, data_set, entry, own, camera),
            ending=own.ending,
            first_label=None if own.first_label is None else own.first_label.value(),
            labels=tuple(label.value() for label in own.labels),
            digest=own.digest,
        )


def _own_record(data_set: LeRobotDataSet, entry: Entry) -> OwnEpisode:
    source = f"{data_set.root}: episode {entry.index}: wvl/record"
    try:
        data = json.loads(entry.own or "")
    except (ValueError, RecursionError) as error:
        raise StoreError(f"{source} is missing or damaged ({error}).") from error
    return parse_record(data, OwnEpisode, source=source)


def _arrays(data_set: LeRobotDataSet, entry: Entry, own: OwnEpisode, camera: str) -> EpisodeArrays:
    names = {signal.name: layout.OWN + signal.name for _, signal in own_signals()}
    columns = data_set.read_columns(entry, list(names.values()))
    return EpisodeArrays(
        rgb=data_set.read_images(entry, camera),
        policy_versions=own.policy_versions,
        device_domains=own.device_domains,
        **{name: columns[column] for name, column in names.items()},
    )
