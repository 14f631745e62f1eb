"""The README of an exported data set: for whoever gets the folder and nothing else."""

from typing import Any

from wvl_models.episodes.exchange import lerobot_format as layout
from wvl_models.episodes.exchange.lerobot_format import OwnDocument, own_signals

_CARD = """---
task_categories: [robotics]
tags: [LeRobot, franka]
---
LeRobot data set {version} of {episodes} episodes, {frames} steps at {fps} Hz, exported by \
{software} (snapshot {snapshot}).

| feature | holds |
|---|---|
| `{camera}` | the camera's image; {loss} |
| `observation.state` | {state} |
| `action` | the setpoint that was really sent: target position (m), quaternion xyzw, gripper \
(1 open, 0 closed), in the robot's base frame, absolute |
| `next.reward`, `next.success` | whether the state after this step is a success state, by the \
label in force; the last step repeats the state before it |
| `timestamp` | seconds since the first step, by counting; the clocks are in `wvl.tick_ns` |

Columns that begin with `wvl.` are the recording itself, bit for bit:

{own}

`meta/episodes` has columns `wvl/...` with outcome, author, origin, calibration and digest of each
episode, and the whole header and labels as JSON in `wvl/record`.
"""


def data_set_card(info: dict[str, Any], own: OwnDocument) -> str:
    """Markdown with the front matter that the Hugging Face hub reads (Any: JSON)."""
    names = ", ".join(layout.STATE_NAMES)
    return _CARD.format(
        version=layout.CODEBASE_VERSION,
        episodes=info["total_episodes"],
        frames=info["total_frames"],
        fps=info["fps"],
        software=own.software,
        snapshot=own.snapshot_id,
        camera=own.camera,
        loss=_loss(own),
        state=names if layout.STATE in info["features"] else "(not in this one: not measured)",
        own="\n".join(f"- `{layout.OWN}{s.name}`: {s.meaning}" for _, s in own_signals()),
    )


def _loss(own: OwnDocument) -> str:
    if own.psnr_db is None:
        return f"{own.images}, lossless"
    return (
        f"{own.images}, lossy: PSNR {own.psnr_db} dB over all frames, {own.worst_psnr_db} dB in "
        f"the worst ({own.encoder})"
    )
