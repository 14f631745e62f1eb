"""Policy checkpoints: HuggingFace folder layout, safetensors only.

A folder holds `config.json` (ours, below), `model.safetensors` (or the sharded form with
`model.safetensors.index.json`), `tokenizer.json` and `dataset_statistics.json` in OpenVLA's form.
Weights keep the released key names, so `load_weights` is a rename-free load of OpenVLA-OFT's
shards minus the unused vision tail (facts/policy_rl.md 1.4).
"""

import json
from collections.abc import Collection, Iterator
from pathlib import Path

import numpy as np
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor

from wvl_models.contract.action import ActionSpec
from wvl_models.contract.camera import Intrinsics, View
from wvl_models.contract.config import Config, parse_config
from wvl_models.contract.errors import CheckpointError, ConfigError, DataError
from wvl_models.policy.agent import PolicyAgent
from wvl_models.policy.config import PolicyConfig
from wvl_models.policy.model import OpenVLAOFT
from wvl_models.policy.prompt import Prompter
from wvl_models.training.weights import copy_weights

FORMAT = "wvl-openvla-oft-1"
WEIGHTS, INDEX = "model.safetensors", "model.safetensors.index.json"
CONFIG, STATISTICS = "config.json", "dataset_statistics.json"

DEAD_KEYS = ("norm.", "attn_pool.")
"""Parts of the released vision towers that no feature passes through (facts 1.1)."""


class IntrinsicsRecord(Config):
    """A view in JSON."""

    width: int
    height: int
    fx: float
    fy: float
    cx: float
    cy: float


class CheckpointConfig(Config):
    """`config.json`: everything but weights, words and ranges."""

    format: str
    policy: PolicyConfig
    rate_hz: float
    view: IntrinsicsRecord


def save_policy(agent: PolicyAgent, folder: Path, statistics_key: str) -> None:
    """Write a checkpoint into an existing, empty folder."""
    k = agent.view.intrinsics
    record = CheckpointConfig(
        format=FORMAT,
        policy=agent.network.config,
        rate_hz=agent.spec.rate_hz,
        view=IntrinsicsRecord(width=k.width, height=k.height, fx=k.fx, fy=k.fy, cx=k.cx, cy=k.cy),
    )
    (folder / CONFIG).write_text(record.model_dump_json(indent=2))
    action = {
        "q01": agent.spec.low.tolist(),
        "q99": agent.spec.high.tolist(),
        "mask": [True] * 6 + [False],
    }
    (folder / STATISTICS).write_text(json.dumps({statistics_key: {"action": action}}, indent=2))
    agent.prompter.save(folder)
    weights = {
        name: value.detach().cpu().contiguous()
        for name, value in agent.network.state_dict().items()
    }
    save_file(weights, folder / WEIGHTS)


def load_policy(folder: Path) -> PolicyAgent:
    """Read a checkpoint; raises CheckpointError that names what is wrong."""
    record = _read_config(folder)
    network = OpenVLAOFT(record.policy)
    load_weights(network, folder)
    k = record.view
    view = View(
        intrinsics=Intrinsics(width=k.width, height=k.height, fx=k.fx, fy=k.fy, cx=k.cx, cy=k.cy)
    )
    spec = read_spec(folder, record.policy.chunk_steps, record.rate_hz)
    agent = PolicyAgent(network, Prompter.load(folder, record.policy.language), spec, view)
    return agent.eval()


def read_spec(folder: Path, chunk_steps: int, rate_hz: float) -> ActionSpec:
    """Action ranges from `dataset_statistics.json` (q01 and q99 of its single entry)."""
    data = _read_json(folder / STATISTICS)
    if len(data) != 1:
        raise CheckpointError(
            f"{folder / STATISTICS} must hold one data set's statistics, found {sorted(data)}."
        )
    try:
        action = next(iter(data.values()))["action"]
        low, high = np.array(action["q01"]), np.array(action["q99"])
        return ActionSpec(low=low, high=high, chunk_steps=chunk_steps, rate_hz=rate_hz)
    except (KeyError, TypeError) as error:
        raise CheckpointError(f"{folder / STATISTICS} lacks {error}.") from error
    except (ValueError, DataError) as error:
        raise CheckpointError(f"{folder / STATISTICS} holds no action ranges: {error}") from error


def load_weights(network: OpenVLAOFT, folder: Path) -> None:
    """Stream tensors into `network`; missing, unexpected or misshapen ones are errors.

    A checkpoint trained with an L1 head has an untrained `lm_head` and is refused by its side
    file: its tokens are noise, and RL on it gives zero gradients without an error
    (facts/policy_rl.md section 2, pain point 1).
    """
    if list(folder.glob("action_head--*")):
        raise CheckpointError(
            f"{folder} was trained with an L1 action head (action_head--*.pt is present); its "
            "language head is untrained. Use a checkpoint with discrete action tokens, e.g. SFT "
            "with use_l1_regression False."
        )
    own = network.state_dict().keys()
    living = ((name, tensor) for name, tensor in _tensors(folder) if not _is_dead(name, own))
    missing = copy_weights(network, living, str(folder))
    if missing:
        raise CheckpointError(f"{folder} lacks {len(missing)} tensors, e.g. {missing[0]}.")


def _is_dead(name: str, own: Collection[str]) -> bool:
    """Whether a released tensor belongs to the vision tail that is not built."""
    if not name.startswith("vision_backbone.") or name in own:
        return False
    tower, _, rest = name.removeprefix("vision_backbone.").partition(".")
    prefix = f"vision_backbone.{tower}.blocks."
    built = {int(key.removeprefix(prefix).split(".")[0]) for key in own if key.startswith(prefix)}
    if not built:
        return False
    return rest.startswith((*DEAD_KEYS, f"blocks.{max(built) + 1}."))


def _tensors(folder: Path) -> Iterator[tuple[str, Tensor]]:
    files = [folder / WEIGHTS]
    if (folder / INDEX).is_file():
        files = [folder / name for name in _shards(folder / INDEX)]
    for path in files:
        try:
            with safe_open(path, framework="pt") as shard:
                for name in shard.keys():  # noqa: SIM118 - not a mapping
                    yield name, shard.get_tensor(name)
        except (OSError, SafetensorError) as error:
            raise CheckpointError(f"{path} cannot be read: {error}.") from error


def _shards(index: Path) -> list[str]:
    """Names of the files of a sharded checkpoint; never anything outside its folder."""
    names = _read_json(index).get("weight_map")
    if not isinstance(names, dict) or not all(isinstance(n, str) for n in names.values()):
        raise CheckpointError(f"{index} is no index of shards: it has no weight_map of names.")
    shards = sorted(set(names.values()))
    if any("/" in name or name.startswith(".") for name in shards):
        raise CheckpointError(f"{index} points outside its folder.")
    return shards


def _read_config(folder: Path) -> CheckpointConfig:
    data = _read_json(folder / CONFIG)
    if data.get("format") != FORMAT:
        raise CheckpointError(
            f"{folder / CONFIG} is not a policy checkpoint of ours: its format is "
            f"{data.get('format')!r}, not {FORMAT!r}. Released OpenVLA-OFT weights are brought in "
            "by `wvl_models.policy.checkpoint.load_weights`."
        )
    try:
        return parse_config(data, CheckpointConfig, source=str(folder / CONFIG))
    except ConfigError as error:
        raise CheckpointError(" ".join(str(error).split())) from error


def _read_json(path: Path) -> dict:
    try:
        data = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise CheckpointError(f"{path} cannot be read: {error}.") from error
    if not isinstance(data, dict):
        raise CheckpointError(f"{path} must hold a JSON object.")
    return data
