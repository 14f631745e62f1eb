"""World model folders, NVIDIA's file brought in, and everything that must be refused."""

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

from tests.learning import STEPS, example_reel, small_world
from wvl_models.contract.errors import CheckpointError
from wvl_models.world_model.checkpoint import (
    CONFIG,
    WEIGHTS,
    import_cosmos,
    load_world_model,
    save_world_model,
)
from wvl_models.world_model.config import ActionConfig, NoiseConfig, PoseEncoding, Prediction
from wvl_models.world_model.model import CosmosWorldModel

NAME = "blocks.1.mlp.layer1.weight"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    save_world_model(small_world(), tmp_path)
    return tmp_path


def rewards(model: CosmosWorldModel) -> Tensor:
    reel = example_reel(np.random.default_rng(0))
    noise = model.draw_noise(1, torch.Generator().manual_seed(0))
    return model.imagine(reel.frames[:1], reel.targets[None, 1 : 1 + STEPS], noise).rewards


def test_a_loaded_world_dreams_as_the_saved_one(folder: Path) -> None:
    loaded, saved = load_world_model(folder), small_world()
    assert torch.equal(rewards(loaded), rewards(saved))
    assert loaded.config == saved.config
    assert loaded.camera.calibration_id == saved.camera.calibration_id
    assert not loaded.training


def test_half_precision_is_half_the_size_and_nearly_the_same(tmp_path: Path) -> None:
    """What ships with the repository."""
    for name in ("full", "half"):
        (tmp_path / name).mkdir()
        save_world_model(small_world(), tmp_path / name, half=name == "half")
    full, half = (tmp_path / name / WEIGHTS for name in ("full", "half"))
    assert half.stat().st_size < 0.6 * full.stat().st_size
    loaded = load_world_model(half.parent)
    assert next(loaded.dit.parameters()).dtype == torch.float32
    torch.testing.assert_close(rewards(loaded), rewards(small_world()), atol=0.02, rtol=0)


def rewrite(change: Callable[[dict[str, Tensor]], object]) -> Callable[[Path], None]:
    def damage(folder: Path) -> None:
        weights = load_file(folder / WEIGHTS)
        change(weights)
        save_file(weights, folder / WEIGHTS)

    return damage


def edit_config(**changes: Any) -> Callable[[Path], None]:
    def damage(folder: Path) -> None:
        data = json.loads((folder / CONFIG).read_text())
        (folder / CONFIG).write_text(json.dumps(data | changes))

    return damage


REFUSALS: dict[str, tuple[Callable[[Path], object], str]] = {
    "missing_key": (rewrite(lambda w: w.pop(NAME)), rf"lacks 1 tensors, e\.g\. {NAME}"),
    "missing_reward_head": (
        rewrite(lambda w: w.pop("reward_head.score.bias")),
        r"e\.g\. reward_head\.score\.bias",
    ),
    "unexpected_key": (
        rewrite(lambda w: w.update({"blocks.1.cross_attn.q_proj.weight": torch.ones(1)})),
        r"unexpected tensor blocks\.1\.cross_attn",
    ),
    "wrong_shape": (
        rewrite(lambda w: w.update({NAME: torch.ones(2, 2)})),
        r"has shape \(2, 2\), this configuration needs \(192, 48\)",
    ),
    "nan": (rewrite(lambda w: w[NAME].fill_(torch.inf)), "holds NaN or Inf"),
    "pickle": (
        lambda f: (f / WEIGHTS).write_bytes(pickle.dumps({NAME: 1})),
        r"model\.safetensors cannot be read",
    ),
    "no_weights": (lambda f: (f / WEIGHTS).unlink(), r"model\.safetensors cannot be read"),
    "no_config": (lambda f: (f / CONFIG).unlink(), r"config\.json cannot be read"),
    "a_policy": (edit_config(format="wvl-openvla-oft-1"), "not a world model of ours"),
    "unknown_setting": (edit_config(text_encoder="t5"), "text_encoder"),
    "unknown_tokenizer": (edit_config(tokenizer="dcae"), "tokenizer"),
    "no_tokenizer": (
        lambda f: (f / "linear_tokenizer.safetensors").unlink(),
        "not a linear tokenizer",
    ),
}


@pytest.mark.parametrize(("damage", "message"), REFUSALS.values(), ids=REFUSALS.keys())
def test_a_wrong_checkpoint_is_refused_in_one_line(
    folder: Path, damage: Callable[[Path], object], message: str
) -> None:
    damage(folder)
    with pytest.raises(CheckpointError, match=message) as caught:
        load_world_model(folder)
    assert "\n" not in str(caught.value)


NVIDIA_LIKE: dict[str, object] = {
    "action": ActionConfig(hidden=32, encoding=PoseEncoding.ROTVEC),
    "prediction": Prediction.VELOCITY,
    "still_residual": False,
    "noise": NoiseConfig(num_steps=2),
}


