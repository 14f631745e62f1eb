from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from wvl_models.contract.camera import CameraCalibration, Intrinsics, View, resample
from wvl_models.contract.errors import DataError
from wvl_models.contract.examples import example_calibration
from wvl_models.contract.observation import U8
from wvl_models.contract.pose import Pose

CAMERA = Intrinsics(width=640, height=480, fx=607.0, fy=607.0, cx=320.0, cy=240.0)
VIEW = View(
    intrinsics=Intrinsics(
        width=64,
        height=64,
        fx=607.0 * 64 / 280,
        fy=607.0 * 64 / 280,
        cx=(320 - 180) * 64 / 280,
        cy=(240 - 110) * 64 / 280,
    )
)
AHEAD = CameraCalibration(name="t", intrinsics=CAMERA, base_T_camera=Pose.identity())


# --- projection ---


def test_a_point_on_the_axis_is_at_the_principal_point() -> None:
    np.testing.assert_allclose(AHEAD.project(np.array([0.0, 0.0, 2.0])), [320.0, 240.0])


def test_x_goes_right_and_y_goes_down() -> None:
    np.testing.assert_allclose(AHEAD.project(np.array([0.1, 0.2, 1.0])), [380.7, 361.4])


def test_a_point_behind_the_camera_has_no_pixel() -> None:
    pixels = AHEAD.project(np.array([[0.0, 0.0, -1.0], [0.0, 0.0, 1.0]]))
    assert np.isnan(pixels[0]).all() and np.isfinite(pixels[1]).all()


def test_the_pose_of_the_camera_is_taken_off() -> None:
    calibration = example_calibration(np.random.default_rng(0))
    local = np.array([0.1, 0.2, 1.5, 1.0])
    in_base = (calibration.base_T_camera.matrix() @ local)[:3]
    np.testing.assert_allclose(calibration.project(in_base), AHEAD.project(local[:3]), atol=1e-9)


def test_the_id_tells_calibrations_apart() -> None:
    same = replace(AHEAD)
    other = replace(AHEAD, intrinsics=replace(CAMERA, fx=607.5))
    moved = replace(
        AHEAD,
        base_T_camera=Pose(position_m=np.array([0, 0, 0.001]), quaternion_xyzw=[0, 0, 0, 1]),
    )
    assert same.calibration_id == AHEAD.calibration_id
    assert len({AHEAD.calibration_id, other.calibration_id, moved.calibration_id}) == 3


# --- the view ---


def spot(size: tuple[int, int], centre_xy: np.ndarray, radius_px: float) -> U8:
    """A soft spot as a camera takes it: each pixel is the mean over its area."""
    grid = 4
    x = (np.arange(size[0] * grid) + 0.5) / grid - centre_xy[0]
    y = (np.arange(size[1] * grid) + 0.5) / grid - centre_xy[1]
    columns, rows = (np.exp(-(v**2) / (2 * radius_px**2)).reshape(-1, grid).mean(1) for v in (x, y))
    values = np.rint(255 * rows[:, None] * columns[None, :]).astype(np.uint8)
    return np.repeat(values[:, :, None], 3, axis=2)


@given(st.floats(-0.09, 0.09), st.floats(-0.09, 0.09))
@settings(max_examples=20)
def test_the_view_of_an_image_is_the_image_that_the_view_would_have_taken(
    x_m: float, y_m: float
) -> None:
    point, scale = np.array([x_m, y_m, 1.0]), 280 / 64
    direct = spot((64, 64), VIEW.of(AHEAD).project(point), 3.0)
    through = VIEW.through(spot((640, 480), AHEAD.project(point), 3.0 * scale), CAMERA)
    assert np.abs(through.astype(int) - direct).max() <= 1


def test_a_points_pixel_in_the_view_is_the_cameras_pixel_cropped_and_scaled() -> None:
    point = np.array([0.05, -0.03, 1.0])
    expected = (AHEAD.project(point) - [180.0, 110.0]) * 64 / 280
    np.testing.assert_allclose(VIEW.of(AHEAD).project(point), expected)


