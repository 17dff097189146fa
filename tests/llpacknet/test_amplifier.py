"""The amplifier's histogram is numpy's, edge by edge."""

import numpy as np
import pytest
import torch
import torch.nn.functional as F

from llpacknet.amplifier import ConvAmplifier, HistogramAmplifier, histogram_edges, raw_histogram

EXACT_EDGES = (2.0 ** np.linspace(0, 8, 64) - 1) / 255


def neighbours(values):
    """Each value as float32, and the float32 numbers around it."""
    centre = values.astype(np.float32)
    return np.concatenate([centre, np.nextafter(centre, np.float32(2)), np.nextafter(centre, np.float32(-1))])


@pytest.mark.parametrize("seed", [0, 1])
def test_counts_are_numpys(seed):
    random = np.random.RandomState(seed)
    mosaic = (random.rand(2, 1, 64, 48) ** 3 * 1.2).astype(np.float32)
    found = raw_histogram(torch.from_numpy(mosaic), histogram_edges())
    for image, counts in zip(mosaic, found, strict=True):
        expected = np.histogram(image.astype(np.float64), bins=EXACT_EDGES)[0] / image.size
        np.testing.assert_allclose(counts.numpy(), expected, rtol=1e-6)


def test_pixels_on_the_edges_fall_where_numpy_puts_them():
    pixels = neighbours(EXACT_EDGES)
    mosaic = torch.from_numpy(pixels).view(1, 1, 12, 16)
    expected = np.histogram(pixels.astype(np.float64), bins=EXACT_EDGES)[0]
    found = raw_histogram(mosaic, histogram_edges())[0] * pixels.size
    np.testing.assert_allclose(found.numpy(), expected, atol=1e-3)


def test_half_precision_keeps_the_edges():
    mosaic = torch.full((1, 1, 16, 16), 0.25)
    gain = HistogramAmplifier()
    narrow = HistogramAmplifier()
    narrow.load_state_dict(gain.state_dict())
    assert narrow.bfloat16()(mosaic.bfloat16()).dtype == torch.bfloat16
    assert narrow(mosaic.bfloat16()).item() == pytest.approx(gain(mosaic).item(), abs=0.02)


@pytest.mark.parametrize("amplifier", [HistogramAmplifier, ConvAmplifier])
def test_autocast_leaves_the_gain_in_full_precision(amplifier):
    torch.manual_seed(1)
    module = amplifier()
    mosaic = torch.rand(2, 1, 32, 48) / 300
    with torch.autocast("cpu", torch.bfloat16):
        gain = module(mosaic)
        assert F.linear(mosaic, torch.ones(1, 48)).dtype == torch.bfloat16
    assert gain.dtype == torch.float32
    assert torch.equal(gain, module(mosaic))
