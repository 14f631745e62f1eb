"""Both video tokenizers: one latent layout, and what each of them promises of its own."""

from pathlib import Path

import numpy as np
import pytest
import torch
from diffusers import AutoencoderKLWan
from torch import Tensor

from tests.learning import SIDE, example_reel, example_tokenizer
from wvl_models.contract.errors import CheckpointError, DataError
from wvl_models.world_model.linear_tokenizer import LinearTokenizer
from wvl_models.world_model.tokenizer import VideoTokenizer
from wvl_models.world_model.wan_tokenizer import FOLDER, WanTokenizer


def wan() -> WanTokenizer:
    torch.manual_seed(0)
    vae = AutoencoderKLWan(
        base_dim=4,
        z_dim=4,
        dim_mult=[1, 1, 1, 1],
        num_res_blocks=1,
        latents_mean=[0.5, -0.5, 0.1, 0.0],
        latents_std=[2.0, 0.5, 1.0, 3.0],
    )
    return WanTokenizer(vae, (SIDE, SIDE))


@pytest.fixture(scope="module", params=["linear", "wan"])
def tokenizer(request: pytest.FixtureRequest) -> VideoTokenizer:
    return example_tokenizer() if request.param == "linear" else wan()


def video(num_frames: int = 9, batch: int = 2) -> Tensor:
    rng = np.random.default_rng(7)
    reels = [example_reel(rng, num_chunks=2).frames[:num_frames] for _ in range(batch)]
    return torch.from_numpy(np.stack(reels))


