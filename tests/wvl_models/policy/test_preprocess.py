"""Frames to network input, against OpenVLA-OFT's arithmetic."""

import numpy as np
import pytest
import torch

from tests.learning import small_policy_config
from wvl_models.contract.errors import DataError
from wvl_models.policy.preprocess import centre_crop, to_images

RNG = np.random.default_rng(0)
FRAMES = RNG.integers(0, 256, (2, 32, 32, 3), dtype=np.uint8)


def test_a_frame_of_the_right_size_is_only_scaled() -> None:
    images = to_images(FRAMES, small_policy_config())
    assert np.array_equal((images.permute(0, 2, 3, 1) * 255).round().numpy(), FRAMES)


def test_every_step_ends_in_whole_pixel_values() -> None:
    config = small_policy_config(
        image_size=28, patch_size=14, jpeg_round_trip=True, centre_crop=0.9
    )
    images = to_images(FRAMES, config) * 255
    assert images.shape == (2, 3, 28, 28)
    torch.testing.assert_close(images, images.round(), rtol=0, atol=1e-4)


def test_the_crop_keeps_the_central_share_of_the_area() -> None:
    """A ramp from 0 to 100 keeps its middle and loses (1 - sqrt(0.9)) / 2 at each end."""
    ramp = torch.linspace(0, 100, 33).expand(1, 3, 33, 33)
    row = centre_crop(ramp, 0.9)[0, 0, 0]
    lost = 100 * (1 - 0.9**0.5) / 2
    assert row[16] == pytest.approx(50.0, abs=1e-3)
    assert row[0] == pytest.approx(lost, abs=1e-3)
    assert row[-1] == pytest.approx(100 - lost, abs=1e-3)


def test_a_jpeg_round_trip_changes_noise() -> None:
    plain = to_images(FRAMES, small_policy_config())
    coded = to_images(FRAMES, small_policy_config(jpeg_round_trip=True))
    change = (plain - coded).abs().mean()
    assert 0.005 < change < 0.2


def test_red_stays_red_through_jpeg() -> None:
    red = np.zeros((1, 32, 32, 3), dtype=np.uint8)
    red[..., 0] = 200
    images = to_images(red, small_policy_config(jpeg_round_trip=True))
    assert images[0, :, 8, 8].tolist() == pytest.approx([200 / 255, 0, 0], abs=0.02)


@pytest.mark.parametrize(
    "frames", [FRAMES[0], FRAMES.astype(np.float32), np.zeros((1, 32, 32, 4), dtype=np.uint8)]
)
def test_anything_but_frames_is_refused(frames: np.ndarray) -> None:
    with pytest.raises(DataError, match="uint8"):
        to_images(frames, small_policy_config())
