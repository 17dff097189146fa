"""Forward model of a Sony A7S II: linear light to the digital numbers of a dark raw, and colour both ways.

How much noise there is at an ISO says a table, see `noise_table`: photon noise with K digital numbers per
electron, read noise, one offset per row.

All functions are plain numpy and take any shape, a patch as well as a frame. Logarithms and powers are taken
in float64 and rounded afterwards, so that the last bits of a processor's mathematics library have no effect.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from llpacknet.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

BLACK = 512
WHITE = 16383
# Digital numbers between black and saturation: what 1.0 of a linear mosaic stands for.
SPAN = WHITE - BLACK

# Pixels that are exposed at a time: counts of photons come as 64-bit integers, which for a whole frame are
# 97 MB of fresh pages.
AT_A_TIME = 1 << 17

# By how much the black level of a frame is off, least and most: the range of PMN's calibration of it.
# That offsets are uniform over it, one a frame, is this suite's choice.
BLACK_OFFSETS = (-2.0, 2.9)

# The first ISO of the sensor's second conversion gain (1600 is the last one of the first).
GAIN_SWITCH_ISO = 2000

WB_RED = (1.80, 2.09, 2.74)
# Camera white-balance multipliers (green is 1) over SID's test scenes: least, median, largest.
WB_BLUE = (1.89, 2.43, 2.93)

# White-balanced camera RGB to linear sRGB; each row sums to 1.
CAMERA_TO_SRGB: NDArray[np.float64] = np.array(
    [
        [1.9712269, -0.6789218, -0.2923051],
        [-0.2910482, 1.748401, -0.4573529],
        [0.0205128, -0.5380369, 1.5175241],
    ]
)

SRGB_TO_CAMERA: NDArray[np.float64] = np.linalg.inv(CAMERA_TO_SRGB).astype(np.float64)

ReadNoise = Literal["gaussian", "tukey-lambda"]

# rawpy's default tone curve, BT.709: v = 4.5 l below the knee, else (1 + a) l^(1/2.222) - a.
_KNEE = 0.018054
_OFFSET = 0.0993
_POWER = 2.222


@dataclass(frozen=True)
class NoiseParameters:
    """Noise of the camera at one ISO, in digital numbers of 14 bits.

    Attributes:
        iso: the ISO setting.
        gain: K, digital numbers per electron.
        read_sigma: standard deviation of Gaussian read noise.
        tukey_lambda: shape of the Tukey-lambda distribution fitted to the same noise; None where none was.
        tukey_scale: its scale; None where there is no shape.
        row_sigma: standard deviation of the offset that each row carries.
        black_error: difference of the true black level from 512.
    """

    iso: float
    gain: float
    read_sigma: float
    tukey_lambda: float | None
    tukey_scale: float | None
    row_sigma: float
    black_error: float = 0.0


def read_noise(
    shape: tuple[int, ...], noise: NoiseParameters, rng: np.random.Generator, kind: ReadNoise = "gaussian"
) -> NDArray[np.float32]:
    """Read noise of `shape` in digital numbers, without the row offsets.

    Raises:
        InputError: for Tukey-lambda noise of a camera of which it is not known.
    """
    if kind == "gaussian":
        return rng.standard_normal(shape, dtype=np.float32) * np.float32(noise.read_sigma)
    if noise.tukey_lambda is None or noise.tukey_scale is None:
        raise InputError(
            "the camera's table has no Tukey-lambda columns: take gaussian read noise, or a table with them"
        )
    # The largest double below 1 keeps the quantile finite; 0 is excluded in the same way.
    p = np.clip(rng.random(shape), 2.0**-53, 1 - 2.0**-53)
    shape_parameter = noise.tukey_lambda
    if abs(shape_parameter) < 1e-6:
        quantile = np.log(p / (1 - p))
    else:
        quantile = (p**shape_parameter - (1 - p) ** shape_parameter) / shape_parameter
    return (noise.tukey_scale * quantile).astype(np.float32)


def expose(
    clean: NDArray[np.floating[Any]],
    ratio: float,
    noise: NoiseParameters,
    rng: np.random.Generator,
    kind: ReadNoise = "gaussian",
) -> NDArray[np.uint16]:
    """One noisy exposure of a clean mosaic.

    Args:
        clean: (..., H, W) linear light as the long exposure sees it: 0 black, 1 saturation, brighter allowed.
        ratio: how many times shorter this exposure is; 1 for the long exposure itself.
        noise: the camera's noise at its ISO.
        rng: source of randomness; the same state gives the same frame.
        kind: distribution of the read noise.

    Returns:
        (..., H, W) uint16 digital numbers: 512 + K Poisson(light / (ratio K)) + read noise + one offset per
        row, rounded to the nearest integer and clipped to [0, 16383].
    """
    rows = np.asarray(clean).reshape(-1, clean.shape[-1])
    frame, digital = np.empty(rows.shape, np.float32), np.empty(rows.shape, np.uint16)
    count = max(1, AT_A_TIME // rows.shape[1])
    bands = [slice(top, top + count) for top in range(0, len(rows), count)]
    # Three times down the frame: all photons are drawn first, then all read noise, then the rows' offsets.
    for band in bands:
        electrons = np.maximum(rows[band], 0, dtype=np.float32) * np.float32(SPAN / (ratio * noise.gain))
        frame[band] = rng.poisson(electrons)
        frame[band] *= np.float32(noise.gain)
    for band in bands:
        frame[band] += read_noise(frame[band].shape, noise, rng, kind)
    offsets = rng.standard_normal((len(rows), 1), dtype=np.float32) * np.float32(noise.row_sigma)
    offsets += np.float32(BLACK + noise.black_error)
    for band in bands:
        frame[band] += offsets[band]
        digital[band] = digitise(frame[band])
    return digital.reshape(clean.shape)


def expose_clean(clean: NDArray[np.floating[Any]], ratio: float = 1.0) -> NDArray[np.uint16]:
    """Like `expose`, for a camera without noise: only rounding and clipping."""
    return digitise(np.asarray(clean, np.float32) * np.float32(SPAN / ratio) + np.float32(BLACK))


def digitise(signal: NDArray[np.float32]) -> NDArray[np.uint16]:
    """Digitise a signal in digital numbers: rounded half to even, clipped to [0, 16383]."""
    return np.clip(np.rint(signal), 0, WHITE).astype(np.uint16)


def with_black_error(noise: NoiseParameters, rng: np.random.Generator, sigma: float) -> NoiseParameters:
    """Return the same noise with a further, normally distributed black-level error of `sigma` DN."""
    return replace(noise, black_error=noise.black_error + float(rng.normal(0.0, sigma)))


def tone(linear: NDArray[np.floating[Any]]) -> NDArray[np.float64]:
    """Apply rawpy's default tone curve (BT.709) to linear values in [0, 1]; any shape, float64."""
    linear = np.asarray(linear, np.float64)
    curved = (1 + _OFFSET) * np.maximum(linear, _KNEE) ** (1 / _POWER) - _OFFSET
    return np.where(linear < _KNEE, 4.5 * linear, curved)


