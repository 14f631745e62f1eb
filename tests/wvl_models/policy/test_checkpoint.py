"""Policy folders: our own, OpenVLA's sharded layout, and everything that must be refused."""

import json
import pickle
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file
from torch import Tensor

from tests.learning import INSTRUCTION, SPEC, VIEW, example_reel, small_agent
from wvl_models.contract.errors import CheckpointError
from wvl_models.contract.examples import example_observation
from wvl_models.policy.checkpoint import (
    CONFIG,
    INDEX,
    STATISTICS,
    WEIGHTS,
    load_policy,
    save_policy,
)

SHARDS = ("model-00001-of-00002.safetensors", "model-00002-of-00002.safetensors")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    save_policy(small_agent(), tmp_path, "example")
    return tmp_path


def dead_tail(state: dict[str, Tensor]) -> dict[str, Tensor]:
    """The parts of a released vision backbone that no feature passes through (facts 1.1)."""
    tail: dict[str, Tensor] = {}
    for tower in ("featurizer", "fused_featurizer"):
        prefix = f"vision_backbone.{tower}."
        for name, value in state.items():
            if name.startswith(f"{prefix}blocks.1."):
                tail[name.replace("blocks.1.", "blocks.2.")] = value.clone()
        tail[f"{prefix}norm.weight"] = torch.ones(16)
        tail[f"{prefix}norm.bias"] = torch.ones(16)
    tail["vision_backbone.fused_featurizer.attn_pool.latent"] = torch.ones(1, 1, 16)
    tail["vision_backbone.fused_featurizer.attn_pool.kv.weight"] = torch.ones(32, 16)
    return tail


