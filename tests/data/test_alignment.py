"""A known shift between a long and a noisy short exposure is measured, and none where there is none."""

import numpy as np
import pytest
from scipy.ndimage import gaussian_filter

from bench.data.folder.alignment import measure_shift, outline
from llpacknet.raw.dng import A7S2_XYZ_TO_CAMERA
from llpacknet.raw.frame import RawFrame
from llpacknet.raw.read import color_matrix

HEIGHT, WIDTH, MARGIN = 712, 1064, 16


@pytest.fixture(scope="module")
def light():
    """A scene larger than the frame: blobs of several sizes, a few of them much brighter than the rest."""
    noise = np.random.default_rng(0).standard_normal((HEIGHT + 2 * MARGIN, WIDTH + 2 * MARGIN))
    smooth = [gaussian_filter(noise, sigma) for sigma in (4, 16, 60)]
    scene = np.exp(sum(layer / layer.std() for layer in smooth) * 0.5)
    return scene / scene.mean()


def frame(light, level, shift, seed, read_noise=2.0, dn_per_electron=0.2):
    """Mean `level` DN above black, the content moved down and right by `shift` mosaic pixels."""
    rows, columns = (
        slice(MARGIN - move, MARGIN - move + side) for move, side in zip(shift, (HEIGHT, WIDTH), strict=True)
    )
    rng = np.random.default_rng(seed)
    electrons = rng.poisson(light[rows, columns] * level / dn_per_electron)
    mosaic = 512 + dn_per_electron * electrons + rng.normal(0, read_noise, (HEIGHT, WIDTH))
    return RawFrame(
        mosaic=np.clip(np.rint(mosaic), 0, 16383).astype(np.uint16),
        black=np.full(4, 512.0),
        white=16383,
        white_balance=np.ones(4),
        color_matrix=color_matrix(A7S2_XYZ_TO_CAMERA),
        xyz_to_camera=A7S2_XYZ_TO_CAMERA,
    )


@pytest.mark.parametrize("level", [20.0, 5.0, 2.0])
@pytest.mark.parametrize("shift", [(0, 0), (6, -4), (-14, 10)])
def test_a_shift_is_found_to_a_pixel(light, level, shift):
    long, scale = outline(frame(light, level * 200, (0, 0), 1), 1.0)
    short, _ = outline(frame(light, level, shift, 2), 200.0)
    assert measure_shift(long, short, scale) == pytest.approx(shift, abs=1.5)


def test_pure_noise_measures_nothing(light):
    long, scale = outline(frame(light, 1000, (0, 0), 1), 1.0)
    dark = np.ones_like(light)
    measured = [
        measure_shift(long, outline(frame(dark, 0.1, (0, 0), seed, read_noise=20), 300.0)[0], scale)
        for seed in range(8)
    ]
    assert measured.count(None) >= 7


def test_an_outline_at_full_resolution_spans_8_pixels():
    image, scale = outline(frame(np.ones((HEIGHT + 32, WIDTH + 32)), 100, (0, 0), 0), 1.0)
    assert (HEIGHT // scale, WIDTH // scale) == image.shape
    assert scale == 8
    assert 0 <= image.min() <= image.max() <= 1
