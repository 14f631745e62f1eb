"""World model checkpoints: a folder of safetensors and JSON, and NVIDIA's file brought in.

`config.json` holds configuration, camera and the kind of tokenizer; `model.safetensors` the DiT
under NVIDIA's names (half precision on request: `tiny` ships with the repository). NVIDIA's own
`.pt` is read once by `import_cosmos`, with `weights_only=True`, and never again.
"""

import json
import pickle
from pathlib import Path
from typing import Literal

import numpy as np
import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import Tensor

from wvl_models.contract.camera import CameraCalibration, Intrinsics
from wvl_models.contract.config import Config, parse_config
from wvl_models.contract.errors import CheckpointError, ConfigError
from wvl_models.contract.pose import Pose
from wvl_models.training.weights import copy_weights
from wvl_models.world_model.config import WorldModelConfig
from wvl_models.world_model.linear_tokenizer import LinearTokenizer
from wvl_models.world_model.model import CosmosWorldModel
from wvl_models.world_model.tokenizer import VideoTokenizer

FORMAT = "wvl-cosmos-1"
CONFIG, WEIGHTS = "config.json", "model.safetensors"

OURS = ("reward_head.", "gripper_offset.", "still_embedder.")
"""Parts that NVIDIA's file cannot have; they keep their fresh initialisation."""

REINITIALISED = ("action_embedder_B_D.fc1.", "action_embedder_B_3D.fc1.")
"""NVIDIA's flat 12-step input layer; ours takes one latent frame's poses
(facts/world_model.md 2.2, option B). The second layers are kept."""

DROPPED = ("cross_attn.", "adaln_modulation_cross_attn.", "accum_", "pos_embedder.", "_extra_state")
"""Cross-attention to zero text adds exactly zero; the others are bookkeeping (facts 1.2, 1.9)."""


class CameraRecord(Config):
    """A camera in JSON."""

    name: str
    width: int
    height: int
    fx: float
    fy: float
    cx: float
    cy: float
    position_m: tuple[float, float, float]
    quaternion_xyzw: tuple[float, float, float, float]

    @classmethod
    def of(cls, camera: CameraCalibration) -> "CameraRecord":
        """The record of a camera."""
        k, pose = camera.intrinsics, camera.base_T_camera
        return cls(
            name=camera.name,
            width=k.width,
            height=k.height,
            fx=k.fx,
            fy=k.fy,
            cx=k.cx,
            cy=k.cy,
            position_m=tuple(pose.position_m.tolist()),
            quaternion_xyzw=tuple(pose.quaternion_xyzw.tolist()),
        )

    def value(self) -> CameraCalibration:
        """The camera of a record."""
        return CameraCalibration(
            name=self.name,
            intrinsics=Intrinsics(
                width=self.width, height=self.height, fx=self.fx, fy=self.fy, cx=self.cx, cy=self.cy
            ),
            base_T_camera=Pose(
                position_m=np.array(self.position_m),
                quaternion_xyzw=np.array(self.quaternion_xyzw),
            ),
        )


class CheckpointConfig(Config):
    """`config.json`."""

    format: str
    world_model: WorldModelConfig
    camera: CameraRecord
    tokenizer: Literal["linear", "wan"]


def save_world_model(model: CosmosWorldModel, folder: Path, *, half: bool = False) -> None:
    """Write a checkpoint into an existing, empty folder; `half` stores float16."""
    tokenizer = model.tokenizer
    kind: Literal["linear", "wan"] = "linear" if isinstance(tokenizer, LinearTokenizer) else "wan"
    record = CheckpointConfig(
        format=FORMAT,
        world_model=model.config,
        camera=CameraRecord.of(model.camera),
        tokenizer=kind,
    )
    (folder / CONFIG).write_text(record.model_dump_json(indent=2))
    tokenizer.save(folder)
    dtype = torch.float16 if half else torch.float32
    weights = {
        name: value.detach().cpu().to(dtype).contiguous()
        for name, value in model.dit.state_dict().items()
    }
    save_file(weights, folder / WEIGHTS)


def load_world_model(folder: Path) -> CosmosWorldModel:
    """Read a checkpoint; raises CheckpointError that names what is wrong."""
    path = folder / CONFIG
    try:
        data = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise CheckpointError(f"{path} cannot be read: {error}.") from error
    if not isinstance(data, dict) or data.get("format") != FORMAT:
        raise CheckpointError(
            f"{path} is not a world model of ours (format {FORMAT!r}). NVIDIA's file is brought in "
            "by `wvl_models.world_model.checkpoint.import_cosmos`."
        )
    try:
        record = parse_config(data, CheckpointConfig, source=str(path))
    except ConfigError as error:
        raise CheckpointError(" ".join(str(error).split())) from error
    model = CosmosWorldModel(record.world_model, _tokenizer(record, folder), record.camera.value())
    _load(model, _read(folder / WEIGHTS), str(folder), may_lack=())
    return model.eval()


def import_cosmos(model: CosmosWorldModel, path: Path) -> list[str]:
    """Load NVIDIA's action-conditioned `.pt` into `model`; returns the parts left as they were.

    Raises CheckpointError where a tensor that must be there is missing or misshapen.
    """
    try:
        state = torch.load(path, map_location="cpu", weights_only=True)
    except (OSError, EOFError, RuntimeError, ValueError, pickle.UnpicklingError) as error:
        reason = str(error).partition("\n")[0]  # torch adds advice that would be unsafe here
        raise CheckpointError(f"{path} is not a checkpoint of tensors: {reason}") from error
    state = state.get("model", state) if isinstance(state, dict) else None
    if not isinstance(state, dict):
        raise CheckpointError(f"{path} does not hold a dictionary of tensors.")
    prefix = "net_ema." if any(name.startswith("net_ema.") for name in state) else "net."
    weights = {
        name.removeprefix(prefix): value
        for name, value in state.items()
        if isinstance(value, Tensor)
        and not name.startswith("net_ema." if prefix == "net." else "net.")
    }
    weights = {
        name: value for name, value in weights.items() if not any(part in name for part in DROPPED)
    }
    skipped = {name for name in weights if name.startswith(REINITIALISED)}
    for name in skipped:
        del weights[name]
    return _load(model, weights, str(path), may_lack=(*OURS, *REINITIALISED))


def _load(
    model: CosmosWorldModel, weights: dict[str, Tensor], source: str, may_lack: tuple[str, ...]
) -> list[str]:
    lacking = copy_weights(model.dit, weights.items(), source)
    wrong = [name for name in lacking if not name.startswith(may_lack)] if may_lack else lacking
    if wrong:
        raise CheckpointError(f"{source} lacks {len(wrong)} tensors, e.g. {wrong[0]}.")
    return lacking


def _read(path: Path) -> dict[str, Tensor]:
    try:
        return load_file(path)
    except (OSError, SafetensorError) as error:
        raise CheckpointError(f"{path} cannot be read: {error}.") from error


def _tokenizer(record: CheckpointConfig, folder: Path) -> VideoTokenizer:
    if record.tokenizer == "linear":
        return LinearTokenizer.load(folder)
    from wvl_models.world_model.wan_tokenizer import WanTokenizer  # diffusers takes seconds

    return WanTokenizer.load(folder)
