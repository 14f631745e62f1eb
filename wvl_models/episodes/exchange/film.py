"""One episode as a film for people: its frames, and under them what was going on."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw

from wvl_models.contract.camera import F32
from wvl_models.contract.errors import ConfigError
from wvl_models.contract.observation import U8
from wvl_models.contract.verdict import Reason, Verdict
from wvl_models.episodes.arrays import EpisodeArrays
from wvl_models.episodes.exchange.staged import staged_file
from wvl_models.episodes.exchange.video import Codec, VideoWriter
from wvl_models.episodes.views import EpisodeView

SUFFIXES = (".mp4", ".gif")

_LEAST_WIDTH = 480
"""Smaller frames are enlarged by whole numbers, so that the text below can be read."""

_LINE, _BAR, _MARGIN = 16, 10, 6

_PAPER, _INK, _GOOD, _BAD = (24, 24, 24), (230, 230, 230), (80, 200, 120), (240, 110, 90)


@dataclass(frozen=True, kw_only=True, slots=True)
class _Caption:
    """What stands below a frame."""

    lines: tuple[tuple[str, tuple[int, int, int]], ...]
    """Text and colour."""


def write_film(view: EpisodeView, episode_id: str, target: Path) -> float:
    """Write `target` (.mp4 or .gif), complete or not at all; returns its length in seconds."""
    if target.suffix not in SUFFIXES:
        raise ConfigError(f"a film ends in {' or '.join(SUFFIXES)}, not {target.name!r}.")
    arrays, header = view.read(episode_id), view.header(episode_id)
    rewards = view.rewards(episode_id)
    with staged_file(target) as path:
        frames = _frames(episode_id, arrays, rewards, header.rate_hz)
        if target.suffix == ".gif":
            _write_gif(path, frames, header.rate_hz)
        else:
            _write_mp4(path, frames, header.rate_hz)
    return arrays.num_steps / header.rate_hz


def _write_mp4(path: Path, frames: Iterator[U8], rate_hz: float) -> None:
    first = next(frames)
    writer = VideoWriter(path, Codec.H264, round(rate_hz), first.shape[:2])
    try:
        writer.append(first)
        for frame in frames:
            writer.append(frame)
    finally:
        writer.close()


def _write_gif(path: Path, frames: Iterator[U8], rate_hz: float) -> None:
    pictures = map(Image.fromarray, frames)
    next(pictures).save(
        path,
        "GIF",
        save_all=True,
        append_images=pictures,
        duration=round(1000.0 / rate_hz),
        loop=0,
    )


def _frames(episode_id: str, arrays: EpisodeArrays, rewards: F32, rate_hz: float) -> Iterator[U8]:
    scale = -(-_LEAST_WIDTH // arrays.rgb.shape[2])
    for step, rgb in enumerate(arrays.rgb):
        large = rgb.repeat(scale, axis=0).repeat(scale, axis=1)
        caption = _caption(episode_id, arrays, rewards, step, rate_hz)
        band = _band(caption, rewards, step, large.shape[1])
        picture = np.concatenate([large, band])
        yield np.pad(picture, [(0, picture.shape[0] % 2), (0, picture.shape[1] % 2), (0, 0)])


def _caption(
    episode_id: str, arrays: EpisodeArrays, rewards: F32, step: int, rate_hz: float
) -> _Caption:
    verdict, reason = Verdict(int(arrays.verdict[step])), Reason(int(arrays.reason[step]))
    width_m = float(arrays.gripper_width_m[step])
    opening = "not measured" if np.isnan(width_m) else f"{width_m * 1e3:.0f} mm"
    order = "open" if arrays.sent[step, 7] >= 0.5 else "closed"
    is_success = bool(rewards[step] > 0.5)
    said = verdict.name if reason is Reason.NONE else f"{verdict.name} {reason.name}"
    human = ", human" if arrays.is_intervention[step] else ""
    where = f"{episode_id}   step {step + 1} of {arrays.num_steps}   {step / rate_hz:.1f} s"
    return _Caption(
        lines=(
            (where, _INK),
            (f"gripper sent {order}, {opening}", _INK),
            (f"reward {rewards[step]:.0f}", _GOOD if is_success else _INK),
            (f"gate: {said.lower()}{human}", _INK if verdict is Verdict.PASS else _BAD),
        )
    )


def _band(caption: _Caption, rewards: F32, step: int, width: int) -> U8:
    """[H, width, 3] the text, and a bar with success in green and a mark at this step."""
    height = _MARGIN * 3 + _LINE * len(caption.lines) + _BAR
    band = Image.new("RGB", (width, height), _PAPER)
    draw = ImageDraw.Draw(band)
    for row, (text, colour) in enumerate(caption.lines):
        draw.text((_MARGIN, _MARGIN + row * _LINE), text, fill=colour)
    top, share = height - _BAR - _MARGIN, (width - 2 * _MARGIN) / len(rewards)
    for index, reward in enumerate(rewards):
        left = _MARGIN + index * share
        colour = _GOOD if reward > 0.5 else (90, 90, 90)
        draw.rectangle((left, top, left + share, top + _BAR), fill=colour)
    left = _MARGIN + step * share
    draw.rectangle((left, top - 3, left + max(share, 2), top + _BAR + 3), outline=(255, 255, 255))
    return np.asarray(band)
