"""Commit an episode that already lies in memory: same files, same guarantees as a recording."""

import logging

from wvl_models.contract.episode import EpisodeHeader, Label
from wvl_models.contract.errors import StoreError
from wvl_models.episodes.arrays import EpisodeArrays
from wvl_models.episodes.filesystem import FileSystem, store_errors
from wvl_models.episodes.frames import FrameWriter
from wvl_models.episodes.layout import StoreLayout
from wvl_models.episodes.records import Ending, HeaderRecord, Manifest
from wvl_models.episodes.schema import RGB
from wvl_models.episodes.sealing import Recording, admit_label, seal

_LOGGER = logging.getLogger(__name__)


def add_episode(
    files: FileSystem,
    layout: StoreLayout,
    header: EpisodeHeader,
    arrays: EpisodeArrays,
    label: Label | None,
    ending: Ending,
) -> Manifest:
    """Write and seal; StoreError: nothing is committed. A crash leaves nothing worth keeping."""
    HeaderRecord.of(header)
    label = None if label is None else admit_label(label, arrays.num_steps)
    staging = layout.staging(header.episode_id)
    try:
        with store_errors(f"add episode {header.episode_id}"):
            for folder in (staging.folder, staging.group, staging.group / RGB):
                files.make_folder(folder)
            return _write(files, layout, header, arrays, label, ending)
    except StoreError:
        try:
            files.remove(staging.folder)
        except OSError as error:
            _LOGGER.warning("%s stays until the next repair: %s", staging.folder, error)
        raise


def _write(
    files: FileSystem,
    layout: StoreLayout,
    header: EpisodeHeader,
    arrays: EpisodeArrays,
    label: Label | None,
    ending: Ending,
) -> Manifest:
    frames = FrameWriter.create(files, layout.staging(header.episode_id).frames)
    try:
        for rgb in arrays.rgb:
            frames.append(rgb)
        recording = Recording(
            header=header,
            signals=arrays,
            frames=frames,
            image_shape=(arrays.rgb.shape[1], arrays.rgb.shape[2]),
            label=label,
            ending=ending,
        )
        return seal(files, layout, recording)
    finally:
        frames.close()
