"""Pinhole cameras: calibration, projection, and the view that the models look through.

A `View` is a virtual pinhole camera at the same place with its own size and focal length.
Seeing through it is a crop and a resize of the real image, exact because the two cameras share
their centre. Every image a model ever meets goes through the same `View`, whether it came from
the D435 at 640x480, from the lockstep environment at 64x64 or from imagination.
"""

import hashlib
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from wvl_models.contract.errors import DataError
from wvl_models.contract.observation import U8
from wvl_models.contract.pose import Pose
from wvl_models.contract.rotation import F64, rotate

F32 = NDArray[np.float32]

_VIEW_SUFFIX = "/view"
"""Marks calibrations whose image is the models' view."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Intrinsics:
    """Pinhole intrinsics in pixels; pixel centres lie at half-integers (x = 0 is the left edge)."""

    width: int
    height: int
    fx: float
    fy: float
    cx: float
    cy: float

    def __post_init__(self) -> None:
        if self.width < 1 or self.height < 1 or self.fx <= 0 or self.fy <= 0:
            raise DataError(f"intrinsics need a positive size and focal length, got {self}.")


@dataclass(frozen=True, kw_only=True, slots=True)
class CameraCalibration:
    """A calibrated fixed camera. Lens distortion is removed before frames get here."""

    name: str
    intrinsics: Intrinsics
    base_T_camera: Pose
    """Pose of `camera_color_optical_frame` (z forward, x right, y down) in `base`."""

    @property
    def calibration_id(self) -> str:
        """Twelve hex digits of the content: two calibrations with one id are the same."""
        numbers = [
            *(float(getattr(self.intrinsics, n)) for n in Intrinsics.__dataclass_fields__),
            *self.base_T_camera.position_m.tolist(),
            *self.base_T_camera.quaternion_xyzw.tolist(),
        ]
        text = self.name + "".join(f"|{value:.9g}" for value in numbers)
        return hashlib.sha256(text.encode()).hexdigest()[:12]

    def project(self, points_m: F64) -> F64:
        """Pixels [..., 2] of points [..., 3] in `base`; NaN for points behind the camera."""
        camera_T_base = self.base_T_camera.inverse()
        local = rotate(camera_T_base.quaternion_xyzw, points_m) + camera_T_base.position_m
        depth = np.where(local[..., 2:] > 1e-6, local[..., 2:], np.nan)
        k = self.intrinsics
        return np.concatenate(
            [k.fx * local[..., :1] / depth + k.cx, k.fy * local[..., 1:2] / depth + k.cy], axis=-1
        )


@dataclass(frozen=True, kw_only=True, slots=True)
class View:
    """The virtual pinhole camera that models look through."""

    intrinsics: Intrinsics

    def box(self, camera: Intrinsics) -> tuple[float, float, float, float]:
        """Left, top, right, bottom of the view in the pixels of `camera`.

        Raises DataError where the view reaches beyond the camera's image.
        """
        v = self.intrinsics
        left = camera.cx - v.cx * camera.fx / v.fx
        top = camera.cy - v.cy * camera.fy / v.fy
        right = left + v.width * camera.fx / v.fx
        bottom = top + v.height * camera.fy / v.fy
        slack = 1e-3
        if (
            left < -slack
            or top < -slack
            or right > camera.width + slack
            or (bottom > camera.height + slack)
        ):
            raise DataError(
                f"the model's view needs pixels {left:.0f}..{right:.0f} x {top:.0f}..{bottom:.0f} "
                f"of a camera that has {camera.width}x{camera.height}; choose a smaller view or "
                "move the camera back."
            )
        return left, top, right, bottom

    def through(self, rgb: U8, camera: Intrinsics) -> U8:
        """The image [..., H, W, 3] of `camera` as this view sees it, antialiased."""
        if camera == self.intrinsics:
            return rgb
        left, top, right, bottom = self.box(camera)
        out = self.intrinsics
        return resample(rgb, (left, right), (top, bottom), (out.width, out.height), kernel="area")

    def of(self, calibration: CameraCalibration) -> CameraCalibration:
        """This view as a camera of its own: same pose, the view's intrinsics."""
        name = calibration.name.removesuffix(_VIEW_SUFFIX) + _VIEW_SUFFIX
        return replace(calibration, name=name, intrinsics=self.intrinsics)


def resample(
    rgb: U8,
    x_range: tuple[float, float],
    y_range: tuple[float, float],
    size: tuple[int, int],
    *,
    kernel: Literal["area", "lanczos3"],
) -> U8:
    """Crop to the ranges (pixels) and resize to (width, height) with an antialiasing kernel.

    `area` averages what each output pixel covers (what a supersampling renderer does too);
    `lanczos3` widens its support when shrinking, the rule of PIL and of TensorFlow's
    `antialias=True`. Separable, in float32, rounded to uint8.
    """
    columns = _weights(rgb.shape[-2], x_range[0], x_range[1], size[0], kernel)
    rows = _weights(rgb.shape[-3], y_range[0], y_range[1], size[1], kernel)
    narrow = np.einsum("vw,...hwc->...hvc", columns, rgb.astype(np.float32), optimize=True)
    small = np.einsum("uh,...hvc->...uvc", rows, narrow, optimize=True)
    return np.clip(np.rint(small), 0, 255).astype(np.uint8)


@lru_cache(maxsize=64)
def _weights(num_in: int, start: float, stop: float, num_out: int, kernel: str) -> F32:
    """[num_out, num_in] rows that sum to 1."""
    scale = (stop - start) / num_out
    if kernel == "area":
        edges = start + np.arange(num_out + 1) * scale
        low = np.maximum(edges[:-1, None], np.arange(num_in))
        high = np.minimum(edges[1:, None], np.arange(num_in) + 1)
        weights = np.clip(high - low, 0.0, None)
    else:
        centres = start + (np.arange(num_out) + 0.5) * scale
        distance = (np.arange(num_in) + 0.5 - centres[:, None]) / max(scale, 1.0)
        weights = _lanczos3(np.abs(distance))
    weights = (weights / weights.sum(axis=1, keepdims=True)).astype(np.float32)
    weights.setflags(write=False)
    return weights


def _lanczos3(distance: F64) -> F64:
    return np.where(distance < 3.0, np.sinc(distance) * np.sinc(distance / 3.0), 0.0)
