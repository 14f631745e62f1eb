"""Single frames as PNG or JPEG bytes. Foreign bytes are measured before they are decoded."""

import io

import numpy as np
from PIL import Image

from wvl_models.contract.errors import DataError
from wvl_models.contract.observation import U8

_MAX_PICTURE_BYTES = 64 << 20
"""A raw 4K frame has 25 MB."""

_JPEG_QUALITY = 90


def encode_png(rgb: U8) -> bytes:
    """A frame [H, W, 3] without loss; level 1, because the others gain little on camera noise."""
    data = io.BytesIO()
    Image.fromarray(rgb).save(data, "PNG", compress_level=1)
    return data.getvalue()


def encode_jpeg(rgb: U8) -> bytes:
    """A frame [H, W, 3] at quality 90."""
    data = io.BytesIO()
    Image.fromarray(rgb).save(data, "JPEG", quality=_JPEG_QUALITY)
    return data.getvalue()


def decode_picture(data: bytes, shape: tuple[int, int]) -> U8:
    """PNG or JPEG bytes as [H, W, 3]; DataError unless they are a picture of that `shape`."""
    if len(data) > _MAX_PICTURE_BYTES:
        raise DataError(f"a picture of {len(data)} bytes; at most {_MAX_PICTURE_BYTES} are read")
    try:
        with Image.open(io.BytesIO(data), formats=("PNG", "JPEG")) as picture:
            if (picture.height, picture.width) != shape:
                raise DataError(
                    f"a picture of {picture.width}x{picture.height} where "
                    f"{shape[1]}x{shape[0]} are announced"
                )
            return np.asarray(picture.convert("RGB"))
    except (OSError, SyntaxError, Image.DecompressionBombError) as error:
        raise DataError(f"a picture cannot be decoded: {error}") from error
