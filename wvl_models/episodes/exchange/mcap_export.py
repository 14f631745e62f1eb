"""Episodes as MCAP files for Foxglove, one file each: pictures, poses, joints, transforms, plots.

The clock of a file is the wall clock: steps carry monotonic stamps, so the first tick is put at
the episode's `created_utc` and everything else keeps its distance from it.
"""

import json
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from pathlib import Path
from typing import Any

import numpy as np
from google.protobuf.message import Message
from mcap.writer import Writer
from mcap_protobuf.schema import register_schema

from wvl_models.contract.camera import F32
from wvl_models.contract.episode import EpisodeHeader
from wvl_models.contract.errors import ConfigError
from wvl_models.episodes.arrays import EpisodeArrays
from wvl_models.episodes.exchange import mcap_messages as messages
from wvl_models.episodes.exchange.lerobot_documents import finite
from wvl_models.episodes.exchange.pictures import decode_picture, encode_jpeg, encode_png
from wvl_models.episodes.exchange.staged import staged_folder
from wvl_models.episodes.exchange.video import Loss
from wvl_models.episodes.records import HeaderRecord
from wvl_models.episodes.views import EpisodeView

POSES = ("target", "decided", "sent")


class PictureCoding(StrEnum):
    """How images are kept in the file."""

    JPEG = "jpeg"
    """Quality 90; lossy."""
    PNG = "png"
    """Lossless."""


@dataclass(frozen=True, kw_only=True, slots=True)
class McapReport:
    """What was written, and what was lost."""

    num_episodes: int
    num_steps: int
    num_bytes: int
    images: PictureCoding
    psnr_db: float | None
    """Of all pictures against the stored ones; None where nothing was lost."""
    worst_psnr_db: float | None
    snapshot_id: str


def export_mcap(
    view: EpisodeView,
    target: Path,
    images: PictureCoding = PictureCoding.JPEG,
    on_episode: Callable[[int], None] = lambda num_done: None,
) -> McapReport:
    """Write `<id>.mcap` of each episode into the new folder `target`; complete or not at all.

    Holds one episode in memory. StoreError where one is damaged or the disk fails.
    """
    if not len(view):
        raise ConfigError("no episode is left to export; `wvl episodes ls` lists what there is.")
    loss, num_steps = Loss(), 0
    with staged_folder(target) as root:
        for number, episode_id in enumerate(view.ids, start=1):
            arrays = view.read(episode_id)
            with (root / f"{episode_id}.mcap").open("wb") as file:
                film = _Film(Writer(file), view.header(episode_id), arrays, images)
                film.describe(view, episode_id)
                loss = film.write(view.rewards(episode_id), loss)
            num_steps += arrays.num_steps
            on_episode(number)
        num_bytes = sum(path.stat().st_size for path in root.iterdir())
    return McapReport(
        num_episodes=len(view),
        num_steps=num_steps,
        num_bytes=num_bytes,
        images=images,
        psnr_db=finite(loss.psnr_db),
        worst_psnr_db=finite(loss.worst_psnr_db),
        snapshot_id=view.snapshot.snapshot_id,
    )