def inverse_tone(value: NDArray[np.floating[Any]]) -> NDArray[np.float64]:
    """Return the linear values in [0, 1] that `tone` turns into `value`; any shape, float64."""
    value = np.asarray(value, np.float64)
    knee = 4.5 * _KNEE
    curved = ((np.maximum(value, knee) + _OFFSET) / (1 + _OFFSET)) ** _POWER
    return np.where(value < knee, value / 4.5, curved)


def linear_from_srgb_photo(photo: NDArray[Any]) -> NDArray[np.float32]:
    """Linear sRGB in [0, 1], float32 (..., 3), of a photograph as rawpy would have rendered it.

    Integer photographs are divided by their type's largest value; floating ones are taken as [0, 1].
    """
    if np.issubdtype(photo.dtype, np.integer):
        top = int(np.iinfo(photo.dtype).max)
        curve = inverse_tone(np.arange(top + 1) / top).astype(np.float32)
        return np.asarray(curve[photo])
    return inverse_tone(photo).astype(np.float32)


def _apply(matrix: NDArray[np.float64], rgb: NDArray[Any]) -> NDArray[np.float32]:
    """`matrix` on the last axis, summed in a fixed order (a BLAS product would differ between processors)."""
    rgb = np.asarray(rgb, np.float32)
    weights = matrix.astype(np.float32)
    out = np.empty(rgb.shape, np.float32)
    for channel in range(3):
        out[..., channel] = (
            weights[channel, 0] * rgb[..., 0]
            + weights[channel, 1] * rgb[..., 1]
            + weights[channel, 2] * rgb[..., 2]
        )
    return out


def camera_from_linear(rgb: NDArray[Any], wb: Sequence[float]) -> NDArray[np.float32]:
    """Camera RGB before white balance, float32 (..., 3), of linear sRGB (..., 3).

    Args:
        rgb: linear sRGB, 1 is display white.
        wb: multipliers of red, green and blue that make grey neutral, green 1; or only red and blue.

    Display white gives green 1, so green saturates first, as in the camera.
    """
    red, blue = float(wb[0]), float(wb[-1])
    return _apply(SRGB_TO_CAMERA / np.array([[red], [1.0], [blue]]), rgb)


def mosaic(camera: NDArray[Any]) -> NDArray[np.float32]:
    """(..., H, W) float32 RGGB plane of camera RGB (..., H, W, 3); H and W even, pixel (0, 0) is red."""
    plane = np.array(camera[..., 1], np.float32)
    plane[..., 0::2, 0::2] = camera[..., 0::2, 0::2, 0]
    plane[..., 1::2, 1::2] = camera[..., 1::2, 1::2, 2]
    return plane


def draw_white_balance(rng: np.random.Generator) -> tuple[float, float]:
    """Draw red and blue multipliers from SID's range; warm light wants little red and much blue."""
    warmth, other = rng.random(2)

    def quantile(range_: tuple[float, float, float], u: float) -> float:
        return float(np.interp(u, (0.0, 0.5, 1.0), range_))

    red = quantile(WB_RED, warmth)
    blue = quantile(WB_BLUE, 0.75 * (1 - warmth) + 0.25 * other)
    return round(red, 4), round(blue, 4)