def nvidias_file(path: Path, **changes: Tensor | None) -> dict[str, Tensor]:
    """A checkpoint in the layout of facts/world_model.md 1.9; returns what must arrive."""
    source = small_world(seed=5, **NVIDIA_LIKE).dit.state_dict()
    arriving = {name: value for name, value in source.items() if not name.startswith("reward_head")}
    for embedder in ("action_embedder_B_D", "action_embedder_B_3D"):
        for kind in ("weight", "bias"):
            del arriving[f"{embedder}.fc1.{kind}"]
    extra: dict[str, Tensor] = {
        "pos_embedder.seq": torch.arange(9),
        "accum_iteration": torch.ones(1),
    }
    for block in range(2):
        extra[f"blocks.{block}.cross_attn.q_proj.weight"] = torch.ones(48, 48)
        extra[f"blocks.{block}.adaln_modulation_cross_attn.1.weight"] = torch.ones(16, 48)
        extra[f"blocks.{block}.self_attn.attn_op._extra_state"] = torch.zeros(0)
    for embedder in ("action_embedder_B_D", "action_embedder_B_3D"):
        extra[f"{embedder}.fc1.weight"], extra[f"{embedder}.fc1.bias"] = (
            torch.ones(32, 84),
            torch.ones(32),
        )
    held = arriving | extra | {name: value for name, value in changes.items() if value is not None}
    for name, value in changes.items():
        if value is None:
            del held[name]
    torch.save({f"net.{name}": value for name, value in held.items()}, path)
    return arriving


def test_nvidias_checkpoint_comes_in_under_its_own_names(tmp_path: Path) -> None:
    """Its text layers are dropped, its flat action input and our parts stay fresh."""
    arriving = nvidias_file(tmp_path / "model.pt")
    model = small_world(**NVIDIA_LIKE)
    before = {name: value.clone() for name, value in model.dit.state_dict().items()}
    left = import_cosmos(model, tmp_path / "model.pt")
    after = model.dit.state_dict()
    assert set(left) == set(after) - set(arriving)
    assert {name.split(".")[0] for name in left} == {
        "reward_head",
        "action_embedder_B_D",
        "action_embedder_B_3D",
    }
    for name, value in after.items():
        assert torch.equal(value, arriving[name] if name in arriving else before[name]), name


def test_averaged_weights_win_over_the_last_ones(tmp_path: Path) -> None:
    arriving = nvidias_file(tmp_path / "model.pt")
    state = torch.load(tmp_path / "model.pt", weights_only=True)
    averaged = {name.replace("net.", "net_ema."): value * 2 for name, value in state.items()}
    torch.save({"model": state | averaged}, tmp_path / "model.pt")
    model = small_world(**NVIDIA_LIKE)
    import_cosmos(model, tmp_path / "model.pt")
    assert torch.equal(model.dit.state_dict()[NAME], 2 * arriving[NAME])


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({NAME: None}, rf"lacks 1 tensors, e\.g\. {NAME}"),
        ({NAME: torch.ones(3)}, r"has shape \(3,\)"),
        ({"img_context_proj.weight": torch.ones(3)}, "unexpected tensor img_context_proj"),
    ],
)
def test_another_network_is_not_brought_in(
    tmp_path: Path, changes: dict[str, Tensor | None], message: str
) -> None:
    nvidias_file(tmp_path / "model.pt", **changes)
    with pytest.raises(CheckpointError, match=message):
        import_cosmos(small_world(**NVIDIA_LIKE), tmp_path / "model.pt")


class Harmful:
    """Makes a file when it is unpickled."""

    def __init__(self, path: Path) -> None:
        self._path = path.with_name("unpickled")

    def __reduce__(self) -> tuple[Callable[[Path], object], tuple[Path]]:
        return Path.touch, (self._path,)


@pytest.mark.parametrize(
    "write",
    [
        lambda path: path.write_bytes(b""),
        lambda path: path.write_bytes(b"nonsense"),
        lambda path: path.write_bytes(pickle.dumps(Harmful(path), protocol=2)),
        lambda path: torch.save(Harmful(path), path),
        lambda path: torch.save([1, 2], path),
        lambda path: torch.save({"model": 3}, path),
        lambda path: None,
    ],
    ids=["empty", "nonsense", "pickle", "torch_pickle", "list", "number", "missing"],
)
def test_a_file_that_is_no_checkpoint_is_refused_in_one_line(
    tmp_path: Path, write: Callable[[Path], object]
) -> None:
    """And no code in it runs."""
    write(tmp_path / "model.pt")
    with pytest.raises(CheckpointError, match=r"model\.pt") as caught:
        import_cosmos(small_world(**NVIDIA_LIKE), tmp_path / "model.pt")
    assert "\n" not in str(caught.value)
    assert not (tmp_path / "unpickled").exists()