class _Film:
    """One file while it is written."""

    def __init__(
        self, writer: Writer, header: EpisodeHeader, arrays: EpisodeArrays, images: PictureCoding
    ) -> None:
        self._writer = writer
        self._header = header
        self._arrays = arrays
        self._images = images
        self._channels: dict[str, int] = {}
        begin_s = datetime.fromisoformat(header.created_utc).timestamp()
        self._offset_ns = round(begin_s * 1e9) - int(arrays.tick_ns[0])
        writer.start(library="world-vla-loop")

    def describe(self, view: EpisodeView, episode_id: str) -> None:
        """Header and labels: as metadata of the file, the labels also as messages."""
        facts = view.facts[episode_id]
        record = HeaderRecord.of(self._header).model_dump(mode="json")
        texts = {name: v if isinstance(v, str) else json.dumps(v) for name, v in record.items()}
        self._writer.add_metadata("wvl.episode", texts | {"digest": facts.digest})
        for label in view.labels.standing(episode_id):
            data = messages.label_message(label)
            self._json(
                "/label", messages.LABEL_SCHEMA, data, self._wall_ns(self._arrays.tick_ns[0])
            )

    def write(self, rewards: F32, loss: Loss) -> Loss:
        """All steps; returns `loss` with these pictures."""
        for step in range(self._arrays.num_steps):
            loss = self._picture(step, loss)
            self._robot(step)
            self._orders(step)
            data = messages.step_message(self._arrays, step, float(rewards[step]))
            tick_ns = self._wall_ns(self._arrays.tick_ns[step])
            self._json("/step", messages.STEP_SCHEMA, data, tick_ns)
        self._writer.finish()  # type: ignore[no-untyped-call]
        return loss

    def _picture(self, step: int, loss: Loss) -> Loss:
        rgb = self._arrays.rgb[step]
        stamp_ns = self._wall_ns(self._arrays.frame_ns[step])
        is_lossy = self._images is PictureCoding.JPEG
        data = encode_jpeg(rgb) if is_lossy else encode_png(rgb)
        self._message(
            "/camera/image", messages.image_message(data, self._images, stamp_ns), stamp_ns
        )
        calibration = messages.calibration_message(self._header.calibration, stamp_ns)
        self._message("/camera/calibration", calibration, stamp_ns)
        return loss.add(rgb, decode_picture(data, rgb.shape[:2])) if is_lossy else loss

    def _robot(self, step: int) -> None:
        """What was measured; a topic whose numbers are unknown does not exist."""
        arrays, stamp_ns = self._arrays, self._wall_ns(self._arrays.robot_ns[step])
        pose = None if np.isnan(arrays.ee_pose[step]).any() else arrays.ee_pose[step]
        transforms = messages.transforms_message(self._header.calibration, pose, stamp_ns)
        self._message("/tf", transforms, stamp_ns)
        if pose is not None:
            self._message("/ee/measured", messages.pose_message(pose, stamp_ns), stamp_ns)
        if not np.isnan(arrays.joint_positions_rad[step]).any():
            joints = messages.joints_message(arrays, step, stamp_ns)
            self._message("/joint_states", joints, stamp_ns)
        self._json("/robot", messages.ROBOT_SCHEMA, messages.robot_message(arrays, step), stamp_ns)

    def _orders(self, step: int) -> None:
        stamps = {"target": "tick_ns", "decided": "decided_ns", "sent": "sent_ns"}
        for name in POSES:
            stamp_ns = self._wall_ns(getattr(self._arrays, stamps[name])[step])
            row = getattr(self._arrays, name)[step]
            self._message(f"/ee/{name}", messages.pose_message(row, stamp_ns), stamp_ns)

    def _wall_ns(self, monotonic_ns: np.int64) -> int:
        return int(monotonic_ns) + self._offset_ns

    def _message(self, topic: str, message: Message, stamp_ns: int) -> None:
        if topic not in self._channels:
            schema = register_schema(self._writer, type(message))
            self._channels[topic] = self._writer.register_channel(topic, "protobuf", schema)
        self._add(topic, message.SerializeToString(), stamp_ns)

    def _json(self, topic: str, schema: dict[str, Any], data: bytes, stamp_ns: int) -> None:
        """Any: JSON."""
        if topic not in self._channels:
            text = json.dumps(schema).encode()
            number = self._writer.register_schema(schema["title"], "jsonschema", text)
            self._channels[topic] = self._writer.register_channel(topic, "json", number)
        self._add(topic, data, stamp_ns)

    def _add(self, topic: str, data: bytes, stamp_ns: int) -> None:
        channel = self._channels[topic]
        self._writer.add_message(channel, log_time=stamp_ns, data=data, publish_time=stamp_ns)