def test_a_view_of_a_camera_is_a_camera_at_the_same_place() -> None:
    once = VIEW.of(AHEAD)
    assert once.base_T_camera is AHEAD.base_T_camera
    assert once.intrinsics == VIEW.intrinsics
    assert once.calibration_id != AHEAD.calibration_id
    assert VIEW.of(once) == once


def test_the_box_is_the_crop() -> None:
    assert VIEW.box(CAMERA) == pytest.approx((180.0, 110.0, 460.0, 390.0))


def test_a_camera_that_is_the_view_is_left_alone() -> None:
    image = np.random.default_rng(0).integers(0, 256, (64, 64, 3), dtype=np.uint8)
    assert VIEW.through(image, VIEW.intrinsics) is image


def test_a_view_beyond_the_image_is_refused() -> None:
    with pytest.raises(DataError, match="choose a smaller view"):
        VIEW.box(replace(CAMERA, width=400))


@pytest.mark.parametrize("change", [{"width": 0}, {"fy": 0.0}])
def test_intrinsics_must_be_positive(change: dict[str, float]) -> None:
    with pytest.raises(DataError, match="positive"):
        replace(CAMERA, **change)  # type: ignore[arg-type]


# --- kernels ---


def noise(seed: int, height: int, width: int) -> U8:
    return np.random.default_rng(seed).integers(0, 256, (height, width, 3), dtype=np.uint8)


def test_area_of_an_integer_factor_is_the_mean_of_the_blocks() -> None:
    image = noise(0, 12, 16)
    small = resample(image, (0, 16), (0, 12), (4, 3), kernel="area")
    blocks = image.reshape(3, 4, 4, 4, 3).mean(axis=(1, 3))
    np.testing.assert_allclose(small, blocks, atol=0.51)


def test_area_of_a_fraction_weighs_what_a_pixel_covers() -> None:
    image = np.zeros((1, 3, 3), dtype=np.uint8)
    image[0, 1] = 240
    small = resample(image, (0, 3), (0, 1), (2, 1), kernel="area")
    assert small[0, :, 0].tolist() == [80, 80], "a third of each output pixel"


@pytest.mark.parametrize("kernel", ["area", "lanczos3"])
def test_an_image_of_the_same_size_is_unchanged(kernel: str) -> None:
    image = noise(1, 9, 11)
    same = resample(image, (0, 11), (0, 9), (11, 9), kernel=kernel)  # type: ignore[arg-type]
    np.testing.assert_array_equal(same, image)


@pytest.mark.parametrize("kernel", ["area", "lanczos3"])
def test_a_flat_image_stays_flat(kernel: str) -> None:
    image = np.full((30, 40, 3), 137, dtype=np.uint8)
    small = resample(image, (3.3, 36.1), (2.2, 27.9), (7, 5), kernel=kernel)  # type: ignore[arg-type]
    assert (small == 137).all()


def test_lanczos_is_pillows() -> None:
    """Away from black and white: Pillow also cuts to 0..255 between columns and rows."""
    pil = pytest.importorskip("PIL.Image")
    image = 64 + noise(2, 48, 64) // 2
    for size in ((17, 13), (32, 24), (96, 80)):
        ours = resample(image, (0, 64), (0, 48), size, kernel="lanczos3")
        theirs = np.asarray(pil.fromarray(image).resize(size, pil.Resampling.LANCZOS))
        assert np.abs(ours.astype(int) - theirs).max() <= 1


def test_leading_dimensions_are_a_batch() -> None:
    images = np.stack([noise(3, 12, 16), noise(4, 12, 16)])
    together = resample(images, (0, 16), (0, 12), (5, 4), kernel="lanczos3")
    assert together.shape == (2, 4, 5, 3)
    alone = resample(images[1], (0, 16), (0, 12), (5, 4), kernel="lanczos3")
    np.testing.assert_allclose(together[1].astype(int), alone.astype(int), atol=1)