def test_latents_are_one_frame_and_then_groups_of_four(tokenizer: VideoTokenizer) -> None:
    latents = tokenizer.encode(video(9))
    channels = tokenizer.latent_channels
    assert latents.shape == (2, channels, 3, SIDE // 8, SIDE // 8)
    assert latents.dtype == torch.float32
    decoded = tokenizer.decode(latents)
    assert decoded.shape == (2, 9, SIDE, SIDE, 3)
    assert decoded.dtype == torch.uint8


def test_the_first_latent_does_not_depend_on_what_follows(tokenizer: VideoTokenizer) -> None:
    whole, alone = tokenizer.encode(video(9)), tokenizer.encode(video(9)[:, :1])
    torch.testing.assert_close(whole[:, :, :1], alone, atol=1e-5, rtol=1e-5)


def test_a_group_does_not_depend_on_later_groups(tokenizer: VideoTokenizer) -> None:
    whole, part = tokenizer.encode(video(9)), tokenizer.encode(video(9)[:, :5])
    torch.testing.assert_close(whole[:, :, :2], part, atol=1e-5, rtol=1e-5)


def test_the_last_frame_alone_is_the_last_frame(tokenizer: VideoTokenizer) -> None:
    latents = tokenizer.encode(video(9))
    assert torch.equal(tokenizer.decode_last(latents), tokenizer.decode(latents)[:, -1])


def test_a_still_is_a_video_in_which_a_frame_lasts(tokenizer: VideoTokenizer) -> None:
    frame = video(1)[:, 0]
    lasting = frame[:, None].expand(-1, 9, -1, -1, -1)
    torch.testing.assert_close(
        tokenizer.still(frame, 3), tokenizer.encode(lasting), atol=1e-5, rtol=1e-5
    )


def test_encoding_is_deterministic(tokenizer: VideoTokenizer) -> None:
    assert torch.equal(tokenizer.encode(video()), tokenizer.encode(video()))


@pytest.mark.parametrize("shape", [(1, 6, SIDE, SIDE, 3), (1, 5, SIDE, 16, 3)])
def test_another_length_or_size_is_refused(
    tokenizer: VideoTokenizer, shape: tuple[int, ...]
) -> None:
    with pytest.raises(DataError, match=r"1 \+ 4n frames"):
        tokenizer.encode(torch.zeros(shape, dtype=torch.uint8))


def test_a_saved_tokenizer_codes_the_same(tokenizer: VideoTokenizer, tmp_path: Path) -> None:
    tokenizer.save(tmp_path)
    loaded = type(tokenizer).load(tmp_path)  # type: ignore[attr-defined]  # each adapter's own
    assert loaded.image_size == tokenizer.image_size
    assert loaded.latent_channels == tokenizer.latent_channels
    latents = tokenizer.encode(video())
    assert torch.equal(loaded.encode(video()), latents)
    assert torch.equal(loaded.decode(latents), tokenizer.decode(latents))


def test_wan_latents_are_normalised_by_its_own_figures() -> None:
    """(posterior mean - mean_c) / std_c (facts/world_model.md 1.4)."""
    tokenizer = wan()
    pixels = video(5).permute(0, 4, 1, 2, 3).float() / 127.5 - 1.0
    with torch.no_grad():
        mode = tokenizer._vae.encode(pixels).latent_dist.mode()
    mean = torch.tensor([0.5, -0.5, 0.1, 0.0]).view(1, 4, 1, 1, 1)
    std = torch.tensor([2.0, 0.5, 1.0, 3.0]).view(1, 4, 1, 1, 1)
    torch.testing.assert_close(tokenizer.encode(video(5)), (mode - mean) / std)


def test_all_components_give_every_pixel_back() -> None:
    tokenizer = LinearTokenizer.fit([clip.numpy() for clip in video(9)], 192)
    first = tokenizer.decode(tokenizer.encode(video(9)[:, :1]))
    assert (first.int() - video(9)[:, :1].int()).abs().max() <= 1


def test_more_components_lose_less() -> None:
    clips = [clip.numpy() for clip in video(9)]

    def error(channels: int) -> float:
        tokenizer = LinearTokenizer.fit(clips, channels)
        back = tokenizer.decode(tokenizer.encode(video(9)))
        return float((back.float() - video(9).float()).square().mean())

    assert error(4) > error(12) > error(48)


def test_linear_latents_have_unit_mean_square() -> None:
    """On the videos it was fitted to, first frames and groups each."""
    tokenizer = LinearTokenizer.fit([clip.numpy() for clip in video(9)], 12)
    latents = tokenizer.encode(video(9))
    assert latents[:, :, 1:].square().mean() == pytest.approx(1.0, rel=0.05)
    assert latents[:, :, :1].square().mean() == pytest.approx(1.0, rel=0.6)


@pytest.mark.parametrize("videos", [[], [np.zeros((5, 32, 32, 3)), np.zeros((5, 16, 16, 3))]])
def test_no_videos_or_mixed_sizes_cannot_be_fitted(videos: list[np.ndarray]) -> None:
    with pytest.raises(DataError):
        LinearTokenizer.fit([v.astype(np.uint8) for v in videos], 4)


@pytest.mark.parametrize("data", [None, b"", b"\x80\x04K\x01."])
def test_a_missing_or_damaged_linear_tokenizer_is_refused(
    tmp_path: Path, data: bytes | None
) -> None:
    if data is not None:
        (tmp_path / "linear_tokenizer.safetensors").write_bytes(data)
    with pytest.raises(CheckpointError, match="not a linear tokenizer") as caught:
        LinearTokenizer.load(tmp_path)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("text", [None, "{}", "nonsense"])
def test_a_missing_or_damaged_wan_vae_is_refused(tmp_path: Path, text: str | None) -> None:
    if text is not None:
        (tmp_path / FOLDER).mkdir()
        (tmp_path / FOLDER / "config.json").write_text(text)
    with pytest.raises(CheckpointError, match="not a Wan VAE") as caught:
        WanTokenizer.load(tmp_path)
    assert "\n" not in str(caught.value)


def test_a_size_that_the_patches_do_not_divide_is_refused() -> None:
    with pytest.raises(DataError, match="multiple of 16"):
        WanTokenizer(wan()._vae, (24, 32))
