"""Write a restored image as a DNG, whose white balance and exposure can still be changed.

A network from raw to raw gives a mosaic, which is written as a camera writes one. Another network's image
is converted back to what the camera's sensor would have recorded without a mosaic: the tone curve is
inverted, then the colour matrix and the white balance. A raw developer that applies them again shows the same
image; colours outside the camera's gamut clip.
"""

from __future__ import annotations

from io import BytesIO
from typing import TYPE_CHECKING, Any

import imagecodecs
import numpy as np
import tifffile

from llpacknet.raw.dng import fractions, mosaic_tags, write_mosaic

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from llpacknet.raw.dng import Tag
    from llpacknet.raw.frame import RawFrame

_WHITE = 65535
_BYTE, _ASCII, _SHORT, _LONG, _RATIONAL, _SRATIONAL = 1, 2, 3, 4, 5, 10
_LINEAR_RAW = 34892
_ORIENTATION = 274
# LibRaw's code of how a frame is to be turned, to TIFF's.
_ORIENTATIONS = {0: 1, 3: 3, 5: 8, 6: 6}
_UNIQUE_CAMERA: Tag = (50708, _ASCII, 0, "llbench restoration", True)
_LOSSLESS_JPEG = 7
# Rows that are converted at once: the working copies stay small beside the image.
_ROWS = 256


def bayer_dng(frame: RawFrame, tags: dict[int, tuple[int, Any]]) -> bytes:
    """Return the bytes of a DNG with a frame's mosaic, with its own levels and colours.

    Args:
        frame: the raw frame in the sensor's orientation; a tag says how to rotate it.
        tags: as for `linear_dng`.
    """
    levels = mosaic_tags(
        frame.black, frame.white, frame.white_balance[[0, 1, 3]], frame.xyz_to_camera, "RGGB"
    )
    turned = tags | {_ORIENTATION: (_SHORT, _ORIENTATIONS.get(frame.flip, 1))}
    stream = BytesIO()
    write_mosaic(stream, frame.mosaic, [_UNIQUE_CAMERA, *levels, *_further(turned)])
    return stream.getvalue()


def linear_dng(image: NDArray[np.uint16], frame: RawFrame, tags: dict[int, tuple[int, Any]]) -> bytes:
    """Return the bytes of a DNG with photometric interpretation LinearRaw.

    Args:
        image: (H, W, 3) uint16, sRGB primaries and BT.709 tone curve, 65535 white, upright.
        frame: the raw frame that was restored, for its white balance and colour matrix.
        tags: further TIFF tags: code → (type, value), as ASCII text or a fraction of two whole numbers.
    """
    camera = camera_light(image, frame)
    # One strip of three interleaved colours, predicted from the neighbour on the left.
    strip = imagecodecs.jpeg8_encode(
        camera, lossless=True, bitspersample=16, colorspace="rgb", outcolorspace="rgb", predictor=1
    )
    stream = BytesIO()
    with tifffile.TiffWriter(stream, byteorder="<") as tiff:
        tiff.write(
            iter([bytes(strip)]),
            shape=camera.shape,
            dtype=np.uint16,
            photometric=_LINEAR_RAW,
            planarconfig="contig",
            compression=_LOSSLESS_JPEG,
            rowsperstrip=len(camera),
            software="llbench",
            subfiletype=0,
            metadata=None,
            extratags=[*_colour_tags(frame), *_further(tags)],
        )
    return stream.getvalue()


def camera_light(image: NDArray[np.uint16], frame: RawFrame) -> NDArray[np.uint16]:
    """(H, W, 3) uint16 image → (H, W, 3) uint16 linear camera RGB before white balance, white at 65535."""
    linear = _linear_of_code().astype(np.float32)
    balance = frame.white_balance[[0, 1, 3]]
    # LibRaw scales so that the smallest multiplier is 1: then white clips where the first colour does.
    to_camera = np.diag(balance.min() / balance) @ np.linalg.inv(frame.color_matrix)
    matrix = (to_camera.T * _WHITE).astype(np.float32)
    camera = np.empty(image.shape, np.uint16)
    for top in range(0, len(image), _ROWS):
        light = linear[image[top : top + _ROWS]] @ matrix
        camera[top : top + _ROWS] = np.rint(np.clip(light, 0, _WHITE))
    return camera


def _linear_of_code() -> NDArray[np.float64]:
    """Linear light of every 16-bit code under BT.709's curve, as rawpy draws it by default."""
    code = np.arange(_WHITE + 1) / _WHITE
    curved = ((code + 0.0993) / 1.0993) ** 2.222
    return np.where(code < 4.5 * 0.018054, code / 4.5, curved)


def _colour_tags(frame: RawFrame) -> list[Tag]:
    neutral = frame.white_balance[1] / frame.white_balance[[0, 1, 3]]
    return [
        (50706, _BYTE, 4, bytes((1, 4, 0, 0)), True),  # DNGVersion
        (50707, _BYTE, 4, bytes((1, 1, 0, 0)), True),  # DNGBackwardVersion
        _UNIQUE_CAMERA,
        (50717, _LONG, 3, (_WHITE,) * 3, True),  # WhiteLevel
        (50721, _SRATIONAL, 9, fractions(frame.xyz_to_camera.ravel(), 1_000_000), True),  # ColorMatrix1
        (50728, _RATIONAL, 3, fractions(neutral, 10_000_000), True),  # AsShotNeutral
        (50778, _SHORT, 1, 21, True),  # CalibrationIlluminant1: D65
    ]


def _further(tags: dict[int, tuple[int, Any]]) -> list[Tag]:
    return [(code, kind, 0 if kind == _ASCII else 1, value, True) for code, (kind, value) in tags.items()]