def shard(folder: Path, extra: dict[str, Tensor]) -> None:
    """Rewrite the weights as HuggingFace does with large models."""
    weights = load_file(folder / WEIGHTS) | extra
    (folder / WEIGHTS).unlink()
    names = sorted(weights)
    parts = (names[: len(names) // 2], names[len(names) // 2 :])
    index = {name: file for file, part in zip(SHARDS, parts, strict=True) for name in part}
    for file, part in zip(SHARDS, parts, strict=True):
        save_file({name: weights[name] for name in part}, folder / file, {"format": "pt"})
    (folder / INDEX).write_text(json.dumps({"metadata": {}, "weight_map": index}))


def test_a_loaded_policy_acts_as_the_saved_one(folder: Path) -> None:
    rng = np.random.default_rng(0)
    observations = [example_observation(rng, width=32, height=32) for _ in range(2)]
    loaded = load_policy(folder)
    expected = small_agent().act(observations, VIEW.intrinsics)
    assert np.array_equal(loaded.act(observations, VIEW.intrinsics), expected)
    assert loaded.view == VIEW
    assert loaded.spec.period_ns == SPEC.period_ns
    assert not loaded.training


def test_released_shards_load_without_their_vision_tail(folder: Path) -> None:
    own = load_file(folder / WEIGHTS)
    shard(folder, dead_tail(own))
    loaded = load_policy(folder).network.state_dict()
    assert loaded.keys() == own.keys()
    assert all(torch.equal(loaded[name], own[name]) for name in own)


def test_half_precision_weights_load(folder: Path) -> None:
    """The released shards are bfloat16."""
    weights = load_file(folder / WEIGHTS)
    save_file({n: v.bfloat16() for n, v in weights.items()}, folder / WEIGHTS)
    frame = example_reel(np.random.default_rng(0)).frames[:1]
    logits = load_policy(folder).token_logits(frame, INSTRUCTION)
    assert torch.isfinite(logits).all()


def test_released_statistics_of_one_data_set_are_the_ranges(folder: Path) -> None:
    """facts/policy_rl.md 1.10, golden: normalised 0 on `libero_spatial_no_noops`."""
    action = {
        "q01": [-0.74547, -0.66161, -0.9375, -0.10714, -0.20679, -0.18429, 0],
        "q99": [0.9375, 0.87589, 0.93214, 0.10393, 0.17679, 0.14571, 1],
        "mask": [True] * 6 + [False],
    }
    data = {"libero_spatial_no_noops": {"action": action, "num_transitions": 52970}}
    (folder / STATISTICS).write_text(json.dumps(data))
    middle = load_policy(folder).spec.denormalise(np.zeros(7))
    golden = [0.0960134, 0.1071429, -0.0026786, -0.0016071, -0.015, -0.0192857]
    assert middle[:6] == pytest.approx(golden, abs=2e-5)


def rewrite(name: str, change: Callable[[dict[str, Tensor]], object]) -> Callable[[Path], None]:
    def damage(folder: Path) -> None:
        weights = load_file(folder / name)
        change(weights)
        save_file(weights, folder / name)

    return damage


def write(name: str, data: Any) -> Callable[[Path], None]:
    text = data if isinstance(data, str) else json.dumps(data)
    return lambda folder: (folder / name).write_text(text) and None


def edit_config(**changes: Any) -> Callable[[Path], None]:
    def damage(folder: Path) -> None:
        data = json.loads((folder / CONFIG).read_text())
        (folder / CONFIG).write_text(json.dumps(data | changes))

    return damage


def pickled(folder: Path) -> None:
    (folder / WEIGHTS).write_bytes(pickle.dumps({"lm_head": [1.0]}))


def pointing_outside(folder: Path) -> None:
    save_file(load_file(folder / WEIGHTS), folder.parent / "outside.safetensors")
    (folder / INDEX).write_text(json.dumps({"weight_map": {"a": "../outside.safetensors"}}))


def missing_shard(folder: Path) -> None:
    shard(folder, {})
    (folder / SHARDS[1]).unlink()


def truncated(folder: Path) -> None:
    data = (folder / WEIGHTS).read_bytes()
    (folder / WEIGHTS).write_bytes(data[: len(data) // 2])


HEAD = "language_model.lm_head.weight"

REFUSALS: dict[str, tuple[Callable[[Path], object], str]] = {
    "l1_head": (write("action_head--150000_checkpoint.pt", "x"), "L1 action head"),
    "missing_key": (rewrite(WEIGHTS, lambda w: w.pop(HEAD)), rf"lacks 1 tensors, e\.g\. {HEAD}"),
    "wrong_shape": (
        rewrite(WEIGHTS, lambda w: w.update({HEAD: torch.ones(3, 3)})),
        r"lm_head\.weight has shape \(3, 3\), this configuration needs \(384, 32\)",
    ),
    "unexpected_key": (
        rewrite(WEIGHTS, lambda w: w.update({"value_head.weight": torch.ones(1)})),
        r"unexpected tensor value_head\.weight",
    ),
    "unexpected_vision_key": (
        rewrite(WEIGHTS, lambda w: w.update({"vision_backbone.film": torch.ones(1)})),
        r"unexpected tensor vision_backbone\.film",
    ),
    "a_third_tower": (
        rewrite(WEIGHTS, lambda w: w.update({"vision_backbone.wrist.norm.bias": torch.ones(1)})),
        r"unexpected tensor vision_backbone\.wrist",
    ),
    "a_deeper_tower": (
        rewrite(
            WEIGHTS,
            lambda w: w.update({"vision_backbone.featurizer.blocks.3.norm1.bias": torch.ones(16)}),
        ),
        r"unexpected tensor vision_backbone\.featurizer\.blocks\.3",
    ),
    "nan": (rewrite(WEIGHTS, lambda w: w[HEAD].fill_(torch.nan)), "holds NaN or Inf"),
    "pickle": (pickled, r"model\.safetensors cannot be read"),
    "truncated": (truncated, r"model\.safetensors cannot be read"),
    "no_weights": (lambda f: (f / WEIGHTS).unlink(), r"model\.safetensors cannot be read"),
    "path_escape": (pointing_outside, "points outside its folder"),
    "missing_shard": (missing_shard, r"model-00002.*cannot be read"),
    "index_without_map": (write(INDEX, {"metadata": {}}), "no weight_map"),
    "index_of_numbers": (write(INDEX, {"weight_map": {"a": 3}}), "no weight_map"),
    "no_config": (lambda f: (f / CONFIG).unlink(), r"config\.json cannot be read"),
    "config_is_a_list": (write(CONFIG, []), "must hold a JSON object"),
    "released_config": (
        write(CONFIG, {"model_type": "openvla"}),
        "not a policy checkpoint of ours",
    ),
    "unknown_setting": (edit_config(l1_head=True), "l1_head"),
    "another_size": (edit_config(policy={"size": "huge"}), r"policy\.size"),
    "no_statistics": (lambda f: (f / STATISTICS).unlink(), "cannot be read"),
    "two_data_sets": (write(STATISTICS, {"a": {}, "b": {}}), "one data set's statistics"),
    "no_quantiles": (write(STATISTICS, {"a": {"action": {"q01": [0.0] * 7}}}), "q99"),
    "short_quantiles": (
        write(STATISTICS, {"a": {"action": {"q01": [0.0] * 3, "q99": [1.0] * 3}}}),
        "holds no action ranges",
    ),
    "words_as_quantiles": (
        write(STATISTICS, {"a": {"action": {"q01": ["x"] * 7, "q99": ["y"] * 7}}}),
        "holds no action ranges",
    ),
    "no_tokenizer": (lambda f: (f / "tokenizer.json").unlink(), r"tokenizer\.json is missing"),
}


@pytest.mark.parametrize(("damage", "message"), REFUSALS.values(), ids=REFUSALS.keys())
def test_a_wrong_checkpoint_is_refused_in_one_line(
    folder: Path, damage: Callable[[Path], object], message: str
) -> None:
    damage(folder)
    with pytest.raises(CheckpointError, match=message) as caught:
        load_policy(folder)
    assert "\n" not in str(caught.value)
